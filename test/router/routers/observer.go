// SPDX-License-Identifier: Apache-2.0

package routers

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"metallb.io/metallb/test/router/router"
)

// restFactor bounds what reading costs: a reading that took long is kept that many times as long.
const restFactor = 4

// Options are what the operator says about the routers.
type Options struct {
	// Title is what the operator calls this set of routers.
	Title string
	// Forwarding names the router that installs routes; empty when none does.
	Forwarding string
	// Names are the names of nodes by any of their addresses or their router ID.
	Names map[netip.Addr]string
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Observer reads routers on demand. It is safe for concurrent use; concurrent readers share one reading.
type Observer struct {
	routers []router.Router
	options Options

	mu       sync.Mutex
	memory   memory
	snapshot router.Snapshot
	valid    time.Duration // how long the snapshot may be kept whatever the reader asks
}

// New returns an Observer of routers, which the caller still owns and stops.
func New(rs []router.Router, options Options) *Observer {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Observer{routers: rs, options: options, memory: newMemory()}
}

// Read returns what the routers say, at most maxAge old, or a few times as old as the last reading took. Callers must
// not modify what is returned.
func (o *Observer) Read(ctx context.Context, maxAge time.Duration) router.Snapshot {
	o.mu.Lock()
	defer o.mu.Unlock()
	start := o.options.Now()
	if !o.snapshot.Time.IsZero() && start.Sub(o.snapshot.Time) <= max(maxAge, o.valid) {
		return o.snapshot
	}
	// Others may use this reading, so it does not end with the request that caused it; routers bound their own time.
	reports := o.ask(context.WithoutCancel(ctx))
	now := o.options.Now()
	for i := range reports {
		o.memory.complete(&reports[i], now)
	}
	name := o.memory.namer(o.options.Names)
	for i := range reports {
		attribute(&reports[i], name)
		reports[i].Verdict, reports[i].Summary = router.Judge(reports[i])
	}
	o.snapshot = router.Snapshot{
		Title: o.options.Title, Time: now, Forwarding: o.options.Forwarding, Routers: reports, Nodes: nodes(reports),
	}
	o.valid = restFactor * now.Sub(start)
	return o.snapshot
}

// ask reads all routers at the same time.
func (o *Observer) ask(ctx context.Context) []router.Report {
	reports := make([]router.Report, len(o.routers))
	var wg sync.WaitGroup
	for i, r := range o.routers {
		wg.Go(func() { reports[i] = r.Read(ctx) })
	}
	wg.Wait()
	return reports
}

// attribute writes the names of nodes into neighbours and paths, and sorts both by node: one that is reached through
// address translation then stands where it belongs.
func attribute(r *router.Report, name func(router.Neighbor) string) {
	byAddress := make(map[netip.Addr]router.Neighbor, len(r.Neighbors))
	for i := range r.Neighbors {
		n := &r.Neighbors[i]
		n.Node = name(*n)
		byAddress[n.Address] = *n
	}
	slices.SortFunc(r.Neighbors, byNode)
	for i := range r.Routes {
		paths := r.Routes[i].Paths
		for j := range paths {
			paths[j].Node = byAddress[paths[j].Neighbor].Node
			if paths[j].Node == "" {
				paths[j].Node = paths[j].Neighbor.String()
			}
		}
		slices.SortStableFunc(paths, func(a, b router.Path) int { return byNode(byAddress[a.Neighbor], byAddress[b.Neighbor]) })
	}
}

// byNode compares by router ID, then address.
func byNode(a, b router.Neighbor) int {
	return cmp.Or(a.RouterID.Compare(b.RouterID), a.Address.Compare(b.Address))
}
