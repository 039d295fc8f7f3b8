// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/transport"
)

// Why a session ends, as a subcode of Cease (RFC 4486 section 3).
const (
	// administrativeShutdown: this speaker stops.
	administrativeShutdown = 2
	// peerDeconfigured: the peer is not wanted any more, or not so.
	peerDeconfigured = 3
	// bfdDown: BFD has found that the peer, or the way to it, does not work (RFC 9384).
	bfdDown = 10
)

// ending is how a session ends. The zero value is that it does not.
type ending struct {
	// subcode of Cease tells the peer why.
	subcode uint8
	// keepsRoutes has the peer be told nothing, so that it keeps the routes by graceful restart.
	keepsRoutes bool
}

const (
	// retryTime is after which a session tries again what it could not do.
	retryTime = time.Second
	// rotationTime is within which a session that is up takes up another password. Nodes do so at different times, so that not all of them
	// are without their sessions in the same second.
	rotationTime = 10 * time.Second
)

// peering is one session. Its goroutine brings it from what it is to what is wanted of it, in steps: whatever happens is noted in
// the inbox, then the goroutine looks what there is to do.
type peering struct {
	options Options
	inbox   *inbox
	feed    *rib.Feed
	// former is closed when the session that had the endpoint before has ended; nil if there was none.
	former <-chan struct{}
	// done is closed when the goroutine has ended and the server is stopped.
	done chan struct{}
	// stats are over all connections.
	stats transport.Stats
	// ups and downs are how often the session came up and went down.
	ups, downs atomic.Uint64

	mu sync.Mutex
	// wanted is what the session is to be. With an ending it is to end.
	wanted bgp.Peer
	ending ending
	state  session.State

	// What follows belongs to the goroutine.

	// server is nil if it could not be started.
	server *server
	// config is what the session is.
	config bgp.Peer
	// log names peer and address.
	log logr.Logger
	// prefixes are those in the RIB, with these next hops, and ipv4 how many of them are IPv4 prefixes.
	prefixes map[netip.Prefix]struct{}
	ipv4     int
	hops     nextHops
	// started is whether there was an attempt to connect since the session has its configuration.
	started bool
	// retrying wakes the session up after something has failed, at retryAt.
	retrying *time.Timer
	retryAt  time.Time
	// rotating wakes the session up to take up another password, at rotateAt; zero if there is none.
	rotating *time.Timer
	rotateAt time.Time
	// conn is the present connection, nil if there is none. GoBGP has the peer as long as there is one.
	conn *connection
	// opened is the configuration that the connection has.
	opened bgp.Peer
	// stopDialing ends the attempt to connect, and dialing waits for that.
	stopDialing context.CancelFunc
	dialing     sync.WaitGroup
	// attempted is when the last attempt to connect began, and backoff says when the next one does.
	attempted time.Time
	backoff   transport.Backoff
	// wasUp is whether the session was established before, and peerRestarts whether the peer then said that it restarts gracefully itself.
	wasUp, peerRestarts bool
	// watch is the BFD session.
	watch watch
	// settling is set while changes of the RIB would be lost.
	settling bool
	// reopened is when the session was last reopened at once, and notBefore until when it waits that was lost too often.
	reopened  []time.Time
	notBefore time.Time
	// lastRefusal is the last specific error since the session was up: of an attempt, or the NOTIFICATION that ended the session.
	lastRefusal string
	// told are the failures of attempts that were logged since the session was up.
	told map[string]bool
}

// newPeering makes the session and starts its server. The caller is to start its goroutine.
func newPeering(c bgp.Peer, former <-chan struct{}, options Options) *peering {
	p := &peering{
		options: options, inbox: newInbox(), former: former, done: make(chan struct{}), wanted: c, config: c, stopDialing: func() {},
	}
	p.retrying = time.AfterFunc(retryTime, p.inbox.poke)
	p.retrying.Stop()
	p.rotating = time.AfterFunc(rotationTime, p.inbox.poke)
	p.rotating.Stop()
	p.feed = options.Table.Subscribe(c.Name, p.inbox.poke)
	p.reset()
	p.hops = expectedNextHops(c)
	_ = p.serve() // If it fails, the goroutine tries again.
	return p
}

