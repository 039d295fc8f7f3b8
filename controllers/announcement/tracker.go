// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"sync"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
)

// Configuration is the one in use.
type Configuration interface {
	// Routes returns its routes; nil if they are not known yet.
	Routes() *config.Routes
}

// Tracker puts together what is announced. It is safe for concurrent use.
type Tracker struct {
	configuration Configuration
	holdings      config.Holdings
	clock         clock.PassiveClock

	mu sync.Mutex
	// complete is whether all that there is has been set.
	complete bool
	routes   *config.Routes
	nodeState
	// offline are the nodes without a network.
	offline  map[string]bool
	slices   sliceSet
	services map[types.NamespacedName]*service
	groups   map[groupKey]*group
	// changed are nodes that report something else than when the groups were judged, which is to be done again at reviewAt.
	changed   config.NumberSet
	reviewAt  time.Time
	scheduler *scheduler
	covered   covered
}

// NewTracker returns a Tracker. The holdings are those of the services that it is to be told of: it looks for services there whose
// pool has changed.
func NewTracker(c Configuration, holdings config.Holdings, clock clock.PassiveClock) *Tracker {
	n := newNodes()
	return &Tracker{
		configuration: c, holdings: holdings, clock: clock,
		nodeState: nodeState{nodes: n, sessions: newSessions(n)}, offline: map[string]bool{},
		slices:   sliceSet{nodes: n, byService: map[types.NamespacedName]map[string]*discoveryv1.EndpointSlice{}},
		services: map[types.NamespacedName]*service{}, groups: map[groupKey]*group{},
		scheduler: newScheduler(), covered: covered{services: map[string]int{}, changed: map[string]struct{}{}},
	}
}

// Complete says that all has been set that there is. Nothing is to be written before.
func (t *Tracker) Complete() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.complete = true
	t.configure()
}

// ready reports whether enough is known to say anything.
func (t *Tracker) ready() bool { return t.complete && t.routes != nil }

// SetService takes a Service as it is now, nil if it is gone or not served.
func (t *Tracker) SetService(name types.NamespacedName, is *assignment.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if is == nil {
		t.delete(name)
		return
	}
	s := t.services[name]
	if s == nil {
		s = &service{endpoints: t.slices.of(name)}
		t.services[name] = s
	}
	t.take(s, is)
}

// Wrote takes a Service as it is after it was written, if it is still known.
func (t *Tracker) Wrote(is *assignment.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.services[is.Name]; s != nil && s.UID == is.UID {
		t.take(s, is)
	}
}

func (t *Tracker) take(s *service, is *assignment.Record) {
	if s.takes(is, t.clock.Now()) && t.ready() {
		t.classify(s)
		t.consider(s)
	}
}

func (t *Tracker) delete(name types.NamespacedName) {
	if s := t.services[name]; s != nil {
		t.leave(s)
		t.covered.count(s.advertisements, nil, t.clock.Now())
		delete(t.services, name)
		t.scheduler.drop(name)
	}
}

// SetEndpointSlice takes an EndpointSlice as EndpointSlices has it stripped.
func (t *Tracker) SetEndpointSlice(slice *discoveryv1.EndpointSlice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.slices.set(slice)
	t.setEndpoints(serviceOf(slice))
	t.slices.drop(before)
}

// DeleteEndpointSlice forgets an EndpointSlice.
func (t *Tracker) DeleteEndpointSlice(slice *discoveryv1.EndpointSlice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.slices.remove(slice)
	t.setEndpoints(serviceOf(slice))
	t.slices.drop(last)
}

// setEndpoints looks at a service whose endpoints have changed.
func (t *Tracker) setEndpoints(name types.NamespacedName) {
	s := t.services[name]
	if s == nil {
		return
	}
	s.endpoints = t.slices.of(name)
	if t.ready() {
		t.consider(s)
	}
}

// SetSession takes what a BGPSessionState says, nil if it is gone.
func (t *Tracker) SetSession(object string, status *v1beta1.BGPSessionStateStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, node := range t.sessions.set(object, status) {
		t.note(node)
	}
}

// SetNode takes whether a node has no network; of one that is gone it is of no interest.
func (t *Tracker) SetNode(name string, unavailable bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.offline[name] == unavailable:
	case unavailable:
		t.offline[name] = true
		node := t.nodes.use(name)
		t.unavailable.Add(node)
		t.note(node)
	default:
		node := t.nodes.numbers[name]
		t.unavailable.Remove(node)
		t.note(node)
		delete(t.offline, name)
		t.nodes.drop(name)
	}
}

// note has the groups judged again because of a node.
func (t *Tracker) note(node int) {
	t.changed.Add(node)
	if t.reviewAt.IsZero() {
		t.reviewAt = t.clock.Now().Add(settleTime)
	}
}

// Turn returns the Services and BGPAdvertisements to look at now. It is to be called every tenth of a second.
//
// A Service whose status or reason changes is due after a second, or after five if it is not announced and was, or is new; one whose
// numbers of nodes, names of peers or generation change if these differ for ten seconds. The former are written a hundred a second
// at most and the latter five, and fewer with many nodes.
func (t *Tracker) Turn(now time.Time) (due []types.NamespacedName, advertisements []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.reviewAt.IsZero() && !now.Before(t.reviewAt) {
		t.review()
	}
	return t.scheduler.take(now, ratesFor(t.count)), t.covered.take(now)
}

// review judges the groups again, and looks at the services of those of which something else is to be said.
func (t *Tracker) review() {
	changed := t.changed
	t.changed, t.reviewAt = nil, time.Time{}
	if !t.ready() {
		return
	}
	for _, g := range t.groups {
		all, cluster := g.judge(&t.nodeState)
		for s := range g.members {
			if all || !s.Local && cluster || s.Local && s.endpoints[g.key.family].nodes.Meets(changed) {
				t.consider(s)
			}
		}
	}
}

// Wanted returns what condition the Service is to have, and which one is meant; nothing if it has it. A condition of nil is to be
// removed.
func (t *Tracker) Wanted(name types.NamespacedName) (uid types.UID, c *metav1.Condition, wanted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.services[name]
	if s == nil || !t.ready() {
		return "", nil, false
	}
	c = s.desired(&t.nodeState)
	if differs, _ := s.differs(c); !differs {
		return "", nil, false
	}
	if c != nil {
		c.LastTransitionTime = metav1.NewTime(t.clock.Now())
		if s.Announced != nil && s.Announced.Status == c.Status {
			c.LastTransitionTime = s.Announced.LastTransitionTime
		}
	}
	return s.UID, c, true
}

// consider has the service written if it is to have another condition.
func (t *Tracker) consider(s *service) {
	c := s.desired(&t.nodeState)
	switch differs, flips := s.differs(c); {
	case !differs:
		t.scheduler.drop(s.Name)
	case flips:
		status := metav1.ConditionUnknown // It is to be removed.
		if c != nil {
			status = c.Status
		}
		t.scheduler.flip(s.Name, t.clock.Now(), s.delay(c), s.flipped, status)
	default:
		t.scheduler.renumber(s.Name, t.clock.Now())
	}
}
