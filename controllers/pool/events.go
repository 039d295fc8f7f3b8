// SPDX-License-Identifier: Apache-2.0

package pool

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"

	"metallb.io/metallb/api/v1beta1"
)

const (
	reasonInvalidConfig = "InvalidConfig"
	actionValidate      = "Validate"
)

// record tells that a pool has become invalid, or invalid for another reason.
func record(recorder events.EventRecorder, before, after *v1beta1.IPAddressPool) {
	was := meta.FindStatusCondition(before.Status.Conditions, v1beta1.ConditionValid)
	is := meta.FindStatusCondition(after.Status.Conditions, v1beta1.ConditionValid)
	if is.Status == metav1.ConditionTrue || told(was, is) {
		return
	}
	recorder.Eventf(after, nil, corev1.EventTypeWarning, reasonInvalidConfig, actionValidate, "%s", is.Message)
}

// told reports whether an event has said already what is wrong. Services that come and go change what is said about them,
// but only another version of the pool can be at fault anew.
func told(was, is *metav1.Condition) bool {
	return was != nil && was.Reason == is.Reason &&
		(was.Message == is.Message || is.Reason == v1beta1.ReasonNotCompatibleWithAssignedIPs && was.ObservedGeneration == is.ObservedGeneration)
}
