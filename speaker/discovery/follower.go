// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

const (
	// advertiseInterval and advertiseJitter are between router advertisements; the least that RFC 4861 section 6.2.1 lets a router choose.
	advertiseInterval = 3 * time.Second
	advertiseJitter   = time.Second
	// replyInterval is the least time between advertisements to single neighbours, however many ask.
	replyInterval = 500 * time.Millisecond
	// solicitFirst and solicitLast are between solicitations while no router is known: each waits twice as long as the one before (RFC 7559).
	solicitFirst = time.Second
	solicitLast  = 32 * time.Second
	// askTimes and askInterval are how often a neighbour is asked whether it is there, as kernels do (RFC 4861 section 10), if faster.
	askTimes    = 3
	askInterval = 500 * time.Millisecond
	// askPause is the least time between two rounds of such questions.
	askPause = 3 * time.Second
)

// follower finds the router on one interface. All but index, look and stop is its own goroutine's.
type follower struct {
	name   string
	finder *Finder
	// look has the interface read again. index is the interface's, 0 while there is none; the watcher reads it.
	look  signal
	index atomic.Uint32
	// listens is whether there is a socket.
	listens atomic.Bool
	ctx     context.Context
	cancel  context.CancelFunc
	ended   chan struct{}

	memory memory
	// conn is nil while there is none; denied is why, if it may not be opened.
	conn   *conn
	denied error
	due    times
	// asked are the neighbours that have not answered yet, and how often they are still to be asked.
	asked map[netip.Addr]int
	// solicitWait is after the next solicitation.
	solicitWait time.Duration
	// stale is whether the interface is to be read.
	stale bool
}

// times are those at which something is to be done, or at the earliest.
type times struct {
	look, advertise, reply, solicit, ask, round time.Time
}

func (f *Finder) newFollower(ctx context.Context, name string) *follower {
	w := &follower{name: name, finder: f, look: newSignal(), ended: make(chan struct{}), asked: map[netip.Addr]int{}, memory: newMemory(), stale: true}
	w.ctx, w.cancel = context.WithCancel(ctx)
	return w
}

// stop returns when the goroutine has ended.
func (w *follower) stop() {
	w.cancel()
	<-w.ended
}

// run follows the interface until it is stopped.
func (w *follower) run() {
	defer close(w.ended)
	defer w.disconnect()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-w.look:
			w.stale = true
		case p, isOpen := <-w.packets():
			if isOpen {
				w.hear(p, time.Now())
			} else {
				w.disconnect() // It has failed. The interface is read before another one is opened.
				w.stale = true
			}
		case <-timer.C:
		}
		timer.Reset(time.Until(w.step(time.Now())))
	}
}

func (w *follower) packets() <-chan packet {
	if w.conn == nil {
		return nil
	}
	return w.conn.packets
}

// step does what is due, and returns when it is to be called again at the latest.
func (w *follower) step(now time.Time) time.Time {
	if w.stale && !now.Before(w.due.look) {
		w.due.look = now.Add(pause)
		w.read(now)
	}
	doubtful := w.memory.choose()
	w.send(now, doubtful)
	w.publish()
	return w.next(now)
}

// read reads the interface, and opens and closes the socket as is possible.
func (w *follower) read(now time.Time) {
	l, err := readLink(w.name)
	if err != nil {
		w.finder.options.Logger.Error(err, "reading an interface; what was known stays so", "interface", w.name)
		w.due.look = now.Add(retry)
		return
	}
	w.stale = false
	w.index.Store(uint32(l.index)) //nolint:gosec // The kernel's indices are positive.
	if l.index != w.memory.link.index {
		w.memory = newMemory()
		clear(w.asked)
	}
	w.memory.learn(l)
	if w.conn != nil && !w.conn.isFor(l) {
		w.disconnect()
	}
	if w.conn == nil && l.unusable == nil {
		w.connect(l, now)
	}
}

