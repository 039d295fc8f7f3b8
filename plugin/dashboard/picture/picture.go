// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/overview"
	"metallb.io/metallb/plugin/route"
)

// Level is how something fares, as the page colours it.
type Level string

// The levels, the worst last.
const (
	Idle Level = "idle"
	OK   Level = "ok"
	Warn Level = "warn"
	Bad  Level = "bad"
)

// Picture is all that can be shown of a cluster at one time. It is immutable.
type Picture struct {
	Front    Front
	cluster  *cluster.Cluster
	services []Service
	sessions []Session
	pools    []pool
	story    Story
	// notices are events about BGPPeers, by the peer's name.
	notices map[string][]Mark
}

// Front is what is drawn. What changes between two fronts is small, so that the difference is, too: everything has a key.
type Front struct {
	Namespace string `json:"namespace"`
	// Problems are what is wrong, a sentence each.
	Problems []string `json:"problems"`
	// Unread are the parts that the user may not read, and what is not shown for that.
	Unread []string `json:"unread"`
	// Unwatched are the parts that the user may read and not watch, so that what is shown of them is some time old.
	Unwatched []string `json:"unwatched"`
	// Objects are configuration objects that are not used as written.
	Objects   []Object            `json:"objects"`
	Workloads map[string]Workload `json:"workloads"`
	Peers     map[string]Peer     `json:"peers"`
	Nodes     map[string]Node     `json:"nodes"`
	// GroupedBy is the label by whose values nodes are grouped; empty if there is no such label.
	GroupedBy string `json:"groupedBy"`
	// Services are how many fare how, and Namespaces the same for each namespace; if there are many, of those with most trouble only.
	Services   Counts            `json:"services"`
	Namespaces map[string]Counts `json:"namespaces"`
	// Hidden is how many namespaces are left out.
	Hidden int `json:"hiddenNamespaces"`
	// Each has each Service by namespace and name if they are few, else none.
	Each  map[string]Service `json:"each"`
	Pools map[string]Pool    `json:"pools"`
	// Changes are what has changed lately, the latest first.
	Changes []Change `json:"changes"`
	// Began is since when the dashboard has looked on.
	Began time.Time `json:"began"`
}

// Object is a configuration object that is not used as written, and why.
type Object struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Message string `json:"message"`
	// Held is whether an earlier version is used instead.
	Held bool `json:"held"`
}

// Workload is a program of the load balancer in its pods.
type Workload struct {
	Level    Level    `json:"level"`
	Ready    int32    `json:"ready"`
	Desired  int32    `json:"desired"`
	Versions []string `json:"versions"`
}

// Peer is a BGPPeer: a router, as the nodes know it.
type Peer struct {
	Level   Level  `json:"level"`
	Address string `json:"address"`
	ASN     uint32 `json:"asn"`
	Up      int32  `json:"up"`
	Desired int32  `json:"desired"`
	Error   string `json:"error,omitempty"`
}

// Service is a Service of type LoadBalancer that the load balancer serves.
type Service struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Level     Level    `json:"level"`
	State     string   `json:"state"`
	Reason    string   `json:"reason,omitempty"`
	Message   string   `json:"message,omitempty"`
	Addresses []string `json:"addresses"`
	// Nodes are the ones that announce it. Only in Each, if nodes are few, too.
	Nodes []string `json:"nodes,omitempty"`
	since time.Time
}

// Counts are how many Services fare how.
type Counts struct {
	OK   int `json:"ok"`
	Warn int `json:"warn"`
	Bad  int `json:"bad"`
}

// Total is how many they are.
func (c Counts) Total() int { return c.OK + c.Warn + c.Bad }

func (c *Counts) add(l Level) {
	switch l {
	case OK:
		c.OK++
	case Warn:
		c.Warn++
	case Bad, Idle:
		c.Bad++
	}
}

const (
	// few is up to how many Services are drawn each, not by namespace.
	few = 24
	// fewNodes is up to how many nodes it is computed which of them announce each Service: each node has a policy of its own.
	fewNodes = 16
	// maxNamespaces and maxPools are how many are drawn at most.
	maxNamespaces = 40
	maxPools      = 40
)

// Of returns the picture of a cluster, of which everything is read, and of the events about its BGPPeers. What the picture before it was, if there
// was one, tells what has changed since.
func Of(c *cluster.Cluster, events []corev1.Event, before *Picture) *Picture {
	p := &Picture{cluster: c, notices: noticesOf(events)}
	summary := overview.Of(c)
	p.Front = Front{
		Namespace: c.Namespace, Problems: summary.Problems, Unread: []string{}, Unwatched: []string{}, Objects: []Object{},
		Workloads: map[string]Workload{}, Peers: map[string]Peer{}, Namespaces: map[string]Counts{}, Each: map[string]Service{}, Pools: map[string]Pool{},
	}
	for _, u := range c.Unread {
		p.Front.Unread = append(p.Front.Unread, string(u.Part))
	}
	for _, part := range c.Unwatched {
		p.Front.Unwatched = append(p.Front.Unwatched, string(part))
	}
	p.addObjects(summary)
	p.addWorkloads(summary)
	p.addPeers(summary)
	p.sessions = sessionsOf(c)
	p.addNodes(summary)
	p.addServices()
	p.addPools(summary)
	p.story = p.tell(before)
	p.Front.Changes, p.Front.Began = p.story.Changes, p.story.Began
	return p
}

