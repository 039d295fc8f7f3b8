// SPDX-License-Identifier: Apache-2.0

package node

import "k8s.io/apimachinery/pkg/types"

// AnnouncementObserver is told to which peers services are announced.
type AnnouncementObserver interface {
	// Announce gets the peers, sorted, of services for which that may have changed: none if a service is not announced any more.
	// The first call has every service that is announced. It must not block.
	Announce(peers map[types.NamespacedName][]string)
}

// announcements are what an observer is to be told once the sessions have it.
type announcements struct {
	// observer may be nil.
	observer AnnouncementObserver
	pending  map[types.NamespacedName][]string
	// complete is whether all services have been noted once, reported whether the observer has got them.
	complete, reported bool
}

// note takes note of a service, for an observer that there is.
func (a *announcements) note(service types.NamespacedName, peers []string) {
	if a.pending == nil {
		a.pending = map[types.NamespacedName][]string{}
	}
	a.pending[service] = peers
}

// report passes on to the observer what is new.
func (a *announcements) report() {
	if a.observer == nil || !a.complete || a.reported && len(a.pending) == 0 {
		return
	}
	a.observer.Announce(a.pending)
	a.pending, a.reported = nil, true
}
