// SPDX-License-Identifier: Apache-2.0

package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/publisher"
)

// Objects returns what the object of a session may be, the preferred one first. The second is for when the name of the first is
// taken: those of node "a" and peer "b-c", and of node "a-b" and peer "c", are the same.
func Objects(node, peer string) []*v1beta1.BGPSessionState {
	full := node + "-" + peer
	names := []string{full, publisher.ObjectName(full, node+"/"+peer)}
	if len(full) > validation.DNS1123SubdomainMaxLength {
		names = names[1:]
	}
	objects := make([]*v1beta1.BGPSessionState, 0, len(names))
	for _, name := range names {
		objects = append(objects, &v1beta1.BGPSessionState{ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{v1beta1.LabelPeer: publisher.Label(peer)},
		}})
	}
	return objects
}
