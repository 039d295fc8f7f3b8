// SPDX-License-Identifier: Apache-2.0

package page

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"metallb.io/metallb/test/router/router"
)

// What is shown at most; the JSON has it all.
const (
	maxRoutes    = 200
	maxNeighbors = 100
	maxRaw       = 64 << 10
)

// view is what the templates render.
type view struct {
	Title         string
	DocumentTitle string
	Shape         string
	Forwarding    string
	Map           *fragment
	Facts         *fragment
	Routers       []routerView
	Fragments     []*fragment
}

// routerView is one router's part: what never changes, and the fragments that do.
type routerView struct {
	ID, Software, Endpoint, Accepts string
	ASN                             uint32
	Forwards                        bool
	Verdict, Routes, Neighbors, Raw *fragment
}

// view renders a snapshot.
func (p *Page) view(s router.Snapshot) view {
	v := view{Title: s.Title, DocumentTitle: documentTitle(s)}
	shape := make([]string, 0, 2+4*len(s.Routers))
	shape = append(shape, s.Title, s.Forwarding)
	v.Map = p.render("map", "map.html", newMap(s))
	v.Facts = p.render("facts", "facts.html", p.facts())
	v.Fragments = []*fragment{v.Map, v.Facts}
	for _, r := range s.Routers {
		if r.Name == s.Forwarding {
			v.Forwarding = r.Software
		}
		rv := routerView{
			ID: r.Name, Software: r.Software, ASN: r.ASN, Endpoint: endpoint(r), Accepts: accepts(r), Forwards: r.Name == s.Forwarding,
			Verdict:   p.render(r.Name+"-verdict", "verdict.html", newVerdict(r)),
			Routes:    p.render(r.Name+"-routes", "routes.html", newRoutes(r)),
			Neighbors: p.render(r.Name+"-neighbors", "neighbors.html", newNeighbors(r)),
			Raw:       p.render(r.Name+"-raw", "raw.html", newRaw(r)),
		}
		v.Routers = append(v.Routers, rv)
		v.Fragments = append(v.Fragments, rv.Verdict, rv.Routes, rv.Neighbors, rv.Raw)
		shape = append(shape, r.Name, rv.Endpoint, rv.Accepts, strconv.FormatUint(uint64(r.ASN), 10))
	}
	v.Shape = digest(shape...)
	return v
}

func documentTitle(s router.Snapshot) string {
	parts := make([]string, 0, len(s.Routers))
	for _, r := range s.Routers {
		parts = append(parts, r.Software+": "+string(r.Verdict))
	}
	return strings.Join(append(parts, s.Title), " · ")
}

// endpoint returns what a node dials.
func endpoint(r router.Report) string {
	if r.Endpoint != "" {
		return r.Endpoint
	}
	var all []string
	for _, l := range r.Listen {
		if l.Addr().IsUnspecified() {
			return "any address, port " + strconv.Itoa(int(l.Port()))
		}
		all = append(all, l.String())
	}
	return strings.Join(all, ", ")
}

func accepts(r router.Report) string {
	switch r.PeerASN {
	case "internal":
		return fmt.Sprintf("nodes of AS %d", r.ASN)
	case "external":
		return fmt.Sprintf("nodes of any AS but %d", r.ASN)
	}
	return "nodes of AS " + r.PeerASN
}

// level is the visual weight of a verdict: "ok", "warn", "bad" or "idle".
func level(r router.Report) string {
	switch {
	case r.Verdict == router.Connected:
		return "ok"
	case r.Verdict == router.ToldNothing:
		return "warn"
	case r.Verdict == router.NotConnected && len(r.Neighbors) == 0:
		return "idle"
	}
	return "bad"
}

type verdictView struct {
	Level, Verdict, Summary string
	// Lost are nodes of which a session is down.
	Lost []lostView
}

// lostView is a node of which a session is down; Family is which, if one of the other family is up.
type lostView struct{ Node, Family string }

func newVerdict(r router.Report) verdictView {
	v := verdictView{Level: level(r), Verdict: string(r.Verdict), Summary: r.Summary}
	up := map[string]bool{}
	for _, n := range r.Established() {
		up[n.Node] = true
	}
	lost := r.Lost()
	for _, n := range r.Neighbors {
		families := lost[n.Node]
		l := lostView{Node: n.Node}
		if up[n.Node] {
			l.Family = strings.Join(families, " and ")
		}
		if len(families) > 0 && !slices.Contains(v.Lost, l) {
			v.Lost = append(v.Lost, l)
		}
	}
	return v
}

type routesView struct {
	Routes []routeView
	// More counts the routes not shown.
	More int
	// Hint is shown instead when there are none.
	Hint *hint
	// Silent tells that sessions are up although there are no routes.
	Silent bool
}

