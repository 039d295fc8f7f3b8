// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"net/netip"
	"slices"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"

	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

// settleTime is how soon GoBGP is asked again whether a session that it reported as established is so.
const settleTime = time.Millisecond

// A session that is lost is reopened at once, but no more than maxReopened times in reopenedTime.
const (
	maxReopened  = 3
	reopenedTime = time.Minute
)

// maxTold bounds how many failures are known to be told: a peer may send any text.
const maxTold = 16

// onReport is called by whatever goroutine GoBGP logs from.
func (p *peering) onReport(r report) {
	if r.kind == updateSent {
		p.updates.Add(1)
		return
	}
	if r.kind == notificationSent {
		p.notifications.Add(1)
	}
	p.inbox.put(func() { p.onRecord(r) })
}

func (p *peering) onRecord(r report) {
	switch {
	case r.kind == malformed || r.kind == writeFailed:
		p.trail.detail = r.text
	case r.kind == answered:
		p.trail.answer = r.answer
	case r.opening:
		text, specific := attemptError(p.config, r, p.trail)
		p.trail = trail{}
		if specific {
			p.lastRefusal = text
		}
		if text == closedEarly && p.lastRefusal != "" {
			text = p.lastRefusal + "; then " + text
		}
		p.attemptFailed(text)
	default:
		p.trail.ended = &r
	}
}

// awaitAnswer is called by the goroutine in which GoBGP opens a connection.
func (p *peering) awaitAnswer() answer {
	s := p.snapshot()
	return awaitAnswer(netip.AddrPortFrom(s.Address, s.Port))
}

// onEvent follows GoBGP's state machine.
func (p *peering) onEvent(e *apiutil.WatchEventMessage_PeerEvent, at time.Time) {
	if e.Type != apiutil.PEER_EVENT_STATE {
		return
	}
	old, now := p.snapshot().FSM, fsm(e.Peer.State.SessionState)
	switch {
	case now == session.Established:
		p.settle(at)
	case old == session.Established:
		p.lost(now, e.Peer.State.DisconnectReason)
	case old == session.OpenConfirm && now == session.Idle:
		text := confirmError(p.config, e.Peer.State.DisconnectReason, p.trail)
		p.trail = trail{}
		p.lastRefusal = text
		p.enter(now)
		p.attemptFailed(text)
	case old != now:
		p.enter(now)
	}
}

// settle waits until GoBGP sends changes on a session that it reported as established, and makes those once more that it
// may have missed.
func (p *peering) settle(reported time.Time) {
	peer, err := p.server.peer(p.config)
	if err != nil {
		p.log.V(1).Info("peer is gone", "error", err.Error())
		return
	}
	switch peer.State.SessionState {
	case api.PeerState_SESSION_STATE_ESTABLISHED:
	case api.PeerState_SESSION_STATE_OPENCONFIRM:
		time.AfterFunc(settleTime, func() { p.inbox.put(func() { p.settle(reported) }) })
		return
	default: // The report is out of date; the next one follows.
		return
	}

	p.trail, p.lastRefusal, p.told = trail{}, "", nil
	announced, withdrawn := p.doubtful.since(reported, p.prefixes)
	if err := p.repeat(announced, withdrawn); err != nil {
		p.log.Error(err, "restarting session, as its peer may have missed a change")
		p.reconnect()
		return
	}
	p.established(peer)
}

// repeat makes changes once more. GoBGP ignores what changes nothing, so prefixes are announced to be withdrawn.
func (p *peering) repeat(announced bool, withdrawn []netip.Prefix) error {
	if announced {
		if err := p.server.announceAgain(p.config); err != nil {
			return err
		}
	}
	if len(withdrawn) == 0 {
		return nil
	}
	paths := make([]rib.Path, 0, len(withdrawn))
	for _, prefix := range withdrawn {
		paths = append(paths, rib.Path{Prefix: prefix})
	}
	if err := p.server.announce(paths, p.config); err != nil {
		return err
	}
	return p.server.withdraw(withdrawn)
}

func (p *peering) established(peer *api.Peer) {
	timers := peer.GetTimers().GetState()
	p.update(func(s *session.State) {
		s.FSM = session.Established
		s.Since = p.options.Clock.Now()
		s.HoldTime = duration(timers.GetNegotiatedHoldTime())
		s.KeepaliveTime = 0
		if s.HoldTime > 0 {
			s.KeepaliveTime = duration(timers.GetKeepaliveInterval())
		}
		s.LocalAddress = address(peer.GetTransport().GetLocalAddress())
		s.PeerRouterID = address(peer.GetState().GetRouterId())
		s.IPv4, s.IPv6 = families(peer)
		if !s.Carries() {
			s.LastError, s.LastErrorTime = noFamily(s.Address), s.Since
		}
	})
	s := p.snapshot()
	p.log.Info("session established", "localAddress", s.LocalAddress, "peerRouterID", s.PeerRouterID,
		"holdTime", s.HoldTime.String(), "prefixes", s.Advertised)
	p.options.OnChange(s)
}

