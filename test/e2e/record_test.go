// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/router/router"
)

// routeRecord is how the paths to a prefix fared on all routers, as seen by looking again and again.
type routeRecord struct {
	looks int
	// lost is how often each path went.
	lost map[path]int
	// apart are the moments at which a router had no path from several nodes at once.
	apart []string
}

// recordRoutes watches the paths to the prefix, which must all be there, from now until stop.
func recordRoutes(t *testing.T, prefix netip.Prefix) (stop func() routeRecord) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	record := routeRecord{lost: map[path]int{}}
	all := paths(t, prefix)
	there := map[path]bool{}
	for p := range all {
		there[p] = true
	}
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, page := range []string{playground.TestRoutersPage, playground.RackRouterPage} {
				if snapshot, err := readRouters(ctx, page); err == nil {
					record.look(page, snapshot, prefix, there)
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return func() routeRecord {
		cancel()
		done.Wait()
		return record
	}
}

// look compares what the routers of a page have with what they had.
func (r *routeRecord) look(page string, snapshot router.Snapshot, prefix netip.Prefix, there map[path]bool) {
	r.looks++
	for _, report := range snapshot.Routers {
		if report.Error != "" {
			continue // it could not be asked, so it has not said that anything is gone
		}
		now := map[string]bool{}
		route, _ := report.Find(prefix)
		for _, p := range route.Paths {
			now[p.NextHop.String()] = true
		}
		name := page + " " + report.Name
		var away []string
		for p, was := range there {
			if p.router != name {
				continue
			}
			if !now[p.node] {
				away = append(away, p.node)
			}
			if was && !now[p.node] {
				r.lost[p]++
			}
			there[p] = now[p.node]
		}
		if len(away) > 1 {
			slices.Sort(away)
			r.apart = append(r.apart, fmt.Sprintf("%s: %s without %s", snapshot.Time.Format(time.TimeOnly), name, strings.Join(away, " and ")))
		}
	}
}

// onePass checks that speakers were restarted one after the other, each once: every path went at most once, and never
// those of two nodes at a time.
func (r routeRecord) onePass(t *testing.T) {
	t.Helper()
	for p, times := range r.lost {
		if times > 1 {
			t.Errorf("%v went %d times", p, times)
		}
	}
	if len(r.apart) > 0 {
		t.Errorf("routers without the routes of several nodes:\n%s", strings.Join(r.apart, "\n"))
	}
	if r.looks < 10 {
		t.Errorf("routers were looked at %d times only", r.looks)
	}
}

// onlyFrom checks that no path went but those from the nodes.
func (r routeRecord) onlyFrom(t *testing.T, nodes ...netip.Addr) {
	t.Helper()
	for p, times := range r.lost {
		if !slices.ContainsFunc(nodes, func(node netip.Addr) bool { return p.node == node.String() }) {
			t.Errorf("%v went %d times, and nothing happened to its node", p, times)
		}
	}
}

// changes returns how often the rack router's routes changed: those that went have come back.
func (r routeRecord) changes() int {
	n := 0
	for p, times := range r.lost {
		if strings.HasPrefix(p.router, playground.RackRouterPage) {
			n += 2 * times
		}
	}
	return n
}

// undisturbed starts to watch routes, addresses and traffic; the function returned ends that, checks that no request failed and
// that every service kept its address, and returns how the routes fared.
func undisturbed(t *testing.T, p *playground.Playground) (stop func() routeRecord) {
	t.Helper()
	routes, addresses, fetches := recordRoutes(t, nginxPrefix), recordAddresses(t, p), requests(t)
	return func() routeRecord {
		t.Helper()
		ended := fetches()
		addresses().unchanged(t)
		record := routes()
		t.Logf("%d looks at the routers; paths that went: %v", record.looks, record.lost)
		intact(t, ended, record.changes())
		return record
	}
}
