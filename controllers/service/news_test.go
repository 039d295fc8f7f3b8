// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	update "sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// announced returns the Service as it is after its condition Announced was written.
func announced(svc *corev1.Service, version string) *corev1.Service {
	svc = svc.DeepCopy()
	svc.ResourceVersion = version
	meta.SetStatusCondition(&svc.Status.Conditions, metav1.Condition{Type: v1beta1.ConditionAnnounced, Status: metav1.ConditionTrue, Reason: "Announced", Message: version})
	return svc
}

func TestOnlyNewsOfTheRequestAreAReasonToLookAtAService(t *testing.T) {
	t.Parallel()
	before := announced(version(builder.MakeService("web").Holds("a", "192.0.2.1"), "9"), "9")
	tests := map[string]struct {
		change func(*corev1.Service)
		want   bool
	}{
		"the condition Announced": {change: func(*corev1.Service) {}},
		"no condition Announced": {change: func(svc *corev1.Service) {
			meta.RemoveStatusCondition(&svc.Status.Conditions, v1beta1.ConditionAnnounced)
		}},
		"nothing, a resync": {change: func(svc *corev1.Service) { svc.ResourceVersion = before.ResourceVersion }, want: true},
		"a label":           {change: func(svc *corev1.Service) { metav1.SetMetaDataLabel(&svc.ObjectMeta, "tier", "x") }, want: true},
		"an annotation":     {change: func(svc *corev1.Service) { svc.Annotations[v1beta1.AnnotationAllowSharedIP] = "k" }, want: true},
		"the spec":          {change: func(svc *corev1.Service) { svc.Spec.Ports[0].Port++ }, want: true},
		"the addresses":     {change: func(svc *corev1.Service) { svc.Status.LoadBalancer.Ingress = nil }, want: true},
		"the condition Allocated": {change: func(svc *corev1.Service) {
			meta.SetStatusCondition(&svc.Status.Conditions, metav1.Condition{Type: v1beta1.ConditionAllocated, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonIPAllocated})
		}, want: true},
		"the deletion":                {change: func(svc *corev1.Service) { svc.DeletionTimestamp = &metav1.Time{} }, want: true},
		"another Service of the name": {change: func(svc *corev1.Service) { svc.UID = "other" }, want: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after := announced(before, "10")
			tc.change(after)
			if got := new(Reconciler).matters(update.UpdateEvent{ObjectOld: before, ObjectNew: after}); got != tc.want {
				t.Errorf("it is looked at: %t, want %t", got, tc.want)
			}
		})
	}
}

// A write is refused because the condition Announced was written: that version has to be looked at, whether it comes into the cache
// before the answer to the write or after it.
func TestTheVersionThatAWriteIsRefusedForIsLookedAt(t *testing.T) {
	t.Parallel()
	before := version(builder.MakeService("web"), "9")
	after := announced(before, "10")
	for name, early := range map[string]bool{"it comes before the answer": true, "it comes after the answer": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r *Reconciler
			next := makeClient(t, interceptor.Funcs{}, after)
			refuse := func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
				if early {
					r.Client = next
				}
				return apierrors.NewConflict(schema.GroupResource{Resource: "services"}, web.Name, nil)
			}
			live := makeClient(t, interceptor.Funcs{}, before)
			r, queue := makeReconciler(t, makeClient(t, interceptor.Funcs{SubResourcePatch: refuse}, before), live)
			reconcile(t, r)
			if got, want := queue.Len(), map[bool]int{true: 1}[early]; got != want {
				t.Errorf("%d services are to be looked at, want %d", got, want)
			}
			update := update.UpdateEvent{ObjectOld: before, ObjectNew: after}
			if !r.matters(update) {
				t.Error("the version is not looked at when it comes")
			}
			r.Client = next
			reconcile(t, r)
			if r.matters(update) {
				t.Error("such a version is looked at though nobody waits for it")
			}
		})
	}
}

func TestAVersionThatIsOlderThanTheReconcilersOwnIsFollowedByALook(t *testing.T) {
	t.Parallel()
	old, now := version(builder.MakeService("web"), "9"), announced(version(builder.MakeService("web").Holds("a", "192.0.2.7"), "10"), "10")
	r, _ := makeReconciler(t, makeClient(t, interceptor.Funcs{}, old), makeClient(t, interceptor.Funcs{}, now))
	reconcile(t, r)
	if !r.matters(update.UpdateEvent{ObjectOld: old, ObjectNew: announced(old, "10")}) {
		t.Error("the version that was replayed is not looked at when it comes")
	}
}
