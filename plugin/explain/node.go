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

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/route"
	"metallb.io/metallb/speaker/policy"
)

// Reasons of links about nodes.
const (
	NodeNotReady       = "NodeNotReady"
	NetworkUnavailable = "NetworkUnavailable"
	Draining           = v1beta1.ReasonDraining
	Drained            = v1beta1.ReasonDrained
	ProxyFailing       = v1beta1.ReasonProxyFailing
	ProxyNotReady      = "ProxyNotReady"
	NoPeers            = "NoPeers"
	PeerRefused        = "PeerRefused"
	NoAdvertisements   = "NoAdvertisements"
)

// few is how many of a list a sentence names.
const few = 5

// nodeChain explains one node.
type nodeChain struct {
	Chain
	cluster *cluster.Cluster
	routes  *route.Table
	node    *corev1.Node
	policy  *policy.Policy
}

// Node explains what a node announces, to whom, and why not more, by what route.New needs to be read of the cluster; false if there is no such Node.
func Node(c *cluster.Cluster, name string) (Chain, bool) {
	node, found := c.Node(name)
	if !found {
		return Chain{}, false
	}
	routes := route.New(c)
	n := &nodeChain{Chain: Chain{Kind: "Node", Name: name, Links: []Link{}}, cluster: c, routes: routes, node: node, policy: routes.Node(name)}
	n.ready()
	n.speaker(c, node)
	n.drain()
	n.network()
	n.peers()
	n.advertisements()
	n.services()
	return n.Chain, true
}

func (n *nodeChain) ready() {
	for _, condition := range n.node.Status.Conditions {
		switch {
		case condition.Type != corev1.NodeReady:
			continue
		case condition.Status == corev1.ConditionTrue:
			n.Good("node", "is ready")
		default:
			text := "is not ready, so that its sessions do not count"
			if condition.Message != "" {
				text += ": " + condition.Message
			}
			n.Bad("node", NodeNotReady, text, Run("see what it lacks", "kubectl describe node "+n.Name))
		}
		return
	}
	n.Bad("node", NodeNotReady, "has never said that it is ready", Run("see what it lacks", "kubectl describe node "+n.Name))
}

// drain tells by which signal the node is taken out of service, and how far it is.
func (n *nodeChain) drain() {
	signal := n.cluster.DrainRules().Of(n.node)
	condition := n.drained()
	const subject = "in service"
	switch {
	case !signal.Any() && condition == nil:
		n.Good(subject, "nothing takes the node out of service")
	case condition == nil:
		n.Doubtful(subject, Draining, signal.String()+", and its speaker has not reported that it drains", returnToService(n.Name, signal)...)
	case condition.Reason == v1beta1.ReasonProxyFailing:
		n.Doubtful(subject, ProxyFailing, condition.Message, n.proxyRemedy())
	case condition.Status == metav1.ConditionTrue:
		n.Doubtful(subject, Drained, condition.Message, returnToService(n.Name, signal)...)
	default:
		n.Doubtful(subject, Draining, condition.Message, returnToService(n.Name, signal)...)
	}
}

// drained returns the condition of the node's sessions that says how far it is in draining, nil if it stays in service.
func (n *nodeChain) drained() *metav1.Condition {
	for i := range n.cluster.Sessions {
		if s := &n.cluster.Sessions[i].Status; s.Node == n.Name {
			if c := meta.FindStatusCondition(s.Conditions, v1beta1.ConditionDrained); c != nil {
				return c
			}
		}
	}
	return nil
}

// returnToService removes the signal.
func returnToService(node string, s drain.Signal) []Remedy {
	const text = "put it back into service"
	switch s.Kind {
	case drain.Label:
		return []Remedy{Run(text, fmt.Sprintf("kubectl label node %s %s-", node, s.Key))}
	case drain.Taint:
		return []Remedy{Run(text, fmt.Sprintf("kubectl taint node %s %s-", node, s.Key))}
	case drain.Unschedulable:
		return []Remedy{Run(text, "kubectl uncordon "+node)}
	case drain.Deletion, drain.ProxyLeaving, drain.ProxyFailing, drain.None:
	}
	return nil
}

func (n *nodeChain) proxyRemedy() Remedy {
	return Run("see how its kube-proxy, or what replaces it, fares", "kubectl get pods -A -o wide --field-selector spec.nodeName="+n.Name)
}

func (n *nodeChain) network() {
	switch {
	case n.policy.NetworkUnavailable:
		n.Bad("network", NetworkUnavailable, "the node's condition NetworkUnavailable is true, so that it announces nothing",
			Run("see how the network plugin's pod on it fares", "kubectl get pods -A -o wide --field-selector spec.nodeName="+n.Name))
	case !n.policy.ProxyPending.Empty():
		var pending []string
		for f, is := range n.policy.ProxyPending {
			if is {
				pending = append(pending, endpoint.Family(f).String())
			}
		}
		n.Doubtful("network", ProxyNotReady,
			fmt.Sprintf("the node's service proxy does not forward %s connections yet, so that their addresses are not announced", strings.Join(pending, " and ")), n.proxyRemedy())
	default:
		n.Good("network", "is available, and the service proxy forwards connections")
	}
}

