// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/transport"
)

const (
	// A session that is lost is reopened at once, but no more than maxReopened times in reopenedTime. Then it waits for
	// idleTime, which damps a peer that oscillates (RFC 4271 section 8.1).
	maxReopened  = 3
	reopenedTime = time.Minute
	idleTime     = 5 * time.Second

	// maxDialTime is the most that an attempt takes, so that its failure is told soon.
	maxDialTime = 10 * time.Second
	// formerTime is how long a session waits at most for the end of the one that had its endpoint before: of two connections between the
	// same addresses the router closes one.
	formerTime = 5 * time.Second
	// farewellTime bounds how long GoBGP is waited for, which takes moments, and seconds on a machine that is overloaded. What GoBGP has not
	// sent by then it keeps for ever: see drain.
	farewellTime = 30 * time.Second
)

// connection is one that was made, until it has ended.
type connection struct {
	*transport.Conn
	// given is whether GoBGP has it, released whether the peer's first KEEPALIVE was.
	given, released bool
}

// dial connects to the peer after a while. There is one attempt at a time, and none before BFD is up again that has ended the session.
func (p *peering) dial(after time.Duration) {
	if p.watch.holding {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.stopDialing()
	p.stopDialing = cancel
	target := targetOf(p.config)
	target.Dead = p.options.dead
	p.dialing.Go(func() {
		wait := time.NewTimer(after)
		defer wait.Stop()
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		if !p.awaitFormer(ctx) {
			return
		}
		p.inbox.put(func() { p.beginAttempt(ctx) })
		conn, err := target.Dial(ctx)
		if err != nil {
			p.inbox.put(func() { p.dialFailed(ctx, err) })
			return
		}
		made := make(chan net.Conn) // Not buffered: nothing is left in it.
		p.inbox.put(func() {
			if ctx.Err() == nil {
				p.dialed(<-made)
			}
		})
		select {
		case made <- conn:
		case <-ctx.Done():
			_ = conn.Close()
		}
	})
}

// awaitFormer waits until the session that had the endpoint before has ended, or has had time to. It reports whether the context
// has not ended.
func (p *peering) awaitFormer(ctx context.Context) bool {
	if p.former == nil {
		return true
	}
	late := time.NewTimer(formerTime)
	defer late.Stop()
	select {
	case <-p.former:
	case <-late.C:
	case <-ctx.Done():
		return false
	}
	return true
}

func targetOf(c bgp.Peer) transport.Target {
	return transport.Target{
		Peer: netip.AddrPortFrom(c.Address, c.Port), Source: c.Source, Password: c.Password, Device: c.VRF,
		TTL: c.TTL(), MinTTL: c.MinTTL(), Timeout: min(c.ConnectTime, maxDialTime),
	}
}

func (p *peering) beginAttempt(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	p.attempted = time.Now()
	if p.snapshot().FSM != session.Active {
		p.enter(session.Active)
	}
}

// retry dials again when it is time.
func (p *peering) retry() {
	next := p.attempted.Add(p.backoff.Next(p.config.ConnectTime))
	p.dial(time.Until(next))
}

func (p *peering) dialFailed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	p.attemptFailed(dialError(p.config, err))
	p.retry()
}

// dialed takes a connection, which is given to GoBGP when that is ready for it.
func (p *peering) dialed(conn net.Conn) {
	p.opened = p.config
	c := &connection{}
	c.Conn = transport.New(conn, netip.AddrPortFrom(p.config.Address, p.config.Port), &p.stats, transport.Watcher{
		Accept:  p.config.Accepts,
		More:    func() { p.inbox.put(func() { p.options.OnChange(p.snapshot()) }) },
		Restart: p.restartFlags(),
		Follow: func(s transport.Stage) {
			p.inbox.put(func() {
				if p.conn == c {
					p.reach(s)
				}
			})
		},
	})
	p.conn = c
	if err := p.server.addPeer(p.opened); err != nil {
		p.conn = nil
		_ = c.Close()
		p.attemptFailed(err.Error())
		p.retry()
	}
}

// restartFlags returns what the OPEN of a connection says of graceful restart. Each one says which forwarding state is left, since the peer
// drops the rest of what it has kept, and how the connection before ended is nothing that this side can know of for sure. That the speaker
// has restarted it says each time too, but to a peer that restarts like that itself: such a peer, if it is the one that has restarted, waits
// for the routes of those only who have not.
func (p *peering) restartFlags() func() transport.Restart {
	restarted := !p.wasUp || !p.peerRestarts
	return func() transport.Restart {
		return transport.Restart{Restarted: restarted, Preserved: p.options.Preserved()}
	}
}

// give gives GoBGP the connection that waits for it.
func (p *peering) give() {
	if p.conn != nil && !p.conn.given {
		p.conn.given = true
		p.server.connect(p.conn.Conn)
	}
}

// reach follows the connection.
//
// GoBGP dumps the RIB to a peer when it gets the first KEEPALIVE, and begins to send changes when it asks for what follows.
// What would be changed in between would be lost, so changes wait from before the one until after the other.
func (p *peering) reach(s transport.Stage) {
	switch s {
	case transport.OpenSent:
		p.enter(session.OpenSent)
	case transport.OpenConfirm:
		p.enter(session.OpenConfirm)
	case transport.Confirmed:
		p.takeNextHops()
		p.settling, p.conn.released = true, true
		p.conn.Release()
	case transport.Established:
		p.resendNextHops() // The addresses of the node may have changed since the stage before.
		p.established()
		p.settling = false
	case transport.Ended:
		p.ended()
	}
}

