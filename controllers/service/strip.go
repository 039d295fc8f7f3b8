// SPDX-License-Identifier: Apache-2.0

package service

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
)

// Strip removes from a Service, on its way into the cache, what can be large and is of no use here: who manages which field, and
// the annotations of others. A patch is made of the difference between two versions, neither of which has them, so they stay.
func Strip(object any) (any, error) {
	if svc, ok := object.(*corev1.Service); ok {
		svc.ManagedFields = nil
		maps.DeleteFunc(svc.Annotations, func(key, _ string) bool {
			return !strings.HasPrefix(key, v1beta1.AnnotationPrefix) && !strings.HasPrefix(key, v1beta1.DeprecatedAnnotationPrefix)
		})
	}
	return object, nil
}

// StripNamespace removes from a Namespace, on its way into the cache, all but its labels.
func StripNamespace(object any) (any, error) {
	n, ok := object.(*corev1.Namespace)
	if !ok {
		return object, nil
	}
	return &corev1.Namespace{
		TypeMeta: n.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Name: n.Name, UID: n.UID, ResourceVersion: n.ResourceVersion, Labels: n.Labels,
			CreationTimestamp: n.CreationTimestamp, DeletionTimestamp: n.DeletionTimestamp,
		},
	}, nil
}
