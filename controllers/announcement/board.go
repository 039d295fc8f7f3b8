// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/endpoint"
)

// Configuration is the one in force.
type Configuration interface {
	// Routes returns its routes; nil if they are not known yet.
	Routes() *config.Routes
	// Held returns the routes that an address had that is announced though the configuration does not announce it any more; nil
	// if they are not known.
	Held(h config.Holding) (was *config.Routes, held bool)
}

// Board puts together what is announced. It is safe for concurrent use.
type Board struct {
	configuration Configuration
	serviceClass  string
	clock         clock.PassiveClock

	mu sync.Mutex
	// complete is whether all that there is has been set.
	complete bool
	routes   *config.Routes
	numbers  map[string]int
	situation
	// offline are the nodes without a network.
	offline  map[string]bool
	slices   map[types.NamespacedName]map[string]*discoveryv1.EndpointSlice
	services map[types.NamespacedName]*record
	classes  map[classKey]*class
	// changed are nodes that tell something else than when the classes were judged, which is to be done again at reviewAt.
	changed  config.NodeSet
	reviewAt time.Time
	pace     *pace
	coverage coverage
}

// NewBoard returns a Board for services of the class, which is that of the service's Reconciler.
func NewBoard(c Configuration, serviceClass string, clock clock.PassiveClock) *Board {
	return &Board{
		configuration: c, serviceClass: serviceClass, clock: clock,
		situation: situation{sessions: newSessions()}, offline: map[string]bool{},
		slices:   map[types.NamespacedName]map[string]*discoveryv1.EndpointSlice{},
		services: map[types.NamespacedName]*record{}, classes: map[classKey]*class{},
		pace: newPace(), coverage: coverage{services: map[string]int{}, changed: map[string]struct{}{}},
	}
}

// Complete says that all has been set that there is. Nothing is to be written before.
func (b *Board) Complete() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complete = true
	b.configure()
}

// Configure takes the configuration anew.
func (b *Board) Configure() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.configure()
}

func (b *Board) configure() {
	if b.routes = b.configuration.Routes(); b.routes == nil || !b.complete {
		return
	}
	b.names = b.routes.Nodes()
	b.numbers = make(map[string]int, len(b.names))
	b.unavailable = config.NewNodeSet(len(b.names))
	for i, name := range b.names {
		b.numbers[name] = i
		if b.offline[name] {
			b.unavailable.Add(i)
		}
	}
	b.sessions.number(b.numbers)
	b.changed, b.reviewAt = config.NewNodeSet(len(b.names)), time.Time{}
	b.classes = map[classKey]*class{}
	for _, r := range b.services {
		r.classes = nil
		b.classify(r)
		b.consider(r)
	}
}

// ready reports whether enough is known to say anything.
func (b *Board) ready() bool { return b.complete && b.routes != nil }

// SetService takes a Service as it is, whether it is served or not.
func (b *Board) SetService(svc *corev1.Service) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.setService(svc)
}

func (b *Board) setService(svc *corev1.Service) {
	name := client.ObjectKeyFromObject(svc)
	if !assignment.Served(svc, b.serviceClass) {
		b.delete(name)
		return
	}
	r := b.services[name]
	if r == nil {
		r = &record{name: name}
		b.services[name] = r
	}
	if !r.takes(svc, b.serviceClass, b.clock.Now()) || !b.ready() {
		return
	}
	b.classify(r)
	b.consider(r)
}

// Told takes a Service as it is after it was written, if it is still known. It reports whether it is served: if not, it should
// not have been written.
func (b *Board) Told(svc *corev1.Service) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.services[client.ObjectKeyFromObject(svc)]
	served := assignment.Served(svc, b.serviceClass)
	if r == nil || r.uid != svc.UID || !served {
		return served
	}
	b.setService(svc)
	return true
}

// DeleteService forgets a Service.
func (b *Board) DeleteService(name types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.delete(name)
}

func (b *Board) delete(name types.NamespacedName) {
	if r := b.services[name]; r != nil {
		b.unclassify(r)
		b.coverage.count(r.advertisements, nil, b.clock.Now())
		delete(b.services, name)
		b.pace.drop(name)
	}
}

// SetEndpointSlice takes an EndpointSlice as EndpointSlices has it stripped.
func (b *Board) SetEndpointSlice(slice *discoveryv1.EndpointSlice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := serviceOf(slice)
	if b.slices[name] == nil {
		b.slices[name] = map[string]*discoveryv1.EndpointSlice{}
	}
	b.slices[name][slice.Name] = slice
	b.reconsider(name)
}

// DeleteEndpointSlice forgets an EndpointSlice.
func (b *Board) DeleteEndpointSlice(slice *discoveryv1.EndpointSlice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name := serviceOf(slice)
	delete(b.slices[name], slice.Name)
	if len(b.slices[name]) == 0 {
		delete(b.slices, name)
	}
	b.reconsider(name)
}

// reconsider looks at a service whose endpoints have changed.
func (b *Board) reconsider(name types.NamespacedName) {
	if r := b.services[name]; r != nil && b.ready() {
		r.endpoints = endpointsOf(b.slices[name], b.numbers)
		b.consider(r)
	}
}

// SetSession takes what a BGPSessionState tells, nil if it is gone.
func (b *Board) SetSession(object string, status *v1beta1.BGPSessionStateStatus) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note(b.sessions.set(object, status)...)
}