// hint says how to get a session: what to write into a BGPPeer.
type hint struct {
	Name, Address string
	Port          string
	ASN           uint32
	NodeASN       string
}

type routeView struct {
	Prefix       string
	Announcers   []announcer
	LocalPref    string
	MED          string
	ASPath       string
	Communities  []string
	Inconsistent bool
}

type announcer struct {
	Node, NextHop           string
	Best, Stale, Unresolved bool
}

func newRoutes(r router.Report) routesView {
	var v routesView
	for _, route := range r.Routes[:min(len(r.Routes), maxRoutes)] {
		v.Routes = append(v.Routes, newRoute(route))
	}
	v.More = len(r.Routes) - len(v.Routes)
	v.Silent = len(r.Established()) > 0
	if len(r.Neighbors) == 0 && r.Error == "" {
		v.Hint = newHint(r)
	}
	return v
}

func newRoute(route router.Route) routeView {
	v := routeView{Prefix: route.Prefix.String()}
	for i, p := range route.Paths {
		v.Announcers = append(v.Announcers, announcer{
			Node: p.Node, NextHop: p.NextHop.String(), Best: p.Best, Stale: p.Stale, Unresolved: !p.Reachable,
		})
		attributes := append(slices.Clone(p.Communities), p.LargeCommunities...)
		if i == 0 {
			v.LocalPref, v.MED, v.ASPath, v.Communities = number(p.LocalPref), number(p.MED), p.ASPath, attributes
			continue
		}
		v.Inconsistent = v.Inconsistent || v.LocalPref != number(p.LocalPref) || v.MED != number(p.MED) || v.ASPath != p.ASPath ||
			!slices.Equal(v.Communities, attributes)
	}
	return v
}

func number(n *uint32) string {
	if n == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*n), 10)
}

func newHint(r router.Report) *hint {
	h := &hint{Name: r.Name, ASN: r.ASN, NodeASN: r.PeerASN}
	switch r.PeerASN {
	case "internal":
		h.NodeASN = strconv.FormatUint(uint64(r.ASN), 10)
	case "external":
		h.NodeASN = ""
	}
	dial, err := netip.ParseAddrPort(r.Endpoint)
	if err != nil && len(r.Listen) > 0 {
		dial = r.Listen[0]
	}
	if !dial.IsValid() || dial.Addr().IsUnspecified() {
		return nil
	}
	h.Address = dial.Addr().String()
	if dial.Port() != bgpPort {
		h.Port = strconv.Itoa(int(dial.Port()))
	}
	return h
}

// bgpPort is the port of RFC 4271.
const bgpPort = 179

type neighborView struct {
	Node, Address, RouterID, State, Level, Since, LastError string
	SinceMachine                                            string
	ASN                                                     uint32
	Paths                                                   int
	Restarting                                              bool
}

type neighborsView struct {
	Neighbors []neighborView
	More      int
}

func newNeighbors(r router.Report) neighborsView {
	var v neighborsView
	for _, n := range r.Neighbors[:min(len(r.Neighbors), maxNeighbors)] {
		nv := neighborView{
			Node: n.Node, Address: n.Address.String(), State: n.State, Level: "bad", LastError: n.LastError, ASN: n.ASN, Paths: n.Paths,
			Restarting: n.Restarting,
		}
		if n.RouterID.IsValid() && n.RouterID != n.Address {
			nv.RouterID = n.RouterID.String()
		}
		if n.Established {
			nv.Level, nv.LastError = "ok", ""
		}
		if !n.Since.IsZero() {
			nv.Since, nv.SinceMachine = n.Since.Format(time.TimeOnly), n.Since.UTC().Format(time.RFC3339)
		}
		v.Neighbors = append(v.Neighbors, nv)
	}
	v.More = len(r.Neighbors) - len(v.Neighbors)
	return v
}

type rawView struct {
	Software string
	Error    string
	Outputs  []router.Output
}

func newRaw(r router.Report) rawView {
	v := rawView{Software: r.Software, Error: r.Error}
	for _, o := range r.Raw {
		if len(o.Text) > maxRaw {
			o.Text = strings.ToValidUTF8(o.Text[:maxRaw], "") + fmt.Sprintf("\n… and %d bytes more: see /api/routers", len(o.Text)-maxRaw)
		}
		v.Outputs = append(v.Outputs, o)
	}
	return v
}

type factsView struct {
	Recording       bool
	Held, Discarded int
	// Decode is the option that tells tshark which ports carry BGP; empty when the well-known one does.
	Decode string
}

func (p *Page) facts() factsView {
	var v factsView
	if p.cfg.Recorder != nil {
		v.Recording = true
		v.Held, v.Discarded = p.cfg.Recorder.Packets()
	}
	for _, port := range p.cfg.Ports {
		if port != bgpPort {
			v.Decode += fmt.Sprintf(" -d tcp.port==%d,bgp", port)
		}
	}
	return v
}
