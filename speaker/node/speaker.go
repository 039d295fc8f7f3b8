// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

// Sessions are the node's BGP sessions. They announce what the table has. None but Close waits for a session.
type Sessions interface {
	// Configure makes the set of sessions that of the peers. A session that starts, new or changed, has the paths of its peer
	// before it connects; the rest is not disturbed. What cannot be done at once is tried until it is done.
	Configure(peers []bgp.Peer)
	// States returns how the sessions fare.
	States() []session.State
	// CloseKeepingRoutes ends the sessions whose peers keep the routes until another speaker announces them, and configures none any more. It returns
	// how many are left.
	CloseKeepingRoutes(ctx context.Context) (left int, err error)
	// Close ends all sessions.
	Close(ctx context.Context) error
}

// drainTime bounds how long a speaker that stops, or whose node drains, waits for sessions to take up that all paths drain.
const drainTime = 2 * time.Second

// upTime is how long sessions may take to come up, and the node's service proxy to forward, until the speaker is ready without them.
const upTime = 10 * time.Second

// Speaker holds what the node announces and keeps its sessions up to date with it.
type Speaker struct {
	services  serviceReader
	sessions  Sessions
	table     *rib.Table
	reports   *reports
	metrics   *Metrics
	nodeState nodeState
	dataPlane DataPlane
	routers   Routers
	// updateTimes are of services that Update is to be called for.
	updateTimes updateTimes
	// configured is when the sessions were first configured; ready is whether they have been up with all routes, or had time to.
	configured atomic.Pointer[time.Time]
	ready      atomic.Bool
	// latest is the policy that was put to use last, for those who must not wait for mu; nil before the first.
	latest atomic.Pointer[policy.Policy]
	// drainRules are by which signals the node drains.
	drainRules drain.Rules
	drainer    *drainer
	// changes holds a token if the policy is to be compiled again for what is not watched.
	changes chan event.GenericEvent
	// rejections are what is wrong with objects of the configuration.
	rejections atomic.Pointer[[]policy.Rejection]
	// progress holds a token if a session has taken up something.
	progress chan struct{}

	// mu is held from reading a service until the table has its paths, and while sessions are told what to be, so that later
	// observations replace earlier ones. Nothing that waits for a session happens meanwhile.
	mu sync.Mutex
	// prepare, if set, makes the caches ready to be read. It is done once, before the first policy.
	prepare func(context.Context) error
	policy  *policy.Policy
}

// Options of a Speaker.
type Options struct {
	// Node is the name of the node to announce from.
	Node string
	// Class is the loadBalancerClass of the services to announce; empty for services without one.
	Class  string
	Client client.Reader
	// Table is what the sessions announce.
	Table    *rib.Table
	Sessions Sessions
	Recorder events.EventRecorder
	Metrics  *Metrics
	// DataPlane may be nil; then nothing is waited for.
	DataPlane DataPlane
	// Routers may be nil; then there are no peers but those with addresses.
	Routers Routers
	// DrainRules are by which signals the node drains, and DrainDelay how long routers get to use other nodes before its routes are withdrawn.
	DrainRules drain.Rules
	DrainDelay time.Duration
	// NodeState may be nil.
	NodeState StateObserver
	// Announcements may be nil.
	Announcements AnnouncementObserver
}

// NewSpeaker returns a Speaker that announces nothing until it is configured. It reads Services and, by
// indexEndpointSlices, EndpointSlices.
func NewSpeaker(o Options) *Speaker {
	r := newReports(o)
	s := &Speaker{
		services:  serviceReader{client: o.Client, node: o.Node, class: o.Class},
		sessions:  o.Sessions,
		table:     o.Table,
		reports:   r,
		metrics:   o.Metrics,
		nodeState: nodeState{observer: o.NodeState},
		dataPlane: o.DataPlane,
		routers:   o.Routers,
		progress:  make(chan struct{}, 1),

		drainRules: o.DrainRules,
		changes:    make(chan event.GenericEvent, 1),
	}
	s.drainer = newDrainer(o.DrainDelay, s.behind, s.Reconsider, s.tellDrain)
	o.Table.OnDone(func(peer string, version uint64) {
		r.done(peer, version)
		select {
		case s.progress <- struct{}{}:
		default:
		}
		s.drainer.advance()
	})
	return s
}

// Ready reports whether the node can do its part, so that a rolling update may go on to the next: all services have been
// computed once, and the sessions were up and the node's service proxy forwarded, or had upTime for it. A session that is lost later
// does not change that.
func (s *Speaker) Ready() bool {
	configured := s.configured.Load()
	if configured == nil {
		return false
	}
	if !s.ready.Load() && (s.allUp() && canServe(s.latest.Load()) || time.Since(*configured) >= upTime) {
		s.ready.Store(true)
	}
	return s.ready.Load()
}

// canServe reports whether there is a family that the node's service proxy forwards, which may never have the other one, and all peers are known.
func canServe(p *policy.Policy) bool {
	return slices.Contains(p.ProxyPending[:], false) && !p.AwaitsRouter
}

func (s *Speaker) allUp() bool {
	return !slices.ContainsFunc(s.sessions.States(), func(state session.State) bool { return !state.Up() })
}

