// SPDX-License-Identifier: Apache-2.0

package router

import (
	"cmp"
	"net/netip"
	"slices"
	"time"
)

// Snapshot is what all routers of one program say at one moment. It is the body of /api/routers.
type Snapshot struct {
	// Title is what the operator calls this set of routers.
	Title string `json:"title"`
	// Time is when the routers were read.
	Time time.Time `json:"time"`
	// Forwarding names the router whose routes are in the kernel; empty when the routers only inspect.
	Forwarding string `json:"forwarding,omitempty"`
	// Routers are the reports, in the order the routers were asked for.
	Routers []Report `json:"routers"`
	// Nodes are the cluster's nodes as the sessions show them, by name.
	Nodes []Node `json:"nodes"`
}

// Report is what one router says of itself.
type Report struct {
	// Name is the router's short name: "bird" or "frr".
	Name string `json:"name"`
	// Software is the daemon's name as its authors write it.
	Software string `json:"software"`
	// ASN is the router's own AS number.
	ASN uint32 `json:"asn"`
	// PeerASN is whom it accepts: "internal", "external" or an AS number.
	PeerASN string `json:"peerASN"`
	// Listen are the addresses and the port it accepts sessions on; an unspecified address means all.
	Listen []netip.AddrPort `json:"listen"`
	// Endpoint is the "address:port" that nodes dial, where the operator named one.
	Endpoint string `json:"endpoint,omitempty"`
	// Verdict is the one thing a reader wants to know.
	Verdict Verdict `json:"verdict"`
	// Summary is the verdict as a sentence.
	Summary string `json:"summary"`
	// Error says why the router could not be asked; empty when it answered.
	Error string `json:"error,omitempty"`
	// Neighbors are sorted by router ID, then address.
	Neighbors []Neighbor `json:"neighbors"`
	// Routes are the prefixes learned over BGP, sorted.
	Routes []Route `json:"routes"`
	// Raw is the router's own output, unedited.
	Raw []Output `json:"raw,omitempty"`
}

// Neighbor is one BGP session, or one that was seen and is gone.
type Neighbor struct {
	// Address is the session's remote address as the router sees it, possibly after address translation.
	Address netip.Addr `json:"address"`
	// RouterID is the BGP identifier of the last OPEN; invalid when none was received.
	RouterID netip.Addr `json:"routerID,omitzero"`
	// ASN is the neighbour's AS number; 0 when unknown.
	ASN uint32 `json:"asn,omitempty"`
	// Node names the node behind the session.
	Node string `json:"node"`
	// Hostname is what the neighbour calls itself (the FQDN capability); often empty.
	Hostname string `json:"hostname,omitempty"`
	// State is the router's word for the state: an FSM state of RFC 4271 section 8.2.2, or "Gone".
	State string `json:"state"`
	// Established tells whether the session is up.
	Established bool `json:"established"`
	// Restarting tells that the session is down and its routes are kept (RFC 4724, helper).
	Restarting bool `json:"restarting,omitempty"`
	// Since is when the session entered its state; zero when unknown.
	Since time.Time `json:"since,omitzero"`
	// Paths counts the paths learned from the neighbour, both families.
	Paths int `json:"paths"`
	// LastError is why the session went down last, in the router's words.
	LastError string `json:"lastError,omitempty"`
}

