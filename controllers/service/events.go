// SPDX-License-Identifier: Apache-2.0

package service

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
)

// Reasons of events that have no condition of the same reason.
const (
	reasonClearAssignment      = "ClearAssignment"
	reasonDeprecatedAnnotation = "deprecatedAnnotation"
)

// actionAllocate is the action that all events are about.
const actionAllocate = "Allocate"

// event is one thing to tell about a Service.
type event struct{ kind, reason, message string }

// transition returns the events that a change of the Service's status gives rise to. Nothing is told twice: what is in
// the condition already has been told, be it by a former leader.
func transition(before, after *corev1.Service, o *outcome) []event {
	var found []event
	addresses := o.result.Addresses()
	if left := o.left(before); len(left) > 0 {
		found = append(found, moved(left))
	}
	if len(addresses) > 0 && fmt.Sprint(ingressTexts(before)) != fmt.Sprint(texts(addresses)) {
		found = append(found, event{corev1.EventTypeNormal, v1beta1.ReasonIPAllocated, assigned(addresses)})
	}
	was := meta.FindStatusCondition(before.Status.Conditions, v1beta1.ConditionAllocated)
	is := meta.FindStatusCondition(after.Status.Conditions, v1beta1.ConditionAllocated)
	if is.Reason != v1beta1.ReasonIPAllocated && !sameReason(was, is) {
		found = append(found, event{corev1.EventTypeWarning, is.Reason, is.Message})
	}
	for _, key := range deprecatedAnnotations(after) {
		found = append(found, event{
			corev1.EventTypeWarning, reasonDeprecatedAnnotation, fmt.Sprintf("Service uses deprecated annotation %s", key),
		})
	}
	return found
}

// doing says in the words of the log what the change does to the Service; empty if it does nothing but word the condition
// anew.
func doing(before, after *corev1.Service, o *outcome) string {
	was := meta.FindStatusCondition(before.Status.Conditions, v1beta1.ConditionAllocated)
	is := meta.FindStatusCondition(after.Status.Conditions, v1beta1.ConditionAllocated)
	told := sameReason(was, is)
	switch addresses := texts(o.result.Addresses()); {
	case o.failure != "" && !told:
		return "refusing what the service requests"
	case len(o.left(before)) > 0:
		return "moving the service to other addresses, as its pool allows"
	case !slices.Equal(ingressTexts(before), addresses):
		return "assigning addresses"
	case is.Reason == v1beta1.ReasonAllocationFailed && !told:
		return "keeping addresses that another service has the better right to"
	case is.Reason == v1beta1.ReasonInvalidConfig && !told:
		return "keeping addresses that the present pools would not give"
	case was == nil:
		return "adopting the addresses that the service holds"
	case was.Reason != is.Reason:
		return "keeping addresses, which are what the service requests again"
	case before.Annotations[v1beta1.AnnotationIPAllocatedFromPool] != after.Annotations[v1beta1.AnnotationIPAllocatedFromPool]:
		return "keeping addresses, which are another pool's now"
	}
	return ""
}

func sameReason(was, is *metav1.Condition) bool {
	return was != nil && was.Reason == is.Reason && was.Message == is.Message
}

// cleared is the event for a Service whose addresses were taken back.
func cleared(addresses string) event {
	return event{
		corev1.EventTypeNormal, reasonClearAssignment,
		fmt.Sprintf("Cleared IP %s: the service is not of this load balancer's class any more", addresses),
	}
}

// moved is the event for a Service that had to leave addresses.
func moved(left []allocator.Reason) event {
	addresses := make([]netip.Addr, 0, len(left))
	for _, reason := range left {
		addresses = append(addresses, reason.Address)
	}
	why := allocator.Refusal{Reasons: left}
	return event{
		corev1.EventTypeNormal, reasonClearAssignment,
		fmt.Sprintf("Cleared IP %s, as its pool allows (%s): %s", quote(addresses), v1beta1.AnnotationAllowDisruption, why.String()),
	}
}

func record(recorder events.EventRecorder, svc *corev1.Service, found ...event) {
	for _, e := range found {
		recorder.Eventf(svc, nil, e.kind, e.reason, actionAllocate, "%s", e.message)
	}
}