// Reconsider has the policy compiled again, with the routers that are known and what the service proxy says then. It does not block.
func (s *Speaker) Reconsider() {
	select {
	case s.changes <- event.GenericEvent{}:
	default:
	}
}

// Policy returns the policy in use; nil before the first.
func (s *Speaker) Policy() *policy.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.policy
}

// Update recomputes one service, and leaves it to the sessions to tell the peers. Before the first policy it does nothing.
func (s *Speaker) Update(ctx context.Context, name types.NamespacedName) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, known := s.updateTimes.take(name)
	if s.policy == nil {
		return nil
	}
	o, err := s.services.observe(ctx, name, s.policy)
	s.metrics.updated(err)
	if err != nil {
		if known {
			s.updateTimes.note(name, seen)
		}
		return err
	}
	changed := s.table.Set(name.String(), o.decision.Paths)
	s.reports.expect(ctx, []observation{o}, cause{seen: seen, changed: changed})
	return nil
}

// Reconfigure puts the policy to use: it recomputes the services that it concerns and configures the sessions. If services cannot
// be read, the previous policy stays in use.
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
	s.latest.Store(p)

	owners := make(map[string]map[string][]rib.Path, len(observed))
	for _, o := range observed {
		owners[o.name.String()] = o.decision.Paths
	}
	s.table.SetDraining(p.Draining)
	s.table.SetAll(owners)
	s.sessions.Configure(p.Sessions)
	s.reports.retain(p.Sessions)
	s.reports.expect(ctx, observed, cause{isStart: first})
	if first {
		log.FromContext(ctx).Info("announcing from this node", "services", len(observed), "sessions", len(p.Sessions))
		now := time.Now()
		s.configured.Store(&now)
	}
	return nil
}

// Preserved returns the families whose connections the node forwards, whatever became of a speaker before this one. It does not block.
func (s *Speaker) Preserved() bgp.Families {
	p := s.latest.Load()
	if p == nil {
		return bgp.Families{}
	}
	return bgp.Families{IPv4: !p.ProxyPending[endpoint.IPv4], IPv6: !p.ProxyPending[endpoint.IPv6]}
}

// MayKeepRoutes reports whether there are peers that keep routes while a speaker restarts, if both sides agree, and the node is not to announce
// nothing in the end.
func (s *Speaker) MayKeepRoutes() bool {
	p := s.Policy()
	return p != nil && !p.Leaving.Any() && slices.ContainsFunc(p.Sessions, func(peer bgp.Peer) bool { return peer.RestartTime > 0 })
}

// KeepRoutes ends the sessions whose peers keep the routes until the next speaker announces them. Nothing of them drains: their connections are not to
// move. It is to be called before Shutdown, which ends the others.
func (s *Speaker) KeepRoutes(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	left, err := s.sessions.CloseKeepingRoutes(ctx)
	log.FromContext(ctx).Info("peers with graceful restart keep the routes", "otherSessions", left)
	if err != nil {
		return fmt.Errorf("closing sessions whose peers keep the routes: %w", err)
	}
	return nil
}

// Shutdown stops announcing so that no packet is lost where routers cooperate: it announces every path as about to go
// away, gives the routers the drain time to use others, and closes the sessions, which takes the rest of the context.
func (s *Speaker) Shutdown(ctx context.Context, delay time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configured.Store(nil)
	s.policy = nil

	s.drainer.stop()
	if delay > 0 && len(s.table.Peers()) > 0 && len(s.sessions.States()) > 0 {
		s.drain(ctx, delay)
	}
	if err := s.sessions.Close(ctx); err != nil {
		return fmt.Errorf("closing sessions: %w", err)
	}
	return nil
}

// drain has all paths drain, and lets the time pass once every session that is up has taken that up. One that does not keeps the
// others from nothing: they have had the time since they did.
func (s *Speaker) drain(ctx context.Context, d time.Duration) {
	late, passed := time.NewTimer(min(d, drainTime)), time.NewTimer(d)
	defer late.Stop()
	defer passed.Stop()
	s.table.SetDraining(true)
	for s.behind() {
		select {
		case <-s.progress:
			passed.Reset(d)
			continue
		case <-late.C:
			log.FromContext(ctx).Info("not every peer was told that its routes are about to go away")
		case <-ctx.Done():
		}
		break
	}
	select {
	case <-passed.C:
	case <-ctx.Done():
	}
}

// tellDrain tells of a node that drains, is drained, or serves again.
func (s *Speaker) tellDrain(t transition) {
	s.metrics.drains(t.now.Signal.Any() && !t.now.Drained, t.now.Drained)
	s.nodeState.drain(t.now)
	switch {
	case !t.now.Signal.Any():
		t.log.Info("serving again: there is no reason to drain any more")
	case t.now.Drained:
		t.log.Info("announcing nothing any more, the node is drained", "reason", t.now.Signal.String())
	default:
		t.log.Info("draining: asking routers to prefer other nodes", "reason", t.now.Signal.String())
	}
	if !t.found || !t.now.Signal.Any() {
		s.reports.events.drains(t)
	}
}

// behind reports whether a session that is up does not have what the table says.
func (s *Speaker) behind() bool {
	return slices.ContainsFunc(s.sessions.States(), func(state session.State) bool { return state.Up() && s.table.Due(state.Peer) > 0 })
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
