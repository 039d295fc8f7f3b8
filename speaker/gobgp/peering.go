// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
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
)

// peering is one session: its commands put tasks into the inbox, the goroutine of run does them.
type peering struct {
	name    string
	options Options
	inbox   *inbox
	// done is closed when the goroutine has ended and the server is stopped.
	done chan struct{}
	// stats are over all connections.
	stats transport.Stats

	// wanted is the latest configuration asked for. It is guarded by Sessions.mu.
	wanted bgp.Peer

	mu    sync.Mutex
	state session.State
	// ups and downs are how often the session came up and went down.
	ups, downs uint64

	// What follows belongs to the goroutine.

	server *server
	config bgp.Peer
	// log names peer and address.
	log logr.Logger
	// prefixes are those in the RIB.
	prefixes map[netip.Prefix]struct{}
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
	// settling is set while changes of the RIB would be lost; they are waiting.
	settling bool
	waiting  []func()
	// over is set when the goroutine is to end.
	over bool
	// reopened is when the session was last reopened at once.
	reopened []time.Time
	// lastRefusal is the last specific error of an attempt since the session was up.
	lastRefusal string
	// told are the failures of attempts that were logged since the session was up.
	told map[string]bool
}

// newPeering starts the session's server. Its goroutine is to be started, and ended, by the caller.
func newPeering(c bgp.Peer, options Options) (*peering, error) {
	p := &peering{
		name:     c.Name,
		options:  options,
		inbox:    newInbox(),
		done:     make(chan struct{}),
		wanted:   c,
		config:   c,
		prefixes: map[netip.Prefix]struct{}{},

		stopDialing: func() {},
	}
	p.reset()
	server, err := startServer(c.LocalASN, c.RouterID, slog.New(logHandler{p.log}), func() { p.inbox.put(p.give) })
	if err != nil {
		return nil, fmt.Errorf("session %s: %w", c, err)
	}
	p.server = server
	return p, nil
}

// run does the session's tasks until it is over.
func (p *peering) run() {
	defer close(p.done)
	defer p.close()
	for !p.over {
		<-p.inbox.wake
		for _, task := range p.inbox.take() {
			if !p.over {
				task()
			}
		}
	}
}

// close frees what the session has.
func (p *peering) close() {
	p.disconnect(peerDeconfigured)
	p.server.stop()
	p.dialing.Wait()
}

// gone reports whether the goroutine has ended.
func (p *peering) gone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// canBecome reports whether the session can take up the configuration with the server that it has.
func (p *peering) canBecome(c bgp.Peer) bool {
	return p.wanted.LocalASN == c.LocalASN && p.wanted.RouterID == c.RouterID
}

// command has the goroutine do something and returns what to wait for.
func (p *peering) command(do func() error) pending {
	task, c := p.task(do)
	p.inbox.put(task)
	return c
}

// change is a command that waits while a change of the RIB would be lost.
func (p *peering) change(do func() error) pending {
	task, c := p.task(do)
	p.inbox.put(func() {
		if p.settling {
			p.waiting = append(p.waiting, task)
			return
		}
		task()
	})
	return c
}

func (p *peering) task(do func() error) (func(), pending) {
	outcome := make(chan error, 1)
	task := func() {
		err := do()
		if err != nil {
			err = fmt.Errorf("session %s: %w", p.config, err)
		}
		outcome <- err
	}
	return task, pending{outcome: outcome, gone: p.done}
}

// fatal is a command whose failure ends the session.
func (p *peering) fatal(do func() error) pending {
	c := p.command(func() error {
		err := do()
		p.over = err != nil
		return err
	})
	c.fatal = true
	return c
}

// open fills the Adj-RIB-Out and starts to connect, once the session that had the endpoint before has ended.
func (p *peering) open(paths []rib.Path, before *peering) pending {
	return p.fatal(func() error {
		if before != nil {
			<-before.done
		}
		p.log.Info("starting session", "localASN", p.config.LocalASN, "peerASN", p.config.PeerASN, "prefixes", len(paths))
		return p.connect(paths)
	})
}

// restart closes the session and opens it with another configuration.
func (p *peering) restart(c bgp.Peer, paths []rib.Path) pending {
	p.wanted = c
	return p.fatal(func() error {
		p.log.Info("restarting session with a new configuration", "localASN", c.LocalASN, "peerASN", c.PeerASN, "prefixes", len(paths))
		p.disconnect(peerDeconfigured)
		p.config = c
		p.reset()
		return p.connect(paths)
	})
}

// retime takes up timers. They are proposed in the next OPEN: at once if the session is not up.
func (p *peering) retime(c bgp.Peer) pending {
	p.wanted = c
	return p.command(func() error {
		p.config = c
		if fsm := p.snapshot().FSM; fsm == session.Established || fsm == session.OpenConfirm {
			p.log.Info("changing timers for the next time that the session is opened")
			return nil
		}
		p.backoff.Reset()
		p.disconnect(peerDeconfigured)
		p.dial(0)
		return nil
	})
}

// end ends the session and its goroutine. The peer is told why by a subcode of Cease.
func (p *peering) end(subcode uint8) pending {
	p.inbox.put(func() {
		p.log.Info("ending session")
		p.disconnect(subcode)
		p.over = true
	})
	outcome := make(chan error)
	return pending{outcome: outcome, gone: p.done}
}

// apply changes the Adj-RIB-Out. What is new comes first, since it may be what replaces the rest, such as an aggregate of
// many prefixes.
func (p *peering) apply(c rib.Change) pending {
	return p.change(func() error {
		if err := p.announce(c.Announce); err != nil {
			return err
		}
		return p.withdraw(c.Withdraw)
	})
}

// connect makes the Adj-RIB-Out what is given and begins to connect.
func (p *peering) connect(paths []rib.Path) error {
	if err := p.replace(paths); err != nil {
		return err
	}
	p.dial(0)
	return nil
}

// replace makes the Adj-RIB-Out equal to paths.
func (p *peering) replace(paths []rib.Path) error {
	stay := make(map[netip.Prefix]struct{}, len(paths))
	for _, path := range paths {
		stay[path.Prefix] = struct{}{}
	}
	var gone []netip.Prefix
	for prefix := range p.prefixes {
		if _, ok := stay[prefix]; !ok || !p.config.Carries(prefix) {
			gone = append(gone, prefix)
		}
	}
	if err := p.withdraw(gone); err != nil {
		return err
	}
	return p.announce(paths)
}

func (p *peering) announce(paths []rib.Path) error {
	carried := make([]rib.Path, 0, len(paths))
	for _, path := range paths {
		if p.config.Carries(path.Prefix) {
			carried = append(carried, path)
			p.prefixes[path.Prefix] = struct{}{}
		}
	}
	if len(carried) == 0 {
		return nil
	}
	defer p.publishPrefixes()
	return p.server.announce(carried, p.config)
}

func (p *peering) withdraw(prefixes []netip.Prefix) error {
	known := make([]netip.Prefix, 0, len(prefixes))
	for _, prefix := range prefixes {
		if _, ok := p.prefixes[prefix]; ok {
			known = append(known, prefix)
		}
	}
	if len(known) == 0 {
		return nil
	}
	if err := p.server.withdraw(known); err != nil {
		return err
	}
	for _, prefix := range known {
		delete(p.prefixes, prefix)
	}
	p.publishPrefixes()
	return nil
}
