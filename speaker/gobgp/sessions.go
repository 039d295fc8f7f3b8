// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

// ErrClosed is returned by calls that follow Close.
var ErrClosed = errors.New("BGP sessions are closed")

// Options of New. The zero value works: nothing is logged, counted or called.
type Options struct {
	// Logger gets one line at Info for each change of a session and for each reason for which attempts fail. That they fail
	// again, and GoBGP's own records, follow at V(1), those for debugging at V(2).
	Logger logr.Logger
	// Registerer takes the metrics until Close.
	Registerer prometheus.Registerer
	// OnChange is called when a session's FSM state, last error or number of prefixes changes, and not from two goroutines at a
	// time for the same session. It must not block and must not call Sessions; States is to be read elsewhere.
	OnChange func(session.State)
	// Clock tells when a state was entered and an error seen.
	Clock clock.PassiveClock

	// dead is how long a peer may be silent that is asked; 0 is transport.Dead.
	dead time.Duration
}

// Sessions are the BGP sessions of this node. Its methods may be called concurrently; the changes of one peer reach it in
// the order in which Apply is called.
type Sessions struct {
	options Options

	// configuring is held by whoever changes the set of sessions.
	configuring sync.Mutex

	mu       sync.Mutex
	sessions map[string]*peering
	closed   bool

	// running counts the goroutines of sessions, those that are being ended included.
	running sync.WaitGroup
}

// New returns a set of no sessions. It must be closed.
func New(options Options) (*Sessions, error) {
	if options.Logger.GetSink() == nil {
		options.Logger = logr.Discard()
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	if options.OnChange == nil {
		options.OnChange = func(session.State) {}
	}
	s := &Sessions{options: options, sessions: map[string]*peering{}}
	if options.Registerer != nil {
		if err := options.Registerer.Register(collector{s}); err != nil {
			return nil, fmt.Errorf("registering the metrics of BGP sessions: %w", err)
		}
	}
	return s, nil
}

// Configure makes the set of sessions equal to configs. A new session gets paths(peer) as its complete Adj-RIB-Out
// before it connects; so does one that must be restarted. A session of which nothing but timers changes stays up, one
// that is not named any more ends with Cease/Peer De-configured (RFC 4486), and the others are not touched.
//
// An error concerns the sessions that it names. One that can not be
// opened does not run, until the next Configure tries again. When ctx ends, Configure returns early with its error, while
// what it has begun goes on. The sessions are locked while paths is called, so it must not wait for another call.
func (s *Sessions) Configure(ctx context.Context, configs []bgp.Peer, paths func(peer string) []rib.Path) error {
	s.configuring.Lock()
	defer s.configuring.Unlock()

	waits, err := s.begin(configs, paths)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range waits {
		errs = append(errs, w.await(ctx))
	}
	s.dropFailed()
	return errors.Join(errs...)
}

// begin sets the plan going and returns what is to be waited for. Nobody can Apply a change between the paths that a
// session starts with and its being there to take changes.
func (s *Sessions) begin(configs []bgp.Peer, paths func(peer string) []rib.Path) ([]pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}

	var waits []pending
	plan := session.Diff(s.configs(), configs)
	ending := map[string]*peering{} // by endpoint
	end := func(name string) {
		p := s.sessions[name]
		delete(s.sessions, name)
		ending[p.wanted.Endpoint()] = p
		waits = append(waits, p.end(peerDeconfigured))
	}

	for _, name := range plan.Stop {
		end(name)
	}
	start := plan.Start
	for _, c := range plan.Restart {
		if p := s.sessions[c.Name]; p.canBecome(c) {
			waits = append(waits, p.restart(c, paths(c.Name)))
			continue
		}
		end(c.Name)
		start = append(start, c)
	}
	for _, c := range plan.Retime {
		waits = append(waits, s.sessions[c.Name].retime(c))
	}

	// All servers are started before any session is opened: see the package's documentation on the race detector.
	fresh := make([]*peering, 0, len(start))
	for _, c := range start {
		p, err := newPeering(c, s.options)
		if err != nil {
			waits = append(waits, failed(err))
			continue
		}
		fresh = append(fresh, p)
	}
	for _, p := range fresh {
		s.sessions[p.name] = p
		s.running.Go(p.run)
		waits = append(waits, p.open(paths(p.name), ending[p.wanted.Endpoint()]))
	}
	return waits, nil
}

// dropFailed forgets the sessions that ended because they could not be opened.
func (s *Sessions) dropFailed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.sessions, func(_ string, p *peering) bool { return p.gone() })
}

// configs returns what runs. The caller holds mu.
func (s *Sessions) configs() map[string]bgp.Peer {
	configs := make(map[string]bgp.Peer, len(s.sessions))
	for name, p := range s.sessions {
		if !p.gone() {
			configs[name] = p.wanted
		}
	}
	return configs
}

// Apply tells peers what changes. It returns once every peer's Adj-RIB-Out has its changes, or when ctx ends, in which
// case they are still taken up. A peer that has no session is passed over, and so are the paths of a family that a
// session does not carry.
func (s *Sessions) Apply(ctx context.Context, changes []rib.Change) error {
	waits, err := s.enqueue(changes)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range waits {
		errs = append(errs, w.await(ctx))
	}
	return errors.Join(errs...)
}

func (s *Sessions) enqueue(changes []rib.Change) ([]pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	waits := make([]pending, 0, len(changes))
	for _, c := range changes {
		if p, ok := s.sessions[c.Peer]; ok {
			waits = append(waits, p.apply(c))
		}
	}
	return waits, nil
}

// States returns how the sessions fare, sorted by peer.
func (s *Sessions) States() []session.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make([]session.State, 0, len(s.sessions))
	for _, name := range slices.Sorted(maps.Keys(s.sessions)) {
		states = append(states, s.sessions[name].snapshot())
	}
	return states
}

// Close ends all sessions with Cease/Administrative Shutdown (RFC 4486) and frees everything. If ctx ends first, its error
// is returned and the rest is freed in the background. Closing again does nothing.
func (s *Sessions) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed && s.options.Registerer != nil {
		s.options.Registerer.Unregister(collector{s})
	}
	s.closed = true
	for _, p := range s.sessions {
		p.end(administrativeShutdown)
	}
	s.mu.Unlock()

	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing BGP sessions: %w", ctx.Err())
	}
}
