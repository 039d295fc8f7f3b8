// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/status"
)

// transition is from one state of a drain to another.
type transition struct {
	log         logr.Logger
	node        *corev1.Node
	before, now status.Drain
	// found is whether the speaker found the node so when it started. Then it may be none.
	found bool
}

// drainer leads the node through the phases of a drain. The policy is compiled for the phase, and the drainer waits until the sessions have
// taken up what comes of that. It locks apart from the Speaker, so that sessions never wait for it.
type drainer struct {
	delay time.Duration
	// behind reports whether a session that is up does not have what the table says.
	behind func() bool
	// compile has the policy compiled again. It does not block.
	compile func()
	// tell is told of what is new to those outside, in order. It must not block.
	tell func(transition)

	mu sync.Mutex
	// node is the object that has, or had, the signal.
	node   *corev1.Node
	log    logr.Logger
	signal drain.Signal
	phase  phase
	// entered is when the phase was, and inUse whether the table has what the phase begins with.
	entered time.Time
	inUse   bool
	// found is whether the speaker found the signal when it started.
	found bool
	told  status.Drain
	// timer calls advance when time alone leads on.
	timer   *time.Timer
	stopped bool
}

func newDrainer(delay time.Duration, behind func() bool, compile func(), tell func(transition)) *drainer {
	d := &drainer{delay: delay, behind: behind, compile: compile, tell: tell, inUse: true}
	d.timer = time.AfterFunc(drainTime, d.advance)
	d.timer.Stop()
	return d
}

// decide returns what the policy is to do about the signal that the node has now. It is to be put to use, and then applied to be called with it.
func (d *drainer) decide(ctx context.Context, n *corev1.Node, signal drain.Signal, starts bool) policy.Drain {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.node, d.signal, d.log = n, signal, log.FromContext(ctx)
	d.found = signal.Any() && (d.found || starts)
	d.step(starts)
	p := policy.Drain{Draining: d.phase > serving, Drained: d.phase.withdrawn()}
	if signal.Withdraws() {
		p.Leaving = signal
	}
	return p
}

// applied says that the table has what was decided. If time has led to the withdrawal of the routes since then, that is not in the table yet.
func (d *drainer) applied(decided policy.Drain) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.inUse && d.phase.withdrawn() == decided.Drained {
		d.inUse, d.entered = true, time.Now()
	}
	d.step(false)
}

// leaving returns the object of a node that drains, or is drained, as it was last seen; nil if the node serves.
func (d *drainer) leaving() *corev1.Node {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.phase == serving {
		return nil
	}
	return d.node
}

// advance goes on if time has passed, or a session has taken up something.
func (d *drainer) advance() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.phase == serving || d.stopped {
		return
	}
	was := d.phase.withdrawn()
	d.step(false)
	if d.phase.withdrawn() != was {
		d.compile()
	}
}

// stop has time lead nowhere any more.
func (d *drainer) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	d.timer.Stop()
}

// step goes through phases as far as possible.
func (d *drainer) step(starts bool) {
	for {
		now := d.phase.next(d.circumstances(starts))
		if now == d.phase {
			break
		}
		// What is told, and what is withdrawn, has to get into the table first.
		d.inUse = now == waiting || now == drained
		d.phase, d.entered = now, time.Now()
	}
	d.await()
	d.report()
}

func (d *drainer) circumstances(starts bool) circumstances {
	c := circumstances{signal: d.signal, starts: starts, delay: d.delay}
	if d.inUse {
		c.since = time.Since(d.entered)
		c.taken = (d.phase == telling || d.phase == withdrawing) && !d.behind()
	}
	return c
}

// await sets the timer. While sessions withdraw, one that is behind may go down, of which nobody tells.
func (d *drainer) await() {
	d.timer.Stop()
	if !d.inUse || d.stopped {
		return
	}
	switch d.phase {
	case telling, withdrawing:
		d.timer.Reset(max(drainTime-time.Since(d.entered), drainTime/4))
	case waiting:
		if d.signal.Withdraws() {
			d.timer.Reset(max(0, d.delay-time.Since(d.entered)))
		}
	case serving, drained:
	}
}

// report tells what is new.
func (d *drainer) report() {
	var now status.Drain
	if d.phase > serving {
		now = status.Drain{Signal: d.signal, Drained: d.phase == drained, Since: d.told.Since}
	}
	if now == d.told {
		return
	}
	if d.phase > serving && (now.Drained != d.told.Drained || !d.told.Signal.Any()) {
		now.Since = time.Now()
	}
	d.tell(transition{log: d.log, node: d.node, before: d.told, now: now, found: d.found})
	d.told = now
}