// lost takes note of the end of a session that was established, and reopens it at once, unless the peer oscillates: then
// GoBGP holds it in Idle for five seconds, which damps that (RFC 4271 section 8.1).
func (p *peering) lost(now session.FSM, reason api.PeerState_DisconnectReason) {
	old := p.snapshot()
	text := downReason(reason, p.trail, old.HoldTime.String())
	p.trail = trail{}
	if p.shutting {
		p.over = true
		return
	}
	lasted := p.options.Clock.Since(old.Since)
	p.update(func(s *session.State) {
		p.down(s, now)
		s.LastError = text
		s.LastErrorTime = p.options.Clock.Now()
	})
	p.log.Info("session down", "reason", text, "after", lasted.Truncate(time.Second).String())
	p.options.OnChange(p.snapshot())
	if p.mayReopen() {
		p.reconnect()
	}
}

// mayReopen reports whether the session may be reopened at once, and counts on it that it is.
func (p *peering) mayReopen() bool {
	now := p.options.Clock.Now()
	p.reopened = slices.DeleteFunc(p.reopened, func(at time.Time) bool { return now.Sub(at) >= reopenedTime })
	if len(p.reopened) >= maxReopened {
		return false
	}
	p.reopened = append(p.reopened, now)
	return true
}

// enter takes note of a state other than Established.
func (p *peering) enter(fsm session.FSM) {
	p.update(func(s *session.State) { p.down(s, fsm) })
	p.options.OnChange(p.snapshot())
}

func (p *peering) attemptFailed(text string) {
	p.update(func(s *session.State) {
		s.LastError = text
		s.LastErrorTime = p.options.Clock.Now()
	})
	p.log.V(p.toldBefore(text)).Info("session attempt failed", "error", text)
	p.options.OnChange(p.snapshot())
}

// toldBefore returns the level to log a failure at: since the session was up, each is news but once, as attempts are made
// every few seconds for as long as it takes.
func (p *peering) toldBefore(failure string) (level int) {
	if p.told[failure] {
		return 1
	}
	if p.told == nil || len(p.told) >= maxTold {
		p.told = map[string]bool{}
	}
	p.told[failure] = true
	return 0
}

// reset makes the state that of a session that begins, with the configuration that it has. Its errors stay.
func (p *peering) reset() {
	p.trail, p.lastRefusal, p.told, p.doubtful = trail{}, "", nil, doubtful{}
	p.log = p.options.Logger.WithValues("peer", p.config.Peer, "address", p.config.Endpoint())
	p.update(func(s *session.State) {
		s.Peer, s.Address, s.Port = p.config.Peer, p.config.Address, p.config.Port
		s.LocalASN, s.PeerASN, s.RouterID = p.config.LocalASN, p.config.PeerASN, p.config.RouterID
		p.down(s, session.Idle)
	})
}

func (p *peering) down(s *session.State, fsm session.FSM) {
	s.FSM = fsm
	s.Since = p.options.Clock.Now()
	s.HoldTime, s.KeepaliveTime = 0, 0
	s.LocalAddress, s.PeerRouterID = netip.Addr{}, netip.Addr{}
	s.IPv4, s.IPv6 = false, false
}

// update changes the state and counts the prefixes anew.
func (p *peering) update(change func(*session.State)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.state.Up()
	change(&p.state)
	p.past.changed(was, p.state.Up())
	p.state.Advertised, p.state.Pending = 0, len(p.prefixes)
	if p.state.Carries() {
		p.state.Advertised, p.state.Pending = p.state.Pending, 0
	}
}

func (p *peering) publishPrefixes() {
	p.update(func(*session.State) {})
	p.options.OnChange(p.snapshot())
}

// snapshot may be called from any goroutine.
func (p *peering) snapshot() session.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.Updates = p.updates.Load()
	return s
}

// families returns which families the session carries: those of this side that the peer has too.
func families(peer *api.Peer) (ipv4, ipv6 bool) {
	for _, a := range peer.GetAfiSafis() {
		ours := a.GetConfig().GetFamily()
		shared := slices.ContainsFunc(peer.GetState().GetRemoteCap(), func(c *api.Capability) bool {
			theirs := c.GetMultiProtocol().GetFamily()
			return theirs.GetAfi() == ours.GetAfi() && theirs.GetSafi() == ours.GetSafi()
		})
		ipv4 = ipv4 || shared && ours.GetAfi() == api.Family_AFI_IP
		ipv6 = ipv6 || shared && ours.GetAfi() == api.Family_AFI_IP6
	}
	return ipv4, ipv6
}

// duration is GoBGP's number of seconds, which is at most 65535 (RFC 4271 section 4.2).
func duration(seconds uint64) time.Duration {
	return time.Duration(min(seconds, maxHoldTime)) * time.Second
}

// address parses what GoBGP writes, which is "invalid IP" for none.
func address(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}
