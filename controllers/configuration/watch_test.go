// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
)

func TestAnObjectHasChangedIfItMeansSomethingElse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*v1beta1.IPAddressPool)
		want bool
	}{
		"its spec":              {func(p *v1beta1.IPAddressPool) { p.Generation++ }, true},
		"its labels":            {func(p *v1beta1.IPAddressPool) { p.Labels = map[string]string{"zone": "b"} }, true},
		"another object":        {func(p *v1beta1.IPAddressPool) { p.UID = "another" }, true},
		"the override":          {func(p *v1beta1.IPAddressPool) { p.Annotations = allow("true") }, true},
		"no override":           {func(p *v1beta1.IPAddressPool) { p.Annotations = allow("no") }, false},
		"its status":            {func(p *v1beta1.IPAddressPool) { p.Status.AssignedIPv4++ }, false},
		"nothing that is known": {func(p *v1beta1.IPAddressPool) { p.ResourceVersion = "2" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was := &v1beta1.IPAddressPool{}
			was.UID, was.Labels = "one", map[string]string{"zone": "a"}
			is := was.DeepCopy()
			tc.edit(is)
			if got := changed(event.UpdateEvent{ObjectOld: was, ObjectNew: is}); got != tc.want {
				t.Errorf("changed: %v", got)
			}
		})
	}
}

func allow(value string) map[string]string {
	return map[string]string{v1beta1.AnnotationAllowDisruption: value}
}

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
