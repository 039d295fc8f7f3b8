// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/message"
)

// named is how many nodes a message names; the rest is counted.
const named = 3

// What is said of a node in place of what its speaker says.
const (
	notReady   = "node is not ready"
	noSuchNode = "node does not exist"
	noReport   = "no report from its speaker"
	// noSpeaker and speakerDown are said of its sessions.
	noSpeaker   = "the pod of the node's speaker is gone"
	speakerDown = "the pod of the node's speaker does not run"
)

// node is what matters of a node.
type node struct {
	name   string
	labels labels.Set
	ready  bool
}

func nodeOf(n *corev1.Node) node {
	return node{name: n.Name, labels: n.Labels, ready: ready(n)}
}

// ready reports whether nobody says that the node is not. Of a node that has just been made nobody says anything.
func ready(n *corev1.Node) bool {
	return !slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue
	})
}

// summary is what the sessions of a peer are together.
type summary struct {
	desired, established int
	// faults are what keeps nodes from their session, sorted by node.
	faults []fault
	// invalid is whether the BGPPeer does not say which nodes are meant.
	invalid bool
	// selective is whether it selects nodes.
	selective bool
}

type fault struct{ node, why string }

func (f fault) String() string { return f.node + ": " + f.why }

// summarize returns the summary of the peer. The states are those of its sessions.
func summarize(p *v1beta2.BGPPeer, nodes []node, states []v1beta1.BGPSessionState) summary {
	parsed, errs := bgp.ParsePeer(p)
	byNode := make(map[string]*v1beta1.BGPSessionStateStatus, len(states))
	for i := range states {
		byNode[states[i].Status.Node] = &states[i].Status
	}
	s := summary{invalid: len(errs) > 0, selective: len(p.Spec.NodeSelectors) > 0}
	for _, n := range slices.SortedFunc(slices.Values(nodes), func(a, b node) int { return strings.Compare(a.name, b.name) }) {
		state := byNode[n.name]
		meant := parsed.SelectsNode(n.labels)
		if s.invalid {
			meant = state != nil // What was valid before stays in force, whatever that was.
		}
		if !meant {
			continue
		}
		s.desired++
		if why := n.fault(state); why != "" {
			s.faults = append(s.faults, fault{n.name, why})
			continue
		}
		s.established++
	}
	return s
}

// fault returns what keeps the node from its session, whose state is nil if nothing is told of it; empty if nothing does.
func (n node) fault(state *v1beta1.BGPSessionStateStatus) string {
	switch {
	case !n.ready:
		return notReady
	case state == nil:
		return noReport
	case state.State == v1beta1.SessionEstablished:
		return ""
	case state.LastError != "":
		return state.LastError
	default:
		return "session is " + string(state.State)
	}
}

// condition returns the condition Ready.
func (s summary) condition(generation int64) metav1.Condition {
	c := metav1.Condition{Type: v1beta1.ConditionReady, Status: metav1.ConditionFalse, ObservedGeneration: generation}
	switch {
	case s.invalid:
		c.Reason, c.Message = v1beta1.ReasonInvalidConfig, "not in force as written, see the condition Valid"
		if len(s.faults) > 0 {
			c.Message += "; " + s.list()
		}
	case s.desired == 0:
		c.Reason, c.Message = v1beta1.ReasonNoNodes, s.nobody()
	case len(s.faults) > 0:
		c.Reason, c.Message = v1beta1.ReasonSessionsNotEstablished, s.list()
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1beta1.ReasonSessionsEstablished, "all sessions are established"
	}
	c.Message = message.Bound(c.Message)
	return c
}

// nobody says why no node should have a session.
func (s summary) nobody() string {
	if s.selective {
		return "no node matches nodeSelectors"
	}
	return "there are no nodes"
}

// list names the first nodes that lack their session.
func (s summary) list() string {
	parts := make([]string, 0, named+1)
	for _, f := range s.faults[:min(named, len(s.faults))] {
		parts = append(parts, f.String())
	}
	if more := len(s.faults) - named; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// put puts the summary into the status.
func (s summary) put(status *v1beta2.BGPPeerStatus) {
	status.DesiredSessions, status.EstablishedSessions = bounded(s.desired), bounded(s.established)
	status.Sessions = fmt.Sprintf("%d/%d", s.established, s.desired)
	status.LastError = ""
	switch {
	case len(s.faults) > 0:
		status.LastError = message.Bound(s.faults[0].String())
	case s.desired == 0 && !s.invalid:
		status.LastError = s.nobody()
	}
}

// bounded returns the number as a field of the API has it.
func bounded(n int) int32 {
	return int32(min(n, math.MaxInt32)) //nolint:gosec // It fits.
}
