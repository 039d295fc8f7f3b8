// SPDX-License-Identifier: Apache-2.0

package service

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/test/builder"
)

func TestAServiceThatIsNewWaitsForNoneThatHadItsAddressAtTheStart(t *testing.T) {
	t.Parallel()
	h := &Hydration{}
	q := h.newQueue("service", workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]())
	t.Cleanup(q.ShutDown)
	named := func(name string) ctrl.Request {
		return ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "default", Name: name}}
	}
	add := func(names ...string) {
		for _, name := range names {
			q.Add(named(name))
		}
	}
	next := func() string {
		r, _ := q.Get()
		q.Done(r)
		return r.Name
	}
	add("held-1", "held-2", "new-1", "held-3")
	for i := range 3 { // They are replayed after they have come into the queue.
		h.backlog.Store(named(fmt.Sprintf("held-%d", i+1)).NamespacedName, nil)
	}
	got := []string{next()}
	add("new-2", "held-1")
	got = append(got, next(), next())
	add("held-1", "new-3") // Of one that was looked at there is news.
	for q.Len() > 0 {
		got = append(got, next())
	}
	if diff := cmp.Diff([]string{"new-1", "new-2", "held-1", "held-1", "new-3", "held-2", "held-3"}, got); diff != "" {
		t.Errorf("the order in which they are looked at (-want +got):\n%s", diff)
	}
}

func TestWhoHoldsAnAddressAtTheStartIsLookedAtLast(t *testing.T) {
	t.Parallel()
	live := makeClient(t, interceptor.Funcs{}, version(builder.MakeService("holds").Holds("a", "192.0.2.1"), "9"), version(builder.MakeService("waits"), "9"))
	r, _ := makeReconciler(t, live, live)
	for name, want := range map[string]bool{"holds": true, "waits": false} {
		if _, got := r.Hydration.backlog.Load(types.NamespacedName{Namespace: "default", Name: name}); got != want {
			t.Errorf("%s is in the backlog: %t", name, got)
		}
	}
}
