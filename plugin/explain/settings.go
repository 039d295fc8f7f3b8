// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/route"
	"metallb.io/metallb/speaker/policy"
)

// peersByName are the peers in use, sorted.
func peersByName(t *route.Table) []*v1beta2.BGPPeer {
	all := t.InUse().Peers
	sorted := make([]*v1beta2.BGPPeer, 0, len(all))
	for i := range all {
		sorted = append(sorted, &all[i])
	}
	slices.SortFunc(sorted, func(a, b *v1beta2.BGPPeer) int { return strings.Compare(a.Name, b.Name) })
	return sorted
}

// compareSettings says what the router is to have for its session with the node, by what the node has. Nil if the node does not connect to
// the peer.
func compareSettings(t *route.Table, n *corev1.Node, peer string) []Remedy {
	sessions := t.Node(n.Name).Sessions
	i := slices.IndexFunc(sessions, func(s bgp.Peer) bool { return s.Name == peer })
	if i < 0 {
		return nil
	}
	s := &sessions[i]
	from := "the address that it connects from"
	if s.Source.IsValid() {
		from = s.Source.String()
	} else if own := addressesOf(n, s.Address.Is4()); own != "" {
		from = own
	}
	parts := []string{
		"its ASN " + s.ExpectedASN(), "its address and port " + s.Endpoint(), fmt.Sprintf("its neighbor %s with ASN %d", from, s.LocalASN), passwordText(t, s),
	}
	switch {
	case s.SecurityHops > 0:
		parts = append(parts, fmt.Sprintf("TTL security with at most %d hops", s.SecurityHops))
	case !s.IBGP() && s.MultiHopTTL == 0:
		parts = append(parts, "directly connected (else multihop on both sides: spec.ebgpMultiHop)")
	case !s.IBGP():
		parts = append(parts, fmt.Sprintf("multihop, with a TTL of %d", s.MultiHopTTL))
	}
	return []Remedy{Do("compare with the router: %s", strings.Join(parts, "; "))}
}

// passwordText says whether the session has a password. That of a Secret is taken for set.
func passwordText(t *route.Table, s *bgp.Peer) string {
	switch p, _ := peerOf(t, s.Name); {
	case s.Password == "":
		return "without a password"
	case p.Spec.Password != "":
		return "with the password of spec.password"
	default:
		return "with the password of the Secret"
	}
}

// addressesOf are the node's addresses of a family within the cluster.
func addressesOf(n *corev1.Node, ipv4 bool) string {
	var all []string
	for _, a := range policy.NodeOf(n).InternalIPs {
		if a.Is4() == ipv4 {
			all = append(all, a.String())
		}
	}
	return strings.Join(all, " or ")
}

// peerOf returns the peer in use of that name.
func peerOf(t *route.Table, name string) (*v1beta2.BGPPeer, bool) {
	peers := t.InUse().Peers
	i := slices.IndexFunc(peers, func(p v1beta2.BGPPeer) bool { return p.Name == name })
	if i < 0 {
		return nil, false
	}
	return &peers[i], true
}

// isSpeakerDown reports whether the session is down since no speaker runs: the controller says Unknown then, and a speaker that stops
// no longer names its pod.
func isSpeakerDown(s *v1beta1.BGPSessionStateStatus) bool {
	return s.State == v1beta1.SessionUnknown || s.State == v1beta1.SessionIdle && s.Pod == ""
}

// speakerDown says why no speaker runs.
func speakerDown(s *v1beta1.BGPSessionStateStatus) string {
	if s.State == v1beta1.SessionUnknown {
		return "the node or its speaker is down, so that the state of the session is not known"
	}
	return s.Fault()
}

// isTried reports whether the speaker tries to connect. One that must not reports no router ID.
func isTried(s *v1beta1.BGPSessionStateStatus) bool { return s.LocalRouterID != "" }

// ask asks for another explanation.
func ask(c *cluster.Cluster, kind, name string) Remedy {
	return Run("see more", asking(c, "explain", kind, name))
}

// asking returns a command of this plugin, which asks about the same load balancer.
func asking(c *cluster.Cluster, words ...string) string {
	words = append([]string{"kubectl", "metallb"}, words...)
	if c.Namespace != cluster.DefaultNamespace {
		words = append(words, "--system-namespace", c.Namespace)
	}
	return command(words...)
}

// matching is how to have a node match one of the selectors, if labels are enough.
func matching(selectors []metav1.LabelSelector, text string, node *corev1.Node) []Remedy {
	changes := relabeled(selectors, node.Labels)
	if changes == nil {
		return nil
	}
	return []Remedy{Run(text, labelNode(node, changes...))}
}

// labelNode returns the command that sets and removes labels of the node.
func labelNode(node *corev1.Node, changes ...string) string {
	command := "kubectl label node " + node.Name + " " + strings.Join(changes, " ")
	for _, c := range changes {
		key, _, sets := strings.Cut(c, "=")
		if _, has := node.Labels[key]; has && sets {
			return command + " --overwrite"
		}
	}
	return command
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// count returns how many there are, with the word for one or for several.
func count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// speakerRemedy leads to the speaker.
func (n *nodeChain) speakerRemedy() Remedy {
	if pod := speakerOn(n.cluster, n.Name); pod != nil {
		return Run("see what its speaker says", fmt.Sprintf("kubectl logs %s -n %s", pod.Name, pod.Namespace))
	}
	return Do("have a speaker run on the node, see above")
}

func nodeNames(nodes []*corev1.Node) []string {
	names := make([]string, 0, len(nodes))
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names
}
