// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"net/netip"
	"time"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/transport"
)

// maxTold bounds how many failures are known to be told: a peer may send any text.
const maxTold = 16

// enter takes note of a state other than Established.
func (p *peering) enter(fsm session.FSM) {
	p.update(func(s *session.State) { p.down(s, fsm) })
	p.options.OnChange(p.snapshot())
}

func (p *peering) established() {
	open, conn := p.conn.Open(), p.conn
	p.backoff.Reset()
	p.lastRefusal, p.told = "", nil
	p.wasUp, p.peerRestarts = true, open.Restarts
	p.update(func(s *session.State) {
		s.FSM = session.Established
		s.Since = p.options.Clock.Now()
		s.HoldTime = conn.HoldTime()
		s.KeepaliveTime = keepaliveTime(p.opened, s.HoldTime)
		s.LocalAddress = conn.LocalAddress()
		s.PeerRouterID, s.PeerASN = open.RouterID, open.ASN
		s.Capabilities = open.Capabilities
		s.KeepsRoutes = p.opened.RestartTime > 0 && open.GracefulRestart
		p.carries(s, open)
	})
	s := p.snapshot()
	p.log.Info("session established", "localAddress", s.LocalAddress, "peerRouterID", s.PeerRouterID,
		"holdTime", s.HoldTime.String(), "prefixes", s.Advertised())
	p.options.OnChange(s)
}

// carries takes note of the families whose routes go over the session that is up, and why if those of one do not.
func (p *peering) carries(s *session.State, open transport.Open) {
	s.Carried = p.carried(open)
	if !s.CarriesAll() {
		s.LastError, s.LastErrorTime = missingFamilies(p.opened, open, s.Carried), p.options.Clock.Now()
	}
}

// carriedChanged takes note of a family whose next hop has come or gone while the session is up.
func (p *peering) carriedChanged() {
	open := p.conn.Open()
	if p.carried(open) == p.snapshot().Carried {
		return
	}
	p.update(func(s *session.State) { p.carries(s, open) })
	p.options.OnChange(p.snapshot())
}

// keepaliveTime is what follows from the hold time that was agreed upon.
func keepaliveTime(c bgp.Peer, agreed time.Duration) time.Duration {
	switch {
	case agreed == 0:
		return 0
	case c.HoldTime == 0, c.KeepaliveTime == 0, agreed < c.HoldTime:
		return (agreed / 3).Truncate(time.Second)
	default:
		return c.KeepaliveTime
	}
}

// lost takes note of the end of a session that was established.
func (p *peering) lost(end transport.End) {
	text := downReason(end, p.snapshot().HoldTime.String())
	if end.Received != nil || end.Sent != nil {
		p.lastRefusal = text
	}
	p.lostFor(text)
}

// lostFor is lost with the reason in words.
func (p *peering) lostFor(text string) {
	old := p.snapshot()
	lasted := p.options.Clock.Since(old.Since)
	p.update(func(s *session.State) {
		p.down(s, session.Idle)
		s.LastError = text
		s.LastErrorTime = p.options.Clock.Now()
	})
	p.log.Info("session down", "reason", text, "after", lasted.Truncate(time.Second).String())
	p.options.OnChange(p.snapshot())
}

func (p *peering) attemptFailed(text string) {
	p.update(func(s *session.State) {
		if s.FSM == session.OpenSent || s.FSM == session.OpenConfirm {
			p.down(s, session.Active)
		}
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
	p.lastRefusal, p.told = "", nil
	p.backoff.Reset()
	p.log = p.options.Logger.WithValues("peer", p.config.Name, "address", p.config.Endpoint())
	p.update(func(s *session.State) {
		s.Peer, s.Address, s.Port = p.config.Name, p.config.Address, p.config.Port
		s.Families = p.config.Families
		s.LocalASN, s.PeerASN, s.RouterID = p.config.LocalASN, p.config.PeerASN, p.config.RouterID
		p.down(s, session.Idle)
	})
}

func (p *peering) down(s *session.State, fsm session.FSM) {
	s.FSM = fsm
	s.Since = p.options.Clock.Now()
	s.HoldTime, s.KeepaliveTime = 0, 0
	s.LocalAddress, s.PeerRouterID = netip.Addr{}, netip.Addr{}
	s.Carried, s.Capabilities, s.KeepsRoutes = bgp.Families{}, "", false
}

// update changes the state, counts that it came up or went down, and the prefixes anew.
func (p *peering) update(change func(*session.State)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.state.Up()
	change(&p.state)
	switch is := p.state.Up(); {
	case is && !was:
		p.ups.Add(1)
	case was && !is:
		p.downs.Add(1)
	}
	s := &p.state
	s.AdvertisedIPv4, s.AdvertisedIPv6 = 0, 0
	if s.Carried.IPv4 {
		s.AdvertisedIPv4 = p.ipv4
	}
	if s.Carried.IPv6 {
		s.AdvertisedIPv6 = len(p.prefixes) - p.ipv4
	}
	s.Pending = len(p.prefixes) - s.Advertised()
}

// failed takes note of what the session could not do, and tries again later.
func (p *peering) failed(err error) {
	p.retryAt = time.Now().Add(retryTime)
	p.retrying.Reset(retryTime)
	p.update(func(s *session.State) {
		s.LastError = err.Error()
		s.LastErrorTime = p.options.Clock.Now()
	})
	p.log.V(p.toldBefore(err.Error())).Info("session cannot be made what it is to be yet", "error", err.Error())
	p.options.OnChange(p.snapshot())
}

// publishPrefixes tells of the number of prefixes if it has changed.
func (p *peering) publishPrefixes() {
	before := p.snapshot()
	p.update(func(*session.State) {})
	if after := p.snapshot(); after.AdvertisedIPv4 != before.AdvertisedIPv4 || after.AdvertisedIPv6 != before.AdvertisedIPv6 || after.Pending != before.Pending {
		p.options.OnChange(after)
	}
}

// snapshot may be called from any goroutine.
func (p *peering) snapshot() session.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.state
	s.Updates = p.stats.Sent.Updates.Load()
	s.Received = p.stats.Prefixes.Load()
	return s
}
