// SPDX-License-Identifier: Apache-2.0

package allocator

import (
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// given is an address that a service has given up.
type given struct {
	choice
	// why the service had to leave it; nil if it wants to.
	why *Reason
}

// give notes that the service has given up an address, and with it what others say of that.
func (h *holder) give(g given) {
	h.given = append(h.given, g)
	delete(h.disputed, g.address)
}

// wasTold reports whether everybody has been told that the service holds the address.
func (h *holder) wasTold(a netip.Addr) bool { return slices.Contains(h.told, a) }

// had returns what the service holds, and what it has given up as long as everybody has been told that it has that: to return
// to it is no move. That comes first only if the request is of another version than the last one. Else what it holds does,
// for a write that says so may be on its way.
func (h *holder) had(r *Request) []choice {
	if h == nil {
		return nil
	}
	found := slices.Clone(h.held)
	for _, g := range h.given {
		if h.wasTold(g.address) {
			found = append(found, g.choice)
		}
	}
	if r.Version != h.request.Version {
		slices.SortStableFunc(found, func(x, y choice) int { return boolToInt(h.wasTold(y.address)) - boolToInt(h.wasTold(x.address)) })
	}
	return found
}

// Settle says what everybody has been told that the service holds: what is in its status, of a version that no write is
// known to have replaced. Other addresses that the service has given up are free then. What was told is not freed, even if
// the service has got something else meanwhile. It returns the services that hold something else than before in consequence.
func (a *Allocator) Settle(service types.NamespacedName, told []netip.Addr) []types.NamespacedName {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.holders[service]
	if h == nil {
		return nil
	}
	h.told = told
	h.given = slices.DeleteFunc(h.given, func(g given) bool {
		if h.wasTold(g.address) {
			return false
		}
		a.drop(g.address, service)
		return true
	})
	if len(h.held)+len(h.given) == 0 {
		delete(a.holders, service)
	}
	return a.serve()
}

// keepTold lets a service that is refused hold what it was told and nothing else. What it got meanwhile was for a request
// that it does not make any more, or for another service of the same name: it may not even be allowed to share it.
func (a *Allocator) keepTold(h *holder) {
	had := slices.Clone(h.held)
	for _, g := range h.given {
		had = append(had, g.choice)
	}
	held := make([]choice, 0, len(h.told))
	for _, address := range h.told {
		if i := slices.IndexFunc(had, func(c choice) bool { return c.address == address }); i >= 0 {
			held = append(held, had[i])
		}
	}
	for _, c := range h.held {
		if !h.wasTold(c.address) {
			h.give(given{choice: c})
		}
	}
	h.held = held
	h.given = slices.DeleteFunc(h.given, func(g given) bool { return h.holds(g.address) })
}
