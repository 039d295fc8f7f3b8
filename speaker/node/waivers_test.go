// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

func TestWaivesOnlyWhatWasMeant(t *testing.T) {
	t.Parallel()
	adv := func(allowed bool, pools ...string) client.Object {
		return &v1beta1.BGPAdvertisement{ObjectMeta: allowing(allowed, nil), Spec: v1beta1.BGPAdvertisementSpec{IPAddressPools: pools}}
	}
	counted := func(allowed bool) client.Object {
		return &v1beta1.BGPAdvertisement{ObjectMeta: allowing(allowed, nil), Status: v1beta1.BGPAdvertisementStatus{NodesIPv4: 1}}
	}
	pool := func(allowed bool, color string) client.Object {
		return &v1beta1.IPAddressPool{ObjectMeta: allowing(allowed, map[string]string{"color": color})}
	}
	tests := map[string]struct {
		before, after client.Object
		want          bool
	}{
		"a change":                              {before: adv(false), after: adv(false, "p")},
		"a change of what allows it":            {before: adv(true), after: adv(true, "p"), want: true},
		"a change that says that it is allowed": {before: adv(false), after: adv(true, "p"), want: true},
		"a change that ends the permission":     {before: adv(true), after: adv(false, "p"), want: true},
		"no more than to allow it":              {before: adv(false), after: adv(true), want: true},
		"no more than to end the permission":    {before: adv(true), after: adv(false)},
		"a change of status":                    {before: adv(true), after: counted(true)},
		"the deletion of what allows it":        {before: adv(true), want: true},
		"a deletion":                            {before: adv(false)},
		"other labels of a pool":                {before: pool(true, "blue"), after: pool(true, "red"), want: true},
		"other labels of a pool, not allowed":   {before: pool(false, "blue"), after: pool(false, "red")},
		"the same labels of a pool":             {before: pool(true, "blue"), after: pool(true, "blue")},
		"the deletion of a pool that allows it": {before: pool(true, "blue"), want: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := waives(tc.before, tc.after); got != tc.want {
				t.Errorf("waives: %t", got)
			}
		})
	}
}

func allowing(allowed bool, labels map[string]string) metav1.ObjectMeta {
	m := metav1.ObjectMeta{Name: "x", Labels: labels}
	if allowed {
		m.Annotations = map[string]string{v1beta1.AnnotationAllowDisruption: "true"}
	}
	return m
}

// What is annotated and deleted at once is gone before anybody looks.
func TestWhatWasMeantIsNotedByTheWatchesAndKeptUntilItIsInForce(t *testing.T) {
	t.Parallel()
	r := &ConfigurationReconciler{Client: failing{}, Speaker: NewSpeaker(Options{Node: "node-1"})}
	passed := 0
	h := r.waivers.watching(handler.Funcs{
		UpdateFunc: func(context.Context, event.UpdateEvent, queue) { passed++ },
		DeleteFunc: func(context.Context, event.DeleteEvent, queue) { passed++ },
	})
	a, p := &v1beta1.BGPAdvertisement{ObjectMeta: allowing(false, nil)}, &v1beta1.IPAddressPool{ObjectMeta: allowing(true, nil)}
	allowed := &v1beta1.BGPAdvertisement{ObjectMeta: allowing(true, nil)}
	h.Update(t.Context(), event.UpdateEvent{ObjectOld: a, ObjectNew: allowed}, nil)
	h.Delete(t.Context(), event.DeleteEvent{Object: allowed}, nil)
	h.Delete(t.Context(), event.DeleteEvent{Object: p}, nil)
	if passed != 3 {
		t.Errorf("%d of 3 events were handled", passed)
	}
	if _, err := r.Reconcile(t.Context(), ctrl.Request{}); !errors.Is(err, errFailing) {
		t.Fatalf("Reconcile: %v", err)
	}
	want := map[policy.Object]bool{{Kind: "BGPAdvertisement", Name: "x"}: true, {Kind: "IPAddressPool", Name: "x"}: true}
	if diff := cmp.Diff(want, r.waivers.take()); diff != "" {
		t.Errorf("waived (-want +got):\n%s", diff)
	}
	if left := r.waivers.take(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A waiver that outlived its change would be taken for one of the next.
func TestWhatWasMeantIsForgottenOnceItIsInForceThoughASessionFails(t *testing.T) {
	t.Parallel()
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	c := reading{node: &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}}
	s := NewSpeaker(Options{Node: "node-1", Client: c, Sessions: closed{}, Metrics: metrics})
	r := &ConfigurationReconciler{Client: c, Speaker: s}
	r.waivers.note(&v1beta1.BGPAdvertisement{ObjectMeta: allowing(true, nil)}, nil)
	if _, err := r.Reconcile(t.Context(), ctrl.Request{}); !errors.Is(err, errFailing) {
		t.Fatalf("Reconcile: %v", err)
	}
	if left := r.waivers.take(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// reading is an API server that has nothing but a node.
type reading struct {
	client.Reader

	node *corev1.Node
}

func (r reading) Get(_ context.Context, _ client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	if n, ok := o.(*corev1.Node); ok {
		*n = *r.node
	}
	return nil
}

func (reading) List(context.Context, client.ObjectList, ...client.ListOption) error { return nil }

// closed are sessions that cannot be configured.
type closed struct{ Sessions }

func (closed) Configure(context.Context, []session.Config, func(string) []rib.Path) error {
	return errFailing
}

// failing is an API server that does not answer.
type failing struct{ client.Reader }

var errFailing = errors.New("no answer")

func (failing) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errFailing
}
