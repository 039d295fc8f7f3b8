// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

// Sessions are the node's BGP sessions.
type Sessions interface {
	// Configure makes the set of sessions equal to the configurations. A session that starts, new or changed, has the
	// paths of its peer before it connects; the rest is not disturbed.
	Configure(ctx context.Context, configs []bgp.Peer, paths func(peer string) []rib.Path) error
	// Apply tells the peers of changes. Peers without session are ignored.
	Apply(ctx context.Context, changes []rib.Change) error
	// States returns how the sessions fare.
	States() []session.State
	// Close ends all sessions.
	Close(ctx context.Context) error
}

// sessionsTimeout bounds how long the sessions may take to act on a change, lest one that hangs keep the others from
// hearing of the next. What takes longer goes on by itself and is asked for again.
const sessionsTimeout = 5 * time.Second

// upTime is how long sessions may take to come up, and the node's service proxy to forward, until the speaker is ready without them.
const upTime = 10 * time.Second

// Speaker holds what the node announces and keeps its sessions up to date with it.
type Speaker struct {
	services  serviceReader
	sessions  Sessions
	events    eventWriter
	metrics   *Metrics
	nodeState nodeState
	dataPlane DataPlane
	// updateTimes are of services that Update is to be called for.
	updateTimes updateTimes
	// configured is when the sessions were first configured; ready is whether they have been up with all routes, or had time to.
	configured atomic.Pointer[time.Time]
	ready      atomic.Bool
	// proxyPending is whether all routes wait for the node's service proxy.
	proxyPending atomic.Bool
	// rejections are what is wrong with objects of the configuration.
	rejections atomic.Pointer[[]policy.Rejection]

	// mu is held from reading a service until the sessions have been told of it, and while they are configured. So what a
	// session starts with and what it is told later is in order, and later observations replace earlier ones.
	mu sync.Mutex
	// prepare, if set, makes the caches ready to be read. It is done once, before the first policy.
	prepare func(context.Context) error
	policy  *policy.Policy
	table   *rib.Table
	states  map[types.NamespacedName]state
	// unsettled are the prefixes, by peer, of changes that could not be applied.
	unsettled map[string][]netip.Prefix
	// announcements are what the observer of announcements has not heard yet.
	announcements announcements
}

// Options of a Speaker.
type Options struct {
	// Node is the name of the node to announce from.
	Node string
	// Class is the loadBalancerClass of the services to announce; empty for services without one.
	Class    string
	Client   client.Reader
	Sessions Sessions
	Recorder events.EventRecorder
	Metrics  *Metrics
	// DataPlane may be nil; then nothing is waited for.
	DataPlane DataPlane
	// NodeState may be nil.
	NodeState StateObserver
	// Announcements may be nil.
	Announcements AnnouncementObserver
}

// NewSpeaker returns a Speaker that announces nothing until it is configured. It reads Services and, by
// indexEndpointSlices, EndpointSlices.
func NewSpeaker(o Options) *Speaker {
	return &Speaker{
		services:      serviceReader{client: o.Client, node: o.Node, class: o.Class},
		sessions:      o.Sessions,
		events:        newEventWriter(o.Recorder, o.Node, o.Metrics.eventDropped),
		metrics:       o.Metrics,
		nodeState:     nodeState{observer: o.NodeState},
		dataPlane:     o.DataPlane,
		table:         rib.NewTable(),
		states:        map[types.NamespacedName]state{},
		announcements: announcements{observer: o.Announcements},
	}
}

// Ready reports whether the node can do its part, so that a rolling update may go on to the next: all services have been
// computed once, and the sessions were up and the node's service proxy forwarded, or had upTime for it. A session that is lost later
// does not change that.
func (s *Speaker) Ready() bool {
	configured := s.configured.Load()
	if configured == nil {
		return false
	}
	if !s.ready.Load() && (s.allUp() && !s.proxyPending.Load() || time.Since(*configured) >= upTime) {
		s.ready.Store(true)
	}
	return s.ready.Load()
}

func (s *Speaker) allUp() bool {
	return !slices.ContainsFunc(s.sessions.States(), func(state session.State) bool { return !state.Up() })
}

// Policy returns the policy in use; nil before the first.
func (s *Speaker) Policy() *policy.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.policy
}

// Update recomputes one service and tells the peers what changed. Before the first policy it does nothing.
func (s *Speaker) Update(ctx context.Context, name types.NamespacedName) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, known := s.updateTimes.take(name)
	if s.policy == nil {
		return nil
	}
	defer func() {
		s.metrics.updated(err)
		if err != nil && known {
			s.updateTimes.note(name, seen)
		}
	}()
	o, err := s.services.observe(ctx, name, s.policy)
	if err != nil {
		return err
	}
	changes := s.table.Set(name.String(), o.decision.Paths)
	s.transition(ctx, o)
	reported, err := s.apply(ctx, changes)
	if err != nil {
		return err
	}
	s.announcements.report()
	if known && s.reaches(reported) {
		s.metrics.propagated(time.Since(seen))
	}
	return nil
}

