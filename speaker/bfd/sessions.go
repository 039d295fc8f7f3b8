// SPDX-License-Identifier: Apache-2.0

package bfd

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Sessions are the BFD sessions of this node. Its methods may be called concurrently.
type Sessions struct {
	registerer prometheus.Registerer
	ignored    [reasons]atomic.Uint64

	mu       sync.Mutex
	sessions map[*Session]struct{}
	closed   bool
	// loop runs the sessions; nil if there is none.
	loop *loop
	// ended is closed when the loop that there was last has ended; nil if there was none.
	ended chan struct{}
}

// New returns a set of no sessions, whose metrics the registerer takes until Close, if it is not nil. It must be closed.
func New(registerer prometheus.Registerer) (*Sessions, error) {
	s := &Sessions{registerer: registerer, sessions: map[*Session]struct{}{}}
	if registerer != nil {
		if err := registerer.Register(collector{s}); err != nil {
			return nil, fmt.Errorf("registering the metrics of BFD sessions: %w", err)
		}
	}
	return s, nil
}

// Open begins a session. Whenever its status changes, onChange is called with it; it must not block or call the session. After Close the
// session does nothing.
func (s *Sessions) Open(c Config, onChange func(Status)) *Session {
	session := &Session{set: s, config: c, onChange: onChange, status: Status{State: Down, RemoteState: Down}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return session
	}
	if s.loop == nil {
		loop, err := newLoop(s)
		if err != nil {
			session.status.Problem = err.Error()
			return session
		}
		ended, former := make(chan struct{}), s.ended
		s.loop, s.ended = loop, ended
		go func() {
			defer close(ended)
			if former != nil {
				<-former // It has the ports.
			}
			loop.run()
		}()
	}
	s.sessions[session] = struct{}{}
	s.loop.put(func(l *loop) { l.add(session) })
	return session
}

// do has the loop do something, and reports whether there is one.
func (s *Sessions) do(task func(*loop)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loop == nil {
		return false
	}
	s.loop.put(task)
	return true
}

// remove forgets a session that has ended.
func (s *Sessions) remove(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
}

// release reports whether the loop is to end, as it has no sessions and nothing to do.
func (s *Sessions) release(l *loop) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.waiting() {
		return false
	}
	s.loop = nil
	return true
}

// Close ends all sessions as Session.Close does, and waits until there is nothing left of them. If ctx ends first, its error is returned, and
// the rest is freed in the background within a second.
func (s *Sessions) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed && s.registerer != nil {
		s.registerer.Unregister(collector{s})
	}
	s.closed = true
	for session := range s.sessions {
		if s.loop != nil {
			s.loop.put(func(l *loop) { l.disable(session) })
		}
	}
	ended := s.ended
	s.mu.Unlock()
	if ended == nil {
		return nil
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing BFD sessions: %w", ctx.Err())
	}
}
