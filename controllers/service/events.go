// SPDX-License-Identifier: Apache-2.0

package service

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/internal/message"
)

// Reasons of events that have no condition of the same reason.
const (
	reasonClearAssignment      = "ClearAssignment"
	reasonDeprecatedAnnotation = "deprecatedAnnotation"
)

// actionAllocate is the action that all events are about.
const actionAllocate = "Allocate"

// event is one event about a Service.
type event struct{ kind, reason, message string }

// transition returns the events that a change of the Service's status gives rise to, at most one of a reason: of a second about
// the same version the API server would learn that there is one, and not what it says. No event is sent twice: what is in the
// condition has had its event, be it from a former leader.
func transition(before, after *corev1.Service, o *outcome) []event {
	var found []event
	addresses := o.result.Addresses()
	var gone []string
	if left := o.left(before); len(left) > 0 {
		gone = append(gone, moved(left))
	}
	if lost := o.lost(before); len(lost) > 0 {
		gone = append(gone, cleared(lost, cmp.Or(o.failure, "it is not what the service requests any more")))
	}
	if len(gone) > 0 {
		found = append(found, clearing(gone...))
	}
	if len(addresses) > 0 && fmt.Sprint(assignment.IngressTexts(before)) != fmt.Sprint(texts(addresses)) {
		found = append(found, event{corev1.EventTypeNormal, v1beta1.ReasonIPAllocated, assigned(addresses)})
	}
	was := meta.FindStatusCondition(before.Status.Conditions, v1beta1.ConditionAllocated)
	is := meta.FindStatusCondition(after.Status.Conditions, v1beta1.ConditionAllocated)
	if is.Reason != v1beta1.ReasonIPAllocated && !sameReason(was, is) {
		found = append(found, event{corev1.EventTypeWarning, is.Reason, is.Message})
	}
	if len(found) == 0 && was != nil {
		return nil // The condition has another message, and no more.
	}
	if keys := assignment.DeprecatedAnnotations(after); len(keys) > 0 {
		noun := "annotation"
		if len(keys) > 1 {
			noun = "annotations"
		}
		found = append(found, event{
			corev1.EventTypeWarning, reasonDeprecatedAnnotation,
			fmt.Sprintf("Service uses deprecated %s %s", noun, strings.Join(keys, ", ")),
		})
	}
	return found
}

// doing says in the words of the log what the change does to the Service; empty if nothing but the condition's message changes.
func doing(before, after *corev1.Service, o *outcome) string {
	was := meta.FindStatusCondition(before.Status.Conditions, v1beta1.ConditionAllocated)
	is := meta.FindStatusCondition(after.Status.Conditions, v1beta1.ConditionAllocated)
	known := sameReason(was, is)
	switch addresses := texts(o.result.Addresses()); {
	case o.failure != "" && !known:
		return "refusing what the service requests"
	case len(o.left(before)) > 0:
		return "moving the service off addresses that it had to leave"
	case !slices.Equal(assignment.IngressTexts(before), addresses):
		return "assigning addresses"
	case is.Reason == v1beta1.ReasonInvalidConfig && !known:
		return "keeping addresses that no pool contains any more"
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

// Why a Service may have no address any more.
const (
	causeOtherClass = "the service is not of this load balancer's class any more"
	causeOtherType  = "the service is not of type LoadBalancer any more"
)

// clearing is the event for a Service that has lost addresses.
func clearing(messages ...string) event {
	return event{corev1.EventTypeNormal, reasonClearAssignment, message.Bound(strings.Join(messages, "; "))}
}

// cleared says that a Service has lost addresses.
func cleared(addresses []netip.Addr, why string) string {
	return fmt.Sprintf("Cleared IP %s: %s", quote(addresses), why)
}

// moved says that a Service had to leave addresses: its labels, or its namespace's, are others, or its pool allows it.
func moved(left []allocator.Reason) string {
	addresses := make([]netip.Addr, 0, len(left))
	for _, reason := range left {
		addresses = append(addresses, reason.Address)
	}
	why := allocator.Refusal{Reasons: left}
	if !slices.ContainsFunc(left, func(r allocator.Reason) bool { return r.Cause != allocator.NotSelected }) {
		return fmt.Sprintf("Cleared IP %s: %s", quote(addresses), why.String())
	}
	return fmt.Sprintf("Cleared IP %s, as its pool allows (%s): %s", quote(addresses), v1beta1.AnnotationAllowDisruption, why.String())
}

// lost returns the addresses that were in the Service's status until now, and that it does not hold any more though it did not have
// to leave them.
func (o *outcome) lost(before *corev1.Service) []netip.Addr {
	if assignment.Annotation(before, v1beta1.AnnotationIPAllocatedFromPool) == "" {
		return nil // They were not this load balancer's.
	}
	kept := o.result.Addresses()
	for _, reason := range o.result.Moved {
		kept = append(kept, reason.Address)
	}
	return slices.DeleteFunc(reportedBy(before), func(a netip.Addr) bool { return slices.Contains(kept, a) })
}

func record(recorder events.EventRecorder, svc *corev1.Service, found ...event) {
	for _, e := range found {
		recorder.Eventf(svc, nil, e.kind, e.reason, actionAllocate, "%s", e.message)
	}
}