// Family names the address family that the session runs over: "IPv4" or "IPv6".
func (n Neighbor) Family() string {
	if n.Address.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// StateGone is the state of a neighbour that the router no longer knows.
const StateGone = "Gone"

// Route is a prefix and every path to it.
type Route struct {
	Prefix netip.Prefix `json:"prefix"`
	// Paths are sorted by the neighbour's router ID, then its address, then next hop.
	Paths []Path `json:"paths"`
}

// Sort orders routes by prefix, families apart, and paths by neighbour and next hop.
func Sort(routes []Route) {
	for _, r := range routes {
		slices.SortFunc(r.Paths, func(a, b Path) int {
			return cmp.Or(a.Neighbor.Compare(b.Neighbor), a.NextHop.Compare(b.NextHop))
		})
	}
	slices.SortFunc(routes, func(a, b Route) int { return a.Prefix.Compare(b.Prefix) })
}

// Path is what one neighbour says of one prefix.
type Path struct {
	// Neighbor is the address of the session the path came over.
	Neighbor netip.Addr `json:"neighbor"`
	// Node names the node behind that session.
	Node string `json:"node"`
	// NextHop is the NEXT_HOP, or the global next hop of MP_REACH_NLRI.
	NextHop netip.Addr `json:"nextHop"`
	// Best marks the path the router selected.
	Best bool `json:"best,omitempty"`
	// Reachable tells whether the router can resolve the next hop.
	Reachable bool `json:"reachable"`
	// Stale marks a path kept although its session is down (RFC 4724).
	Stale bool `json:"stale,omitempty"`
	// Origin is "IGP", "EGP" or "incomplete".
	Origin string `json:"origin,omitempty"`
	// ASPath is the AS_PATH as the router prints it; empty for routes from the router's own AS.
	ASPath string `json:"asPath"`
	// LocalPref is the LOCAL_PREF in use; nil when the router shows none.
	LocalPref *uint32 `json:"localPref,omitempty"`
	// MED is the MULTI_EXIT_DISC; nil when absent.
	MED *uint32 `json:"med,omitempty"`
	// Communities are standard communities, "64512:100".
	Communities []string `json:"communities,omitempty"`
	// LargeCommunities are large communities, "64512:1:2".
	LargeCommunities []string `json:"largeCommunities,omitempty"`
	// ExtendedCommunities are extended communities as the router prints them, but with colons.
	ExtendedCommunities []string `json:"extendedCommunities,omitempty"`
}

// Output is what a person would have seen had they typed Command.
type Output struct {
	Command string `json:"command"`
	Text    string `json:"text"`
}

// Node is a cluster node as seen through its sessions.
type Node struct {
	// Name is the configured name, the host name the node announces, its router ID or its address: the first known.
	Name string `json:"name"`
	// Addresses are the remote addresses of its sessions, sorted.
	Addresses []netip.Addr `json:"addresses"`
	// Links tell how the node stands with each router, in the order of the routers.
	Links []Link `json:"links"`
}

// Link is the relation of a node and a router.
type Link struct {
	// Router is the router's name.
	Router string `json:"router"`
	// Known tells whether the router has or had a session with the node.
	Known bool `json:"known"`
	// Established tells whether any session is up.
	Established bool `json:"established"`
	// Lost are the families over which the node had a session and has none now: "IPv4", "IPv6".
	Lost []string `json:"lost,omitempty"`
	// Prefixes counts the prefixes the node announces to the router, stale ones included.
	Prefixes int `json:"prefixes"`
}

// Find returns the report of the router called name.
func (s Snapshot) Find(name string) (Report, bool) {
	for _, r := range s.Routers {
		if r.Name == name {
			return r, true
		}
	}
	return Report{}, false
}

// Find returns the route to prefix.
func (r Report) Find(prefix netip.Prefix) (Route, bool) {
	for _, route := range r.Routes {
		if route.Prefix == prefix {
			return route, true
		}
	}
	return Route{}, false
}

// Established returns the neighbours whose session is up.
func (r Report) Established() []Neighbor {
	var up []Neighbor
	for _, n := range r.Neighbors {
		if n.Established {
			up = append(up, n)
		}
	}
	return up
}

// Lost returns the families over which each node had a session and has none now, by the node's name.
func (r Report) Lost() map[string][]string {
	type link struct{ node, family string }
	up := map[link]bool{}
	for _, n := range r.Neighbors {
		up[link{n.Node, n.Family()}] = up[link{n.Node, n.Family()}] || n.Established
	}
	lost := map[string][]string{}
	for l, established := range up {
		if !established {
			lost[l.node] = append(lost[l.node], l.family)
			slices.Sort(lost[l.node])
		}
	}
	return lost
}

// Nodes returns the names of the nodes that announce the route, each once, in the order of the paths.
func (r Route) Nodes() []string {
	var names []string
	seen := map[string]bool{}
	for _, p := range r.Paths {
		if !seen[p.Node] {
			seen[p.Node] = true
			names = append(names, p.Node)
		}
	}
	return names
}
