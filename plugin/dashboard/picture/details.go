// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/plugin/route"
)

// Details are what is told of one object.
type Details struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Level     Level  `json:"level"`
	// State is how the object fares, in a few words, and Message why.
	State   string `json:"state"`
	Message string `json:"message,omitempty"`
	Facts   []Fact `json:"facts"`
	// Links are all that a Service or a node depends on.
	Links []explain.Link `json:"links"`
	// Unknown says what is not known of the object since something may not be read; empty if nothing is amiss.
	Unknown string `json:"unknown,omitempty"`
	// Nodes and Peers are those that have to do with the object.
	Nodes []string `json:"nodes"`
	Peers []string `json:"peers"`
	// Maps are the ranges of a pool, and who holds their addresses.
	Maps []Map `json:"maps"`
	// Commands tell more, or the same in a terminal.
	Commands []string `json:"commands"`
}

// Fact is a value with its name.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Map is a range of addresses, cell by cell.
type Map struct {
	Range
	All []Cell `json:"all"`
}

// kindSession is a kind of Changes.
const kindSession = "Session"

// The kinds that Details are of, and Changes.
const (
	KindService = "Service"
	KindNode    = "Node"
	KindPeer    = "Peer"
	KindPool    = "Pool"
)

// Details returns what is told of an object, if there is one of that name.
func (p *Picture) Details(kind, namespace, name string) (Details, bool) {
	d := Details{
		Kind: kind, Namespace: namespace, Name: name, Facts: []Fact{}, Links: []explain.Link{}, Nodes: []string{}, Peers: []string{}, Maps: []Map{}, Commands: []string{},
	}
	found := false
	switch kind {
	case KindService:
		found = p.detailService(&d)
	case KindNode:
		found = p.detailNode(&d)
	case KindPeer:
		found = p.detailPeer(&d)
	case KindPool:
		found = p.detailPool(&d)
	}
	return d, found
}

func (d *Details) fact(name, value string) {
	if value != "" {
		d.Facts = append(d.Facts, Fact{name, value})
	}
}

func (d *Details) command(words ...string) {
	d.Commands = append(d.Commands, strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " "))
}

// explain adds the command that explains the same load balancer.
func (d *Details) explain(p *Picture, words ...string) {
	words = append([]string{"kubectl metallb explain"}, words...)
	if p.Front.Namespace != cluster.DefaultNamespace {
		words = append(words, "--system-namespace", p.Front.Namespace)
	}
	d.command(words...)
}

func (p *Picture) detailService(d *Details) bool {
	key := types.NamespacedName{Namespace: d.Namespace, Name: d.Name}
	i := slices.IndexFunc(p.services, func(s Service) bool { return s.key() == key })
	svc, found := p.cluster.Service(key)
	if i < 0 || !found {
		return false
	}
	s := p.services[i]
	d.Level, d.State, d.Message = s.Level, s.State, s.Message
	d.fact("Addresses", strings.Join(s.Addresses, ", "))
	ports := make([]string, 0, len(svc.Spec.Ports))
	for _, port := range svc.Spec.Ports {
		ports = append(ports, fmt.Sprintf("%d/%s", port.Port, port.Protocol))
	}
	d.fact("Ports", strings.Join(ports, ", "))
	d.fact("External traffic policy", string(svc.Spec.ExternalTrafficPolicy))
	if p.may(d, cluster.Nodes, cluster.Endpoints, cluster.Sessions) {
		told := announcementsOf(route.New(p.cluster), key)
		d.Nodes, d.Peers = told.nodes, told.peers
		if p.may(d, cluster.Namespaces) {
			d.Links = explain.Service(p.cluster, svc).Links
		}
	}
	d.explain(p, "service", d.Name, "-n", d.Namespace)
	d.command("kubectl describe service", d.Name, "-n", d.Namespace)
	return true
}

// may reports whether all the parts may be read. If not, it says so: nothing is to be told of what is missing for that alone.
func (p *Picture) may(d *Details, parts ...cluster.Part) bool {
	for _, part := range parts {
		if !p.cluster.Has(part) {
			d.Unknown = fmt.Sprintf("What it depends on is not known: you may not list %s.", part)
			return false
		}
	}
	return true
}

func (p *Picture) detailNode(d *Details) bool {
	n, found := p.Front.Nodes[d.Name]
	if !found {
		return false
	}
	d.Level, d.State = n.Level, cmp.Or(n.Note, "all sessions up")
	d.Nodes = []string{d.Name}
	up := 0
	for _, s := range p.sessions {
		if s.Node != d.Name {
			continue
		}
		d.Peers = append(d.Peers, s.Peer)
		if s.Level != Bad {
			up++
			d.fact("Told to "+s.Peer, plural(s.Prefixes, "prefix", "prefixes"))
		}
	}
	if p.cluster.Has(cluster.Sessions) {
		d.fact("Sessions", fmt.Sprintf("%d of %d up", up, len(d.Peers)))
	}
	if p.Front.GroupedBy != "" {
		d.fact(p.Front.GroupedBy, n.Group)
	}
	if p.may(d, cluster.Nodes, cluster.Services, cluster.Endpoints, cluster.Sessions) {
		if chain, known := explain.Node(p.cluster, d.Name); known {
			d.Links = chain.Links
		}
	}
	d.explain(p, "node", d.Name)
	d.command("kubectl get bgpsessionstates -n", p.Front.Namespace, "-l", "metallb.io/node="+d.Name)
	d.command("kubectl describe node", d.Name)
	return true
}

func (p *Picture) detailPeer(d *Details) bool {
	peer, found := p.Front.Peers[d.Name]
	if !found {
		return false
	}
	d.Level, d.State, d.Message = peer.Level, fmt.Sprintf("%d of %d sessions up", peer.Up, peer.Desired), peer.Error
	d.Peers = []string{d.Name}
	p.may(d, cluster.Sessions)
	for _, s := range p.sessions {
		if s.Peer == d.Name {
			d.Nodes = append(d.Nodes, s.Node)
		}
	}
	d.fact("Address", peer.Address)
	if peer.ASN != 0 {
		d.fact("AS number", strconv.FormatUint(uint64(peer.ASN), 10))
	}
	d.explain(p, "peer", d.Name)
	d.command("kubectl describe bgppeer.metallb.io", d.Name, "-n", p.Front.Namespace)
	return true
}

func (p *Picture) detailPool(d *Details) bool {
	found, known := p.poolByName(d.Name)
	if !known {
		return false
	}
	drawn, isDrawn := p.Front.Pools[d.Name]
	d.Level = Idle
	p.may(d, cluster.Services)
	if isDrawn {
		d.Level, d.State = drawn.Level, fmt.Sprintf("%d used, %s free", drawn.Used, free(drawn.Available))
	}
	for _, r := range found.ranges[:min(len(found.ranges), maxRanges)] {
		w := newWindow(r, found.holders)
		d.Maps = append(d.Maps, Map{w.drawn(), w.cells()})
	}
	d.command("kubectl describe ipaddresspool", d.Name, "-n", p.Front.Namespace)
	return true
}

// many is from how many addresses on nobody counts them.
const many = 1_000_000

func free(n int64) string {
	if n >= many {
		return "over a million"
	}
	return strconv.FormatInt(n, 10)
}

func plural(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
