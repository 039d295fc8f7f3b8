// SPDX-License-Identifier: Apache-2.0

package status

import (
	"k8s.io/apimachinery/pkg/util/validation"

	"metallb.io/metallb/speaker/naming"
)

// names returns the names that the object of a session may have, the preferred one first. The second is for when the first is
// taken: those of node "a" and peer "b-c", and of node "a-b" and peer "c", are the same.
func names(node, peer string) []string {
	full := node + "-" + peer
	unambiguous := naming.Object(full, node+"/"+peer)
	if len(full) > validation.DNS1123SubdomainMaxLength {
		return []string{unambiguous}
	}
	return []string{full, unambiguous}
}
