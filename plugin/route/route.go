// SPDX-License-Identifier: Apache-2.0

package route

import (
	"cmp"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/rib"
)

// Route is what a node tells a peer of a prefix.
type Route struct {
	Node   string       `json:"node"`
	Peer   string       `json:"peer"`
	Prefix netip.Prefix `json:"prefix"`
	// NextHop is the address that the node connects from. It is nil where only the node knows that.
	NextHop *netip.Addr `json:"nextHop,omitempty"`
	// Services that the prefix is announced for, as namespace/name, sorted.
	Services   []string   `json:"services"`
	Attributes Attributes `json:"attributes"`
	// Told is whether the peer is told of the route now.
	Told bool `json:"told"`
	// Untold is why it is not; empty if it is.
	Untold Untold `json:"untold,omitempty"`
	// Error is what the node reports of the session that is not established.
	Error string `json:"error,omitempty"`
}

// Attributes are those of a route as they are sent to its peer.
type Attributes struct {
	// LocalPref is for internal peers alone. It is nil if none is set; then it is 100.
	LocalPref *uint32 `json:"localPref,omitempty"`
	// ASPathPrepend is how many times the local ASN is in the AS path besides the once that is due.
	ASPathPrepend int      `json:"asPathPrepend,omitempty"`
	MED           *uint32  `json:"med,omitempty"`
	Communities   []string `json:"communities,omitempty"`
	// Weight is how many endpoints the node has, which the community for the bandwidth says; 0 is unset.
	Weight uint32 `json:"weight,omitempty"`
	// Draining is whether routers are asked to prefer other nodes. The other attributes say it.
	Draining bool `json:"draining,omitempty"`
}

// Untold is why a peer is not told of a route that the node has for it.
type Untold string

// The reasons.
const (
	// NotReported: no speaker reports how the session fares.
	NotReported Untold = "NotReported"
	// NotEstablished: the session is not established.
	NotEstablished Untold = "NotEstablished"
	// FamilyNotCarried: the session is established, and the peer does not take routes of the family over it.
	FamilyNotCarried Untold = "FamilyNotCarried"
)

// Hop returns the next hop; empty if it is not known.
func (r Route) Hop() string {
	if r.NextHop == nil {
		return ""
	}
	return r.NextHop.String()
}

// Why says in words why the peer is not told of the route; empty if it is.
func (r Route) Why() string {
	switch r.Untold {
	case NotReported:
		return v1beta1.NoSessionReport
	case NotEstablished:
		return r.Error
	case FamilyNotCarried:
		return fmt.Sprintf("the session does not carry %s", endpoint.Of(r.Prefix.Addr()))
	}
	return ""
}

// String returns the attributes in one line; empty if there are none.
func (a Attributes) String() string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if a.Draining {
		add("draining")
	}
	if a.LocalPref != nil {
		add("localPref=%d", *a.LocalPref)
	}
	if a.ASPathPrepend > 0 {
		add("asPathPrepend=%d", a.ASPathPrepend)
	}
	if a.MED != nil {
		add("med=%d", *a.MED)
	}
	if a.Weight > 0 {
		add("weight=%d", a.Weight)
	}
	if len(a.Communities) > 0 {
		add("communities=%s", strings.Join(a.Communities, ","))
	}
	return strings.Join(all, " ")
}

// Filter says which routes are meant; an empty field means all.
type Filter struct {
	Node, Peer string
	// Service is the zero name for all.
	Service types.NamespacedName
}

// All returns the routes that the filter means, sorted by node, peer and prefix.
func (t *Table) All(f Filter) iter.Seq[Route] {
	return func(yield func(Route) bool) {
		everything := make([]int, len(t.services))
		for i := range everything {
			everything[i] = i
		}
		of, found := t.find(f.Service)
		if !found && f.Service != (types.NamespacedName{}) {
			return
		}
		for i := range t.cluster.Nodes {
			name := t.cluster.Nodes[i].Name
			if f.Node != "" && f.Node != name {
				continue
			}
			var routes []Route
			if f.Service != (types.NamespacedName{}) {
				routes = t.ofNode(t.node(name), of)
			} else {
				routes = t.routes(t.node(name), everything, func(peer string, _ netip.Prefix) bool { return f.Peer == "" || f.Peer == peer })
			}
			for _, r := range routes {
				if (f.Peer == "" || f.Peer == r.Peer) && !yield(r) {
					return
				}
			}
		}
	}
}

// routes returns those of the node for the services, to prefixes that are wanted of a peer.
func (t *Table) routes(n *node, services []int, wanted func(peer string, p netip.Prefix) bool) []Route {
	type destination struct {
		peer   string
		prefix netip.Prefix
	}
	paths, owners := map[destination]rib.Path{}, map[destination][]string{}
	for _, i := range services {
		for peer, list := range t.decide(n, i).Paths {
			for _, p := range list {
				d := destination{peer, p.Prefix}
				if !wanted(peer, p.Prefix) {
					continue
				}
				if other, shared := paths[d]; shared {
					p = rib.Merge(other, p)
				}
				paths[d] = p
				owners[d] = append(owners[d], t.services[i].name.String())
			}
		}
	}
	all := make([]Route, 0, len(paths))
	for d, p := range paths {
		p.Draining = p.Draining || n.policy.Draining
		all = append(all, t.route(n, d.peer, p, owners[d]))
	}
	slices.SortFunc(all, func(a, b Route) int { return cmp.Or(cmp.Compare(a.Peer, b.Peer), a.Prefix.Compare(b.Prefix)) })
	return all
}

// route is the path as the peer is told it.
func (t *Table) route(n *node, name string, p rib.Path, services []string) Route {
	peer := n.peers[name]
	sent := p.To(peer)
	r := Route{
		Node: n.Name, Peer: name, Prefix: p.Prefix, NextHop: nextHop(peer, p.Prefix), Services: services,
		Attributes: Attributes{
			LocalPref: sent.LocalPref, ASPathPrepend: sent.ASPathPrepend, MED: sent.MED.Pointer(), Weight: p.Weight, Draining: p.Draining,
		},
	}
	for _, c := range sent.Communities {
		r.Attributes.Communities = append(r.Attributes.Communities, c.String())
	}
	r.Untold, r.Error = untold(t.sessions[n.Name][name], p.Prefix)
	r.Told = r.Untold == ""
	return r
}

func untold(s *v1beta1.BGPSessionStateStatus, prefix netip.Prefix) (why Untold, reported string) {
	switch {
	case s == nil:
		return NotReported, ""
	case s.Fault() != "":
		return NotEstablished, s.Fault()
	case !s.Negotiated(endpoint.Of(prefix.Addr()).Kind()):
		return FamilyNotCarried, s.LastError
	}
	return "", ""
}

// nextHop returns that of a route to the prefix, if it is known: only where the BGPPeer says from which address nodes connect.
func nextHop(peer *bgp.Peer, prefix netip.Prefix) *netip.Addr {
	if !peer.Source.IsValid() || peer.Source.Is4() != prefix.Addr().Is4() {
		return nil
	}
	return &peer.Source
}
