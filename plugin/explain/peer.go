// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/route"
)

// Reasons of links about peers.
const (
	Invalid          = "Invalid"
	Held             = "Held"
	NoNodes          = "NoNodes"
	NoSecret         = "NoSecret"
	NoBFDProfile     = "NoBFDProfile"
	BFDNotUp         = "BFDNotUp"
	NotReported      = string(route.NotReported)
	NotEstablished   = string(route.NotEstablished)
	FamilyNotCarried = string(route.FamilyNotCarried)
)

// Secrets says of each Secret that a peer names whether it is there.
type Secrets map[types.NamespacedName]cluster.Presence

// peerChain explains one peer.
type peerChain struct {
	Chain
	cluster *cluster.Cluster
	routes  *route.Table
	// peer is the version in use, and parsed what it means to all nodes.
	peer   *v1beta2.BGPPeer
	parsed bgp.Peer
	// nodes are those that it selects, and others those that it does not.
	nodes, others []*corev1.Node
}

// Peer explains which nodes have a session with the peer, and why others have none, by Configuration, Nodes, Sessions and Workloads of the
// cluster; false if there is no such BGPPeer.
func Peer(c *cluster.Cluster, secrets Secrets, name string) (Chain, bool) {
	routes := route.New(c)
	peer, found := peerOf(routes, name)
	if !found {
		return Chain{}, false
	}
	p := &peerChain{Chain: Chain{Kind: active.KindBGPPeer, Name: name, Links: []Link{}}, cluster: c, routes: routes, peer: peer}
	p.inUse()
	parsed, errs := bgp.ParsePeer(p.peer)
	if len(errs) > 0 {
		return p.Chain, true
	}
	p.parsed = parsed
	p.where()
	p.selection()
	for _, ref := range SecretsOf(c, name) {
		p.secret(ref, secrets[ref])
	}
	p.sessions()
	p.bfd()
	p.advertisements()
	return p.Chain, true
}