// takeNextHops has the RIB announce with the next hops of this connection, before the peer gets any of it.
func (p *peering) takeNextHops() {
	p.resendNextHops()
	if err := p.takeChanges(); err != nil {
		p.failed(err)
	}
}

// resendNextHops has everything sent again if the next hops on this connection are others than those that the RIB has.
func (p *peering) resendNextHops() {
	if hops := nextHopsOf(p.config, p.conn.LocalAddress(), p.conn.Open(), transport.Beside); hops != p.hops {
		p.hops = hops
		p.feed.Restart()
	}
}

// carried are the families whose routes go over the connection.
func (p *peering) carried(open transport.Open) bgp.Families {
	return open.Families.And(p.hops.families())
}

// ended makes another attempt after the connection has ended.
func (p *peering) ended() {
	end, open := p.conn.End(), p.conn.Open()
	old := p.snapshot().FSM
	p.disconnect(ending{subcode: peerDeconfigured})
	if old != session.Established {
		p.attemptFailed(p.failure(old, open, end))
		p.retry()
		return
	}
	p.lost(end)
	p.dial(p.reopenAfter())
}

// reopenAfter returns how long a session that was lost waits until it is reopened.
func (p *peering) reopenAfter() time.Duration {
	if p.mayReopen() {
		return 0
	}
	p.notBefore = time.Now().Add(idleTime)
	return idleTime
}

// failure says why an attempt failed after the connection was made. What a peer closes without a word is often the consequence
// of an earlier error, which is then told with it.
func (p *peering) failure(fsm session.FSM, open transport.Open, end transport.End) string {
	text := attemptError(p.opened, fsm, open, end)
	if text != closedEarly {
		p.lastRefusal = text
		return text
	}
	if p.lastRefusal != "" {
		return p.lastRefusal + "; then " + text
	}
	return text
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

// disconnect ends the connection, if there is one, and the attempt to make one. The peer is told why, if the session was
// established. A peer with graceful restart is told once it has an OPEN: it may have taken the session for established, and in any case keeps the
// routes of an earlier one if it hears nothing.
func (p *peering) disconnect(why ending) {
	p.stopDialing()
	c := p.conn
	if c == nil {
		return
	}
	fsm := p.snapshot().FSM
	began := fsm == session.OpenSent || fsm == session.OpenConfirm
	switch {
	case why.keepsRoutes:
		c.Abandon()
	case fsm == session.Established, began && p.opened.RestartTime > 0:
		c.Cease(why.subcode)
	}
	p.settling = false
	p.conn = nil
	if err := p.take(c); err != nil {
		p.log.Error(err, "connection is not closed in order")
	}
	_ = c.Close()
}

// take takes a connection from GoBGP again, which has then forgotten the peer.
func (p *peering) take(c *connection) error {
	marker := marker(p.carried(c.Open()))
	marked, drained := p.drain(c, marker)
	err := p.server.removePeer(p.opened)
	if err == nil && c.given {
		err = awaitGoBGP(c.Closed(), c)
	}
	if marked {
		err = errors.Join(err, p.server.withdraw([]netip.Prefix{marker}))
	}
	return errors.Join(drained, err)
}

// marker is a prefix that nobody announces, of one of the families.
func marker(f bgp.Families) netip.Prefix {
	if f.IPv4 {
		return netip.MustParsePrefix("255.255.255.254/32")
	}
	return netip.MustParsePrefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128")
}

// drain waits until GoBGP has sent what it has queued, to nobody. GoBGP (v4.8.0) leaks the queue of a peer that is removed,
// with all that is in it, and a goroutine, if it is not empty. The marker is queued last, so it comes last. It reports whether the marker is
// announced.
func (p *peering) drain(c *connection, marker netip.Prefix) (marked bool, err error) {
	defer c.LetGo()
	if !c.released {
		return false, nil // Nothing is queued.
	}
	carried := p.carried(c.Open()).Any()
	c.Cease(peerDeconfigured) // If it has not ended yet: what follows is not for the peer.
	if err := awaitGoBGP(c.Resting(), c); err != nil || !carried {
		return false, err // What is not carried is not queued.
	}
	// Its address alone is in other messages too: it has the octets of the MED of a path that drains.
	length := byte(marker.Bits())                                                //nolint:gosec // At most 128.
	discarded := c.Discarded(append([]byte{length}, marker.Addr().AsSlice()...)) // as in the NLRI (RFC 4271 section 4.3)
	if err := p.server.announce([]rib.Path{{Prefix: marker}}, p.opened, p.hops); err != nil {
		return true, err
	}
	return true, awaitGoBGP(discarded, c)
}

// awaitGoBGP waits for something that GoBGP does with the connection, unless it closes it.
func awaitGoBGP(done <-chan struct{}, c *connection) error {
	late := time.NewTimer(farewellTime)
	defer late.Stop()
	select {
	case <-done:
		return nil
	case <-c.Closed():
		return nil
	case <-late.C:
		return errors.New("GoBGP does not come to an end of the connection")
	}
}
