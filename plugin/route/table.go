// SPDX-License-Identifier: Apache-2.0

package route

import (
	"cmp"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/rib"
)

// Table has what nodes tell peers. What a node does is computed when it is asked for, and kept. A Table is for one goroutine.
type Table struct {
	cluster *cluster.Cluster
	objects config.Objects
	active  map[active.Key]bool
	// peers are those in use, by name.
	peers map[string]*v1beta2.BGPPeer
	// sessions are what is reported, by node and peer.
	sessions map[string]map[string]*v1beta1.BGPSessionStateStatus
	services []service
	// byAddress are the services that have an address, sorted by it.
	byAddress []holder
	nodes     map[string]*node
}

// service is a Service with what matters of it, or the reason why nothing of it is announced.
type service struct {
	name   types.NamespacedName
	view   announce.Service
	reason announce.Reason
}

// holder is the number of a service that has the address.
type holder struct {
	addr    netip.Addr
	service int
}

// New returns the table of a cluster, of which Configuration, Nodes, Services, Endpoints, Sessions and Workloads are read. The cluster must
// not be changed afterwards.
func New(c *cluster.Cluster) *Table {
	t := &Table{
		cluster: c, objects: c.InUse(), active: map[active.Key]bool{}, peers: map[string]*v1beta2.BGPPeer{},
		sessions: map[string]map[string]*v1beta1.BGPSessionStateStatus{}, nodes: map[string]*node{},
	}
	decoded, _ := active.Decode(c.Active) // One that cannot be read does not count.
	for o := range decoded.All() {
		t.active[active.KeyOf(o)] = true
	}
	for i := range t.objects.Peers {
		t.peers[t.objects.Peers[i].Name] = &t.objects.Peers[i]
	}
	for i := range c.Sessions {
		s := &c.Sessions[i].Status
		if t.sessions[s.Node] == nil {
			t.sessions[s.Node] = map[string]*v1beta1.BGPSessionStateStatus{}
		}
		t.sessions[s.Node][s.Peer] = s
	}
	for i := range c.Services {
		object := &c.Services[i]
		s := service{name: types.NamespacedName{Namespace: object.Namespace, Name: object.Name}}
		s.view, s.reason = announce.ServiceOf(object, c.Class)
		for _, addr := range s.view.Addresses {
			t.byAddress = append(t.byAddress, holder{addr, i})
		}
		t.services = append(t.services, s)
	}
	slices.SortFunc(t.byAddress, func(a, b holder) int { return cmp.Or(a.addr.Compare(b.addr), cmp.Compare(a.service, b.service)) })
	return t
}

// InUse returns the configuration that controller and speakers use.
func (t *Table) InUse() config.Objects { return t.objects }

// Node returns what the node of that name does, nil if there is no such Node.
func (t *Table) Node(name string) *policy.Policy {
	if n := t.node(name); n != nil {
		return n.policy
	}
	return nil
}

// Session returns what is reported of the node's session with the peer, nil if nothing is.
func (t *Table) Session(node, peer string) *v1beta1.BGPSessionStateStatus {
	return t.sessions[node][peer]
}

// Refusal is why a node does not announce an address of a Service; the zero address stands for all.
type Refusal struct {
	Node    string
	Address netip.Addr
	Reason  announce.Reason
}

// Refusals returns why nodes do not announce addresses of the Service, by node and in the order of its addresses.
func (t *Table) Refusals(key types.NamespacedName) []Refusal {
	i, found := t.find(key)
	if !found {
		return nil
	}
	var all []Refusal
	for n := range t.cluster.Nodes {
		name := t.cluster.Nodes[n].Name
		if reason := t.services[i].reason; reason != "" {
			all = append(all, Refusal{Node: name, Reason: reason})
			continue
		}
		refused := t.decide(t.node(name), i).Refused
		for _, addr := range t.services[i].view.Addresses {
			if reason := refused[addr]; reason != "" {
				all = append(all, Refusal{name, addr, reason})
			}
		}
	}
	return all
}

