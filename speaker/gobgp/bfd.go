// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"time"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/bfd"
	"metallb.io/metallb/speaker/session"
)

// noticeTime is what a router has to find a connection closed, before it is told that BFD ends.
const noticeTime = 100 * time.Millisecond

// watch is the BFD session of a peer. It begins with the BGP session, and lasts as long, whatever becomes of connections. It belongs to the
// goroutine of the peering.
type watch struct {
	// session is nil if the peer has none.
	session *bfd.Session
	config  bfd.Config
	status  bfd.Status
	// holding is whether BFD has ended the BGP session, which is then not opened before BFD is up again.
	holding bool
}

// watchOf returns the BFD session that a peer is to have.
func watchOf(c bgp.Peer) bfd.Config {
	w := bfd.Config{Peer: c.Address, Source: c.Source, Device: c.VRF, Profile: c.BFD, Reach: bfd.SingleHop}
	switch {
	case c.IBGP():
		w.Reach = bfd.Either
	case c.SecurityHops > 1, c.SecurityHops == 0 && c.MultiHopTTL > 1:
		w.Reach = bfd.MultiHop
	}
	return w
}

// watchPeer makes the BFD session what the configuration says. Another profile does not interrupt it.
func (p *peering) watchPeer() {
	wanted, is := watchOf(p.config), p.watch.config
	same := wanted
	same.Profile = is.Profile
	switch {
	case p.watch.session == nil && !wanted.Profile.IsSet(), p.watch.session != nil && wanted == is:
	case p.watch.session != nil && wanted.Profile.IsSet() && same == is:
		p.watch.config = wanted
		p.watch.session.Configure(wanted.Profile)
	default:
		held := p.watch.holding
		p.stopWatching()
		if wanted.Profile.IsSet() {
			p.startWatching(wanted)
		}
		if held {
			p.dial(0)
		}
	}
}

func (p *peering) startWatching(c bfd.Config) {
	w := watch{config: c, status: bfd.Status{State: bfd.Down}}
	w.session = p.options.bfd.Open(c, func(s bfd.Status) {
		p.inbox.put(func() {
			if p.watch.session == w.session {
				p.bfdChanged(s)
			}
		})
	})
	p.watch = w
	p.noteBFD(w.session.Status())
	p.options.OnChange(p.snapshot())
}

// stopWatching ends the BFD session, if there is one. The peer has then been told that this is on purpose, and so does not take it for a failure.
func (p *peering) stopWatching() {
	if p.watch.session == nil {
		return
	}
	p.watch.session.Close()
	p.watch = watch{}
	p.update(func(s *session.State) { s.BFD, s.BFDDetectionTime, s.BFDProblem = "", 0, "" })
	p.options.OnChange(p.snapshot())
}

// endWatch ends the BFD session after the connection. A router that keeps routes without the session must find it gone first: FRR 8.4 takes
// AdminDown for a failure of the session that it still has, and drops what it would have kept.
func (p *peering) endWatch(how ending) {
	if p.watch.session != nil && how.keepsRoutes {
		<-time.After(noticeTime)
	}
	p.stopWatching()
}

// bfdChanged follows the BFD session. Its failure ends the BGP session, and the attempt to open one (RFC 5882 section 3.1). That it was not up
// yet does not, so that a router without BFD is one with which there is a BGP session.
func (p *peering) bfdChanged(is bfd.Status) {
	was := p.watch.status
	p.watch.status = is
	p.noteBFD(is)
	p.logBFD(was, is)
	switch {
	case is.Failed(was):
		p.endByBFD("BFD session down: " + is.Why())
	case p.watch.holding && (is.State == bfd.Up || is.RemoteState == bfd.AdminDown):
		p.watch.holding = false
		p.dial(time.Until(p.notBefore))
	}
	p.options.OnChange(p.snapshot())
}

// logBFD logs that the session came up or went down, and why one that was not up before is not.
func (p *peering) logBFD(was, is bfd.Status) {
	switch why := is.Why(); {
	case is.State == bfd.Up && was.State != bfd.Up:
		p.log.Info("BFD session up", "detectionTime", is.DetectionTime.String())
	case was.State == bfd.Up && is.State != bfd.Up:
		p.log.Info("BFD session down", "reason", why)
	case why != "" && why != was.Why():
		p.log.V(p.toldBefore(why)).Info("BFD session not up yet", "reason", why)
	}
}

// noteBFD takes note of how the BFD session fares.
func (p *peering) noteBFD(is bfd.Status) {
	problem := is.Why()
	if problem == "" {
		problem = is.Problem
	}
	state := is.State
	if state == bfd.Down && is.RemoteState == bfd.AdminDown {
		state = bfd.AdminDown
	}
	p.update(func(s *session.State) {
		s.BFD, s.BFDDetectionTime, s.BFDProblem = state.String(), is.DetectionTime, problem
	})
}

// endByBFD ends the BGP session, or the attempt to open one, until BFD is up again.
func (p *peering) endByBFD(text string) {
	up := p.snapshot().Up()
	p.watch.holding = true
	p.disconnect(ending{subcode: bfdDown})
	if !up {
		p.attemptFailed(text)
		p.enter(session.Idle)
		return
	}
	p.lostFor(text)
	p.reopenAfter()
}
