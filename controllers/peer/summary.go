// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"fmt"
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	// noSpeaker and speakerDown are said of its sessions.
	noSpeaker   = "the pod of the node's speaker is gone"
	speakerDown = "the pod of the node's speaker does not run"
)

// ready reports whether nobody says that the node is not. Of a node that has just been made nobody says anything.
func ready(n *corev1.Node) bool {
	return !slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue
	})
}

// summary is what the sessions of a peer are together.
type summary struct {
	// generation of the BGPPeer.
	generation           int64
	desired, established int
	// faults are the first ones that keep nodes from their session, by node.
	faults []fault
	// since is when the first of all faults began that are still there, or when there was no node any more to have a session; zero if
	// all sessions are established.
	since time.Time
	// invalid is whether the BGPPeer does not say which nodes are meant.
	invalid bool
	// selective is whether it selects nodes.
	selective bool
}

// condition returns the condition Ready.
func (s summary) condition() metav1.Condition {
	c := metav1.Condition{Type: v1beta1.ConditionReady, Status: metav1.ConditionFalse, ObservedGeneration: s.generation}
	switch {
	case s.invalid:
		c.Reason, c.Message = v1beta1.ReasonInvalidConfig, "not in use as written, see the condition Valid"
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
	parts := make([]string, 0, named)
	for _, f := range s.faults {
		parts = append(parts, f.String())
	}
	return message.Some(parts, s.desired-s.established, "; ")
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
