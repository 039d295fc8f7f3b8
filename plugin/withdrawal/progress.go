// SPDX-License-Identifier: Apache-2.0

package withdrawal

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/message"
)

// Phase is how far a node is.
type Phase int

// The phases.
const (
	// Serving: no session says that the node drains, or not all do.
	Serving Phase = iota
	// Draining: routers are asked to prefer other nodes.
	Draining
	// Withdrawing: some sessions have withdrawn the routes.
	Withdrawing
	// Drained: the node announces nothing.
	Drained
	// NoSessions: a speaker runs on the node and has no sessions, so that it announces nothing.
	NoSessions
	// NoSpeaker: no speaker runs on the node, so that nothing is announced.
	NoSpeaker
)

// Over reports whether nothing is to be waited for.
func (p Phase) Over() bool { return p >= Drained }

// Progress is how far a node is.
type Progress struct {
	Phase Phase
	// Sessions is how many the node has.
	Sessions int
	// Missing are the sessions that have not withdrawn their routes, sorted by peer.
	Missing []Missing
}

// Missing is a session that has not withdrawn its routes.
type Missing struct {
	Peer string
	// State of the session, which matters where it is not established.
	State v1beta1.SessionState
	// Reason is that of the condition Drained; empty if the session has none.
	Reason string
}

// ProgressOf returns how far the node is, by its sessions. hasSpeaker is whether a speaker runs there, as far as is known.
func ProgressOf(node string, sessions []v1beta1.BGPSessionState, hasSpeaker bool) Progress {
	if !hasSpeaker {
		return Progress{Phase: NoSpeaker}
	}
	var p Progress
	told := 0
	for i := range sessions {
		s := &sessions[i].Status
		if s.Node != node {
			continue
		}
		p.Sessions++
		c := meta.FindStatusCondition(s.Conditions, v1beta1.ConditionDrained)
		switch {
		case c == nil:
			p.Missing = append(p.Missing, Missing{Peer: s.Peer, State: s.State})
		case c.Status != metav1.ConditionTrue:
			p.Missing = append(p.Missing, Missing{s.Peer, s.State, c.Reason})
			if c.Reason == v1beta1.ReasonDraining {
				told++
			}
		}
	}
	slices.SortFunc(p.Missing, func(a, b Missing) int { return strings.Compare(a.Peer, b.Peer) })
	switch missing := len(p.Missing); {
	case p.Sessions == 0:
		p.Phase = NoSessions
	case missing == 0:
		p.Phase = Drained
	case missing < p.Sessions:
		p.Phase = Withdrawing
	case told == missing:
		p.Phase = Draining
	}
	return p
}

// String says how far the node is.
func (p Progress) String() string {
	switch p.Phase {
	case Draining:
		return "draining: routers are asked to prefer other nodes before the routes are withdrawn"
	case Withdrawing:
		return fmt.Sprintf("withdrawing: %d of %d sessions have withdrawn their routes", p.Sessions-len(p.Missing), p.Sessions)
	case Drained:
		return fmt.Sprintf("drained: it announces nothing on any of its %d sessions, and is safe to switch off", p.Sessions)
	case NoSessions:
		return "no BGPPeer selects it: it has no sessions, announces nothing, and is safe to switch off"
	case NoSpeaker:
		return "no speaker runs on it: it announces nothing"
	case Serving:
	}
	return "waiting for its speaker"
}

// maxMissing is how many sessions a text names.
const maxMissing = 5

// Lacks says what is missing.
func (p Progress) Lacks() string {
	lacks := make([]string, 0, min(len(p.Missing), maxMissing))
	for _, m := range p.Missing[:min(len(p.Missing), maxMissing)] {
		why := "its speaker does not say that the node drains"
		switch m.Reason {
		case v1beta1.ReasonDraining:
			why = "the routes are not withdrawn yet"
		case v1beta1.ReasonProxyFailing:
			why = "its speaker says only that the service proxy fails"
		}
		if m.State == v1beta1.SessionUnknown {
			why = "its speaker or the node is down"
		}
		lacks = append(lacks, fmt.Sprintf("session with %s: %s", m.Peer, why))
	}
	return message.Some(lacks, len(p.Missing), "; ")
}

// Signals returns all signals that take the node out of service.
func Signals(rules drain.Rules, node *corev1.Node) []drain.Signal {
	rest := node.DeepCopy()
	var found []drain.Signal
	for {
		s := rules.Of(rest)
		switch s.Kind {
		case drain.Label:
			delete(rest.Labels, s.Key)
		case drain.Taint:
			rest.Spec.Taints = slices.DeleteFunc(rest.Spec.Taints, func(t corev1.Taint) bool { return t.Key == s.Key })
		case drain.Deletion:
			rest.DeletionTimestamp = nil
		case drain.Unschedulable:
			rest.Spec.Unschedulable = false
		default: // None, or what the service proxy tells, which is in no Node.
			return found
		}
		found = append(found, s)
	}
}

// Remedy returns the command that ends the signal; empty if there is none.
func Remedy(s drain.Signal, node string) string {
	switch s.Kind {
	case drain.Label:
		return fmt.Sprintf("kubectl label node %s %s-", node, s.Key)
	case drain.Taint:
		return fmt.Sprintf("kubectl taint node %s %s-", node, s.Key)
	case drain.Unschedulable:
		return "kubectl uncordon " + node
	default:
		return ""
	}
}
