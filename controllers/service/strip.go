// SPDX-License-Identifier: Apache-2.0

package service

import corev1 "k8s.io/api/core/v1"

// Strip removes from a Service, on its way into the cache, what is large and of no use here.
func Strip(object any) (any, error) {
	if svc, ok := object.(*corev1.Service); ok {
		svc.ManagedFields = nil
		delete(svc.Annotations, corev1.LastAppliedConfigAnnotation)
	}
	return object, nil
}
