// SPDX-License-Identifier: Apache-2.0

package service

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
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
	if len(addresses) > 0 && fmt.Sprint(ingressTexts(before)) != fmt.Sprint(texts(addresses)) {
		found = append(found, event{corev1.EventTypeNormal, ReasonIPAllocated, assigned(addresses)})
	}
	was := meta.FindStatusCondition(before.Status.Conditions, ConditionAllocated)
	is := meta.FindStatusCondition(after.Status.Conditions, ConditionAllocated)
	if is.Reason != ReasonIPAllocated && !sameReason(was, is) {
		found = append(found, event{corev1.EventTypeWarning, is.Reason, is.Message})
	}
	for _, key := range deprecatedAnnotations(after) {
		found = append(found, event{
			corev1.EventTypeWarning, reasonDeprecatedAnnotation, fmt.Sprintf("Service uses deprecated annotation %s", key),
		})
	}
	return found
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

func record(recorder events.EventRecorder, svc *corev1.Service, found ...event) {
	for _, e := range found {
		recorder.Eventf(svc, nil, e.kind, e.reason, actionAllocate, "%s", e.message)
	}
}
