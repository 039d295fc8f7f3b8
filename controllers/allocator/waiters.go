// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// want is a change that a waiting service waits for. Exactly one of its three parts is set: a user of the address leaves
// or changes; an address of the family is released in the pool; the group gets another address, or, with a port, that
// port is released on one of its addresses.
type want struct {
	address netip.Addr

	pool   string
	family corev1.IPFamily

	group groupKey
	port  Port
}

// waiter is a service whose request is not met, or not wholly.
type waiter struct {
	request Request
	// refusal is why the request is not met, as far as that is so; nil if it has not been tried, or is in dispute.
	refusal *Refusal
	// met is set if the service holds what there is for its request, nobody has a better right to it, and it waits for more.
	met   bool
	wants []want
}

func (w *waiter) compare(o *waiter) int {
	if c := w.request.Created.Compare(o.request.Created); c != 0 {
		return c
	}
	return compareNames(w.request.Service, o.request.Service)
}

// wait lets the service, which is refused, wait for the changes.
func (a *Allocator) wait(w *waiter) {
	a.waiters[w.request.Service] = w
	for _, k := range w.wants {
		queue := a.queues[k]
		i, found := slices.BinarySearchFunc(queue, w, (*waiter).compare)
		if !found {
			a.queues[k] = slices.Insert(queue, i, w)
		}
	}
}

// stopWaiting undoes wait.
func (a *Allocator) stopWaiting(service types.NamespacedName) {
	w := a.waiters[service]
	if w == nil {
		return
	}
	delete(a.waiters, service)
	for _, k := range w.wants {
		queue := a.queues[k]
		if i, found := slices.BinarySearchFunc(queue, w, (*waiter).compare); found {
			queue = slices.Delete(queue, i, i+1)
		}
		if len(queue) == 0 {
			delete(a.queues, k)
		} else {
			a.queues[k] = queue
		}
	}
}

// signal notes that a change took place which services may wait for.
func (a *Allocator) signal(wants ...want) {
	for _, k := range wants {
		if len(a.queues[k]) > 0 {
			a.signals = append(a.signals, k)
		}
	}
}

// serve gives what was released to the services that wait for it, and returns those that got something.
func (a *Allocator) serve() []types.NamespacedName {
	served := a.follow()
	for len(a.signals) > 0 {
		k := a.signals[0]
		a.signals = a.signals[1:]
		served = append(served, a.serveQueue(k)...)
		served = append(served, a.follow()...)
	}
	a.signals = nil
	return served
}

// serveQueue tries the waiting services in order, until what was released is used up.
func (a *Allocator) serveQueue(k want) []types.NamespacedName {
	var served []types.NamespacedName
	for i := 0; i < len(a.queues[k]); {
		if k.pool != "" && !a.hasFree(k.pool, k.family) {
			break
		}
		w := a.queues[k][i]
		if k.group != (groupKey{}) && len(a.shareable(w.request.Service, w.request.Sharing)) == 0 {
			i++ // The usual case of many services with one key and the same port costs next to nothing.
			continue
		}
		if a.attempt(w.request) {
			served = append(served, w.request.Service)
			if k.pool == "" && (w.request.Sharing.Key == "" || k.port != Port{}) {
				break
			}
		}
		if i < len(a.queues[k]) && a.queues[k][i].request.Service == w.request.Service {
			i++
		}
	}
	return served
}

// serveAll tries every waiting service, in order.
func (a *Allocator) serveAll() {
	queue := make([]*waiter, 0, len(a.waiters))
	for _, w := range a.waiters {
		queue = append(queue, w)
	}
	slices.SortFunc(queue, (*waiter).compare)
	for _, w := range queue {
		a.attempt(w.request)
		a.follow()
	}
}

// attempt tries the request of a waiting service again and reports whether it is met now and was not, or the service holds
// something else than before.
func (a *Allocator) attempt(r Request) bool {
	var before []choice
	if h := a.holders[r.Service]; h != nil {
		before = h.held
	}
	wasMet := a.isMet(r.Service)
	a.request(r)
	h := a.holders[r.Service]
	return !wasMet && a.isMet(r.Service) || h != nil && !slices.Equal(before, h.held)
}

// isMet reports whether the last request of the service was not refused, though something may be missing.
func (a *Allocator) isMet(service types.NamespacedName) bool {
	w := a.waiters[service]
	return w == nil || w.met
}

func (a *Allocator) hasFree(pool string, f corev1.IPFamily) bool {
	s := a.spaces[pool]
	if s == nil {
		return false
	}
	_, ok := s.lowest(f)
	return ok
}
