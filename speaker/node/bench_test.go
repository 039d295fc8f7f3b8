// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/speaker/policy"
)

// memory reads services, each with one endpoint slice, from maps, as the caches do.
type memory struct {
	services map[client.ObjectKey]*corev1.Service
}

func (m memory) Get(_ context.Context, key client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	svc, found := m.services[key]
	out, ok := o.(*corev1.Service)
	if !found || !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "services"}, key.Name)
	}
	*out = *svc
	return nil
}

func (m memory) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	switch list := list.(type) {
	case *corev1.ServiceList:
		for _, svc := range m.services {
			list.Items = append(list.Items, *svc)
		}
	case *discoveryv1.EndpointSliceList:
		list.Items = []discoveryv1.EndpointSlice{*slice("any", "node-1")}
	}
	return nil
}

// BenchmarkSpeaker shows that what one service costs does not depend on how many there are, and what a start costs.
func BenchmarkSpeaker(b *testing.B) {
	in := policy.Input{
		Node: policy.NodeOf(thisNode()),
		Objects: active.Objects{
			Peers:          []v1beta2.BGPPeer{*peer("one", "192.0.2.1"), *peer("two", "192.0.2.2")},
			Pools:          []v1beta1.IPAddressPool{*pool("large", "10.0.0.0/8")},
			Advertisements: []v1beta1.BGPAdvertisement{*advertisement("everything")},
		},
	}
	p, rejections := policy.Compile(in, nil)
	if len(rejections) > 0 {
		b.Fatal(rejections)
	}
	for _, size := range []int{100, 1000, 10_000} {
		world := memory{services: map[client.ObjectKey]*corev1.Service{}}
		for i := range size {
			svc := service(fmt.Sprint("svc-", i), fmt.Sprintf("10.0.%d.%d", i/256, i%256))
			world.services[client.ObjectKeyFromObject(svc)] = svc
		}
		start := func(b *testing.B) (*node.Speaker, *fakeSessions) {
			b.Helper()
			metrics, err := node.NewMetrics(prometheus.NewRegistry())
			if err != nil {
				b.Fatal(err)
			}
			sessions := newFakeSessions()
			s := node.NewSpeaker(node.Options{
				Node: "node-1", Client: world, Table: sessions.table, Sessions: sessions, Recorder: &events.FakeRecorder{}, Metrics: metrics,
			})
			if err := s.Reconfigure(b.Context(), p); err != nil {
				b.Fatal(err)
			}
			sessions.settle()
			return s, sessions
		}
		b.Run(fmt.Sprintf("start with %d services", size), func(b *testing.B) {
			for b.Loop() {
				start(b)
			}
		})
		b.Run(fmt.Sprintf("change one of %d services", size), func(b *testing.B) {
			s, sessions := start(b)
			changing := service("svc-7", "10.255.255.1")
			key := client.ObjectKeyFromObject(changing)
			one, two := world.services[key], changing
			for b.Loop() {
				one, two = two, one
				world.services[key] = one
				if err := s.Update(b.Context(), key); err != nil {
					b.Fatal(err)
				}
				sessions.settle()
			}
		})
	}
}
