// SPDX-License-Identifier: Apache-2.0

package message

import "unicode/utf8"

// MaxLength is the longest text of a condition or event, in bytes: the limit of events.k8s.io/v1, beyond which an event is
// refused. A condition could be longer, but says the same.
const MaxLength = 1024

// Bound returns the text, or its beginning and an ellipsis if it is longer than MaxLength.
func Bound(text string) string { return Within(text, MaxLength) }

// Within is Bound with a length of its own, in bytes, as where something follows that must not be cut.
func Within(text string, length int) string {
	const ellipsis = "…"
	if len(text) <= length {
		return text
	}
	end := length - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
