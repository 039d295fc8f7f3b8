// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch,namespace=metallb-system

// StripPod removes from a Pod, on its way into the cache, all but whether it runs.
func StripPod(object any) (any, error) {
	p, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	containers := make([]corev1.ContainerStatus, 0, len(p.Status.ContainerStatuses))
	for _, c := range p.Status.ContainerStatuses {
		kept := corev1.ContainerStatus{Name: c.Name}
		if c.State.Running != nil {
			kept.State.Running = &corev1.ContainerStateRunning{}
		}
		containers = append(containers, kept)
	}
	return &corev1.Pod{
		TypeMeta:   p.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, UID: p.UID, ResourceVersion: p.ResourceVersion},
		Status:     corev1.PodStatus{Phase: p.Status.Phase, ContainerStatuses: containers},
	}, nil
}

// runs reports whether the programs of the pod run. That it is ready is not asked: a speaker that has just started is not, and
// reports how its sessions fare all the same.
func runs(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodRunning &&
		!slices.ContainsFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.State.Running == nil })
}

// podChanged reports whether the pod has begun to run or ceased to.
func podChanged(before, after *corev1.Pod) bool {
	return before.UID != after.UID || runs(before) != runs(after)
}
