// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/policy"
)

// family is the one of an address of which something is said.
type family struct {
	endpoint.Family

	address netip.Addr
	// named is what tells the address from others of which something is said, such as the family where a Service has two; empty if there is no other.
	named string
}

func (f family) subject(noun string) string {
	if f.named != "" {
		return noun + " (" + f.named + ")"
	}
	return noun
}

// announcement says how the address gets from the nodes to the routers, or where the way ends. Named tells it from others, if there are others.
func (t *trail) announcement(h *config.Holding, named string) {
	f := family{endpoint.Of(h.Address), h.Address, named}
	selection := t.routes.Select(*h)
	if !t.advertisements(&selection, f) {
		t.endpoints(f, nil)
		return
	}
	paths := t.routes.Paths(&selection, f.Kind())
	able := t.able(&paths, selection.Advertisements(), f)
	if serving := t.endpoints(f, able); len(able) > 0 && serving != nil {
		t.sessions(&paths, selection.Advertisements(), serving, f)
	}
}

// able says which nodes can announce, and why others cannot, and returns the names of those that can.
func (t *trail) able(paths *config.Paths, advertisements []string, f family) []string {
	subject := f.subject("nodes")
	if len(t.Nodes) == 0 {
		t.chain.Bad(subject, v1beta1.ReasonNoNodes, "there are no nodes")
		return nil
	}
	if paths.Selected.Empty() {
		m := t.noneSelected(advertisements)
		t.chain.Bad(subject, v1beta1.ReasonNoNodes, m.text, m.remedies...)
		return nil
	}
	var able []string
	away := map[state][]string{}
	for i, name := range t.routes.Nodes() {
		node, _ := t.Node(name)
		s := state{}
		switch {
		case !paths.Selected.Has(i):
			s.reason = notSelected
		default:
			s = t.stateOf(node, f)
		}
		if s == (state{}) {
			able = append(able, name)
		} else {
			away[s] = append(away[s], name)
		}
	}
	add := t.chain.Doubtful
	if len(able) > 0 {
		t.chain.Good(subject, "%d of %s can announce", len(able), nodesText(len(t.Nodes)))
	} else {
		add = t.chain.Bad
	}
	for _, s := range sortedStates(away) {
		names := away[s]
		if s.reason == notSelected {
			t.chain.Note(subject, "%s: not selected by %s", named(names), advertisementsText(advertisements))
			continue
		}
		add(subject, string(s.reason), named(names)+": "+s.text(f), t.revive(s, names))
	}
	return able
}

// noneSelected is that the advertisements select no node.
func (t *trail) noneSelected(advertisements []string) miss {
	for i := range t.inUse.Advertisements {
		if a := &t.inUse.Advertisements[i]; slices.Contains(advertisements, a.Name) {
			return t.missesNodes(a)
		}
	}
	return miss{text: "no node is selected"}
}

// state is why a node does not announce; the zero state is that of one that does.
type state struct {
	reason away
	signal drain.Signal
}

// away is why a node cannot announce.
type away string

const (
	notSelected        away = "NotSelected"
	networkUnavailable away = "NetworkUnavailable"
	isDrained          away = "Drained"
	proxyNotReady      away = "ProxyNotReady"
)

func sortedStates(all map[state][]string) []state {
	list := make([]state, 0, len(all))
	for s := range all {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b state) int {
		return strings.Compare(string(b.reason)+b.signal.Key, string(a.reason)+a.signal.Key) // Those that are not selected last.
	})
	return list
}

// stateOf returns why a node that is selected does not announce. One that drains still does.
func (t *trail) stateOf(n *corev1.Node, f family) state {
	if policy.NodeOf(n).NetworkUnavailable {
		return state{reason: networkUnavailable}
	}
	reported, withheld := false, false
	drained := false
	for i := range t.Sessions {
		s := &t.Sessions[i].Status
		if s.Node != n.Name {
			continue
		}
		reported = true
		drained = drained || meta.IsStatusConditionTrue(s.Conditions, v1beta1.ConditionDrained)
		withheld = withheld || slices.Contains(s.WithheldFamilies, f.Kind())
	}
	switch signal := t.DrainRules().Of(n); {
	case drained, !reported && drain.IsLabeled(n.Labels):
		return state{isDrained, signal}
	case withheld:
		return state{reason: proxyNotReady}
	}
	return state{}
}

func (s state) text(f family) string {
	switch s.reason {
	case networkUnavailable:
		return "without network: condition NetworkUnavailable is True"
	case proxyNotReady:
		return "the service proxy does not forward " + f.String() + " connections yet"
	case isDrained, notSelected:
	}
	if s.signal.Any() {
		return "drained: " + s.signal.String()
	}
	return "drained"
}

// revive returns what has nodes of that state announce again.
func (t *trail) revive(s state, names []string) Remedy {
	first := target{kind: "node", name: names[0]}
	switch {
	case s.reason == networkUnavailable:
		return Run("look at the network plugin", first.command("describe"))
	case s.reason == proxyNotReady:
		return Do("on the node, ask the service proxy how it is: curl http://127.0.0.1:10256/healthz")
	case s.signal.Kind == drain.Label:
		return Run("take the label off", command(slices.Concat([]string{"kubectl", "label", "node"}, names, []string{s.signal.Key + "-"})...))
	case s.signal.Kind == drain.Taint:
		return Run("take the taint off", command(slices.Concat([]string{"kubectl", "taint", "node"}, names, []string{s.signal.Key + "-"})...))
	case s.signal.Kind == drain.Unschedulable:
		return Run("uncordon it", command(append([]string{"kubectl", "uncordon"}, names...)...))
	}
	return Run("see why", asking(t.Cluster, "explain", "node", names[0]))
}