// SecretsOf returns the Secrets that nodes are to have the password for the peer from, sorted.
func SecretsOf(c *cluster.Cluster, name string) []types.NamespacedName {
	seen := map[types.NamespacedName]bool{}
	for _, p := range c.InUse().Peers {
		if p.Name != name {
			continue
		}
		for i := range c.Nodes {
			own, errs := bgp.ParsePeerFor(&p, bgp.Node{Labels: c.Nodes[i].Labels, Annotations: c.Nodes[i].Annotations})
			if len(errs) == 0 && own.PasswordSecret.Name != "" && own.SelectsNode(c.Nodes[i].Labels) {
				seen[own.PasswordSecret] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
}

func (p *peerChain) edit() Remedy {
	return Run("correct it", fmt.Sprintf("kubectl edit bgppeer %s -n %s", p.Name, p.cluster.Namespace))
}

// inUse tells whether the peer is used as it is written.
func (p *peerChain) inUse() {
	const subject = "configuration"
	i := slices.IndexFunc(p.cluster.Written.Peers, func(w v1beta2.BGPPeer) bool { return w.Name == p.Name })
	var held *v1beta1.ActiveConfiguration
	for j := range p.cluster.Active {
		if a := &p.cluster.Active[j]; active.KeyOfActive(a) == (active.Key{Kind: active.KindBGPPeer, Name: p.Name}) && a.Status.Held {
			held = a
		}
	}
	var valid *metav1.Condition
	if i >= 0 {
		valid = meta.FindStatusCondition(p.cluster.Written.Peers[i].Status.Conditions, v1beta1.ConditionValid)
	}
	_, errs := bgp.ParsePeer(p.peer)
	switch {
	case held != nil:
		p.Bad(subject, Held, "an earlier version is used, since "+held.Status.Message, p.edit(),
			Run("use what is written, at the expense of the services", fmt.Sprintf("kubectl delete activeconfiguration %s -n %s", held.Name, held.Namespace)))
	case len(errs) > 0:
		p.Bad(subject, Invalid, "it is not used, since it is invalid: "+errs.ToAggregate().Error(), p.edit())
	case valid != nil && valid.Status == metav1.ConditionFalse:
		p.Bad(subject, Invalid, valid.Message, p.edit())
	default:
		p.Good(subject, "is in use as written")
	}
}

// where tells where the router is.
func (p *peerChain) where() {
	at := p.parsed.Address.String()
	switch {
	case p.parsed.Interface != "":
		at = "the router on each node's interface " + p.parsed.Interface
	case p.parsed.Gateway != "":
		at = fmt.Sprintf("each node's %s default gateway", p.parsed.Gateway)
	}
	p.Note("router", "%s, port %d, is to have ASN %s and gets sessions for %s routes", at, p.parsed.Port, asnText(p.parsed), p.parsed.Families)
}

func asnText(p bgp.Peer) string {
	if p.PeerASN == 0 && p.LocalASN == 0 {
		return "by its perNode values"
	}
	return p.ExpectedASN()
}

// selection tells which nodes the peer selects.
func (p *peerChain) selection() {
	for i := range p.cluster.Nodes {
		n := &p.cluster.Nodes[i]
		if p.parsed.SelectsNode(n.Labels) {
			p.nodes = append(p.nodes, n)
		} else {
			p.others = append(p.others, n)
		}
	}
	const subject = "nodes"
	switch {
	case len(p.nodes) == 0 && len(p.others) == 0:
		p.Bad(subject, NoNodes, "the cluster has none")
	case len(p.nodes) == 0:
		p.Bad(subject, NoNodes, "no node matches spec.nodeSelectors", append(selectorRemedies(p.peer, p.others[0].Name), p.edit())...)
	case len(p.others) == 0:
		p.Good(subject, "all %d are to have a session", len(p.nodes))
	default:
		p.Good(subject, "%d of %d are to have a session, by spec.nodeSelectors: %s", len(p.nodes), len(p.nodes)+len(p.others), message.First(nodeNames(p.nodes), few))
	}
}

// secret tells whether a Secret with a password is there.
func (p *peerChain) secret(ref types.NamespacedName, is cluster.Presence) {
	const subject = "password"
	switch is {
	case cluster.Present:
		p.Good(subject, "the Secret %s is there", ref.Name)
	case cluster.Absent:
		p.Bad(subject, NoSecret, fmt.Sprintf("the Secret %s is not there, and without it no node connects", ref.Name), Run("create it, with the password that the router has",
			fmt.Sprintf("kubectl create secret generic %s -n %s --type=kubernetes.io/basic-auth --from-literal=password=PASSWORD", ref.Name, ref.Namespace)))
	case cluster.Unknown:
		p.Note(subject, "it is to be in the Secret %s; whether that is there is not known, since you may not get secrets in namespace %s", ref.Name, ref.Namespace)
	}
}

// group are nodes whose session is down for one reason.
type group struct {
	reason, text string
	nodes        []*corev1.Node
}

// sessions counts those that are up, and groups the others by the reason.
func (p *peerChain) sessions() {
	if len(p.nodes) == 0 {
		return
	}
	var groups []*group
	var up []*v1beta1.BGPSessionStateStatus
	for _, n := range p.nodes {
		s := p.routes.Session(n.Name, p.Name)
		reason, text := NotEstablished, ""
		switch {
		case s == nil:
			reason, text = NotReported, v1beta1.NoSessionReport
		case s.Fault() == "":
			up = append(up, s)
			continue
		case isSpeakerDown(s):
			reason, text = SpeakerDown, s.Fault()
		case !isTried(s):
			reason, text = PeerRefused, s.Fault()
		default:
			text = s.Fault()
		}
		i := slices.IndexFunc(groups, func(g *group) bool { return g.reason == reason && g.text == text })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{reason: reason, text: text})
		}
		groups[i].nodes = append(groups[i].nodes, n)
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return len(b.nodes) - len(a.nodes) })
	if len(groups) == 0 {
		p.Good("sessions", "all %d are established", len(up))
	} else {
		p.Bad("sessions", NotEstablished, fmt.Sprintf("%d of %d are established", len(up), len(p.nodes)))
	}
	for _, g := range groups {
		p.down(g)
	}
	p.carried(up)
}

