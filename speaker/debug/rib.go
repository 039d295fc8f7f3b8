// SPDX-License-Identifier: Apache-2.0

package debug

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

// ribPage is what the peers are to be told, and why.
type ribPage struct {
	Node     string    `json:"node"`
	Peers    []peer    `json:"peers"`
	Services []service `json:"services"`
}

type peer struct {
	Peer string `json:"peer"`
	// State of the session; empty if there is none. The peer knows the prefixes while that is Established.
	State    string   `json:"state"`
	Prefixes []prefix `json:"prefixes"`
	// Unsettled are prefixes of changes that could not be made yet.
	Unsettled []netip.Prefix `json:"unsettled,omitempty"`
}

type prefix struct {
	Prefix        netip.Prefix `json:"prefix"`
	LocalPref     uint32       `json:"localPref,omitempty"`
	ASPathPrepend uint8        `json:"asPathPrepend,omitempty"`
	MED           *uint32      `json:"med,omitempty"`
	Weight        uint32       `json:"weight,omitempty"`
	Communities   []string     `json:"communities,omitempty"`
	Draining      bool         `json:"draining,omitempty"`
}

type service struct {
	Service string `json:"service"`
	// Reason and Message say why the service has no address to decide about.
	Reason    announce.Reason `json:"reason,omitempty"`
	Message   string          `json:"message,omitempty"`
	Addresses []address       `json:"addresses"`
}

// address is announced on this node's sessions, or not for a reason. Where it is announced and a reason says why not, or the reverse, the
// change is under way.
type address struct {
	Address   netip.Addr `json:"address"`
	Pool      string     `json:"pool,omitempty"`
	Announced bool       `json:"announced"`
	// Peers have been told of the address, PendingPeers will be once their sessions are established.
	Peers        []string        `json:"peers,omitempty"`
	PendingPeers []string        `json:"pendingPeers,omitempty"`
	Reason       announce.Reason `json:"reason,omitempty"`
	Message      string          `json:"message,omitempty"`
}

func tellRIB(ctx context.Context, q *question) (any, error) {
	services, err := q.services(ctx)
	if err != nil {
		return nil, err
	}
	page := ribPage{Node: q.now.Node, Peers: []peer{}, Services: []service{}}
	for i := range services {
		page.Services = append(page.Services, q.serviceOf(&services[i]))
	}
	page.Peers = q.peers(services)
	if q.peer != "" && len(page.Peers) == 0 {
		return nil, unmatched("BGPPeer", q.peer)
	}
	return page, nil
}

// services returns those that the filters select. Of a peer, these are the services that it is to be told of.
func (q *question) services(ctx context.Context) ([]node.ServiceInspection, error) {
	if q.service == "" {
		all, err := q.speaker.InspectServices(ctx, q.now)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(all, func(s node.ServiceInspection) bool { return !q.selects(&s) }), nil
	}
	name, err := q.name()
	if err != nil {
		return nil, err
	}
	one, found, err := q.speaker.InspectService(ctx, q.now, name)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, unmatched("Service of type LoadBalancer", q.service)
	case !q.selects(&one):
		return []node.ServiceInspection{}, nil
	}
	return []node.ServiceInspection{one}, nil
}

func (q *question) selects(s *node.ServiceInspection) bool {
	inPool := func(a node.AddressInspection) bool { return a.Pool == q.pool }
	return (q.peer == "" || len(s.Paths[q.peer]) > 0) && (q.pool == "" || slices.ContainsFunc(s.Addresses, inPool))
}

// peers returns those with a session, and those without that were to be told something, with what they are to be told: of the
// services, if filters select these, or else all.
func (q *question) peers(services []node.ServiceInspection) []peer {
	states := map[string]string{}
	for _, name := range q.now.RIB.Peers() {
		states[name] = ""
	}
	for i := range q.now.Policy.Sessions {
		states[q.now.Policy.Sessions[i].Name] = ""
	}
	for i := range q.now.Sessions {
		states[q.now.Sessions[i].Peer] = string(q.now.Sessions[i].FSM)
	}
	found := []peer{}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		if q.peer != "" && q.peer != name {
			continue
		}
		p := peer{Peer: name, State: states[name], Prefixes: []prefix{}, Unsettled: q.now.Unsettled[name]}
		selected := prefixesOf(services, name)
		for _, path := range q.now.RIB.Paths(name) {
			if q.service == "" && q.pool == "" || selected[path.Prefix] {
				p.Prefixes = append(p.Prefixes, prefixOf(path))
			}
		}
		found = append(found, p)
	}
	return found
}

// prefixesOf returns the prefixes that the peer is to be told because of the services.
func prefixesOf(services []node.ServiceInspection, peer string) map[netip.Prefix]bool {
	prefixes := map[netip.Prefix]bool{}
	for i := range services {
		for _, path := range services[i].Paths[peer] {
			prefixes[path.Prefix] = true
		}
	}
	return prefixes
}

func prefixOf(p rib.Path) prefix {
	return prefix{
		Prefix: p.Prefix, LocalPref: p.LocalPref, ASPathPrepend: p.ASPathPrepend, MED: p.MED.Pointer(), Weight: p.Weight,
		Communities: textsOf(p.Communities), Draining: p.Draining,
	}
}

func (q *question) serviceOf(s *node.ServiceInspection) service {
	told := service{Service: s.Name.String(), Reason: s.Reason, Message: s.Reason.Describe(), Addresses: []address{}}
	for _, a := range s.Addresses {
		var peers, pending []string
		if a.Announced {
			peers, pending = q.peersOf(s, a.Address)
		}
		told.Addresses = append(told.Addresses, address{
			Address: a.Address, Pool: a.Pool, Announced: a.Announced, Peers: peers, PendingPeers: pending,
			Reason: a.Refused, Message: a.Refused.Describe(),
		})
	}
	return told
}

// peersOf returns the peers that have been told of the address, and those that will be.
func (q *question) peersOf(s *node.ServiceInspection, a netip.Addr) (told, pending []string) {
	for _, name := range slices.Sorted(maps.Keys(s.Paths)) {
		if !slices.ContainsFunc(s.Paths[name], func(p rib.Path) bool { return p.Prefix.Contains(a) }) {
			continue
		}
		if slices.ContainsFunc(q.now.Sessions, func(state session.State) bool { return state.Peer == name && state.Up() }) {
			told = append(told, name)
		} else {
			pending = append(pending, name)
		}
	}
	return told, pending
}