// peers tells of each peer that selects the node, and names those that do not.
func (n *nodeChain) peers() {
	var others, invalid []string
	selecting := 0
	for _, p := range peersByName(n.routes) {
		peer, errs := bgp.ParsePeer(p)
		switch {
		case len(errs) > 0:
			invalid = append(invalid, p.Name)
		case !peer.SelectsNode(n.node.Labels):
			others = append(others, p.Name)
		default:
			selecting++
			n.session(p.Name)
		}
	}
	if len(invalid) > 0 {
		n.Bad("peers", Invalid, "not in use, since invalid: "+message.First(invalid, few), ask(n.cluster, "peer", invalid[0]))
	}
	switch {
	case len(others) > 0 && selecting == 0:
		n.Bad("peers", NoPeers, "no BGPPeer selects the node; these do not: "+message.First(others, few), n.selectedBy(others[0])...)
	case len(others) > 0:
		n.Note("peers", "do not select the node, by their spec.nodeSelectors: %s", message.First(others, few))
	case selecting == 0 && len(invalid) == 0:
		n.Bad("peers", NoPeers, "there is no BGPPeer, so that no router is told anything", Do("create a BGPPeer for each router: docs/configuration.md"))
	}
}

// selectedBy has the peer select the node.
func (n *nodeChain) selectedBy(peer string) []Remedy {
	p, _ := peerOf(n.routes, peer)
	return n.matching(p.Spec.NodeSelectors, target{peerKind, peer, n.cluster.Namespace})
}

// matching is how to have the object of the configuration select the node: by labels, or, where no labels are enough, by other selectors.
func (n *nodeChain) matching(selectors []metav1.LabelSelector, object target) []Remedy {
	if remedies := matching(selectors, "have "+object.name+" select the node", n.node); remedies != nil {
		return remedies
	}
	return []Remedy{Run("change the nodeSelectors of "+object.name, object.edit())}
}

// session tells how the node's session with a peer that selects it fares.
func (n *nodeChain) session(peer string) {
	subject := "session with " + peer
	reported := n.routes.Session(n.Name, peer)
	i := slices.IndexFunc(n.policy.Refused, func(r policy.Refused) bool { return r.Peer == peer })
	switch {
	case reported != nil && reported.Fault() == "":
		n.established(subject, reported)
	case i >= 0:
		n.Bad(subject, PeerRefused, n.policy.Refused[i].Reason, ask(n.cluster, "peer", peer))
	case reported == nil:
		n.Bad(subject, NotReported, v1beta1.NoSessionReport, n.speakerRemedy())
	case isSpeakerDown(reported):
		n.Bad(subject, SpeakerDown, speakerDown(reported), n.speakerRemedy())
	case !isTried(reported):
		n.Bad(subject, PeerRefused, reported.Fault(), ask(n.cluster, "peer", peer))
	default:
		n.Bad(subject, NotEstablished, reported.Fault(), compareSettings(n.routes, n.node, peer)...)
	}
}

// established tells what an established session carries.
func (n *nodeChain) established(subject string, s *v1beta1.BGPSessionStateStatus) {
	if s.LastError != "" {
		n.Doubtful(subject, FamilyNotCarried, "established, but "+s.LastError, Do("on the router, activate this address family for the neighbor"))
		return
	}
	families := make([]string, 0, len(s.Families))
	for _, f := range s.Families {
		families = append(families, string(f))
	}
	n.Good(subject, "established, %s advertised over %s", count(int(s.AdvertisedIPv4+s.AdvertisedIPv6), "prefix", "prefixes"), strings.Join(families, " and "))
}

// advertisements names those that select the node.
func (n *nodeChain) advertisements() {
	var selecting, others []string
	var remedies []Remedy
	for _, a := range n.routes.InUse().Advertisements {
		parsed, errs := bgp.ParseAdvertisement(&a)
		switch {
		case len(errs) > 0: // Its condition Valid says so.
		case parsed.SelectsNode(n.node.Labels):
			selecting = append(selecting, a.Name)
		default:
			others = append(others, a.Name)
			remedies = append(remedies, n.matching(a.Spec.NodeSelectors, target{"bgpadvertisement", a.Name, n.cluster.Namespace})...)
		}
	}
	remedies = remedies[:min(few, len(remedies))]
	slices.Sort(selecting)
	slices.Sort(others)
	if len(selecting) > 0 {
		n.Good("advertisements", "select the node: %s", message.First(selecting, few))
	}
	switch {
	case len(others) > 0 && len(selecting) > 0:
		n.Note("advertisements", "do not select the node, by their spec.nodeSelectors: %s", message.First(others, few))
	case len(others) > 0:
		n.Bad("advertisements", NoAdvertisements, "no BGPAdvertisement selects the node; these do not, by their spec.nodeSelectors: "+message.First(others, few), remedies...)
	case len(selecting) == 0:
		n.Bad("advertisements", NoAdvertisements, "there is no BGPAdvertisement, so that nothing is announced", Do("create a BGPAdvertisement: docs/configuration.md"))
	}
}

// services counts those that the node announces, and the others by the reason.
func (n *nodeChain) services() {
	t := n.routes.Tally(n.Name)
	switch {
	case t.Services == 0:
		n.Note("services", "there is none of type LoadBalancer with an address")
		return
	case t.Announced > 0 && t.Told == t.Announced:
		n.Good("services", "announces %d of %d", t.Announced, t.Services)
	case t.Announced > 0:
		n.Doubtful("services", NotEstablished, fmt.Sprintf("announces %d of %d, and routers are told of %d: sessions are not established, or do not carry the family",
			t.Announced, t.Services, t.Told))
	default:
		n.Note("services", "announces 0 of %d", t.Services)
	}
	for _, reason := range slices.Sorted(maps.Keys(t.Refused)) {
		r := t.Refused[reason]
		n.Note("services", "does not announce %d, such as %s, since %s", r.Services, r.Example, reason.Describe())
	}
}