// Of returns the routes to addresses of the Service, sorted by node, peer and prefix. Other services that share a prefix with it have their
// part in the attributes.
func (t *Table) Of(key types.NamespacedName) []Route {
	i, found := t.find(key)
	if !found {
		return nil
	}
	var all []Route
	for n := range t.cluster.Nodes {
		all = append(all, t.ofNode(t.node(t.cluster.Nodes[n].Name), i)...)
	}
	return all
}

// ofNode returns the routes of one node to addresses of the service.
func (t *Table) ofNode(n *node, of int) []Route {
	paths := t.decide(n, of).Paths
	var prefixes []netip.Prefix
	for _, list := range paths {
		for _, p := range list {
			prefixes = append(prefixes, p.Prefix)
		}
	}
	if len(prefixes) == 0 {
		return nil
	}
	slices.SortFunc(prefixes, netip.Prefix.Compare)
	prefixes = slices.Compact(prefixes)
	var sharing []int
	for _, p := range prefixes {
		sharing = append(sharing, t.within(p)...)
	}
	slices.Sort(sharing)
	return t.routes(n, slices.Compact(sharing), func(peer string, p netip.Prefix) bool {
		return slices.ContainsFunc(paths[peer], func(own rib.Path) bool { return own.Prefix == p })
	})
}

// within returns the services that have an address in the prefix.
func (t *Table) within(p netip.Prefix) []int {
	i, _ := slices.BinarySearchFunc(t.byAddress, p.Addr(), func(h holder, a netip.Addr) int { return h.addr.Compare(a) })
	var all []int
	for ; i < len(t.byAddress) && p.Contains(t.byAddress[i].addr); i++ {
		all = append(all, t.byAddress[i].service)
	}
	return all
}

func (t *Table) find(key types.NamespacedName) (int, bool) {
	return slices.BinarySearchFunc(t.services, key, func(s service, k types.NamespacedName) int {
		return cmp.Or(cmp.Compare(s.name.Namespace, k.Namespace), cmp.Compare(s.name.Name, k.Name))
	})
}

// decide returns what the node announces of the service.
func (t *Table) decide(n *node, i int) announce.Decision {
	s := &t.services[i]
	if s.reason != "" {
		return announce.Decision{}
	}
	return announce.Decide(n.policy, s.view, announce.EndpointsOf(t.cluster.Slices[s.name], n.Name))
}

// Tally is how many services a node announces. Only those are counted that have an address.
type Tally struct {
	// Announced are those of which it announces an address, and Told those of which a router is told one.
	Services, Announced, Told int
	// Refused are those of which it announces no address, by the reason for the first.
	Refused map[announce.Reason]Refused
}

// Refused are services that are not announced for one reason.
type Refused struct {
	Services int
	// Example is the first of them.
	Example types.NamespacedName
}

// Tally counts the services of the node of that name.
func (t *Table) Tally(name string) Tally {
	all, n := Tally{Refused: map[announce.Reason]Refused{}}, t.node(name)
	for i := range t.services {
		s := &t.services[i]
		if s.reason != "" || n == nil {
			continue
		}
		all.Services++
		d := t.decide(n, i)
		if len(d.Announced) == 0 {
			reason := d.Refused[s.view.Addresses[0]]
			r := all.Refused[reason]
			all.Refused[reason] = Refused{r.Services + 1, cmp.Or(r.Example, s.name)}
			continue
		}
		all.Announced++
		if t.isTold(n, d) {
			all.Told++
		}
	}
	return all
}

// isTold reports whether a router is told of one of the paths.
func (t *Table) isTold(n *node, d announce.Decision) bool {
	for peer, paths := range d.Paths {
		for i := range paths {
			if why, _ := untold(t.sessions[n.Name][peer], paths[i].Prefix); why == "" {
				return true
			}
		}
	}
	return false
}
