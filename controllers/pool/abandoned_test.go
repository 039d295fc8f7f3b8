// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

// rig is a Configuration that sees what is done to the pools, and a service that holds an address of pool a.
type rig struct {
	client.Client

	configuration *Configuration
	handler       deletions
	queue         workqueue.TypedRateLimitingInterface[ctrl.Request]
	request       allocator.Request
}

func newRig(t *testing.T, a *builder.Pool) *rig {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1beta1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	r := &rig{
		Client:  fake.NewClientBuilder().WithScheme(scheme).Build(),
		queue:   workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]()),
		request: allocator.Request{Service: types.NamespacedName{Name: "web"}, Families: []corev1.IPFamily{corev1.IPv4Protocol}},
	}
	t.Cleanup(r.queue.ShutDown)
	r.configuration = NewConfiguration(r, "metallb-system", allocator.New())
	r.handler = deletions{handler.EnqueueRequestsFromMapFunc(toConfiguration), r.configuration}
	r.create(t, a, "1")
	r.load(t)
	result, _ := r.configuration.allocator.Allocate(r.request)
	if result.Addresses()[0] != netip.MustParseAddr("192.0.2.0") {
		t.Fatalf("it holds %v", result.Addresses())
	}
	r.configuration.allocator.Settle(r.request.Service, result.Addresses())
	r.create(t, builder.MakePool("b", "198.51.100.0/24"), "2")
	return r
}

func (r *rig) create(t *testing.T, b *builder.Pool, uid types.UID) {
	t.Helper()
	p := b.Obj()
	p.UID = uid
	if err := r.Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// remove deletes pool a and tells of it.
func (r *rig) remove(t *testing.T, uncertain bool) {
	t.Helper()
	p := &v1beta1.IPAddressPool{}
	if err := r.Get(t.Context(), client.ObjectKey{Namespace: "metallb-system", Name: "a"}, p); err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	r.handler.Delete(t.Context(), event.DeleteEvent{Object: p, DeleteStateUnknown: uncertain}, r.queue)
	if r.queue.Len() != 1 {
		t.Fatalf("the handler makes %d requests, want one", r.queue.Len())
	}
	request, _ := r.queue.Get()
	r.queue.Done(request)
}

func (r *rig) load(t *testing.T) {
	t.Helper()
	if _, err := r.configuration.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) want(t *testing.T, address string) {
	t.Helper()
	result, _ := r.configuration.allocator.Allocate(r.request)
	if got := result.Addresses()[0]; got != netip.MustParseAddr(address) {
		t.Errorf("the service holds %s, want %s", got, address)
	}
}

func TestADeletedPoolIsAbandonedIfItsLastVersionAllowedDisruption(t *testing.T) {
	t.Parallel()
	pool := func() *builder.Pool { return builder.MakePool("a", "192.0.2.0/24") }
	const old, other = "192.0.2.0", "198.51.100.0"
	t.Run("and services move", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, pool().AllowDisruption())
		r.remove(t, false)
		r.load(t)
		r.want(t, other)
	})
	t.Run("though the pools were read between the deletion and its event", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, pool().AllowDisruption())
		p := pool().AllowDisruption().Obj()
		p.UID = "1"
		if err := r.Delete(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		r.load(t)
		r.want(t, old)
		r.handler.Delete(t.Context(), event.DeleteEvent{Object: p}, r.queue)
		r.load(t)
		r.want(t, other)
	})
	t.Run("though the pools were read before the deletion and are judged after its event", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, pool().AllowDisruption())
		p := pool().AllowDisruption().Obj()
		p.UID = "1"
		r.configuration.abandon(p)
		r.load(t)
		r.want(t, old)
		r.remove(t, false)
		r.load(t)
		r.want(t, other)
	})
	t.Run("not if it did not", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, pool())
		r.remove(t, false)
		r.load(t)
		r.want(t, old)
	})
	t.Run("not if that may not have been its last version", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, pool().AllowDisruption())
		r.remove(t, true)
		r.load(t)
		r.want(t, old)
	})
	t.Run("not if another of that name is there", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, pool().AllowDisruption())
		r.remove(t, false)
		r.create(t, builder.MakePool("a", "203.0.113.0/24"), "3")
		r.load(t)
		r.want(t, old)
	})
	t.Run("not if another of that name was there since", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, pool().AllowDisruption())
		r.remove(t, false)
		r.create(t, builder.MakePool("a", "203.0.113.0/24"), "3")
		r.load(t)
		r.remove(t, false)
		r.load(t)
		r.want(t, old)
	})
}
