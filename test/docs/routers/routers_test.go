// SPDX-License-Identifier: Apache-2.0

package routers

import (
	"context"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"k8s.io/utils/clock"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/gobgp"
	"metallb.io/metallb/speaker/rib"
	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/docs"
)

// What the examples of the page have in common.
const (
	root = "../../.."
	page = "docs/routers.md"
	// nodesOfThePage begins each node's address.
	nodesOfThePage    = "192.0.2."
	passwordOfThePage = "choose-another"
	clusterASN        = 64500
	routerASN         = 64501
)

var lab bgptest.Lab

func TestMain(m *testing.M) {
	bgptest.Isolate()
	os.Exit(m.Run())
}

// programs are the languages of the blocks that are run.
var programs = map[string]func(testing.TB, *bgptest.Node, string) bgptest.Program{"bird": bgptest.BIRDWith, "frr": bgptest.FRRWith}

// example is a router that has the configuration of the page.
type example struct {
	node   *bgptest.Node
	router bgptest.Program
}

// sources are the addresses of the two nodes that announce to it, by the names of their sessions.
func (e example) sources() map[string]netip.Addr {
	return map[string]netip.Addr{e.router.Name() + " from node-1": e.node.Test4, e.router.Name() + " from node-2": e.node.Other4}
}

// All sessions begin together: GoBGP must not be started while it has a session, as the race detector would report that.
func TestARouterOfThePageSpreadsOverTheNodesAndLeavesOneThatDrains(t *testing.T) {
	bgptest.Require(t)
	examples := make(map[string]example, len(programs))
	for language, program := range programs {
		node := lab.NewNode(t)
		subnet := strings.TrimSuffix(node.Test4.String(), "1")
		router := program(t, node, strings.ReplaceAll(firstBlock(t, language), nodesOfThePage, subnet))
		router.Start(t)
		examples[language] = example{node, router}
	}
	table := announce(t, slices.Collect(maps.Values(examples)), "198.51.100.7/32", "198.51.100.0/25", "203.0.113.7/32")
	for language, e := range examples {
		t.Run(language, func(t *testing.T) { e.test(t, table) })
	}
}

func (e example) test(t *testing.T, table *rib.Table) {
	t.Helper()
	one, two := e.node.Test4, e.node.Other4
	e.awaitNextHops(t, "198.51.100.7/32", one, two)

	draining := rib.Path{Prefix: netip.MustParsePrefix("198.51.100.7/32"), Draining: true}
	announceTo(table, e.router.Name()+" from node-1", draining)
	e.awaitNextHops(t, "198.51.100.7/32", two)
	t.Log("a route that drains is used where there is no other")
	table.Set(e.router.Name()+" from node-2 "+draining.Prefix.String(), nil)
	e.awaitNextHops(t, "198.51.100.7/32", one)
	t.Log("what was announced first and is not of the pool has not come in")
	e.awaitNextHops(t, "198.51.100.0/25")
	e.awaitNextHops(t, "203.0.113.7/32")
}

// firstBlock returns the page's first block of the language.
func firstBlock(t *testing.T, language string) string {
	t.Helper()
	return blockWith(t, language, "")
}

// blockWith returns the page's first block of the language that contains the text.
func blockWith(t *testing.T, language, text string) string {
	t.Helper()
	d, err := docs.Read(root, page)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(d.Blocks, func(b docs.Block) bool { return b.Language == language && strings.Contains(b.Text, text) })
	if i < 0 {
		t.Fatalf("%s has no block of %s with %q", page, language, text)
	}
	return d.Blocks[i].Text
}

// announce has both nodes announce the prefixes to each router, over sessions with the page's password.
func announce(t *testing.T, examples []example, prefixes ...string) *rib.Table {
	t.Helper()
	table := rib.NewTable()
	sessions, err := gobgp.New(gobgp.Options{Table: table, Logger: testr.New(t), Clock: clock.RealClock{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sessions.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	var configs []bgp.Peer
	for _, e := range examples {
		for name, source := range e.sources() {
			configs = append(configs, bgp.Peer{
				Name: name, LocalASN: clusterASN, PeerASN: routerASN, Address: e.node.Addr4, Port: 179, Families: bgp.Families{IPv4: true}, Source: source, RouterID: source,
				HoldTime: 90 * time.Second, KeepaliveTime: 30 * time.Second, ConnectTime: 2 * time.Second, Password: passwordOfThePage,
			})
		}
	}
	for _, c := range configs {
		for _, prefix := range prefixes {
			announceTo(table, c.Name, rib.Path{Prefix: netip.MustParsePrefix(prefix)})
		}
	}
	sessions.Configure(configs)
	return table
}

// announceTo announces the path to the peer, in place of an earlier one.
func announceTo(table *rib.Table, peer string, path rib.Path) {
	table.Set(peer+" "+path.Prefix.String(), map[string][]rib.Path{peer: {path}})
}

func (e example) awaitNextHops(t *testing.T, prefix string, want ...netip.Addr) {
	t.Helper()
	slices.SortFunc(want, netip.Addr.Compare)
	late := time.After(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		have := e.router.NextHops(t, netip.MustParsePrefix(prefix))
		if slices.Equal(have, want) {
			return
		}
		select {
		case <-late:
			t.Fatalf("%s spreads %s over %v, not %v", e.router.Name(), prefix, have, want)
		case <-tick.C:
		}
	}
}
