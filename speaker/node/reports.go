// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"maps"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/rib"
)

// lateTime is how long a service waits for sessions before it is reported without those that do not have it yet.
const lateTime = time.Second

// AnnouncementObserver is told to which peers services are announced.
type AnnouncementObserver interface {
	// Announce gets the peers of services for which that may have changed, each with the families of the prefixes that it is told: none if a
	// service is not announced any more. The first call has every service that is announced. It must not block.
	Announce(peers map[types.NamespacedName]map[string]bgp.Families)
}

// reports report what is announced of services by events, log lines, metrics and to an observer, once the sessions have it. They lock
// apart from the Speaker, so that sessions never wait for it.
type reports struct {
	node     string
	table    *rib.Table
	sessions Sessions
	events   eventWriter
	metrics  *Metrics
	// observer may be nil.
	observer AnnouncementObserver

	mu sync.Mutex
	// states are what was last reported.
	states map[types.NamespacedName]state
	// pending are the services that are to be reported, and waiting those of them that wait for a peer's session.
	pending map[types.NamespacedName]*report
	waiting map[string]map[types.NamespacedName]bool
	// late runs, if isTimed, while services wait that are not late yet.
	late    *time.Timer
	isTimed bool
	// unobserved are the peers of services that the observer has not heard of. It hears of them when all services that the
	// speaker began with, of which first are left, have been reported.
	unobserved map[types.NamespacedName]map[string]bgp.Families
	first      int
	// complete is whether the speaker has begun, observed whether the observer has heard of it.
	complete, observed bool
}

func newReports(o Options) *reports {
	r := &reports{
		node: o.Node, table: o.Table, sessions: o.Sessions, events: newEventWriter(o.Recorder, o.Node, o.Metrics.eventDropped),
		metrics: o.Metrics, observer: o.Announcements,
		states: map[types.NamespacedName]state{}, pending: map[types.NamespacedName]*report{},
		waiting: map[string]map[types.NamespacedName]bool{}, unobserved: map[types.NamespacedName]map[string]bgp.Families{},
	}
	r.late = time.AfterFunc(lateTime, r.overdue)
	r.late.Stop()
	return r
}

// state is what was last reported of a service. A service that is not announced has none.
type state struct {
	announced []netip.Addr
	// peers are those whose sessions have it, with the families of its prefixes.
	peers map[string]bgp.Families
	// conflicting is what advertisements contradict each other in about the service.
	conflicting announce.Conflict
}

// report is a service that is to be reported.
type report struct {
	observation
	cause

	log logr.Logger
	// since is when it began to wait, or the one before that was never made.
	since time.Time
	// isLate is whether it waits for no session any more, and wasMade whether it was made, be it without some sessions.
	isLate, wasMade bool
	// concerned are the peers that the service concerns; missing are those of them whose sessions do not have it yet, with the version
	// of the table that they have to take up.
	concerned map[string]bgp.Families
	missing   map[string]uint64
}

// cause is why services are reported.
type cause struct {
	// isStart is whether they are what the speaker begins with. Another speaker may have announced them before, so that it marks
	// no transition.
	isStart bool
	// seen is when the change was seen, zero if that is not to be measured, and changed the peers for which it changes anything.
	seen    time.Time
	changed []string
}

// expect has services reported as they were observed, after the table has their paths.
func (r *reports) expect(ctx context.Context, observed []observation, why cause) {
	r.mu.Lock()
	defer r.mu.Unlock()
	logger, now, up := log.FromContext(ctx), time.Now(), r.up()
	if why.isStart {
		r.complete, r.first = true, len(observed)
	}
	for _, o := range observed {
		next := &report{
			observation: o, cause: why, log: logger.WithValues("service", o.name.String()), since: now,
			concerned: o.decision.Peers(), missing: map[string]uint64{},
		}
		maps.Copy(next.concerned, r.states[o.name].peers)
		if before := r.pending[o.name]; before != nil {
			next.replace(before)
		}
		r.pending[o.name] = next
		for peer := range next.concerned {
			if version := r.table.Due(peer); version > 0 {
				next.missing[peer] = version
				r.wait(peer, o.name)
			}
		}
		r.settle(next, up)
	}
	r.observe()
}

// replace takes over what still holds of a report that was not made, or not completely.
func (one *report) replace(before *report) {
	one.isStart = before.isStart && !before.wasMade
	maps.Copy(one.concerned, before.concerned)
	if !before.wasMade { // Or a service that changes all the time would never be late.
		one.since = before.since
	}
	if !before.seen.IsZero() {
		one.seen, one.changed = before.seen, slices.Concat(before.changed, one.changed)
	}
}

// wait has the service wait for the session, for as long as it is not late.
func (r *reports) wait(peer string, service types.NamespacedName) {
	if r.waiting[peer] == nil {
		r.waiting[peer] = map[types.NamespacedName]bool{}
	}
	r.waiting[peer][service] = true
	r.watch()
}

// watch has those that wait looked at when they may be late.
func (r *reports) watch() {
	if !r.isTimed {
		r.isTimed = true
		r.late.Reset(lateTime)
	}
}

