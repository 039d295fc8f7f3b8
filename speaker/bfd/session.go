// SPDX-License-Identifier: Apache-2.0

package bfd

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"metallb.io/metallb/api/bgp"
)

// Reach is how far away a peer may be.
type Reach int

const (
	// SingleHop is a peer on a link of this node (RFC 5881).
	SingleHop Reach = iota
	// MultiHop is a peer that may be any number of hops away (RFC 5883).
	MultiHop
	// Either is a peer to which the kernel's routes say what it is when the session begins.
	Either
)

// Config is what a session is made from.
type Config struct {
	// Peer is the peer's address, with its zone if it is a link-local one.
	Peer netip.Addr
	// Source is the local address; the zero Addr leaves it to the kernel.
	Source netip.Addr
	// Device is that of the VRF in which the peer is; empty is the default one.
	Device string
	// Reach is how far away the peer may be.
	Reach Reach
	// Profile has the intervals.
	Profile bgp.BFDProfile
}

// Status is how a session fares. It is comparable.
type Status struct {
	// State of the session. It is Down at the beginning.
	State State
	// Diagnostic says why the session was last down, RemoteState what the peer said last of its own, and RemoteDiagnostic why that was.
	Diagnostic       Diagnostic
	RemoteState      State
	RemoteDiagnostic Diagnostic
	// DetectionTime is after which silence the peer is given up; 0 before it has said anything.
	DetectionTime time.Duration
	// Problem says why the session cannot do all that is asked of it; empty if it can.
	Problem string
}

// Failed reports whether a session that was up before has found that the peer, or the way to it, does not work. It has not if the peer has disabled
// the session on purpose (RFC 5882 section 3.2).
func (s Status) Failed(before Status) bool {
	return before.State == Up && s.State == Down && s.RemoteState != AdminDown
}

// Why says in words why the session is not up; empty if it is.
func (s Status) Why() string {
	switch {
	case s.State == Up:
		return ""
	case s.State == AdminDown:
		return "disabled on this side"
	case s.RemoteState == AdminDown:
		return "the router has disabled BFD for this session"
	case s.Diagnostic == TimeExpired && s.RemoteDiagnostic == NoDiagnostic:
		return "nothing more is heard from the router"
	case s.Diagnostic == NeighborSignals && s.RemoteDiagnostic == TimeExpired:
		return "the router hears nothing from this node"
	case s.Diagnostic == NeighborSignals && s.RemoteDiagnostic != NoDiagnostic:
		return "the router says: " + s.RemoteDiagnostic.String()
	case s.Diagnostic == NeighborSignals:
		return "the router says that its session is down"
	case s.Problem != "":
		return s.Problem
	case s.DetectionTime == 0:
		return "nothing is heard from the router: is BFD enabled on it for this node?"
	default:
		return "the router does not answer"
	}
}

// Session is one session of Sessions.
type Session struct {
	set *Sessions
	// config is what Open was given, but for the profile, which the loop changes.
	config   Config
	onChange func(Status)
	counts   counts

	mu     sync.Mutex
	status Status

	end
}

// counts of a session.
type counts struct {
	sent, received, ups, downs atomic.Uint64
}

// Status returns how the session fares.
func (s *Session) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// publish tells how the session fares if that has changed.
func (s *Session) publish(is Status) {
	s.mu.Lock()
	was := s.status
	s.status = is
	s.mu.Unlock()
	if was == is {
		return
	}
	switch {
	case is.State == Up && was.State != Up:
		s.counts.ups.Add(1)
	case was.State == Up && is.State != Up:
		s.counts.downs.Add(1)
	}
	s.onChange(is)
}

// Configure changes the intervals, the multiplier, the least TTL and who begins, without an interruption: the peer is asked to confirm
// them (RFC 5880 section 6.8.3).
func (s *Session) Configure(p bgp.BFDProfile) {
	s.set.do(func(l *loop) { l.configure(s, p) })
}

// Close ends the session. When it returns, the peer has been told that this is on purpose (AdminDown), and is told again for as long as it
// would take it to find a failure, within a second. The session is not heard of any more. Closing again does nothing.
func (s *Session) Close() {
	done := make(chan struct{})
	if s.set.do(func(l *loop) {
		l.disable(s)
		close(done)
	}) {
		<-done
	}
}
