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

func (p *peerChain) edit(text string) Remedy {
	return Run(text, target{peerKind, p.Name, p.cluster.Namespace}.edit())
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
		remedies := []Remedy{p.edit("correct it")}
		if held.Status.Reason != v1beta1.ReasonInvalidConfig {
			remedies = append(remedies, Run("use what is written, at the expense of the services", fmt.Sprintf("kubectl delete activeconfiguration %s -n %s", held.Name, held.Namespace)))
		}
		p.Bad(subject, Held, "an earlier version is used: "+held.Status.Message, remedies...)
	case len(errs) > 0:
		p.Bad(subject, Invalid, "it is not used, since it is invalid: "+errs.ToAggregate().Error(), p.edit("correct it"))
	case valid != nil && valid.Status == metav1.ConditionFalse:
		p.Bad(subject, Invalid, valid.Message, p.edit("correct it"))
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
		p.Bad(subject, NoNodes, "no node matches spec.nodeSelectors", append(matching(p.peer.Spec.NodeSelectors, "label the nodes that are to connect", p.others[0]), p.edit("change spec.nodeSelectors"))...)
	case len(p.others) == 0:
		p.Good(subject, "%d of %d are to have a session", len(p.nodes), len(p.nodes))
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
	// remedies are those of the first node.
	remedies []Remedy
	nodes    []*corev1.Node
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
		if s != nil && s.Fault() == "" {
			up = append(up, s)
			continue
		}
		down := p.down(n, s)
		i := slices.IndexFunc(groups, func(g *group) bool { return g.reason == down.reason && g.text == down.text })
		if i < 0 {
			i = len(groups)
			groups = append(groups, down)
		}
		groups[i].nodes = append(groups[i].nodes, n)
	}
	slices.SortStableFunc(groups, func(a, b *group) int { return len(b.nodes) - len(a.nodes) })
	if len(groups) == 0 {
		p.Good("sessions", "%d of %d are established", len(up), len(up))
	} else {
		p.Bad("sessions", NotEstablished, fmt.Sprintf("%d of %d are established", len(up), len(p.nodes)))
	}
	for _, g := range groups {
		remedies := g.remedies
		if g.reason == NotEstablished {
			remedies = compareSettings(p.routes, g.nodes[0], p.Name)
		}
		p.Bad("no session on "+message.First(nodeNames(g.nodes), few), g.reason, g.text, remedies...)
	}
	p.carried(up)
}

// down says why the session of the node is. What nobody tells of the session is told of the speaker.
func (p *peerChain) down(n *corev1.Node, s *v1beta1.BGPSessionStateStatus) *group {
	more := []Remedy{ask(p.cluster, "node", n.Name)}
	switch {
	case s != nil && !isSpeakerDown(s) && isTried(s):
		return &group{reason: NotEstablished, text: s.Fault()}
	case s != nil && !isSpeakerDown(s):
		return &group{reason: PeerRefused, text: s.Fault(), remedies: more}
	}
	var speaker Chain
	speaker.speaker(p.cluster, n)
	switch l := speaker.Links[0]; {
	case speaker.Broken():
		return &group{reason: l.Reason, text: l.Text, remedies: append(l.Remedies, more...)}
	case s != nil:
		return &group{reason: SpeakerDown, text: speakerDown(s), remedies: more}
	default:
		return &group{reason: NotReported, text: v1beta1.NoSessionReport, remedies: more}
	}
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
			if wanted && !s.Negotiated(f.Kind()) {
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
			p.edit("create it, or remove spec.bfdProfile"))
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