// down tells of sessions that are down for one reason.
func (p *peerChain) down(g *group) {
	subject := "no session on " + message.First(nodeNames(g.nodes), few)
	first := g.nodes[0]
	if g.reason == NotReported {
		var c Chain
		c.speaker(p.cluster, first)
		text, remedies := g.text, c.Links[0].Remedies
		if c.Broken() {
			text = c.Links[0].Text
		}
		p.Bad(subject, g.reason, text, append(remedies, ask(p.cluster, "node", first.Name))...)
		return
	}
	remedies := []Remedy{ask(p.cluster, "node", first.Name)}
	if g.reason == NotEstablished {
		remedies = compareSettings(p.routes, first, p.Name)
	}
	p.Bad(subject, g.reason, g.text, remedies...)
}

// carried tells which families the sessions carry, and of which they should.
func (p *peerChain) carried(up []*v1beta1.BGPSessionStateStatus) {
	prefixes := int64(0)
	var lacking []string
	why := ""
	for _, s := range up {
		prefixes += s.AdvertisedIPv4 + s.AdvertisedIPv6
		for f := range endpoint.Families {
			wanted := p.parsed.Families.IPv4 && f == endpoint.IPv4 || p.parsed.Families.IPv6 && f == endpoint.IPv6
			if wanted && len(s.Families) > 0 && !slices.Contains(s.Families, f.Kind()) {
				lacking = append(lacking, fmt.Sprintf("%s of %s", f, s.Node))
				why = s.LastError
			}
		}
	}
	switch {
	case len(up) == 0:
	case len(lacking) > 0:
		text := "sessions do not carry " + message.First(lacking, few)
		if why != "" {
			text += ": " + why
		}
		p.Doubtful("families", FamilyNotCarried, text, Do("on the router, activate this address family for the neighbors"))
	default:
		p.Good("families", "the sessions carry %s, %s in all", p.parsed.Families, count(int(prefixes), "prefix", "prefixes"))
	}
}

// bfd tells whether nodes watch the router by BFD, if they are to.
func (p *peerChain) bfd() {
	name := p.parsed.BFDProfileName
	if name == "" {
		return
	}
	if !slices.ContainsFunc(p.cluster.Written.BFDProfiles, func(b v1beta1.BFDProfile) bool { return b.Name == name }) {
		p.Bad("BFD", NoBFDProfile, fmt.Sprintf("there is no BFDProfile %q, so that sessions have no BFD", name),
			Do("create it, or remove spec.bfdProfile"), p.edit())
		return
	}
	var down []string
	up := 0
	for _, n := range p.nodes {
		switch s := p.routes.Session(n.Name, p.Name); {
		case s == nil:
		case s.BFDStatus == v1beta1.BFDUp:
			up++
		default:
			down = append(down, n.Name)
		}
	}
	port := "3784"
	if p.parsed.MultiHopTTL > 0 || p.parsed.IBGP() {
		port = "4784"
	}
	if len(down) > 0 {
		p.Bad("BFD", BFDNotUp, "is not up on "+message.First(down, few), Do("on the router, enable BFD for the neighbors, and let UDP port %s through both ways", port))
		return
	}
	p.Good("BFD", "is up on %s, by profile %s", count(up, "node", "nodes"), name)
}

// advertisements names those that have something told to the peer.
func (p *peerChain) advertisements() {
	var names []string
	for _, a := range p.routes.InUse().Advertisements {
		if parsed, errs := bgp.ParseAdvertisement(&a); len(errs) == 0 && (len(parsed.Peers) == 0 || slices.Contains(parsed.Peers, p.Name)) {
			names = append(names, a.Name)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		p.Bad("advertisements", NoAdvertisements, "no BGPAdvertisement is for the peer, so that it is told nothing",
			Do("add it to spec.peers of a BGPAdvertisement, or create one"))
		return
	}
	p.Good("advertisements", "are for the peer: %s", message.First(names, few))
}