// want says what the session is to be.
func (p *peering) want(c bgp.Peer) {
	p.mu.Lock()
	p.wanted = c
	p.mu.Unlock()
	p.inbox.poke()
}

// end has the session end, and its goroutine.
func (p *peering) end(how ending) {
	p.feed.Close()
	p.mu.Lock()
	p.ending = how
	p.mu.Unlock()
	p.inbox.poke()
}

// mayKeepRoutes reports whether the peer would keep the routes if the session ended now without a word. One that is not established is taken for
// one whose peer does, since it may have some of an earlier session.
func (p *peering) mayKeepRoutes() bool {
	wanted, _ := p.asked()
	s := p.snapshot()
	return wanted.RestartTime > 0 && (s.KeepsRoutes || !s.Up())
}

func (p *peering) asked() (wanted bgp.Peer, how ending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted, p.ending
}

// run makes the session what is wanted of it until it is to end.
func (p *peering) run() {
	defer close(p.done)
	p.log.Info("starting session", "localASN", p.config.LocalASN, "peerASN", p.config.PeerASN)
	for {
		<-p.inbox.wake
		for _, task := range p.inbox.take() {
			task()
		}
		wanted, how := p.asked()
		if how != (ending{}) {
			p.close(how)
			return
		}
		if p.config.Equal(wanted) && time.Now().Before(p.retryAt) {
			continue
		}
		p.retryAt = time.Time{}
		if err := p.become(wanted); err != nil {
			p.failed(err)
		}
	}
}

// close frees what the session has.
func (p *peering) close(how ending) {
	p.log.Info("ending session", "keepsRoutes", how.keepsRoutes)
	p.retrying.Stop()
	p.rotating.Stop()
	p.disconnect(how)
	p.endWatch(how)
	p.stopServing()
	p.dialing.Wait()
}

// become takes up the configuration, then what has changed in the table, and connects if it has not begun to.
func (p *peering) become(wanted bgp.Peer) error {
	switch {
	case p.config.Equal(wanted):
		p.forgetPassword()
	case !p.config.NeedsReset(wanted, p.snapshot().PeerASN):
		p.forgetPassword()
		p.adopt(wanted)
	case p.keepsPassword(wanted):
		if wanted.Password = p.config.Password; !p.config.Equal(wanted) {
			p.adopt(wanted)
		}
	default:
		p.restart(wanted)
	}
	p.watchPeer()
	if err := p.serve(); err != nil {
		return err
	}
	if err := p.takeChanges(); err != nil {
		return err
	}
	if !p.started {
		p.started = true
		p.dial(0)
	}
	return nil
}

// adopt takes up a configuration that needs no reset of a session that is up. A session that is not begins anew with it.
func (p *peering) adopt(c bgp.Peer) {
	p.config = c
	fsm := p.snapshot().FSM
	if fsm != session.Established && fsm != session.OpenConfirm {
		p.backoff.Reset()
		p.disconnect(ending{subcode: peerDeconfigured})
		p.hops = expectedNextHops(c)
		p.feed.Restart()
		p.started = false
		return
	}
	p.log.Info("changing session without a reset; timers hold from the next time that it is opened")
	if err := p.conn.LimitHops(c.TTL(), c.MinTTL()); err != nil {
		p.log.Error(err, "time to live is not changed")
	}
	if fsm == session.Established {
		p.resendNextHops()
		p.carriedChanged()
	}
}

// keepsPassword reports whether the session is up, is to be reset for nothing but another password, and has not come to the time for that yet.
func (p *peering) keepsPassword(wanted bgp.Peer) bool {
	is := p.snapshot()
	wanted.Password = p.config.Password
	if !is.Up() || p.config.NeedsReset(wanted, is.PeerASN) {
		return false
	}
	if p.rotateAt.IsZero() {
		after := p.options.rotate()
		p.rotateAt = time.Now().Add(after)
		p.rotating.Reset(after)
		p.log.Info("changing password soon", "after", after.Truncate(time.Millisecond).String())
	}
	return time.Now().Before(p.rotateAt)
}

