// SPDX-License-Identifier: Apache-2.0

package withdrawal_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/withdrawal"
	"metallb.io/metallb/test/builder"
)

// threeNodes are a cluster with nodes a, b and c, each with a session with the peer, and a service that has endpoints on a and b.
func threeNodes(services ...*builder.Service) *cluster.Cluster {
	c := &cluster.Cluster{}
	c.Written.Pools = append(c.Written.Pools, *builder.MakePool("pool", "198.51.100.0/24").Obj())
	c.Written.Peers = append(c.Written.Peers, *builder.MakePeer("router", "192.0.2.1").Obj())
	c.Written.Advertisements = append(c.Written.Advertisements, *builder.MakeAdvertisement("all").Obj())
	for _, name := range []string{"a", "b", "c"} {
		c.Nodes = append(c.Nodes, corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}})
		c.Sessions = append(c.Sessions, session(name, "router", ""))
	}
	for _, s := range services {
		svc := s.Obj()
		c.Services = append(c.Services, *svc)
		slice := discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: svc.Namespace, Name: svc.Name, Labels: map[string]string{discoveryv1.LabelServiceName: svc.Name}}, AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}}
		for _, node := range []string{"a", "b"} {
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}, NodeName: new(node)})
		}
		c.AddSlice(&slice)
	}
	return c
}

func TestServicesThatWouldLoseTheirLastRouteAreFound(t *testing.T) {
	t.Parallel()
	web := func() *builder.Service { return builder.MakeService("web").Holds("pool", "198.51.100.1") }
	last := []types.NamespacedName{{Namespace: "default", Name: "web"}}
	down := func(c *cluster.Cluster, nodes ...int) {
		for _, n := range nodes {
			c.Sessions[n].Status.State = v1beta1.SessionActive
		}
	}
	tests := map[string]struct {
		service *builder.Service
		change  func(*cluster.Cluster)
		nodes   []string
		want    withdrawal.Loss
	}{
		"two of three nodes": {service: web(), nodes: []string{"a", "b"}, want: withdrawal.Loss{Announced: 1}},
		"all nodes":          {service: web(), nodes: []string{"a", "b", "c"}, want: withdrawal.Loss{Announced: 1, Last: last}},
		"the policy Local, with endpoints on both": {
			service: web().Local(), nodes: []string{"a", "b"}, want: withdrawal.Loss{Announced: 1, Last: last},
		},
		"the policy Local, with endpoints on another": {service: web().Local(), nodes: []string{"a"}, want: withdrawal.Loss{Announced: 1}},
		"the policy Local, without endpoints there":   {service: web().Local(), nodes: []string{"c"}},
		"others whose sessions are down": {
			service: web(), change: func(c *cluster.Cluster) { down(c, 1, 2) }, nodes: []string{"a"}, want: withdrawal.Loss{Announced: 1, Last: last},
		},
		"a node whose session is down": {service: web(), change: func(c *cluster.Cluster) { down(c, 0) }, nodes: []string{"a"}},
		"others that drain": {
			service: web(), nodes: []string{"a"}, want: withdrawal.Loss{Announced: 1, Last: last},
			change: func(c *cluster.Cluster) {
				c.Nodes[1].Labels = map[string]string{v1beta1.LabelDrain: ""}
				c.Sessions[2] = session("c", "router", v1beta1.ReasonDraining)
			},
		},
		"others without a network": {
			service: web(), nodes: []string{"a"}, want: withdrawal.Loss{Announced: 1, Last: last},
			change: func(c *cluster.Cluster) {
				for i := range c.Nodes[1:] {
					c.Nodes[i+1].Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionTrue}}
				}
			},
		},
		"a service without endpoints": {service: web(), change: func(c *cluster.Cluster) { c.Slices = nil }, nodes: []string{"a", "b", "c"}},
		"a service of another class":  {service: web().Class("example.com/other"), nodes: []string{"a", "b", "c"}},
		"a service without address":   {service: builder.MakeService("web"), nodes: []string{"a", "b", "c"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := threeNodes(tc.service)
			if tc.change != nil {
				tc.change(c)
			}
			if diff := cmp.Diff(tc.want, withdrawal.LossOf(c, tc.nodes)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// BenchmarkTenThousandServices is of what a node of 200 announces.
func BenchmarkTenThousandServices(b *testing.B) {
	services := make([]*builder.Service, 0, 10_000)
	for i := range 10_000 {
		services = append(services, builder.MakeService(fmt.Sprint("s", i)).Holds("pool", fmt.Sprintf("198.51.100.%d", i%256)))
	}
	c := threeNodes(services...)
	for b.Loop() {
		if loss := withdrawal.LossOf(c, []string{"a"}); loss.Announced != len(services) || len(loss.Last) > 0 {
			b.Fatalf("%+v", loss)
		}
	}
}