// SetNode takes whether a node has no network; of one that is gone it is of no interest.
func (b *Board) SetNode(name string, unavailable bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.offline[name] == unavailable {
		return
	}
	if unavailable {
		b.offline[name] = true
	} else {
		delete(b.offline, name)
	}
	if i, known := b.numbers[name]; known && unavailable {
		b.unavailable.Add(i)
	} else if known {
		b.unavailable.Remove(i)
	}
	b.note(name)
}

// note has the classes judged again because of the nodes.
func (b *Board) note(nodes ...string) {
	for _, name := range nodes {
		i, known := b.numbers[name]
		if !known {
			continue
		}
		b.changed.Add(i)
		if b.reviewAt.IsZero() {
			b.reviewAt = b.clock.Now().Add(settleTime)
		}
	}
}

// Turn returns the Services and BGPAdvertisements to look at now. It is to be called every tenth of a second.
//
// A Service whose status or reason changes is due after a second, or after five if it is announced no more; one that has numbers
// of nodes or names of peers to change if these differ for ten seconds. The former are written a hundred a second at most and the
// latter five, and fewer with many nodes.
func (b *Board) Turn(now time.Time) (due []types.NamespacedName, advertisements []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.reviewAt.IsZero() && !now.Before(b.reviewAt) {
		b.review()
	}
	return b.pace.take(now, ratesFor(len(b.names))), b.coverage.take(now)
}

// review judges the classes again, and looks at the services of those of which something else is to be said.
func (b *Board) review() {
	changed := b.changed
	b.changed, b.reviewAt = config.NewNodeSet(len(b.names)), time.Time{}
	for _, c := range b.classes {
		all, cluster := c.judge(&b.situation)
		for r := range c.members {
			if all || !r.local && cluster || r.local && r.endpoints[c.key.family].nodes.Meets(changed) {
				b.consider(r)
			}
		}
	}
}

// Wanted returns what the Service is to be told, and which one is meant; nothing if it is as told. A condition of nil is to
// be removed.
func (b *Board) Wanted(name types.NamespacedName) (uid types.UID, c *metav1.Condition, wanted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.services[name]
	if r == nil || !b.ready() {
		return "", nil, false
	}
	c, known := r.desired(&b.situation)
	if differs, _ := r.differs(c); !known || !differs {
		return "", nil, false
	}
	if c != nil {
		c.LastTransitionTime = metav1.NewTime(b.clock.Now())
		if r.told != nil && r.told.Status == c.Status {
			c.LastTransitionTime = r.told.LastTransitionTime
		}
	}
	return r.uid, c, true
}

// consider has the service written if it is to be told something else.
func (b *Board) consider(r *record) {
	c, known := r.desired(&b.situation)
	switch differs, flips := r.differs(c); {
	case !known || !differs:
		b.pace.drop(r.name)
	case flips:
		after := settleTime
		if r.told != nil && r.told.Status == metav1.ConditionTrue && c != nil && c.Status == metav1.ConditionFalse {
			after = lossTime
		}
		b.pace.flip(r.name, b.clock.Now(), after, r.flipped)
	default:
		b.pace.renumber(r.name, b.clock.Now())
	}
}

// classify finds the classes of the service's addresses.
func (b *Board) classify(r *record) {
	b.unclassify(r)
	r.endpoints = endpointsOf(b.slices[r.name], b.numbers)
	covering := map[string]struct{}{}
	for _, h := range r.holdings {
		selection := b.routes.Select(h)
		for _, name := range selection.Advertisements() {
			covering[name] = struct{}{}
		}
		c := b.classOf(h, selection)
		r.classes = append(r.classes, c)
		if c != nil {
			c.members[r] = struct{}{}
		}
	}
	advertisements := slices.Sorted(maps.Keys(covering))
	b.coverage.count(r.advertisements, advertisements, b.clock.Now())
	r.advertisements = advertisements
}

func (b *Board) unclassify(r *record) {
	for _, c := range r.classes {
		if c == nil {
			continue
		}
		delete(c.members, r)
		b.prune(c)
	}
	r.classes = nil
}

// classOf returns the class of an address; nil if it is announced by what is not known.
func (b *Board) classOf(h config.Holding, selection config.Selection) *class {
	c := b.classFor(h, selection, nil)
	if len(c.ways.Peers) > 0 {
		return c
	}
	was, held := b.configuration.Held(h)
	switch {
	case !held:
		return c
	case was == nil:
		b.prune(c)
		return nil
	}
	former := b.classFor(h, was.Select(h), was)
	if len(former.ways.Peers) > 0 {
		b.prune(c)
		return former
	}
	b.prune(former)
	return c
}

// prune forgets a class without members.
func (b *Board) prune(c *class) {
	if len(c.members) == 0 {
		delete(b.classes, c.key)
	}
}

// classFor returns the class of addresses that are selected in that way.
func (b *Board) classFor(h config.Holding, selection config.Selection, was *config.Routes) *class {
	names := selection.Advertisements()
	f := endpoint.Of(h.Address)
	key := classKey{selection.Pool, strings.Join(names, "/"), f, was}
	c := b.classes[key]
	if c == nil {
		c = &class{
			key: key, selection: selection, names: names, ways: b.routes.Ways(&selection, f.Kind()), members: map[*record]struct{}{},
		}
		c.judge(&b.situation)
		b.classes[key] = c
	}
	return c
}
