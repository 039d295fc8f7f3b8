// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
)

// situation is a configuration in force, the nodes, and what follows.
type situation struct {
	objects config.Objects
	nodes   []config.Node
	routes  *config.Routes
	pools   ipam.Pools
	// parts are the routes that there would be of single objects, once they were asked for.
	parts map[reference]*config.Routes
}

// reference names an object that has part in routes.
type reference struct {
	kind kind
	name string
}

type kind int

const (
	pool kind = iota
	peer
	advertisement
)

// newSituation returns the situation after the previous one, which is nil if there was none. What of a bad object was in
// force then stays so: the object itself is told that it is bad.
func newSituation(objects config.Objects, nodes []config.Node, previous *situation) *situation {
	if previous == nil {
		previous = &situation{}
	}
	inForce := resolve(objects, previous.objects)
	s := &situation{
		objects: inForce, nodes: nodes, routes: config.NewRoutes(inForce, nodes), parts: map[reference]*config.Routes{},
	}
	var pools []ipam.Pool
	for i := range inForce.Pools {
		if p, errs := ipam.ParsePool(&inForce.Pools[i]); len(errs) == 0 {
			pools = append(pools, p)
		}
	}
	s.pools = ipam.NewPools(pools...)
	return s
}

// poolOf returns the pool that contains the address held, the one it was allocated from before others; empty if none does.
func (s *situation) poolOf(h config.Holding) string {
	for _, name := range h.Recorded {
		if p, found := s.pools.ByName(name); found && p.Contains(h.Address) {
			return name
		}
	}
	if p, found := s.pools.Find(h.Address); found {
		return p.Name
	}
	return ""
}

// wasTold reports whether the condition of the pool says that the address held has lost its route. Of a condition that does
// not name everything it is supposed to.
func (s *situation) wasTold(h config.Holding) bool {
	p := byName(s.objects.Pools, s.poolOf(h))
	if p == nil {
		return false
	}
	c := meta.FindStatusCondition(p.Status.Conditions, v1beta1.ConditionValid)
	if c == nil || c.Reason != v1beta1.ReasonNotCompatibleWithAssignedIPs {
		return false
	}
	return strings.Contains(c.Message, claimOf(h.Service, h.Address).String()) ||
		strings.HasSuffix(c.Message, " more") || strings.HasSuffix(c.Message, "…")
}

// meant reports whether the route to the address held was taken away on purpose: its pool allows disruption, or an object
// that had part in the route is waived.
func (l *loss) meant(h config.Holding, now *situation, waived Waived) bool {
	if p, found := now.pools.ByName(l.pool); found && p.AllowDisruption {
		return true
	}
	for r := range waived {
		if r == (reference{pool, l.pool}) || l.before != nil && l.before.hadPart(r, h) {
			return true
		}
	}
	return false
}

// hadPart reports whether the object is the address's pool, or would have announced it if there had been no other of its kind.
func (s *situation) hadPart(r reference, h config.Holding) bool {
	if r.kind == pool {
		return r.name == s.poolOf(h)
	}
	routes, known := s.parts[r]
	if !known {
		part := s.objects
		switch r.kind {
		case advertisement:
			part.Advertisements = only(part.Advertisements, r.name)
		case peer:
			part.Peers = only(part.Peers, r.name)
		case pool:
		}
		routes = config.NewRoutes(part, s.nodes)
		s.parts[r] = routes
	}
	return routes.Announces(h)
}

// only returns the object of that name, if there is one.
func only[O any, P object[O]](objects []O, name string) []O {
	return slices.DeleteFunc(slices.Clone(objects), func(o O) bool { return P(&o).GetName() != name })
}

// object is a pointer to an API object of type O.
type object[O any] interface {
	*O
	metav1.Object
}

// byName returns the object of that name, or nil.
func byName[O any, P object[O]](objects []O, name string) P {
	for i := range objects {
		if o := P(&objects[i]); o.GetName() == name {
			return o
		}
	}
	return nil
}
