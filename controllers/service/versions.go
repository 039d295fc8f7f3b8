// SPDX-License-Identifier: Apache-2.0

package service

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// versions are versions of Services that the cache may not have yet. The zero value is ready to use.
type versions struct {
	mu    sync.Mutex
	known map[types.NamespacedName]string
}

// add notes that there is this version of the Service.
func (v *versions) add(svc *corev1.Service) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil {
		v.known = map[types.NamespacedName]string{}
	}
	v.known[client.ObjectKeyFromObject(svc)] = svc.ResourceVersion
}

// areAhead reports whether there is a newer version of the Service than this one, which is from the cache. To act on this one
// would undo what the newer one says, or take it for what the status says.
func (v *versions) areAhead(svc *corev1.Service) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	name := client.ObjectKeyFromObject(svc)
	known, ok := v.known[name]
	if !ok {
		return false
	}
	if order, err := resourceversion.CompareResourceVersion(svc.ResourceVersion, known); err == nil && order < 0 {
		return true
	}
	delete(v.known, name)
	return false
}

// forget is for a Service that is gone.
func (v *versions) forget(name types.NamespacedName) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.known, name)
}
