// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/internal/message"
)

// named is how many names of a kind a message has; the rest is counted.
const named = 5

// answer says of one address from where to where it is announced, or why it is not. It is comparable.
type answer struct {
	announced bool
	// reason why not.
	reason string
	text   string
}

func not(reason, format string, args ...any) answer {
	return answer{reason: reason, text: fmt.Sprintf(format, args...)}
}

func noPool() answer { return not(v1beta1.ReasonNoPool, "the address is in no IPAddressPool") }

func noAdvertisement(pool string) answer {
	return not(v1beta1.ReasonNoAdvertisement, "no BGPAdvertisement selects IPAddressPool %q", pool)
}

func notSelected(pool string) answer {
	return not(v1beta1.ReasonNoAdvertisement, "no BGPAdvertisement that selects IPAddressPool %q selects the service", pool)
}

func noNodes() answer { return not(v1beta1.ReasonNoNodes, "there are no nodes") }

func noNodeSelected(advertisements []string) answer {
	return not(v1beta1.ReasonNoNodes, "no node matches nodeSelectors of %s", list("BGPAdvertisement", advertisements))
}

func allExcluded(nodes int) answer {
	return not(v1beta1.ReasonNoNodes, "%s labeled %s", theNodes(nodes), corev1.LabelNodeExcludeBalancers)
}

func allUnavailable(nodes int) answer {
	return not(v1beta1.ReasonNoNodes, "%s without network: condition NetworkUnavailable is True", theNodes(nodes))
}

func theNodes(n int) string {
	if n == 1 {
		return "the only node selected is"
	}
	return fmt.Sprintf("all %d nodes selected are", n)
}

func noEndpoint() answer { return not(v1beta1.ReasonNoEndpoints, "no endpoint is ready") }

func noLocalEndpoint() answer {
	return not(v1beta1.ReasonNoEndpoints, "externalTrafficPolicy is Local and no endpoint is ready on a node that could announce")
}

func noPeer(advertisements []string, f endpoint.Family) answer {
	return not(v1beta1.ReasonNoPeers, "no BGPPeer with an %s address connects nodes for %s", f, list("BGPAdvertisement", advertisements))
}

func noSession(peers []peering, first string) answer {
	names := make([]string, 0, len(peers))
	for _, p := range peers {
		names = append(names, p.peer)
	}
	return not(v1beta1.ReasonSessionsNotEstablished, "no session is established with %s; %s", list("peer", names), first)
}

// route is how addresses get from nodes to peers, at least one to one.
type route struct {
	// nodes that announce, of those that should.
	nodes, of int
	peers     []peering
	// held is whether the configuration does not announce the addresses any more.
	held bool
}

// peering is on how many nodes the session with a peer is up, and on how many it should be.
type peering struct {
	peer    string
	up, all int
}

func (r *route) answer() answer {
	var to, missing []string
	for _, p := range r.peers {
		if p.up > 0 {
			to = append(to, p.peer)
		}
		if p.up < p.all {
			missing = append(missing, fmt.Sprintf("%q on %d of %s", p.peer, p.all-p.up, count(p.all, "node")))
		}
	}
	from := count(r.nodes, "node")
	if r.nodes < r.of {
		from = fmt.Sprintf("%d of %s", r.nodes, count(r.of, "node"))
	}
	text := fmt.Sprintf("from %s to %s", from, list("peer", to))
	if len(missing) > 0 {
		text += "; not established: " + enumerate(missing)
	}
	if r.held {
		text += "; held, since the configuration does not announce it any more"
	}
	return answer{announced: true, text: text}
}

// list returns one name as: peer "a", several as: peers "a", "b".
func list(noun string, names []string) string {
	texts := make([]string, 0, len(names))
	for _, n := range names {
		texts = append(texts, quoted(n))
	}
	if len(names) != 1 {
		noun += "s"
	}
	return noun + " " + enumerate(texts)
}

// enumerate returns the first texts, and how many more there are.
func enumerate(texts []string) string {
	if more := len(texts) - named; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:named], ", "), more)
	}
	return strings.Join(texts, ", ")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func quoted(name string) string { return strconv.Quote(name) }

// condition sums up the answers for the addresses, of which there is at least one.
func condition(addresses []netip.Addr, answers []answer) metav1.Condition {
	c := metav1.Condition{Type: v1beta1.ConditionAnnounced}
	announced, same := 0, true
	for _, a := range answers {
		if a.announced {
			announced++
		}
		same = same && a == answers[0]
	}
	switch announced {
	case 0:
		c.Status, c.Reason = metav1.ConditionFalse, answers[0].reason
	case len(answers):
		c.Status, c.Reason = metav1.ConditionTrue, v1beta1.ReasonAnnounced
	default:
		c.Status, c.Reason = metav1.ConditionTrue, v1beta1.ReasonPartlyAnnounced
	}
	if same {
		c.Message = message.Bound(answers[0].text)
		return c
	}
	parts := make([]string, 0, len(answers))
	for i, a := range answers {
		if a.announced {
			parts = append(parts, fmt.Sprintf("%s %s", addresses[i], a.text))
		} else {
			parts = append(parts, fmt.Sprintf("%s not: %s", addresses[i], a.text))
		}
	}
	c.Message = message.Bound(strings.Join(parts, "; "))
	return c
}