// forgetPassword has the session take up no other password, which it may have waited for: the next one has a time of its own.
func (p *peering) forgetPassword() {
	p.rotating.Stop()
	p.rotateAt = time.Time{}
}

// restart ends the session as it was, and takes up another configuration.
func (p *peering) restart(c bgp.Peer) {
	p.log.Info("restarting session with a new configuration", "localASN", c.LocalASN, "peerASN", c.PeerASN)
	p.forgetPassword()
	p.disconnect(ending{subcode: peerDeconfigured})
	if c.LocalASN != p.config.LocalASN || c.RouterID != p.config.RouterID {
		p.stopServing()
	}
	p.config = c
	p.reset()
	p.hops = expectedNextHops(c)
	p.feed.Restart()
	p.started = false
}

// serve starts the server if there is none.
func (p *peering) serve() error {
	if p.server != nil {
		return nil
	}
	server, err := p.options.start(p.config, slog.New(logHandler{p.log}), func() { p.inbox.put(p.give) })
	if err != nil {
		return err
	}
	p.server, p.prefixes, p.ipv4 = server, map[netip.Prefix]struct{}{}, 0
	return nil
}

func (p *peering) stopServing() {
	if p.server != nil {
		p.server.stop()
		p.server, p.prefixes, p.ipv4 = nil, nil, 0
	}
}

// takeChanges makes the Adj-RIB-Out what the table says, unless that would be lost. If it fails, the session takes everything when it tries
// again, since it is not known what it has.
func (p *peering) takeChanges() error {
	if p.settling {
		return nil
	}
	change, found := p.feed.Take()
	if !found {
		return nil
	}
	if err := p.apply(change); err != nil {
		p.feed.Restart()
		return err
	}
	p.feed.Done()
	return nil
}

// apply changes the Adj-RIB-Out. What is new comes first, since it may be what replaces the rest, such as an aggregate of
// many prefixes.
func (p *peering) apply(c rib.Change) error {
	if c.Complete {
		c.Withdraw = p.surplus(c.Announce)
	}
	defer p.publishPrefixes()
	if err := p.announce(c.Announce); err != nil {
		return err
	}
	return p.withdraw(c.Withdraw)
}

// surplus returns the prefixes in the RIB that are not among the paths, or that the session has no next hop for.
func (p *peering) surplus(paths []rib.Path) []netip.Prefix {
	stay := make(map[netip.Prefix]struct{}, len(paths))
	for _, path := range paths {
		stay[path.Prefix] = struct{}{}
	}
	var surplus []netip.Prefix
	for prefix := range p.prefixes {
		if _, ok := stay[prefix]; !ok || !p.hops.of(prefix).IsValid() {
			surplus = append(surplus, prefix)
		}
	}
	return surplus
}

func (p *peering) announce(paths []rib.Path) error {
	carried := make([]rib.Path, 0, len(paths))
	for _, path := range paths {
		if !p.hops.of(path.Prefix).IsValid() {
			continue
		}
		carried = append(carried, path)
		if left := len(path.Communities) - len(fitting(path.Communities)); left > 0 {
			const crowded = "route has more communities than fit into a message, and is announced without some"
			p.log.V(p.toldBefore(crowded)).Info(crowded, "prefix", path.Prefix.String(), "without", left)
		}
		if _, found := p.prefixes[path.Prefix]; !found {
			p.prefixes[path.Prefix] = struct{}{}
			p.count(path.Prefix, 1)
		}
	}
	return p.server.announce(carried, p.config, p.hops)
}

// count adds to the number of IPv4 prefixes if the prefix is one.
func (p *peering) count(prefix netip.Prefix, n int) {
	if prefix.Addr().Is4() {
		p.ipv4 += n
	}
}

func (p *peering) withdraw(prefixes []netip.Prefix) error {
	known := make([]netip.Prefix, 0, len(prefixes))
	for _, prefix := range prefixes {
		if _, ok := p.prefixes[prefix]; ok {
			known = append(known, prefix)
		}
	}
	if err := p.server.withdraw(known); err != nil {
		return err
	}
	for _, prefix := range known {
		delete(p.prefixes, prefix)
		p.count(prefix, -1)
	}
	return nil
}
