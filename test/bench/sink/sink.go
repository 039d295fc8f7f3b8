// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/test/bench/wire"
)

// Counters count what the sink was told since it was started, over all sessions.
type Counters struct {
	// Updates are UPDATE messages, End-of-RIB markers not among them, and Bytes their length, headers included.
	Updates int `json:"updates"`
	Bytes   int `json:"bytes"`
	// Announced and Withdrawn count prefixes, not messages.
	Announced int `json:"announced"`
	Withdrawn int `json:"withdrawn"`
	// Repeated are the prefixes among Announced that the session held already.
	Repeated int `json:"repeated"`
	// Unknown are the prefixes among Withdrawn that the session did not hold.
	Unknown int `json:"unknown"`
}

// Add returns the sums.
func (c Counters) Add(more Counters) Counters {
	return Counters{
		Updates:   c.Updates + more.Updates,
		Bytes:     c.Bytes + more.Bytes,
		Announced: c.Announced + more.Announced,
		Withdrawn: c.Withdrawn + more.Withdrawn,
		Repeated:  c.Repeated + more.Repeated,
		Unknown:   c.Unknown + more.Unknown,
	}
}

// Sub returns what was counted since earlier.
func (c Counters) Sub(earlier Counters) Counters {
	return Counters{
		Updates:   c.Updates - earlier.Updates,
		Bytes:     c.Bytes - earlier.Bytes,
		Announced: c.Announced - earlier.Announced,
		Withdrawn: c.Withdrawn - earlier.Withdrawn,
		Repeated:  c.Repeated - earlier.Repeated,
		Unknown:   c.Unknown - earlier.Unknown,
	}
}

// Session is one session with the sink. A zero time means that it has not come to that.
type Session struct {
	Number      int // 1 is the first
	Established time.Time
	EndOfRIB    time.Time // of the last of the families that the sink takes
	Ended       time.Time
}

// Sink listens for one peer at a time; a new session ends the one before. Its methods may be called at any time by any
// goroutine.
type Sink struct {
	open     wire.Open
	listener net.Listener
	done     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	session  Session
	conn     *wire.Conn                 // of session; nil if it ended
	unended  map[bgp.Family]bool        // of session: families without End-of-RIB
	routes   map[netip.Prefix]struct{}  // of session
	removed  map[netip.Prefix]time.Time // when session last withdrew them
	added    map[netip.Prefix]time.Time // when session last announced them
	changed  time.Time                  // when routes last changed
	counters Counters
	wake     chan struct{} // closed and replaced at each change
}

// Listen starts a sink on a free port of the address, which opens its sessions so.
func Listen(ctx context.Context, at netip.Addr, open wire.Open) (*Sink, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", netip.AddrPortFrom(at, 0).String())
	if err != nil {
		return nil, fmt.Errorf("starting the BGP sink: %w", err)
	}
	s := &Sink{open: open, listener: listener, wake: make(chan struct{})}
	s.done.Go(s.accept)
	return s, nil
}

// Addr is where the sink listens.
func (s *Sink) Addr() netip.AddrPort {
	return netip.MustParseAddrPort(s.listener.Addr().String())
}

// Close ends the session, stops listening and waits until all is over.
func (s *Sink) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.closed = true
	if s.conn != nil {
		err = errors.Join(err, s.conn.Close())
	}
	s.mu.Unlock()
	s.done.Wait()
	return err
}

// Counters returns what was counted so far.
func (s *Sink) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters
}

// Session returns the latest session.
func (s *Sink) Session() Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session
}

// Routes returns the prefixes that the session holds, sorted.
func (s *Sink) Routes() []netip.Prefix {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]netip.Prefix, 0, len(s.routes))
	for p := range s.routes {
		list = append(list, p)
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	return list
}

// WaitRoutes waits until the session holds n routes and returns when the last change came.
func (s *Sink) WaitRoutes(ctx context.Context, n int) (time.Time, error) {
	at, err := s.wait(ctx, func() (time.Time, bool) { return s.changed, len(s.routes) == n })
	if err != nil {
		return at, fmt.Errorf("waiting for %d routes, %d are there: %w", n, len(s.Routes()), err)
	}
	return at, nil
}

// WaitAnnounced waits until n prefixes were announced, over all sessions, and returns when routes last changed.
func (s *Sink) WaitAnnounced(ctx context.Context, n int) (time.Time, error) {
	at, err := s.wait(ctx, func() (time.Time, bool) { return s.changed, s.counters.Announced >= n })
	if err != nil {
		return at, fmt.Errorf("waiting for %d announcements, there were %d: %w", n, s.Counters().Announced, err)
	}
	return at, nil
}

// WaitRoute waits until the session holds the prefix and returns when it was last announced.
func (s *Sink) WaitRoute(ctx context.Context, p netip.Prefix) (time.Time, error) {
	at, err := s.wait(ctx, func() (time.Time, bool) {
		_, ok := s.routes[p]
		return s.added[p], ok
	})
	if err != nil {
		return at, fmt.Errorf("waiting for the route %s: %w", p, err)
	}
	return at, nil
}

// WaitNoRoute waits until the session does not hold the prefix and returns when it was withdrawn, which is the zero time if
// it never was held.
func (s *Sink) WaitNoRoute(ctx context.Context, p netip.Prefix) (time.Time, error) {
	at, err := s.wait(ctx, func() (time.Time, bool) {
		_, ok := s.routes[p]
		return s.removed[p], !ok
	})
	if err != nil {
		return at, fmt.Errorf("waiting for the withdrawal of %s: %w", p, err)
	}
	return at, nil
}