// reaches reports whether a peer is told of the changes at once.
func (s *Speaker) reaches(changes []rib.Change) bool {
	if len(changes) == 0 {
		return false
	}
	up := map[string]bool{}
	for _, state := range s.sessions.States() {
		up[state.Peer] = state.Up()
	}
	return slices.ContainsFunc(changes, func(c rib.Change) bool { return up[c.Peer] })
}

// Reconfigure puts the policy to use: it recomputes the services that it concerns, tells the peers what changed and
// then configures the sessions. If services cannot be read, the previous policy stays in use.
func (s *Speaker) Reconfigure(ctx context.Context, p *policy.Policy) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepare != nil {
		if err := s.prepare(ctx); err != nil {
			return fmt.Errorf("preparing the caches: %w", err)
		}
		s.prepare = nil
	}
	observed, err := s.services.observeConcerned(ctx, p, s.policy)
	if err != nil {
		return err
	}
	first := s.policy == nil
	s.policy = p
	s.proxyPending.Store(!slices.Contains(p.ProxyPending[:], false)) // A proxy may never have the other family.

	owners := make(map[string]map[string][]rib.Path, len(observed))
	for _, o := range observed {
		owners[o.name.String()] = o.decision.Paths
	}
	changes := s.table.SetAll(owners)
	for _, o := range observed {
		if first {
			s.adopt(o)
		} else {
			s.transition(ctx, o)
		}
	}
	if _, err = s.apply(ctx, changes); err == nil {
		s.announcements.complete = true
		s.announcements.report()
	}
	err = errors.Join(err, s.configure(ctx, p.Sessions))
	if first {
		log.FromContext(ctx).Info("announcing from this node", "services", len(s.states), "sessions", len(p.Sessions))
	}
	// A session that could not be configured is tried again; it does not keep the others from being of use.
	if first {
		now := time.Now()
		s.configured.Store(&now)
	}
	return err
}

// Shutdown stops announcing so that no packet is lost where routers cooperate: it announces every path as about to go
// away, gives the routers the drain time to use others, and closes the sessions, which takes the rest of the context.
func (s *Speaker) Shutdown(ctx context.Context, drain time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configured.Store(nil)
	s.policy = nil

	if changes := s.draining(); len(changes) > 0 && drain > 0 {
		s.drain(ctx, drain, changes)
	}
	if err := s.sessions.Close(ctx); err != nil {
		return fmt.Errorf("closing sessions: %w", err)
	}
	return nil
}

// drain tells the peers of changes and lets the time pass. A peer that cannot be told keeps the others from nothing.
func (s *Speaker) drain(ctx context.Context, d time.Duration, changes []rib.Change) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if err := s.sessions.Apply(ctx, changes); err != nil {
		log.FromContext(ctx).Error(err, "not every peer was told that its routes are about to go away")
	}
	<-ctx.Done()
}

// draining returns every path as one that drains.
func (s *Speaker) draining() []rib.Change {
	peers := s.table.Peers()
	changes := make([]rib.Change, 0, len(peers))
	for _, peer := range peers {
		paths := s.table.Paths(peer)
		for i := range paths {
			paths[i].Draining = true
		}
		changes = append(changes, rib.Change{Peer: peer, Announce: paths})
	}
	return changes
}

// configure makes the sessions what they should be.
func (s *Speaker) configure(ctx context.Context, configs []bgp.Peer) error {
	ctx, cancel := context.WithTimeout(ctx, sessionsTimeout)
	defer cancel()
	if err := s.sessions.Configure(ctx, configs, s.table.Paths); err != nil {
		return fmt.Errorf("configuring sessions: %w", err)
	}
	return nil
}

// apply tells the peers of changes and of whatever they could not be told before, and returns all that.
func (s *Speaker) apply(ctx context.Context, changes []rib.Change) ([]rib.Change, error) {
	if len(s.unsettled) > 0 {
		s.unsettle(changes)
		changes = s.table.Current(s.unsettled)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sessionsTimeout)
	defer cancel()
	if err := s.sessions.Apply(ctx, changes); err != nil {
		s.unsettled = map[string][]netip.Prefix{}
		s.unsettle(changes)
		return nil, fmt.Errorf("telling peers: %w", err)
	}
	s.unsettled = nil
	return changes, nil
}

// unsettle notes that the peers may not know of the changes.
func (s *Speaker) unsettle(changes []rib.Change) {
	for _, c := range changes {
		prefixes := slices.Concat(s.unsettled[c.Peer], c.Withdraw)
		for _, p := range c.Announce {
			prefixes = append(prefixes, p.Prefix)
		}
		slices.SortFunc(prefixes, netip.Prefix.Compare)
		s.unsettled[c.Peer] = slices.Compact(prefixes)
	}
}

// observation is what is announced of a service as it is now.
type observation struct {
	name types.NamespacedName
	// service is nil if there is none.
	service  *corev1.Service
	decision announce.Decision
	// reason is why nothing is announced of the service, and nothing if something is.
	reason announce.Reason
}
