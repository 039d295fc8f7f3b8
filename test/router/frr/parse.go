// SPDX-License-Identifier: Apache-2.0

package frr

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"metallb.io/metallb/test/router/router"
)

// neighborJSON is what is used of an entry of "show bgp neighbors json".
type neighborJSON struct {
	RemoteAS         uint32 `json:"remoteAs"`
	RemoteRouterID   string `json:"remoteRouterId"`
	Hostname         string `json:"hostname"`
	State            string `json:"bgpState"`
	EstablishedEpoch int64  `json:"bgpTimerUpEstablishedEpoch"`
	LastReset        string `json:"lastResetDueTo"`
}

// parseNeighbors reads "show bgp neighbors json". Entries whose key is no address are not neighbours.
func parseNeighbors(text string, routes []router.Route) ([]router.Neighbor, error) {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		return nil, err
	}
	paths, stale := count(routes)
	all := make([]router.Neighbor, 0, len(entries))
	for key, raw := range entries {
		address, err := netip.ParseAddr(key)
		if err != nil {
			continue
		}
		var e neighborJSON
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("neighbor %s: %w", key, err)
		}
		n := router.Neighbor{
			Address: address, ASN: e.RemoteAS, Hostname: e.Hostname, State: e.State, Established: e.State == "Established",
			Restarting: e.State != "Established" && stale[address], Paths: paths[address],
		}
		if id, err := netip.ParseAddr(e.RemoteRouterID); err == nil && !id.IsUnspecified() {
			n.RouterID = id
		}
		if n.Established && e.EstablishedEpoch > 0 {
			n.Since = time.Unix(e.EstablishedEpoch, 0)
		}
		if !n.Established {
			n.LastError = e.LastReset
		}
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b router.Neighbor) int { return a.Address.Compare(b.Address) })
	return all, nil
}

// count returns how many paths each neighbour has, and which neighbours have stale ones.
func count(routes []router.Route) (paths map[netip.Addr]int, stale map[netip.Addr]bool) {
	paths, stale = map[netip.Addr]int{}, map[netip.Addr]bool{}
	for _, r := range routes {
		for _, p := range r.Paths {
			paths[p.Neighbor]++
			stale[p.Neighbor] = stale[p.Neighbor] || p.Stale
		}
	}
	return paths, stale
}

// pathJSON is what is used of a path in "show bgp … json detail".
type pathJSON struct {
	ASPath struct {
		String string `json:"string"`
	} `json:"aspath"`
	Origin    string  `json:"origin"`
	MED       *uint32 `json:"metric"`
	LocalPref *uint32 `json:"locPrf"`
	Valid     bool    `json:"valid"`
	Stale     bool    `json:"stale"`
	BestPath  struct {
		Overall bool `json:"overall"`
	} `json:"bestpath"`
	Communities         communities `json:"community"`
	LargeCommunities    communities `json:"largeCommunity"`
	ExtendedCommunities communities `json:"extendedCommunity"`
	NextHops            []struct {
		IP    string `json:"ip"`
		Scope string `json:"scope"`
	} `json:"nexthops"`
	Peer *struct {
		ID string `json:"peerId"`
	} `json:"peer"`
}

// ParseRoutes reads "show bgp … json detail": a list per prefix whose first element describes the prefix and
// whose others are its paths. No table at all is an empty object.
func ParseRoutes(text string) ([]router.Route, error) {
	var table struct {
		Routes map[string][]pathJSON `json:"routes"`
	}
	if err := json.Unmarshal([]byte(text), &table); err != nil {
		return nil, err
	}
	routes := make([]router.Route, 0, len(table.Routes))
	for key, entries := range table.Routes {
		prefix, err := netip.ParsePrefix(key)
		if err != nil {
			return nil, err
		}
		route := router.Route{Prefix: prefix}
		for _, e := range entries {
			if e.Peer == nil {
				continue
			}
			p, err := e.path()
			if err != nil {
				return nil, fmt.Errorf("path to %s: %w", prefix, err)
			}
			route.Paths = append(route.Paths, p)
		}
		routes = append(routes, route)
	}
	router.Sort(routes)
	return routes, nil
}

func (e pathJSON) path() (router.Path, error) {
	neighbor, err := netip.ParseAddr(e.Peer.ID)
	if err != nil {
		return router.Path{}, fmt.Errorf("peer: %w", err)
	}
	p := router.Path{
		Neighbor: neighbor, Best: e.BestPath.Overall, Reachable: e.Valid, Stale: e.Stale, Origin: e.Origin,
		MED: e.MED, LocalPref: e.LocalPref, Communities: e.Communities.list(), LargeCommunities: e.LargeCommunities.list(),
		ExtendedCommunities: e.ExtendedCommunities.list(),
	}
	if e.ASPath.String != "Local" {
		p.ASPath = e.ASPath.String
	}
	for _, hop := range e.NextHops {
		if hop.Scope == "link-local" && len(e.NextHops) > 1 {
			continue
		}
		if p.NextHop, err = netip.ParseAddr(hop.IP); err != nil {
			return router.Path{}, fmt.Errorf("next hop: %w", err)
		}
	}
	return p, nil
}

// communities are those of one kind, as FRR prints them.
type communities struct {
	Text string `json:"string"`
}

// wellKnown are the communities for which FRR writes a name (RFC 1997, 3765, 7611, 7999, 8326, 9494).
var wellKnown = map[string]string{
	"graceful-shutdown": "65535:0", "accept-own": "65535:1", "llgr-stale": "65535:6", "no-llgr": "65535:7", "blackhole": "65535:666",
	"no-export": "65535:65281", "no-advertise": "65535:65282", "local-AS": "65535:65283", "no-peer": "65535:65284",
}

// remark is what FRR says of a bandwidth.
var remark = regexp.MustCompile(` \([^)]*\)`)

// list returns the communities as numbers.
func (c communities) list() []string {
	var all []string
	for name := range strings.FieldsSeq(remark.ReplaceAllString(c.Text, "")) {
		all = append(all, cmp.Or(wellKnown[name], name))
	}
	return all
}
