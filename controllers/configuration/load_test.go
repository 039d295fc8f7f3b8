// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// If they were not published, services could have addresses of a pool that is then left out of the set in use, for one that appears in the
// same second and comes first by its name.
func TestPoolsThatAreLoadedAreInUseWhateverAppearsNext(t *testing.T) {
	t.Parallel()
	r, _ := makeReconciler(t, nil)
	first := builder.MakePool("first", "192.0.2.0/24").Obj()
	if err := r.Client.Create(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if pools, err := r.Load(t.Context()); err != nil || len(pools) != 1 {
		t.Fatalf("loaded %v, %v", pools, err)
	}
	active := &v1beta1.ActiveConfigurationList{}
	if err := r.Client.List(t.Context(), active); err != nil {
		t.Fatal(err)
	}
	if len(active.Items) != 4 {
		t.Errorf("%d objects are published, of three Communities and a pool", len(active.Items))
	}
	// By its name it would come first.
	another := builder.MakePool("another", "192.0.2.128/25").Obj()
	if err := r.Client.Create(t.Context(), another); err != nil {
		t.Fatal(err)
	}
	next, _, err := r.Tracker.next(t.Context())
	if err != nil || len(next.Pools) != 1 || next.Pools[0].Name != "first" {
		t.Errorf("the pools in use are %v, %v", next.Pools, err)
	}
}

func TestNothingIsLoadedThatAnotherControllerHasJustChanged(t *testing.T) {
	t.Parallel()
	exists := apierrors.NewAlreadyExists(schema.GroupResource{Resource: "activeconfigurations"}, "x")
	for name, tc := range map[string]struct {
		answer error
		want   error
	}{
		"another version is there":   {exists, errNewerVersion},
		"one that cannot be written": {errRefused, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := makeReconciler(t, nil)
			r.Client = interceptor.NewClient(r.Client.(client.WithWatch), interceptor.Funcs{ //nolint:forcetypeassert // it is the fake client
				Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return tc.answer },
			})
			_, err := r.Load(t.Context())
			if loaded := r.Tracker.State().Loaded; !errors.Is(err, tc.want) || loaded != (tc.want == nil) {
				t.Errorf("loaded: %v, %v", loaded, err)
			}
		})
	}
}
