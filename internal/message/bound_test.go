// SPDX-License-Identifier: Apache-2.0

package message_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"metallb.io/metallb/internal/message"
)

func TestATextIsCutBetweenCharactersWhereItIsTooLong(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, message.MaxLength - 1, message.MaxLength, message.MaxLength + 1, 2 * message.MaxLength} {
		text := strings.Repeat("ä", n/2) + strings.Repeat("x", n%2)
		got := message.Bound(text)
		switch {
		case n <= message.MaxLength && got != text:
			t.Errorf("a text of %d bytes is changed", n)
		case len(got) > message.MaxLength || !utf8.ValidString(got) || n > message.MaxLength && !strings.HasSuffix(got, "…"):
			t.Errorf("of %d bytes %d are left, which end in %q", n, len(got), got[max(0, len(got)-4):])
		}
	}
}