// WaitSession waits for a session later than number after and returns when it was established.
func (s *Sink) WaitSession(ctx context.Context, after int) (time.Time, error) {
	at, err := s.wait(ctx, func() (time.Time, bool) {
		return s.session.Established, s.session.Number > after && !s.session.Established.IsZero()
	})
	if err != nil {
		return at, fmt.Errorf("waiting for session %d: %w", after+1, err)
	}
	return at, nil
}

// WaitEndOfRIB waits for the End-of-RIB marker of a session later than number after and returns when it came.
func (s *Sink) WaitEndOfRIB(ctx context.Context, after int) (time.Time, error) {
	at, err := s.wait(ctx, func() (time.Time, bool) {
		return s.session.EndOfRIB, s.session.Number > after && !s.session.EndOfRIB.IsZero()
	})
	if err != nil {
		return at, fmt.Errorf("waiting for End-of-RIB in session %d: %w", after+1, err)
	}
	return at, nil
}

// wait calls is with the lock held, at each change, until it is true or ctx is done.
func (s *Sink) wait(ctx context.Context, is func() (time.Time, bool)) (time.Time, error) {
	for {
		s.mu.Lock()
		at, ok := is()
		wake := s.wake
		s.mu.Unlock()
		if ok {
			return at, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return time.Time{}, context.Cause(ctx)
		}
	}
}

// notify wakes all who wait. The lock is held.
func (s *Sink) notify() {
	close(s.wake)
	s.wake = make(chan struct{})
}

func (s *Sink) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return // closed: a listener on loopback has no other reason
		}
		s.done.Go(func() { s.serve(wire.NewConn(c)) })
	}
}

// serve runs one session until it ends, whoever ends it.
func (s *Sink) serve(conn *wire.Conn) {
	defer conn.Close()
	number, ok := s.begin(conn)
	if !ok {
		return
	}
	defer s.end(number)
	if err := conn.Establish(s.open); err != nil {
		return
	}
	s.update(number, func() { s.session.Established = time.Now() })

	stop := make(chan struct{})
	var keepalives sync.WaitGroup
	keepalives.Go(func() { conn.KeepAlive(stop) })
	defer keepalives.Wait()
	defer close(stop)
	for {
		m, length, err := conn.Read()
		if err != nil {
			return
		}
		switch body := m.Body.(type) {
		case *bgp.BGPUpdate:
			s.update(number, func() { s.count(body, length, time.Now()) })
		case *bgp.BGPNotification:
			return
		}
	}
}

// begin makes conn the session in place of the one before.
func (s *Sink) begin(conn *wire.Conn) (number int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	if s.conn != nil {
		s.conn.Close()
	}
	s.conn = conn
	s.session = Session{Number: s.session.Number + 1}
	s.unended = make(map[bgp.Family]bool)
	for _, family := range s.open.Taken() {
		s.unended[family] = true
	}
	s.routes = make(map[netip.Prefix]struct{})
	s.removed = make(map[netip.Prefix]time.Time)
	s.added = make(map[netip.Prefix]time.Time)
	s.changed = time.Now()
	s.notify()
	return s.session.Number, true
}

func (s *Sink) end(number int) {
	s.update(number, func() {
		s.session.Ended = time.Now()
		s.changed = s.session.Ended
		s.conn = nil
		clear(s.routes)
	})
}

// update changes the session if it is still the latest.
func (s *Sink) update(number int, change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session.Number == number {
		change()
		s.notify()
	}
}

// count takes what an UPDATE says. The lock is held.
func (s *Sink) count(m *bgp.BGPUpdate, length int, now time.Time) {
	if is, family := m.IsEndOfRib(); is {
		if delete(s.unended, family); len(s.unended) == 0 && s.session.EndOfRIB.IsZero() {
			s.session.EndOfRIB = now
		}
		return
	}
	s.counters.Updates++
	s.counters.Bytes += length
	announced, withdrawn := routesOf(m)
	for _, p := range withdrawn {
		s.counters.Withdrawn++
		if _, ok := s.routes[p]; !ok {
			s.counters.Unknown++
			continue
		}
		delete(s.routes, p)
		s.removed[p], s.changed = now, now
	}
	for _, p := range announced {
		s.counters.Announced++
		if _, ok := s.routes[p]; ok {
			s.counters.Repeated++
		}
		s.routes[p] = struct{}{}
		s.added[p], s.changed = now, now
	}
}

// routesOf returns the prefixes of an UPDATE: those of IPv4 in its own fields (RFC 4271 section 4.3), others, and IPv4 ones with an IPv6 next hop
// (RFC 8950 section 3), in attributes (RFC 4760 sections 3 and 4).
func routesOf(m *bgp.BGPUpdate) (announced, withdrawn []netip.Prefix) {
	announced, withdrawn = prefixes(m.NLRI), prefixes(m.WithdrawnRoutes)
	for _, a := range m.PathAttributes {
		switch a := a.(type) {
		case *bgp.PathAttributeMpReachNLRI:
			announced = append(announced, prefixes(a.Value)...)
		case *bgp.PathAttributeMpUnreachNLRI:
			withdrawn = append(withdrawn, prefixes(a.Value)...)
		}
	}
	return announced, withdrawn
}

func prefixes(list []bgp.PathNLRI) []netip.Prefix {
	var out []netip.Prefix
	for _, n := range list {
		if p, ok := n.NLRI.(*bgp.IPAddrPrefix); ok {
			out = append(out, p.Prefix)
		}
	}
	return out
}
