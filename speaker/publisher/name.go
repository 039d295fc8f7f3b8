// SPDX-License-Identifier: Apache-2.0

package publisher

import (
	"crypto/sha256"
	"encoding/hex"

	"k8s.io/apimachinery/pkg/util/validation"
)

// hashLength is the number of characters of a hash in a name: 40 bits, among the objects that have the rest in common.
const hashLength = 10

// ObjectName returns the name of an object: readable, shortened if need be, and behind it a hash of the identity.
func ObjectName(readable, identity string) string {
	return hashed(readable, identity, validation.DNS1123SubdomainMaxLength)
}

// Label returns the value by which objects of the name are labeled: the name itself, unless it is too long.
func Label(name string) string {
	if len(name) <= validation.LabelValueMaxLength {
		return name
	}
	return hashed(name, name, validation.LabelValueMaxLength)
}

func hashed(readable, identity string, length int) string {
	sum := sha256.Sum256([]byte(identity))
	hash := hex.EncodeToString(sum[:])[:hashLength]
	return shorten(readable, length-len(hash)-1) + "-" + hash
}

// shorten cuts the name so that a hyphen may follow: not behind a dot.
func shorten(name string, length int) string {
	name = name[:min(len(name), length)]
	for name[len(name)-1] == '.' || name[len(name)-1] == '-' {
		name = name[:len(name)-1]
	}
	return name
}
