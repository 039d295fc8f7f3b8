// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	ctrlevent "sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

func TestAVersionOfAServiceIsLookedAtIfSomethingMatters(t *testing.T) {
	t.Parallel()
	condition := func(kind string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: "Any"}
	}
	for name, tc := range map[string]struct {
		change func(*corev1.Service)
		own    bool
		want   bool
	}{
		"nothing": {change: func(*corev1.Service) {}},
		"how it is announced": {change: func(s *corev1.Service) {
			s.Status.Conditions = append(s.Status.Conditions, condition(v1beta1.ConditionAnnounced))
		}},
		"another controller's": {change: func(s *corev1.Service) {
			s.Status.Conditions = append(s.Status.Conditions, condition("example.com/Healthy"))
		}},
		"the condition of addresses":  {change: func(s *corev1.Service) { s.Status.Conditions[0].Status = metav1.ConditionFalse }, want: true},
		"no condition any more":       {change: func(s *corev1.Service) { s.Status.Conditions = nil }, want: true},
		"the addresses":               {change: func(s *corev1.Service) { s.Status.LoadBalancer.Ingress = nil }, want: true},
		"a port":                      {change: func(s *corev1.Service) { s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Port: 443}) }, want: true},
		"a label":                     {change: func(s *corev1.Service) { s.Labels = map[string]string{"a": "b"} }, want: true},
		"an annotation":               {change: func(s *corev1.Service) { s.Annotations = nil }, want: true},
		"it is being deleted":         {change: func(s *corev1.Service) { s.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }, want: true},
		"another of its name":         {change: func(s *corev1.Service) { s.UID = "other" }, want: true},
		"what this reconciler writes": {change: func(s *corev1.Service) { s.Status.LoadBalancer.Ingress = nil }, own: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was := version(builder.MakeService("web").Holds("a", "192.0.2.1"), "9")
			was.Status.Conditions = []metav1.Condition{condition(v1beta1.ConditionAllocated)}
			is := was.DeepCopy()
			is.ResourceVersion = "10"
			tc.change(is)
			r := &Reconciler{}
			if tc.own {
				r.ownWrites.add(is)
			}
			if got := r.matters(ctrlevent.UpdateEvent{ObjectOld: was, ObjectNew: is}); got != tc.want {
				t.Errorf("it matters: %t", got)
			}
		})
	}
}

// The event of the newer version may be none that matters.
func TestAServiceOfWhichThereIsANewerVersionIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	conflict := interceptor.Funcs{SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
		return apierrors.NewConflict(schema.GroupResource{Resource: "services"}, "web", nil)
	}}
	for name, tc := range map[string]struct{ cached, live *corev1.Service }{
		"than the cache has":            {version(builder.MakeService("web"), "9"), version(builder.MakeService("web"), "10")},
		"as a write finds":              {version(builder.MakeService("web"), "10"), version(builder.MakeService("web"), "10")},
		"as a write finds, to clear it": {version(builder.MakeService("web").Class("example.com/other").Holds("a", "192.0.2.1"), "11"), version(builder.MakeService("web").Holds("a", "192.0.2.1"), "10")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := makeReconciler(t, makeClient(t, conflict, tc.cached), makeClient(t, interceptor.Funcs{}, tc.live))
			result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: web})
			if err != nil || result.RequeueAfter != lateness {
				t.Errorf("got %+v, error %v", result, err)
			}
		})
	}
}
