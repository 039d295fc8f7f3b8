// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"

	"github.com/google/btree"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// waitKey is a change that services wait for: the users of the address change; an address of the family is released in the pool
// or, if exhausted is set, the last one is taken; the group gets another address, or, with a port, that port is released on
// one of its addresses.
type waitKey struct {
	address netip.Addr

	pool      string
	family    corev1.IPFamily
	exhausted bool

	group groupKey
	port  Port
}

// byAge is a set of services, the oldest first.
type byAge = btree.BTreeG[*serviceState]

const degree = 8

func newByAge(nodes *btree.FreeListG[*serviceState]) *byAge {
	return btree.NewWithFreeListG(degree, (*serviceState).before, nodes)
}

// wait lets the service wait for the changes.
func (a *Allocator) wait(s *serviceState, waits []waitKey) {
	s.waits = waits
	a.waiting.ReplaceOrInsert(s)
	for _, k := range waits {
		if a.queues[k] == nil {
			a.queues[k] = newByAge(a.nodes)
		}
		a.queues[k].ReplaceOrInsert(s)
	}
}

// stopWaiting undoes wait.
func (a *Allocator) stopWaiting(s *serviceState) {
	a.waiting.Delete(s)
	a.agenda.Delete(s)
	for _, k := range s.waits {
		if queue := a.queues[k]; queue != nil {
			if queue.Delete(s); queue.Len() == 0 {
				delete(a.queues, k)
			}
		}
	}
	s.waits = nil
}

// progress is how far those who wait for a change have been tried.
type progress struct {
	// last is the one that was tried last, nil at the beginning.
	last *serviceState
	// again is set if the change has taken place once more meanwhile.
	again bool
}

// signal notes that a change has taken place.
func (a *Allocator) signal(k waitKey) {
	switch p := a.signals[k]; {
	case a.queues[k] == nil:
	case p == nil:
		a.signals[k] = &progress{}
	default:
		p.again = true
	}
}

// reconsider has the service's request decided anew.
func (a *Allocator) reconsider(s *serviceState) {
	if s.open {
		a.agenda.ReplaceOrInsert(s)
	}
}

// serve decides anew the requests of all services that the changes since the last time concern: of all that could use what was
// released, or a pool that has changed, the oldest comes first, whatever they wait for.
func (a *Allocator) serve() {
	for {
		s := a.nextFollower()
		if s == nil {
			s = a.next()
		}
		if s == nil {
			return
		}
		a.evaluate(s, s.request)
	}
}

// next returns the oldest service to be tried.
func (a *Allocator) next() *serviceState {
	oldest, _ := a.agenda.Min()
	by := make([]*progress, 0, len(a.signals))
	for k, p := range a.signals {
		s := a.nextWaiter(k, p)
		switch {
		case s == nil:
			delete(a.signals, k)
		case oldest == nil || s.before(oldest):
			oldest, by = s, append(by[:0], p)
		case s == oldest:
			by = append(by, p)
		}
	}
	if oldest != nil {
		a.agenda.Delete(oldest)
	}
	for _, p := range by {
		p.last = oldest
	}
	return oldest
}

// nextWaiter returns the next service that waits for the change and could make use of it, nil if there is none.
func (a *Allocator) nextWaiter(k waitKey, p *progress) *serviceState {
	queue := a.queues[k]
	if queue == nil || !a.isUsable(k) {
		return nil
	}
	var found *serviceState
	see := func(s *serviceState) bool {
		if s == p.last || k.group != (groupKey{}) && len(a.shareable(s.request.Service, s.request.Sharing)) == 0 {
			return true
		}
		found = s
		return false
	}
	if p.last == nil {
		queue.Ascend(see)
	} else {
		queue.AscendGreaterOrEqual(p.last, see)
	}
	if found == nil && p.again {
		*p = progress{}
		return a.nextWaiter(k, p)
	}
	return found
}

// isUsable reports whether there is anything left of what was released.
func (a *Allocator) isUsable(k waitKey) bool {
	switch {
	case k.pool != "" && !k.exhausted:
		return a.pools[k.pool] != nil && a.pools[k.pool].available(k.family) > 0
	case k.port != Port{}:
		g := a.groups[k.group]
		return g != nil && g.ports[k.port] < len(g.members)
	}
	return true
}

// woken returns the services, the oldest first, whose answer has changed since they have heard it, but for the one that hears it
// now.
func (a *Allocator) woken(hears *serviceState) []types.NamespacedName {
	if hears != nil {
		hears.seen = hears.answer
	}
	var found []*serviceState
	for s := range a.touched {
		if a.services[s.request.Service] == s && !s.answer.equal(s.seen) {
			s.seen = s.answer
			found = append(found, s)
		}
	}
	clear(a.touched)
	slices.SortFunc(found, func(x, y *serviceState) int { return boolToInt(y.before(x)) - boolToInt(x.before(y)) })
	names := make([]types.NamespacedName, 0, len(found))
	for _, s := range found {
		names = append(names, s.request.Service)
	}
	return names
}