// done takes note of what a session has taken up.
func (r *reports) done(peer string, version uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting[peer]) == 0 {
		return
	}
	up := r.up()
	for name := range r.waiting[peer] {
		one := r.pending[name]
		if one != nil && one.missing[peer] > version {
			continue
		}
		delete(r.waiting[peer], name)
		if one != nil {
			delete(one.missing, peer)
			r.settle(one, up)
		}
	}
	if len(r.waiting[peer]) == 0 {
		delete(r.waiting, peer)
	}
	r.observe()
}

// retain has nobody wait for other sessions than those of the peers any more.
func (r *reports) retain(peers []bgp.Peer) {
	r.mu.Lock()
	gone := maps.Clone(r.waiting)
	r.mu.Unlock()
	for i := range peers {
		delete(gone, peers[i].Name)
	}
	for peer := range gone {
		r.done(peer, math.MaxUint64)
	}
}

// overdue reports the services that have waited for long.
func (r *reports) overdue() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.isTimed = false
	up := r.up()
	for _, one := range r.pending {
		switch {
		case one.isLate:
		case time.Since(one.since) < lateTime:
			r.watch()
		default:
			one.isLate = true
			r.settle(one, up)
		}
	}
	r.observe()
}

// up returns the families of routes that each session carries.
func (r *reports) up() map[string]bgp.Families {
	up := map[string]bgp.Families{}
	for _, state := range r.sessions.States() {
		up[state.Peer] = state.Carried
	}
	return up
}

// settle reports the service if no session is missing, or if it waits no longer for those that are.
func (r *reports) settle(one *report, up map[string]bgp.Families) {
	if len(one.missing) == 0 {
		delete(r.pending, one.name)
		if !one.seen.IsZero() && slices.ContainsFunc(one.changed, func(peer string) bool { return up[peer].Any() }) {
			r.metrics.propagated(time.Since(one.seen))
		}
	} else if !one.isLate {
		return
	}
	before := r.states[one.name]
	now := one.state(before)
	if r.observer != nil && len(before.announced)+len(now.announced) > 0 {
		r.unobserved[one.name] = now.peers
	}
	if r.states[one.name] = now; len(now.announced) == 0 {
		delete(r.states, one.name)
	}
	if !slices.Equal(before.announced, now.announced) {
		r.metrics.announced(one.name.String(), r.node, before.announced, now.announced)
	}
	if one.isStart {
		if !one.wasMade {
			r.first--
		}
	} else {
		r.transition(one, before, now, up)
	}
	one.wasMade = true
}

// state returns what the sessions have of the service. One that is missing has what it had.
func (one *report) state(before state) state {
	isMissing := func(peer string) bool { return one.missing[peer] > 0 }
	has := one.decision.Peers()
	maps.DeleteFunc(has, func(peer string, _ bgp.Families) bool { return isMissing(peer) })
	now := state{announced: one.decision.Announced, conflicting: one.decision.Conflicting, peers: maps.Clone(has)}
	had := 0
	for peer, families := range before.peers {
		if isMissing(peer) {
			now.peers[peer] = families
			had++
		}
	}
	if len(one.missing) > 0 && len(has) == 0 && had+len(now.announced) > 0 {
		now.announced, now.conflicting = before.announced, before.conflicting
	}
	return now
}

// transition reports what began or ceased to be announced of the service.
func (r *reports) transition(one *report, before, now state, up map[string]bgp.Families) {
	was, is := before.announced, now.announced
	switch {
	case len(was) == 0 && len(is) > 0:
		one.log.Info("announcing service", "addresses", is)
		var reported, waiting []string
		told := one.decision.Peers()
		for _, peer := range slices.Sorted(maps.Keys(told)) {
			if up[peer].And(told[peer]).Any() && one.missing[peer] == 0 {
				reported = append(reported, peer)
			} else {
				waiting = append(waiting, peer)
			}
		}
		r.events.assigned(one.service, reported, waiting)
	case len(was) > 0 && len(is) == 0:
		one.log.Info("withdrawing service", "addresses", was, "reason", one.reason)
		r.events.unassigned(one.service, one.reason)
	case !slices.Equal(was, is):
		one.log.Info("announcing service with other addresses", "addresses", is, "previously", was)
	default:
		one.log.V(1).Info("service considered", "addresses", is, "refused", one.decision.Refused, "reason", one.reason)
	}
	if c := now.conflicting; c.Plus(before.conflicting) != before.conflicting {
		one.log.Info("announcing in spite of advertisements that contradict each other", "addresses", is, "attributes", c.Attributes())
		r.events.conflicting(one.service, c)
	}
}

// observe passes on to the observer what is new, once all that the speaker began with was reported.
func (r *reports) observe() {
	if r.observer == nil || !r.complete || r.first > 0 || r.observed && len(r.unobserved) == 0 {
		return
	}
	r.observer.Announce(r.unobserved)
	r.unobserved, r.observed = map[types.NamespacedName]map[string]bgp.Families{}, true
}
