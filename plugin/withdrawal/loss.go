// SPDX-License-Identifier: Apache-2.0

package withdrawal

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/plugin/cluster"
)

// Loss is what services lose when nodes are taken out of service.
type Loss struct {
	// Announced is how many services at least one of the nodes announces.
	Announced int
	// Last are the services with an address that no other node announces, sorted by name.
	Last []types.NamespacedName
}

// Parts are what has to be read of the cluster to tell what is lost.
func Parts() []cluster.Part {
	return []cluster.Part{cluster.Configuration, cluster.Nodes, cluster.Services, cluster.Endpoints, cluster.Sessions, cluster.Workloads}
}

// LossOf returns what services lose when these nodes are taken out of service, at the same time.
func LossOf(c *cluster.Cluster, nodes []string) Loss {
	w := newWorld(c)
	leaving := w.leaving
	var going config.NumberSet
	for _, name := range nodes {
		if i, found := w.numbers[name]; found {
			going.Add(i)
		}
	}
	var l Loss
	for i := range c.Services {
		svc := &c.Services[i]
		announced, last := false, false
		for _, h := range assignment.HoldingsOf(svc, c.Class) {
			by := w.announcing(svc, h)
			if !by.Meets(going) {
				continue
			}
			announced = true
			last = last || by.Without(going).Without(leaving).Empty()
		}
		if announced {
			l.Announced++
		}
		if last {
			l.Last = append(l.Last, types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name})
		}
	}
	return l
}

// world is which nodes announce what.
type world struct {
	cluster *cluster.Cluster
	routes  *config.Routes
	// numbers are those of the nodes, by name.
	numbers map[string]int
	// up are the nodes whose session with a peer carries routes of a family.
	up map[session]config.NumberSet
	// leaving nodes will announce nothing, unavailable ones have no network.
	leaving, unavailable config.NumberSet
	// ways are the nodes by which addresses go that the same advertisements select.
	ways map[way]config.NumberSet
}

type session struct {
	peer   string
	family endpoint.Family
}

type way struct {
	pool, advertisements string
	family               endpoint.Family
}

func newWorld(c *cluster.Cluster) *world {
	w := &world{cluster: c, numbers: map[string]int{}, up: map[session]config.NumberSet{}, ways: map[way]config.NumberSet{}}
	nodes := make([]config.Node, 0, len(c.Nodes))
	for i := range c.Nodes {
		nodes = append(nodes, listing.NodeOf(&c.Nodes[i]))
	}
	w.routes = config.NewRoutes(c.InUse(), nodes)
	for i, name := range w.routes.Nodes() {
		w.numbers[name] = i
	}
	for i := range c.Nodes {
		n := w.numbers[c.Nodes[i].Name]
		if c.DrainRules().Of(&c.Nodes[i]).Any() {
			w.leaving.Add(n)
		}
		for _, condition := range c.Nodes[i].Status.Conditions {
			if condition.Type == corev1.NodeNetworkUnavailable && condition.Status == corev1.ConditionTrue {
				w.unavailable.Add(n)
			}
		}
	}
	for i := range c.Sessions {
		w.add(&c.Sessions[i].Status)
	}
	return w
}

func (w *world) add(s *v1beta1.BGPSessionStateStatus) {
	n, found := w.numbers[s.Node]
	if !found {
		return
	}
	for f := range endpoint.Families {
		if s.Carries(f.Kind()) {
			key := session{s.Peer, f}
			set := w.up[key]
			set.Add(n)
			w.up[key] = set
		}
	}
	// The service proxy drains nodes too, and of that no Node tells.
	if c := meta.FindStatusCondition(s.Conditions, v1beta1.ConditionDrained); c != nil && c.Reason != v1beta1.ReasonProxyFailing {
		w.leaving.Add(n)
	}
}

// announcing returns the nodes that announce the address that the service holds.
func (w *world) announcing(svc *corev1.Service, h config.Holding) config.NumberSet {
	family := endpoint.Of(h.Address)
	anywhere, local := w.endpoints(svc, family)
	if !anywhere {
		return nil
	}
	nodes := w.way(h, family)
	if svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal {
		nodes = nodes.And(local)
	}
	return nodes
}

// way returns the nodes by which the address goes to a peer, whatever endpoints there are.
func (w *world) way(h config.Holding, family endpoint.Family) config.NumberSet {
	selection := w.routes.Select(h)
	key := way{selection.Pool, strings.Join(selection.Advertisements(), "/"), family}
	nodes, known := w.ways[key]
	if known {
		return nodes
	}
	for _, path := range w.routes.Paths(&selection, family.Kind()).Peers {
		nodes.AddAll(path.Nodes.And(w.up[session{path.Peer, family}]))
	}
	nodes = nodes.Without(w.unavailable)
	w.ways[key] = nodes
	return nodes
}

// endpoints returns whether the service has endpoints of the family that get connections, and on which nodes.
func (w *world) endpoints(svc *corev1.Service, family endpoint.Family) (anywhere bool, nodes config.NumberSet) {
	slices := w.cluster.Slices[types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}]
	for i := range slices {
		if f, known := endpoint.FamilyOf(&slices[i]); !known || f != family {
			continue
		}
		for e := range endpoint.In(&slices[i]) {
			anywhere = true
			if e.NodeName != nil {
				if n, found := w.numbers[*e.NodeName]; found {
					nodes.Add(n)
				}
			}
		}
	}
	return anywhere, nodes
}
