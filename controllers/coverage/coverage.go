// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"maps"
	"net/netip"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/config"
)

// Coverage knows the addresses that have lost their last route. It is safe for concurrent use. The zero Coverage is ready
// to use.
type Coverage struct {
	mu sync.Mutex
	// current is the situation that services are in; nil until there has been one.
	current *situation
	losses  losses
	// asked are the pools whose claims were asked for before there was a situation.
	asked map[string]struct{}
}

// Claims returns the addresses that the pool contains and that have lost their last route; false if that is not known yet.
// Then Configure returns the pool once it is.
func (c *Coverage) Claims(pool string) (config.Impacts, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		if c.asked == nil {
			c.asked = map[string]struct{}{}
		}
		c.asked[pool] = struct{}{}
		return nil, false
	}
	claims := slices.AppendSeq(config.Impacts{}, maps.Keys(c.losses.byPool[pool]))
	claims.Sort()
	return claims, true
}

// Any reports whether any address that a pool contains is known to have lost its last route.
func (c *Coverage) Any() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.losses.byPool) > 0
}

// Configure takes a changed configuration, the nodes, what all services hold, and what was waived since the last time. It
// returns the pools whose claims have changed, or are known now that were asked for.
//
// The first time it believes what the status of the pools says was lost before.
func (c *Coverage) Configure(objects config.Objects, nodes []config.Node, holdings []config.Holding, waived Waived) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, next := newSituation(objects, nodes, c.current), newLosses()
	for _, h := range holdings {
		if l, lost := c.judge(h, now, waived); lost {
			next.add(h, l)
		}
	}
	changed := c.losses.diff(next)
	maps.Copy(changed, c.asked)
	c.current, c.losses, c.asked = now, next, nil
	return slices.Collect(maps.Keys(changed))
}

// judge returns the loss of the address held, if there is no route to it now but there was one before, and nobody meant to
// take it away.
func (c *Coverage) judge(h config.Holding, now *situation, waived Waived) (loss, bool) {
	if now.routes.Announces(h) {
		return loss{}, false
	}
	l, lost := c.losses.byService[h.Service][h.Address]
	switch {
	case lost:
	case c.current == nil:
		lost = now.wasTold(h)
	case c.current.routes.Announces(h):
		l.before, lost = c.current, true
	}
	l.pool = now.poolOf(h)
	return l, lost && !l.meant(h, now, waived)
}

// Observe takes what a service holds now. It returns the pools whose claims have changed.
//
// Nothing is lost by it: an address that is not announced any more because its service has other labels is no fault of the
// configuration.
func (c *Coverage) Observe(service types.NamespacedName, holdings []config.Holding) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lost := c.losses.byService[service]
	healed := maps.Clone(lost)
	for _, h := range holdings {
		if _, was := lost[h.Address]; was && !c.current.routes.Announces(h) {
			delete(healed, h.Address)
		}
	}
	changed := map[string]struct{}{}
	for address, l := range healed {
		c.losses.remove(service, address)
		if l.pool != "" {
			changed[l.pool] = struct{}{}
		}
	}
	return slices.Collect(maps.Keys(changed))
}

// Routes returns the routes of the configuration that services are in now, with what of bad objects is still in force; nil if
// that is not known yet.
func (c *Coverage) Routes() *config.Routes {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		return nil
	}
	return c.current.routes
}

// Held returns the routes that the address held had, if a change of configuration that nobody refused has taken away the last
// one: speakers that announced it then hold on to them, as far as there are such nodes and peers now. Was is nil if that was
// before this process began to look.
func (c *Coverage) Held(h config.Holding) (was *config.Routes, held bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, held := c.losses.byService[h.Service][h.Address]
	if l.before != nil {
		was = l.before.routes
	}
	return was, held
}

// loss is that of the last route of an address.
type loss struct {
	// pool that contains the address; empty if none does.
	pool string
	// before is the situation in which there was a route; nil if this process has not seen it. Then who had part in the route
	// is not known, and nobody but the pool's operator can say that it was meant.
	before *situation
}

// losses are the addresses that have lost their last route.
type losses struct {
	byService map[types.NamespacedName]map[netip.Addr]loss
	// byPool has those that a pool contains. The others are the services' to tell: they cannot own them any more.
	byPool map[string]map[config.Impact]struct{}
}

func newLosses() losses {
	return losses{map[types.NamespacedName]map[netip.Addr]loss{}, map[string]map[config.Impact]struct{}{}}
}

func (ls *losses) add(h config.Holding, l loss) {
	if ls.byService[h.Service] == nil {
		ls.byService[h.Service] = map[netip.Addr]loss{}
	}
	ls.byService[h.Service][h.Address] = l
	if l.pool == "" {
		return
	}
	if ls.byPool[l.pool] == nil {
		ls.byPool[l.pool] = map[config.Impact]struct{}{}
	}
	ls.byPool[l.pool][claimOf(h.Service, h.Address)] = struct{}{}
}

func (ls *losses) remove(service types.NamespacedName, address netip.Addr) {
	pool := ls.byService[service][address].pool
	delete(ls.byService[service], address)
	if len(ls.byService[service]) == 0 {
		delete(ls.byService, service)
	}
	delete(ls.byPool[pool], claimOf(service, address))
	if len(ls.byPool[pool]) == 0 {
		delete(ls.byPool, pool)
	}
}

// diff returns the pools whose claims differ.
func (ls *losses) diff(o losses) map[string]struct{} {
	changed := map[string]struct{}{}
	for _, pools := range []map[string]map[config.Impact]struct{}{ls.byPool, o.byPool} {
		for pool := range pools {
			if !maps.Equal(ls.byPool[pool], o.byPool[pool]) {
				changed[pool] = struct{}{}
			}
		}
	}
	return changed
}

func claimOf(service types.NamespacedName, address netip.Addr) config.Impact {
	return config.Impact{Service: service, Address: address, Loss: config.Route}
}
