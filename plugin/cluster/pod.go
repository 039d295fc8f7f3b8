// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
)

// IsController and IsSpeaker report what runs in a pod of the load balancer.
func IsController(p *corev1.Pod) bool { return p.Labels[componentLabel] == controllerComponent }

// IsSpeaker reports whether a speaker runs in the pod.
func IsSpeaker(p *corev1.Pod) bool { return p.Labels[componentLabel] == speakerComponent }

// Fault returns why a pod is not ready; no reason if it is.
func Fault(p *corev1.Pod) (reason, message string) {
	for _, s := range p.Status.ContainerStatuses {
		if w := s.State.Waiting; w != nil {
			return w.Reason, w.Message
		}
		if t := s.State.Terminated; t != nil {
			return t.Reason, t.Message
		}
	}
	for _, condition := range p.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status != corev1.ConditionTrue {
			return condition.Reason, condition.Message
		}
		if condition.Type == corev1.PodReady && condition.Status != corev1.ConditionTrue {
			return cmp.Or(condition.Reason, "NotReady"), condition.Message
		}
	}
	if p.Status.Phase != corev1.PodRunning {
		return string(p.Status.Phase), p.Status.Message
	}
	return "", ""
}
