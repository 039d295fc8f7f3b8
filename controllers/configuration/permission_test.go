// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"context"
	"errors"
	"testing"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/test/builder"
)

// A deletion that an operator allowed is not held back because the API server did not answer once.
func TestAPermissionIsKeptUntilWhatFollowsFromItIsWritten(t *testing.T) {
	t.Parallel()
	r, _ := makeReconciler(t, nil)
	if _, err := r.Reconcile(t.Context(), ctrl.Request{}); err != nil {
		t.Fatal(err)
	}
	a, b := builder.MakeCommunity("a").Obj(), builder.MakeCommunity("b").Obj()
	a.Annotations = map[string]string{"metallb.io/allow-disruption": "true"}
	b.Annotations = a.Annotations
	for _, o := range []client.Object{a, b} {
		if err := r.Client.Delete(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		r.Tracker.Note(o, nil)
	}
	answers := map[string]error{"community.a": errRefused}
	r.Client = interceptor.NewClient(r.Client.(client.WithWatch), interceptor.Funcs{ //nolint:forcetypeassert // it is the fake client
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			if err := answers[o.GetName()]; err != nil {
				return err
			}
			return c.Delete(ctx, o, opts...)
		},
	})
	if _, err := r.Reconcile(t.Context(), ctrl.Request{}); !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	if noted := r.Tracker.start().keys(); !noted[active.KeyOf(a)] || noted[active.KeyOf(b)] {
		t.Errorf("noted still: %v, want that of a", noted)
	}
	delete(answers, "community.a")
	if _, err := r.Reconcile(t.Context(), ctrl.Request{}); err != nil {
		t.Fatal(err)
	}
	if noted := r.Tracker.start(); len(noted) > 0 {
		t.Errorf("noted still: %v", noted)
	}
}
