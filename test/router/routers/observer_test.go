// SPDX-License-Identifier: Apache-2.0

package routers_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/test/router/router"
	"metallb.io/metallb/test/router/routers"
)

// fake is a router that a test writes the lines of.
type fake struct {
	name   string
	report router.Report
	reads  int
	cost   func()
}

func (f *fake) Name() string { return f.name }
func (f *fake) Stop()        {}

func (f *fake) Read(context.Context) router.Report {
	f.reads++
	if f.cost != nil {
		f.cost()
	}
	r := f.report
	r.Name = f.name
	r.Neighbors = append([]router.Neighbor(nil), f.report.Neighbors...)
	return r
}

// clock is a clock that a test turns.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func session(address, id, hostname string) router.Neighbor {
	n := router.Neighbor{Address: addr(address), Hostname: hostname, ASN: 64512, State: "Established", Established: true}
	if id != "" {
		n.RouterID = addr(id)
	}
	return n
}

func names(r router.Report) []string {
	all := make([]string, 0, len(r.Neighbors))
	for _, n := range r.Neighbors {
		all = append(all, n.Node)
	}
	return all
}

func TestNodeGoesByTheBestNameKnown(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sessions []router.Neighbor
		want     []string
	}{
		"the operator's name of the address":      {[]router.Neighbor{session("192.0.2.1", "192.0.2.9", "host")}, []string{"one"}},
		"the operator's name of the router ID":    {[]router.Neighbor{session("10.0.0.1", "192.0.2.1", "host")}, []string{"one"}},
		"the host name that no other node has":    {[]router.Neighbor{session("10.0.0.1", "10.0.0.9", "host")}, []string{"host"}},
		"the router ID when host names clash":     {[]router.Neighbor{session("10.0.0.1", "10.0.0.8", "host"), session("10.0.0.2", "10.0.0.9", "host")}, []string{"10.0.0.8", "10.0.0.9"}},
		"the router ID when there is no name":     {[]router.Neighbor{session("10.0.0.1", "10.0.0.9", "")}, []string{"10.0.0.9"}},
		"the address when there is nothing":       {[]router.Neighbor{session("10.0.0.1", "", "")}, []string{"10.0.0.1"}},
		"one name for both sessions of a node":    {[]router.Neighbor{session("10.0.0.1", "10.0.0.9", "host"), session("fd00::1", "10.0.0.9", "host")}, []string{"host", "host"}},
		"nobody's name when nobody has a session": {nil, []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{name: "bird", report: router.Report{Neighbors: tt.sessions}}
			o := routers.New([]router.Router{f}, routers.Options{Names: map[netip.Addr]string{addr("192.0.2.1"): "one"}})
			if diff := cmp.Diff(tt.want, names(o.Read(t.Context(), 0).Routers[0])); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNeighboursAndPathsAreInTheOrderOfTheNodes(t *testing.T) {
	t.Parallel()
	f := &fake{name: "bird", report: router.Report{
		Neighbors: []router.Neighbor{session("10.244.3.1", "192.0.2.3", ""), session("192.0.2.1", "192.0.2.1", "")},
		Routes:    []router.Route{{Paths: []router.Path{{Neighbor: addr("10.244.3.1")}, {Neighbor: addr("192.0.2.1")}}}},
	}}
	got := routers.New([]router.Router{f}, routers.Options{}).Read(t.Context(), 0).Routers[0]
	want := []string{"192.0.2.1", "192.0.2.3"}
	if diff := cmp.Diff(want, names(got)); diff != "" {
		t.Errorf("neighbours (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, got.Routes[0].Nodes()); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestForgottenSessionIsRememberedForAWhile(t *testing.T) {
	t.Parallel()
	c := newClock()
	f := &fake{name: "frr", report: router.Report{Neighbors: []router.Neighbor{session("10.0.0.1", "10.0.0.9", "host")}}}
	o := routers.New([]router.Router{f}, routers.Options{Now: c.Now})
	o.Read(t.Context(), 0)

	f.report.Neighbors = nil
	c.advance(time.Second)
	got := o.Read(t.Context(), 0).Routers[0]
	if len(got.Neighbors) != 1 || got.Neighbors[0].State != router.StateGone || got.Neighbors[0].Established || got.Neighbors[0].Node != "host" || !got.Neighbors[0].Since.Equal(c.now) {
		t.Fatalf("neighbours %+v", got.Neighbors)
	}
	if got.Verdict != router.NotConnected {
		t.Errorf("verdict %q", got.Verdict)
	}

	c.advance(time.Second)
	f.report.Neighbors = []router.Neighbor{session("10.0.0.1", "10.0.0.9", "host")}
	if got := o.Read(t.Context(), 0).Routers[0].Neighbors; len(got) != 1 || !got[0].Established {
		t.Fatalf("a session that came back: %+v", got)
	}

	f.report.Neighbors = nil
	c.advance(time.Second)
	o.Read(t.Context(), 0)
	c.advance(time.Hour)
	if got := o.Read(t.Context(), 0).Routers[0].Neighbors; len(got) != 0 {
		t.Errorf("never forgotten: %+v", got)
	}
}

func TestLostSessionKeepsItsNode(t *testing.T) {
	t.Parallel()
	c := newClock()
	f := &fake{name: "bird", report: router.Report{Neighbors: []router.Neighbor{session("10.0.0.1", "10.0.0.9", "")}}}
	o := routers.New([]router.Router{f}, routers.Options{Now: c.Now})
	o.Read(t.Context(), 0)
	f.report.Neighbors = []router.Neighbor{{Address: addr("10.0.0.1"), State: "Idle"}}
	c.advance(time.Second)
	got := o.Read(t.Context(), 0).Routers[0].Neighbors[0]
	if got.Node != "10.0.0.9" || got.ASN != 64512 || got.State != "Idle" {
		t.Errorf("neighbour %+v", got)
	}
}

func TestSilentDaemonForgetsNobody(t *testing.T) {
	t.Parallel()
	c := newClock()
	f := &fake{name: "bird", report: router.Report{Neighbors: []router.Neighbor{session("10.0.0.1", "10.0.0.9", "")}}}
	o := routers.New([]router.Router{f}, routers.Options{Now: c.Now})
	o.Read(t.Context(), 0)
	f.report = router.Report{Error: "killed"}
	c.advance(time.Second)
	if got := o.Read(t.Context(), 0).Routers[0]; len(got.Neighbors) != 0 || got.Verdict != router.NotRunning {
		t.Errorf("report %+v", got)
	}
}

func TestNodesAreGroupedOverRoutersAndSessions(t *testing.T) {
	t.Parallel()
	routes := []router.Route{{Prefix: netip.MustParsePrefix("198.51.100.0/32"), Paths: []router.Path{
		{Neighbor: addr("10.0.0.1")}, {Neighbor: addr("fd00::1")}, {Neighbor: addr("10.0.0.3")},
	}}}
	gone := session("fd00::2", "192.0.2.20", "")
	gone.Established = false
	bird := &fake{name: "bird", report: router.Report{Routes: routes, Neighbors: []router.Neighbor{
		session("10.0.0.1", "192.0.2.1", ""), session("fd00::1", "192.0.2.1", ""), session("10.0.0.2", "192.0.2.20", ""), gone,
	}}}
	frr := &fake{name: "frr", report: router.Report{Neighbors: []router.Neighbor{session("10.0.0.1", "192.0.2.1", "")}}}
	got := routers.New([]router.Router{bird, frr}, routers.Options{}).Read(t.Context(), 0)
	want := []router.Node{
		{Name: "192.0.2.1", Addresses: []netip.Addr{addr("10.0.0.1"), addr("fd00::1")}, Links: []router.Link{
			{Router: "bird", Known: true, Established: true, Prefixes: 1}, {Router: "frr", Known: true, Established: true},
		}},
		{Name: "192.0.2.20", Addresses: []netip.Addr{addr("10.0.0.2"), addr("fd00::2")}, Links: []router.Link{
			{Router: "bird", Known: true, Established: true, Lost: []string{"IPv6"}}, {Router: "frr"},
		}},
	}
	if diff := cmp.Diff(want, got.Nodes, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if node := got.Routers[0].Routes[0].Paths[0].Node; node != "10.0.0.3" {
		t.Errorf("a path without a session is of node %q", node)
	}
}

func TestReadingsAreSharedWhileTheyAreFresh(t *testing.T) {
	t.Parallel()
	c := newClock()
	f := &fake{name: "bird"}
	o := routers.New([]router.Router{f}, routers.Options{Now: c.Now})
	o.Read(t.Context(), time.Second)
	c.advance(time.Second)
	o.Read(t.Context(), time.Second)
	if f.reads != 1 {
		t.Errorf("%d readings within the age allowed", f.reads)
	}
	c.advance(time.Millisecond)
	f.cost = func() { c.advance(10 * time.Second) }
	o.Read(t.Context(), time.Second)
	if f.reads != 2 {
		t.Errorf("%d readings after it", f.reads)
	}
	c.advance(40 * time.Second)
	o.Read(t.Context(), time.Second)
	if f.reads != 2 {
		t.Error("a reading that took long was not kept longer")
	}
}
