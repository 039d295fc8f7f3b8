// SPDX-License-Identifier: Apache-2.0

package status

import (
	"crypto/sha256"
	"encoding/hex"

	"k8s.io/apimachinery/pkg/util/validation"
)

// hashLength is the number of characters of a hash in a name: 40 bits, among a few thousand names.
const hashLength = 10

// names returns the names that the object of a session may have, the preferred one first. The second is for when the first is
// taken: those of node "a" and peer "b-c", and of node "a-b" and peer "c", are the same.
func names(node, peer string) []string {
	full := node + "-" + peer
	hash := hashOf(node + "/" + peer)
	unambiguous := shorten(full, validation.DNS1123SubdomainMaxLength-len(hash)-1) + "-" + hash
	if len(full) > validation.DNS1123SubdomainMaxLength {
		return []string{unambiguous}
	}
	return []string{full, unambiguous}
}

// label returns the value by which objects of the name are labeled: the name itself, unless it is too long.
func label(name string) string {
	if len(name) <= validation.LabelValueMaxLength {
		return name
	}
	hash := hashOf(name)
	return shorten(name, validation.LabelValueMaxLength-len(hash)-1) + "-" + hash
}

// shorten cuts the name so that a hyphen may follow: not behind a dot.
func shorten(name string, length int) string {
	name = name[:min(len(name), length)]
	for name[len(name)-1] == '.' || name[len(name)-1] == '-' {
		name = name[:len(name)-1]
	}
	return name
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:hashLength]
}
