// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/test/builder"
)

func TestAPermissionThatIsNotedWhileASnapshotIsMadeIsForTheNext(t *testing.T) {
	t.Parallel()
	r, _ := makeReconciler(t, nil)
	allowing := builder.MakeAdvertisement("every").AllowDisruption().Obj()
	key := active.KeyOf(allowing)
	r.Tracker.Note(allowing, nil)
	first := r.Tracker.start()
	r.Tracker.Note(allowing, nil)
	r.Tracker.publish(&config.Snapshot{}, first)
	second := r.Tracker.start()
	if !first.keys()[key] || !second.keys()[key] {
		t.Errorf("noted %v, then %v", first, second)
	}
	r.Tracker.publish(&config.Snapshot{}, second)
	if third := r.Tracker.start(); len(third) > 0 {
		t.Errorf("noted still %v", third)
	}
}

func TestAnActiveConfigurationIsDeletedInTheVersionThatWasSeenOnly(t *testing.T) {
	t.Parallel()
	r, _ := makeReconciler(t, nil)
	if _, err := r.Reconcile(t.Context(), ctrl.Request{}); err != nil {
		t.Fatal(err)
	}
	seen := &v1beta1.ActiveConfiguration{}
	if err := r.Client.Get(t.Context(), client.ObjectKey{Namespace: r.Namespace, Name: "community.a"}, seen); err != nil {
		t.Fatal(err)
	}
	newer := seen.DeepCopy()
	newer.Spec.Generation++
	if err := r.Client.Update(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	if err := r.write(t.Context(), config.ActiveChange{Old: seen}); !apierrors.IsConflict(err) {
		t.Errorf("deleting an earlier version: %v", err)
	}
	if err := r.write(t.Context(), config.ActiveChange{Old: newer}); err != nil {
		t.Errorf("deleting the latest version: %v", err)
	}
}