// sessions says for each peer how many of the nodes have a session that carries the family, and why others have not.
func (t *trail) sessions(paths *config.Paths, advertisements, serving []string, f family) {
	found := false
	connected := map[string]bool{}
	for i := range paths.Peers {
		p := &paths.Peers[i]
		faults, up, of := map[string][]string{}, 0, 0
		var order []string
		for number, name := range t.routes.Nodes() {
			if !p.Nodes.Has(number) || !slices.Contains(serving, name) {
				continue
			}
			connected[name] = true
			of++
			fault := t.fault(name, p.Peer, f)
			if fault == "" {
				up++
				continue
			}
			if faults[fault] == nil {
				order = append(order, fault)
			}
			faults[fault] = append(faults[fault], name)
		}
		if of == 0 {
			continue
		}
		found = true
		subject := f.subject("peer " + p.Peer)
		if up == of {
			t.chain.Good(subject, "session established on %d of %s", up, nodesText(of))
			continue
		}
		why := make([]string, 0, len(order))
		for _, fault := range order {
			why = append(why, named(faults[fault])+": "+fault)
		}
		t.chain.Bad(subject, v1beta1.ReasonSessionsNotEstablished, fmt.Sprintf("session established on %d of %s; %s", up, nodesText(of), named(why)),
			Run("see why", asking(t.Cluster, "explain", "peer", p.Peer)))
	}
	var alone []string
	for _, name := range serving {
		if !connected[name] {
			alone = append(alone, name)
		}
	}
	switch {
	case !found:
		t.noPeer(advertisements, serving, f)
	case len(alone) > 0:
		t.chain.Note(f.subject("nodes"), "%s: no BGPPeer of %s selects them", named(alone), advertisementsText(advertisements))
	}
}

// fault returns why a session does not carry routes of the family; empty if it does.
func (t *trail) fault(node, peer string, f family) string {
	var reported *v1beta1.BGPSessionStateStatus
	if s, found := t.Session(node, peer); found {
		reported = &s.Status
	}
	return reported.FaultOf(f.Kind())
}

// noPeer says why none of the nodes has a peer to announce the address to.
func (t *trail) noPeer(advertisements, serving []string, f family) {
	subject := f.subject("peers")
	bad := func(text string, remedies ...Remedy) { t.chain.Bad(subject, v1beta1.ReasonNoPeers, text, remedies...) }
	if len(t.inUse.Peers) == 0 {
		bad("there is no BGPPeer", Do("create a BGPPeer for each router: kubectl explain bgppeers.spec --api-version=metallb.io/v1beta2 says what it needs"))
		return
	}
	i := slices.IndexFunc(t.inUse.Advertisements, func(a v1beta1.BGPAdvertisement) bool { return slices.Contains(advertisements, a.Name) })
	adv, _ := bgp.ParseAdvertisement(&t.inUse.Advertisements[i])
	i = slices.IndexFunc(t.inUse.Peers, t.isPeer(&adv))
	if i < 0 {
		m := t.missesPeers(adv.Name, adv.Peers)
		bad(m.text, m.remedies...)
		return
	}
	p := &t.inUse.Peers[i]
	object := t.configuration(peerKind, p.Name)
	switch parsed, errs := bgp.ParsePeer(p); {
	case len(errs) > 0:
		bad(fmt.Sprintf("BGPPeer %q is invalid: %v", p.Name, errs.ToAggregate()), Run("correct it", object.edit()))
	case !parsed.Families.Has(f.address):
		bad(fmt.Sprintf("BGPPeer %q carries no %s routes", p.Name, f), Run("carry both families", object.patch("dualStackAddressFamily", true)))
	default:
		bad(fmt.Sprintf("nodeSelectors %s of BGPPeer %q match none of the nodes that can announce", selectorText(p.Spec.NodeSelectors), p.Name), t.connect(p, serving))
	}
}

// connect returns how to have the peer select one of the nodes.
func (t *trail) connect(p *v1beta2.BGPPeer, serving []string) Remedy {
	if node, changes := t.relabel(p.Spec.NodeSelectors, serving); changes != nil {
		return Run("label the nodes that are connected to it, such as "+node, target{kind: "node", name: node}.label(changes...))
	}
	return Run("change its nodeSelectors", t.configuration(peerKind, p.Name).edit())
}

// selectedBy returns whether the advertisement selects a node.
func (t *trail) selectedBy(adv *bgp.Advertisement) func(string) bool {
	return func(name string) bool {
		n, found := t.Node(name)
		return found && adv.SelectsNode(listing.NodeOf(n).Labels)
	}
}

// isPeer returns whether the advertisement selects a peer.
func (t *trail) isPeer(adv *bgp.Advertisement) func(v1beta2.BGPPeer) bool {
	return func(p v1beta2.BGPPeer) bool { return adv.SelectsPeer(p.Name) }
}
