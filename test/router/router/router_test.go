// SPDX-License-Identifier: Apache-2.0

package router

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVerdictFollowsSessionsAndRoutes(t *testing.T) {
	t.Parallel()
	up, down, announcing := Neighbor{Established: true}, Neighbor{}, Neighbor{Established: true, Paths: 2}
	tests := map[string]struct {
		report      Report
		want        Verdict
		wantSummary string
	}{
		"nobody ever came":          {Report{}, NotConnected, "No node has a session. Waiting for the first one."},
		"somebody left":             {Report{Neighbors: []Neighbor{down}}, NotConnected, "No node has a session now. 1 was seen before."},
		"two left":                  {Report{Neighbors: []Neighbor{down, down}}, NotConnected, "No node has a session now. 2 were seen before."},
		"all left, routes are kept": {Report{Neighbors: []Neighbor{down}, Routes: make([]Route, 1)}, NotConnected, "No node has a session. 1 prefix is kept for nodes that may come back (graceful restart)."},
		"one is up and silent":      {Report{Neighbors: []Neighbor{up, down}}, ToldNothing, "1 neighbour has a session and announces nothing yet."},
		"two are up and silent":     {Report{Neighbors: []Neighbor{up, up}}, ToldNothing, "2 neighbours have sessions and announce nothing yet."},
		"up and announcing":         {Report{Neighbors: []Neighbor{announcing, announcing}, Routes: make([]Route, 2)}, Connected, "2 neighbours announce 2 prefixes."},
		"one is, another is silent": {Report{Neighbors: []Neighbor{announcing, up}, Routes: make([]Route, 2)}, Connected, "1 of 2 neighbours announce 2 prefixes."},
		"one is silent, routes of another are kept": {
			Report{Neighbors: []Neighbor{up, down}, Routes: make([]Route, 2)}, ToldNothing,
			"1 neighbour has a session and announces nothing yet. 2 prefixes are kept for nodes that may come back (graceful restart).",
		},
		"the daemon is gone": {Report{Error: "bird: killed", Neighbors: []Neighbor{up}}, NotRunning, "The router does not answer: bird: killed."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, summary := Judge(tt.report)
			if got != tt.want || summary != tt.wantSummary {
				t.Errorf("got %q: %q", got, summary)
			}
		})
	}
}

func TestPeerASNIsReadAndPrinted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]PeerASN{"internal": Internal, "external": External, "65001": ExactASN(65001), "4294967295": ExactASN(4294967295)} {
		got, err := ParsePeerASN(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "4294967296", "any"} {
		if got, err := ParsePeerASN(text); err == nil || !strings.Contains(err.Error(), "want internal, external or a number") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestListenNamesAllAddressesOrThoseChosen(t *testing.T) {
	t.Parallel()
	all := Config{Port: 1179}.Listen()
	if len(all) != 2 || all[0].String() != "0.0.0.0:1179" || all[1].String() != "[::]:1179" {
		t.Errorf("got %v", all)
	}
	one := Config{Port: 179, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}.Listen()
	if len(one) != 1 || one[0].String() != "192.0.2.1:179" {
		t.Errorf("got %v", one)
	}
}

func TestAFamilyIsLostWhenTheNodeHasNoSessionOfItLeft(t *testing.T) {
	t.Parallel()
	session := func(node, address string, up bool) Neighbor {
		return Neighbor{Node: node, Address: netip.MustParseAddr(address), Established: up}
	}
	r := Report{Neighbors: []Neighbor{
		session("well", "192.0.2.1", true), session("well", "fd00::1", true),
		session("moved", "192.0.2.2", false), session("moved", "10.244.1.1", true),
		session("half", "192.0.2.3", true), session("half", "fd00::3", false),
		session("gone", "fd00::4", false), session("gone", "192.0.2.4", false),
	}}
	want := map[string][]string{"half": {"IPv6"}, "gone": {"IPv4", "IPv6"}}
	if diff := cmp.Diff(want, r.Lost()); diff != "" {
		t.Errorf("lost families (-want +got):\n%s", diff)
	}
}

func TestNodesOfARouteAreNamedOnce(t *testing.T) {
	t.Parallel()
	r := Route{Paths: []Path{{Node: "b"}, {Node: "a"}, {Node: "b"}}}
	if got := strings.Join(r.Nodes(), " "); got != "b a" {
		t.Errorf("got %s", got)
	}
}
