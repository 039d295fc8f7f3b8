// SPDX-License-Identifier: Apache-2.0

package service

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	update "sigs.k8s.io/controller-runtime/pkg/event"

	"metallb.io/metallb/api/v1beta1"
)

// news decides which updates of Services are to be looked at. The zero value is ready to use.
type news struct {
	mu sync.Mutex
	// awaited are Services of which a newer version is on its way into the cache, whatever is new about it.
	awaited map[types.NamespacedName]struct{}
}

// await has the next version of the Service looked at. To miss none, the caller then compares what the cache has with what it acted on.
func (n *news) await(name types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.awaited == nil {
		n.awaited = map[types.NamespacedName]struct{}{}
	}
	n.awaited[name] = struct{}{}
}

// arrived ends the waiting, since the Service is about to be looked at.
func (n *news) arrived(name types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.awaited, name)
}

// matters reports whether the update is to be looked at. One is not that only tells how the Service is announced, or what Strip
// removes: each Service has such an update.
func (n *news) matters(e update.UpdateEvent) bool {
	before, okBefore := e.ObjectOld.(*corev1.Service)
	after, okAfter := e.ObjectNew.(*corev1.Service)
	if !okBefore || !okAfter || before.ResourceVersion == after.ResourceVersion {
		return true
	}
	n.mu.Lock()
	_, awaited := n.awaited[client.ObjectKeyFromObject(after)]
	n.mu.Unlock()
	return awaited || !equality.Semantic.DeepEqual(considered(before), considered(after))
}

// considered returns what of a Service this package reads.
func considered(svc *corev1.Service) *corev1.Service {
	c := *svc
	c.ResourceVersion = ""
	c.Status.Conditions = nil
	for _, condition := range svc.Status.Conditions {
		if condition.Type != v1beta1.ConditionAnnounced {
			c.Status.Conditions = append(c.Status.Conditions, condition)
		}
	}
	return &c
}
