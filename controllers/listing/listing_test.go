// SPDX-License-Identifier: Apache-2.0

package listing

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/controllers/config"
)

func TestOfANodeIsKeptWhatMatters(t *testing.T) {
	t.Parallel()
	n := &corev1.Node{}
	n.Name, n.Labels, n.Annotations = "node1", map[string]string{"rack": "1"}, map[string]string{"large": "value"}
	n.Status.Images = []corev1.ContainerImage{{SizeBytes: 1}}
	n.Status.Addresses = []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: "192.0.2.1"}, {Type: corev1.NodeHostName, Address: "node1"},
		{Type: corev1.NodeExternalIP, Address: "::ffff:192.0.2.2"},
	}
	stripped, err := StripNode(n)
	if err != nil {
		t.Fatal(err)
	}
	kept, ok := stripped.(*corev1.Node)
	if !ok || kept.Annotations != nil || kept.Status.Images != nil {
		t.Fatalf("got %T, with what does not matter: %v", stripped, stripped)
	}
	want := config.Node{Name: "node1", Labels: labels.Set{"rack": "1"}, Addresses: []netip.Addr{
		netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"),
	}}
	if diff := cmp.Diff(want, NodeOf(kept), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("node (-want +got):\n%s", diff)
	}
	if other, err := StripNode("something else"); err != nil || other != "something else" {
		t.Errorf("what is no node is changed to %v, %v", other, err)
	}
}
