// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/overview"
)

// Node is a node with its sessions.
type Node struct {
	Level Level `json:"level"`
	// Group is the value of the label by which nodes are grouped, or else how the node fares.
	Group string `json:"group"`
	// Note says in a few words what is special about the node.
	Note string `json:"note"`
	// Announces is whether the node tells any peer of any prefix.
	Announces bool `json:"announces"`
	// Sessions are the levels of those with each peer.
	Sessions map[string]Level `json:"sessions"`
	// news is what is special about the node beside its sessions.
	news string
}

// Session is the BGP session of a node with a peer.
type Session struct {
	Node     string     `json:"node"`
	Peer     string     `json:"peer"`
	Level    Level      `json:"level"`
	State    string     `json:"state"`
	Since    *time.Time `json:"since,omitempty"`
	Error    string     `json:"error,omitempty"`
	Prefixes int64      `json:"prefixes"`
	// failed is when the error happened.
	failed time.Time
}

// sessionsOf returns the sessions that are reported, and those that should exist and that no speaker reports.
func sessionsOf(c *cluster.Cluster) []Session {
	sessions := make([]Session, 0, len(c.Sessions))
	reported := make(map[sessionKey]bool, len(c.Sessions))
	for i := range c.Sessions {
		s := &c.Sessions[i].Status
		session := Session{
			Node: s.Node, Peer: s.Peer, Level: sessionLevel(s), State: string(s.State), Error: s.LastError, Prefixes: s.AdvertisedIPv4 + s.AdvertisedIPv6,
		}
		if s.Since != nil {
			session.Since = &s.Since.Time
		}
		if s.LastErrorTime != nil {
			session.failed = s.LastErrorTime.Time
		}
		sessions = append(sessions, session)
		reported[session.key()] = true
	}
	if c.Has(cluster.Sessions) {
		sessions = append(sessions, unreported(c, reported)...)
	}
	slices.SortFunc(sessions, func(a, b Session) int {
		return cmp.Or(-cmp.Compare(rank(a.Level), rank(b.Level)), strings.Compare(a.Peer, b.Peer), strings.Compare(a.Node, b.Node))
	})
	return sessions
}

// unreported returns the sessions that a node should have with a peer in use, without those that are reported.
func unreported(c *cluster.Cluster, reported map[sessionKey]bool) []Session {
	var sessions []Session
	for _, p := range c.InUse().Peers {
		parsed, errs := bgp.ParsePeer(&p)
		if len(errs) > 0 {
			continue
		}
		for i := range c.Nodes {
			n := &c.Nodes[i]
			one := Session{Node: n.Name, Peer: p.Name, Level: Bad, State: string(v1beta1.SessionUnknown), Error: v1beta1.NoSessionReport}
			if parsed.SelectsNode(n.Labels) && !reported[one.key()] {
				sessions = append(sessions, one)
			}
		}
	}
	return sessions
}

func rank(l Level) int { return slices.Index([]Level{Idle, OK, Warn, Bad}, l) }

// sessionLevel is Idle where nothing is announced because somebody drains the node.
func sessionLevel(s *v1beta1.BGPSessionStateStatus) Level {
	switch {
	case !established(s):
		return Bad
	case s.LastError != "":
		return Warn
	case len(s.Conditions) > 0:
		return Idle
	}
	return OK
}

// groupLabels are those by which nodes are grouped: the first that tells some nodes from others.
var groupLabels = []string{"topology.kubernetes.io/rack", "rack", corev1.LabelTopologyZone, corev1.LabelTopologyRegion}

func (p *Picture) addNodes(o overview.Overview) {
	p.Front.Nodes = make(map[string]Node, len(p.cluster.Nodes))
	sessions, announces := map[string]map[string]Level{}, map[string]bool{}
	for _, s := range p.sessions {
		announces[s.Node] = announces[s.Node] || s.Prefixes > 0
		if sessions[s.Node] == nil {
			sessions[s.Node] = map[string]Level{}
		}
		sessions[s.Node][s.Peer] = s.Level
	}
	drains := map[string]string{}
	for _, d := range o.Draining {
		drains[d.Name] = "drains"
		if d.Drained {
			drains[d.Name] = "drained"
		}
	}
	p.Front.GroupedBy = groupLabel(p.cluster.Nodes)
	for i := range p.cluster.Nodes {
		n := &p.cluster.Nodes[i]
		node := newNode(n, sessions[n.Name], drains[n.Name])
		node.Announces = announces[n.Name]
		if node.Group = n.Labels[p.Front.GroupedBy]; p.Front.GroupedBy == "" {
			node.Group = groupOf(node.Level)
		}
		if node.Note == noSession && !p.cluster.Has(cluster.Sessions) {
			node.Note = notRead
			if p.Front.GroupedBy == "" {
				node.Group = notRead
			}
		}
		p.Front.Nodes[n.Name] = node
	}
	for name, of := range sessions { // Of nodes that may not be read, or are gone.
		if _, known := p.Front.Nodes[name]; !known {
			node := newNode(&corev1.Node{}, of, drains[name])
			node.Group, node.Announces = groupOf(node.Level), announces[name]
			p.Front.Nodes[name] = node
		}
	}
}

func groupLabel(nodes []corev1.Node) string {
	for _, label := range groupLabels {
		values := map[string]bool{}
		for i := range nodes {
			if value, has := nodes[i].Labels[label]; has {
				values[value] = true
			}
		}
		if len(values) > 1 {
			return label
		}
	}
	return ""
}

func groupOf(l Level) string {
	switch l {
	case OK:
		return "all sessions up"
	case Warn:
		return "some sessions down"
	case Bad:
		return "no session up"
	case Idle:
	}
	return "not in use"
}

// Notes of nodes of which no session is reported, or may be read.
const (
	noSession = "no session"
	notRead   = "sessions not known"
)

func newNode(n *corev1.Node, sessions map[string]Level, drain string) Node {
	node := Node{Sessions: sessions, Note: drain, news: drain}
	if node.Sessions == nil {
		node.Sessions = map[string]Level{}
	}
	up := 0
	for _, l := range sessions {
		if l != Bad {
			up++
		}
	}
	node.Level = share(up, len(sessions))
	switch {
	case notReady(n):
		node.Level, node.Note, node.news = Bad, "not ready", "is not ready"
	case drain != "" && node.Level == OK:
		node.Level = Idle
	case drain != "":
	case len(sessions) == 0:
		node.Note = noSession
	case up < len(sessions):
		node.Note = fmt.Sprintf("%d of %d sessions up", up, len(sessions))
	}
	return node
}

func notReady(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue
	})
}