func (p *Picture) addObjects(o overview.Overview) {
	for _, held := range o.Held {
		p.Front.Objects = append(p.Front.Objects, Object{Kind: held.Kind, Name: held.Name, Message: held.Message, Held: true})
	}
	for _, invalid := range o.Invalid {
		same := func(h overview.Object) bool { return h.Kind == invalid.Kind && h.Name == invalid.Name }
		if !slices.ContainsFunc(o.Held, same) {
			p.Front.Objects = append(p.Front.Objects, Object{Kind: invalid.Kind, Name: invalid.Name, Message: invalid.Message})
		}
	}
}

func (p *Picture) addWorkloads(o overview.Overview) {
	for name, w := range map[string]*overview.Workload{"controller": o.Controller, "speakers": o.Speakers} {
		if w == nil {
			continue
		}
		versions := make([]string, 0, len(w.Versions))
		for _, v := range w.Versions {
			versions = append(versions, v.Tag)
		}
		p.Front.Workloads[name] = Workload{share(int(w.Ready), int(w.Desired)), w.Ready, w.Desired, versions}
	}
}

// share is OK if all are up, Bad if none is.
func share(up, desired int) Level {
	switch {
	case desired == 0:
		return Idle
	case up >= desired:
		return OK
	case up == 0:
		return Bad
	}
	return Warn
}

func (p *Picture) addPeers(o overview.Overview) {
	asn := map[string]uint32{}
	for i := range p.cluster.Written.Peers {
		asn[p.cluster.Written.Peers[i].Name] = p.cluster.Written.Peers[i].Spec.ASN
	}
	for _, peer := range o.Peers {
		p.Front.Peers[peer.Name] = Peer{
			Level: share(int(peer.Established), int(peer.Desired)), Address: peer.Address, ASN: asn[peer.Name],
			Up: peer.Established, Desired: peer.Desired, Error: peer.Error,
		}
	}
}

func (p *Picture) addServices() {
	all := map[string]Counts{}
	for i := range p.cluster.Services {
		svc := &p.cluster.Services[i]
		if !assignment.Served(svc, p.cluster.Class) {
			continue
		}
		s := serviceOf(svc)
		p.services = append(p.services, s)
		p.Front.Services.add(s.Level)
		counts := all[s.Namespace]
		counts.add(s.Level)
		all[s.Namespace] = counts
	}
	for _, name := range mostTroubled(all) {
		p.Front.Namespaces[name] = all[name]
	}
	p.Front.Hidden = len(all) - len(p.Front.Namespaces)
	if len(p.services) > few {
		return
	}
	table := route.New(p.cluster)
	for _, s := range p.services {
		if len(p.cluster.Nodes) <= fewNodes {
			s.Nodes = announcementsOf(table, s.key()).nodes
		}
		p.Front.Each[s.key().String()] = s
	}
}

// mostTroubled returns the namespaces that are drawn: first those where most is wrong, then those with most Services.
func mostTroubled(all map[string]Counts) []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		x, y := all[a], all[b]
		for _, d := range []int{y.Bad - x.Bad, y.Warn - x.Warn, y.Total() - x.Total()} {
			if d != 0 {
				return d
			}
		}
		return strings.Compare(a, b)
	})
	return names[:min(len(names), maxNamespaces)]
}

func (s *Service) key() types.NamespacedName {
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Name}
}

func serviceOf(svc *corev1.Service) Service {
	state, said := overview.StateOf(svc)
	s := Service{
		Namespace: svc.Namespace, Name: svc.Name, Level: levelOf(state), State: overview.Words(state), Addresses: assignment.IngressTexts(svc),
		since: said.LastTransitionTime.Time,
	}
	if state != assignment.Announced {
		s.Reason, s.Message = said.Reason, said.Message
	}
	return s
}

func levelOf(s assignment.State) Level {
	switch s {
	case assignment.Announced:
		return OK
	case assignment.PartlyAnnounced:
		return Warn
	case assignment.Unannounced, assignment.Pending:
	}
	return Bad
}

// holds reports whether the Service has the address.
func (s *Service) holds(a netip.Addr) bool {
	return slices.ContainsFunc(s.Addresses, func(text string) bool {
		held, err := netip.ParseAddr(text)
		return err == nil && held == a
	})
}

// established reports whether the session is up.
func established(s *v1beta1.BGPSessionStateStatus) bool { return s.State == v1beta1.SessionEstablished }
