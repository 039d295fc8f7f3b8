// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/announcement"
	"metallb.io/metallb/internal/endpoint/endpointtest"
	"metallb.io/metallb/test/builder"
)

func TestAServiceIsAnnouncedIfAProxyForwardsItsConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.node(3)
	for _, n := range w.nodes {
		w.up(n.Name)
	}
	w.set(builder.MakeService("cluster").Holds("a,six", "198.18.0.1", "2001:db8::1").Obj())
	w.set(builder.MakeService("local").Holds("a,six", "198.18.0.2", "2001:db8::2").Local().Obj())
	w.start()
	announced := func(name string) [2]bool {
		_, c, _ := w.Wanted(types.NamespacedName{Namespace: "default", Name: name})
		switch {
		case strings.HasPrefix(c.Message, "198.18.0."):
			return [2]bool{!strings.Contains(c.Message, "198.18.0.1 not:") && !strings.Contains(c.Message, "198.18.0.2 not:"), !strings.Contains(c.Message, "::1 not:") && !strings.Contains(c.Message, "::2 not:")}
		default:
			return [2]bool{c.Status == "True", c.Status == "True"}
		}
	}
	for _, name := range []string{"cluster", "local"} {
		for m := range endpointtest.Mixtures(name) {
			for i := range m.Slices {
				w.setSlice(&m.Slices[i])
			}
			anywhere := func(kind discoveryv1.AddressType) bool {
				local := name == "local"
				return m.Forwards(kind, local, endpointtest.Node) || m.Forwards(kind, local, endpointtest.OtherNode)
			}
			want := [2]bool{anywhere(discoveryv1.AddressTypeIPv4), anywhere(discoveryv1.AddressTypeIPv6)}
			if got := announced(name); got != want {
				t.Fatalf("%s: %s is announced: %v, want %v", m, name, got, want)
			}
			for i := range m.Slices {
				w.DeleteEndpointSlice(&m.Slices[i])
			}
		}
	}
}

func TestSlicesOfHeadlessServicesAreNotKept(t *testing.T) {
	t.Parallel()
	kept := announcement.EndpointSlices().Label
	if !kept.Matches(labels.Set{"kubernetes.io/service-name": "web"}) || kept.Matches(labels.Set{"service.kubernetes.io/headless": ""}) {
		t.Errorf("the cache keeps slices with %s", kept)
	}
}
