// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/bfd"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

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
	// Preserved returns the families whose connections the node has gone on to forward, whatever happened to the speaker. Peers with graceful
	// restart drop what they have kept of others (RFC 4724 section 4.2). It must not block; nil is both.
	Preserved func() bgp.Families
	// Table has what the peers are told; nil is an empty one.
	Table *rib.Table
	// Clock tells when a state was entered and an error seen.
	Clock clock.PassiveClock

	// rotate returns after which time a session takes up another password; nil is a random one up to rotationTime.
	rotate func() time.Duration
	// dead is how long a peer may be silent that is asked; 0 is transport.Dead.
	dead time.Duration
	// bfd has the BFD sessions.
	bfd *bfd.Sessions
	// start starts the server of a session; nil is startServer.
	start func(p bgp.Peer, log *slog.Logger, onActive func()) (*server, error)
}

// Sessions are the BGP sessions of this node. Its methods may be called concurrently, and none but Close waits for a session.
type Sessions struct {
	options Options

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
	if options.Preserved == nil {
		options.Preserved = func() bgp.Families { return bgp.Families{IPv4: true, IPv6: true} }
	}
	if options.Table == nil {
		options.Table = rib.NewTable()
	}
	if options.rotate == nil {
		options.rotate = func() time.Duration { return rand.N(rotationTime) } //nolint:gosec // It need not be unpredictable.
	}
	if options.start == nil {
		options.start = startServer
	}
	watches, err := bfd.New(options.Registerer)
	if err != nil {
		return nil, err
	}
	options.bfd = watches
	s := &Sessions{options: options, sessions: map[string]*peering{}}
	if options.Registerer != nil {
		if err := options.Registerer.Register(collector{s}); err != nil {
			return nil, errors.Join(fmt.Errorf("registering the metrics of BGP sessions: %w", err), watches.Close(context.Background()))
		}
	}
	return s, nil
}

// Configure makes the set of sessions that of the peers, which have RouterID and Password. It only says so to each session, which
// does it in its own time and tries again what fails, until it is done or asked otherwise. A new session has its complete
// Adj-RIB-Out before it connects; so does one that must be restarted. A session of which nothing but timers changes stays up, one
// that is not named any more ends with Cease/Peer De-configured (RFC 4486), and the others are not touched. After Close it does
// nothing.
func (s *Sessions) Configure(peers []bgp.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	wanted := make(map[string]bgp.Peer, len(peers))
	for _, p := range peers {
		wanted[p.Name] = p
	}
	former := map[string]<-chan struct{}{} // by endpoint
	for name, session := range s.sessions {
		if _, found := wanted[name]; !found {
			delete(s.sessions, name)
			former[session.snapshot().Endpoint()] = session.done
			session.end(ending{subcode: peerDeconfigured})
		}
	}
	// All servers are started before any session is opened: see the package's documentation on the race detector.
	var fresh []*peering
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		p := wanted[name]
		if session, found := s.sessions[name]; found {
			session.want(p)
			continue
		}
		session := newPeering(p, former[p.Endpoint()], s.options)
		s.sessions[name] = session
		fresh = append(fresh, session)
	}
	for _, session := range fresh {
		s.running.Go(session.run)
	}
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

// CloseKeepingRoutes ends, without a word, the sessions whose peers then keep the routes by graceful restart (RFC 4724), until another speaker
// announces the same or the restart time is over. It returns how many sessions are left. Close is to follow, which ends these and waits until
// peers know of BFD. Nothing is configured any more. If ctx ends first, its error is returned and the rest is freed in the background.
func (s *Sessions) CloseKeepingRoutes(ctx context.Context) (left int, err error) {
	s.mu.Lock()
	s.retire()
	var closing sync.WaitGroup
	for name, p := range s.sessions {
		if p.mayKeepRoutes() {
			delete(s.sessions, name)
			p.end(ending{keepsRoutes: true})
			closing.Go(func() { <-p.done })
		}
	}
	left = len(s.sessions)
	s.mu.Unlock()
	return left, await(ctx, &closing)
}

// retire unregisters the metrics, and has nothing be configured any more. The caller holds the lock.
func (s *Sessions) retire() {
	if !s.closed && s.options.Registerer != nil {
		s.options.Registerer.Unregister(collector{s})
	}
	s.closed = true
}

// Close ends all sessions with Cease/Administrative Shutdown (RFC 4486), so that no peer keeps routes, and frees everything. Peers with BFD have been
// told that this is on purpose, those of CloseKeepingRoutes too. If ctx ends first, its error is returned and the rest is freed in the background. Closing again does nothing.
func (s *Sessions) Close(ctx context.Context) error {
	s.mu.Lock()
	s.retire()
	for _, p := range s.sessions {
		p.end(ending{subcode: administrativeShutdown})
	}
	s.mu.Unlock()
	return errors.Join(await(ctx, &s.running), s.options.bfd.Close(ctx))
}

// await waits for goroutines, or until the context ends.
func await(ctx context.Context, running *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing BGP sessions: %w", ctx.Err())
	}
}