func (w *follower) connect(l link, now time.Time) {
	var err error
	if w.conn, err = listen(w.ctx, l); err != nil {
		w.conn = nil
		// Whatever else it is passes, such as an address that has just gone.
		if w.denied = nil; errors.Is(err, os.ErrPermission) {
			w.denied = err
			return
		}
		w.finder.options.Logger.V(1).Info("cannot listen yet", "interface", w.name, "reason", err.Error())
		w.stale, w.due.look = true, now.Add(retry)
		return
	}
	w.denied = nil
	w.listens.Store(true)
	w.due = times{look: w.due.look, advertise: now, solicit: now.Add(solicitFirst)}
	w.solicitWait = 2 * solicitFirst
	w.note(w.conn.solicit())
}

func (w *follower) disconnect() {
	if w.conn != nil {
		w.conn.close()
		w.conn = nil
		w.listens.Store(false)
	}
}

// hear takes note of a message.
func (w *follower) hear(p packet, now time.Time) {
	switch p.kind {
	case solicitation:
		w.reply(p.from, now)
	case advertisement:
		_, isKnown := w.memory.seen[p.from]
		w.memory.hear(p.from, advertises, now)
		if !isKnown {
			w.reply(p.from, now) // It may have started just now, and know nothing of us.
		}
	case echo:
		w.memory.hear(p.from, echoes, now)
	case confirmation:
		w.memory.confirm(p.from)
		delete(w.asked, p.from)
	}
}

// reply advertises to one neighbour.
func (w *follower) reply(to netip.Addr, now time.Time) {
	if now.Before(w.due.reply) {
		w.due.advertise = earlier(w.due.advertise, w.due.reply)
		return
	}
	w.due.reply = now.Add(replyInterval)
	w.note(w.conn.advertise(to))
}

// send sends what is due.
func (w *follower) send(now time.Time, doubtful []netip.Addr) {
	if w.conn == nil {
		return
	}
	if !now.Before(w.due.advertise) {
		w.due.advertise = now.Add(advertiseInterval + rand.N(advertiseJitter)) //nolint:gosec // It is no secret.
		w.note(w.conn.advertise(allNodes))
		w.note(w.conn.echo())
	}
	switch {
	case !w.isSought():
		w.due.solicit, w.solicitWait = now, solicitFirst
	case !now.Before(w.due.solicit):
		w.due.solicit = now.Add(w.solicitWait)
		w.solicitWait = min(2*w.solicitWait, solicitLast)
		w.note(w.conn.solicit())
		w.note(w.conn.echo())
	}
	w.ask(now, doubtful)
}

// isSought reports whether a router is to be found.
func (w *follower) isSought() bool { return !w.memory.router.IsValid() || w.memory.silent }

// ask asks neighbours whether they are there, again and again, and gives them up in the end.
func (w *follower) ask(now time.Time, doubtful []netip.Addr) {
	if len(w.asked) == 0 {
		if len(doubtful) == 0 || now.Before(w.due.round) {
			return
		}
		for _, address := range doubtful {
			w.asked[address] = askTimes
		}
		w.due.ask, w.due.round = now, now.Add(askPause)
	}
	if now.Before(w.due.ask) {
		return
	}
	w.due.ask = now.Add(askInterval)
	for address, left := range w.asked {
		if left == 0 {
			delete(w.asked, address)
			w.memory.lose(address)
			continue
		}
		w.asked[address] = left - 1
		w.note(w.conn.ask(address))
	}
}

// note logs that something could not be sent. It is sent again some time.
func (w *follower) note(err error) {
	if err != nil {
		w.finder.options.Logger.V(1).Info("cannot send", "interface", w.name, "reason", err.Error())
	}
}

// publish tells what is known.
func (w *follower) publish() {
	router, err := w.memory.answer()
	if err != nil && w.denied != nil && w.memory.link.unusable == nil {
		err = fmt.Errorf("%w; router advertisements are neither sent nor heard, since the speaker lacks the capability NET_RAW: "+
			"install the component config/unnumbered, or the chart with speaker.unnumbered=true", err)
	}
	w.finder.tell(w.name, answer{router, err})
}

// next returns when something is due next.
func (w *follower) next(now time.Time) time.Time {
	next := now.Add(time.Hour)
	if w.stale {
		next = earlier(next, w.due.look)
	}
	if w.conn == nil {
		return next
	}
	next = earlier(next, w.due.advertise)
	if w.isSought() {
		next = earlier(next, w.due.solicit)
	}
	if len(w.asked) > 0 {
		next = earlier(next, w.due.ask)
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
