// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/message"
)

// reason returns that of the condition.
func (c cause) reason() string {
	switch c {
	case noPool:
		return v1beta1.ReasonNoPool
	case noAdvertisement, notSelected:
		return v1beta1.ReasonNoAdvertisement
	case noNodes, noNodeSelected, allLabeled, allUnavailable:
		return v1beta1.ReasonNoNodes
	case noEndpoint, noLocalEndpoint:
		return v1beta1.ReasonNoEndpoints
	case noPeer:
		return v1beta1.ReasonNoPeers
	case noSession:
		return v1beta1.ReasonSessionsNotEstablished
	case announced, unknown:
	}
	return v1beta1.ReasonAnnounced
}

// sentence returns what the condition says of the address.
func (a *answer) sentence() string {
	switch a.cause {
	case noPool:
		return "the address is in no IPAddressPool"
	case noAdvertisement:
		return fmt.Sprintf("no BGPAdvertisement selects IPAddressPool %q", a.pool)
	case notSelected:
		return fmt.Sprintf("no BGPAdvertisement that selects IPAddressPool %q selects the service", a.pool)
	case noNodes:
		return "there are no nodes"
	case noNodeSelected:
		return "no node matches nodeSelectors of " + a.advertisements.text("BGPAdvertisement")
	case allLabeled:
		return theNodes(a.of) + " labeled " + strings.Join(drain.Labels(), " or ")
	case allUnavailable:
		return theNodes(a.of) + " without network: condition NetworkUnavailable is True"
	case noEndpoint:
		return "no endpoint is ready"
	case noLocalEndpoint:
		return "externalTrafficPolicy is Local and no endpoint is ready on a node that could announce"
	case noPeer:
		return fmt.Sprintf("no BGPPeer with an %s address connects nodes for %s", a.family, a.advertisements.text("BGPAdvertisement"))
	case noSession:
		return fmt.Sprintf("no session is established with %s; %s with %q: %s", a.peers.text("peer"), a.fault.node, a.fault.peer, a.fault.why)
	case announced, unknown:
	}
	return a.reached()
}

// reached says from how many nodes to which peers the address is announced.
func (a *answer) reached() string {
	from := count(a.nodes, "node")
	if a.nodes < a.of {
		from = fmt.Sprintf("%d of %s", a.nodes, count(a.of, "node"))
	}
	text := fmt.Sprintf("from %s to %s", from, a.peers.text("peer"))
	if a.missing.count > 0 {
		text += "; not established: " + a.missing.text()
	}
	return text
}

// text returns one name as: peer "a", several as: peers "a", "b".
func (n *names) text(noun string) string {
	quoted := make([]string, 0, named)
	for _, name := range n.first[:min(n.count, named)] {
		quoted = append(quoted, strconv.Quote(name))
	}
	if n.count != 1 {
		noun += "s"
	}
	return noun + " " + message.Some(quoted, n.count, ", ")
}

func (s *shortages) text() string {
	texts := make([]string, 0, named)
	for _, one := range s.first[:min(s.count, named)] {
		texts = append(texts, fmt.Sprintf("%q on %d of %s", one.peer, one.missing, count(one.of, "node")))
	}
	return message.Some(texts, s.count, ", ")
}

func theNodes(n int) string {
	if n == 1 {
		return "the only node selected is"
	}
	return fmt.Sprintf("all %d nodes selected are", n)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// condition sums up the answers for the addresses, of which there is at least one.
func condition(addresses []netip.Addr, answers []*worded) metav1.Condition {
	c := metav1.Condition{Type: v1beta1.ConditionAnnounced}
	good, same := 0, true
	for _, a := range answers {
		if a.cause == announced {
			good++
		}
		same = same && (a == answers[0] || a.answer == answers[0].answer)
	}
	switch good {
	case 0:
		c.Status, c.Reason = metav1.ConditionFalse, answers[0].cause.reason()
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
		not := "not: "
		if a.cause == announced {
			not = ""
		}
		parts = append(parts, fmt.Sprintf("%s %s%s", addresses[i], not, a.text))
	}
	c.Message = message.Bound(strings.Join(parts, "; "))
	return c
}
