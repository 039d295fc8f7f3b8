// SPDX-License-Identifier: Apache-2.0

package publisher

import "time"

// How often an object is written; see packages status and servicestatus.
const (
	// spreadTime is within which the first write comes after a time without, at random.
	spreadTime = 2 * time.Second
	// Interval is between the writes of one object, give or take the fraction Deviation.
	Interval  = 10 * time.Second
	Deviation = 0.2
	// maxDoublings bounds the interval between writes that tell only how a session that stays down fails.
	maxDoublings = 5
	// countSpreadTime and countInterval are the same as spreadTime and Interval if only numbers of prefixes have changed.
	countSpreadTime = 10 * time.Second
	countInterval   = 30 * time.Second
	// firstTryTime is how long a session that has not failed yet has to come up before it is told of.
	firstTryTime = 3 * time.Second
	// retryTime is before a write that failed is made again. It doubles up to maxRetryTime.
	retryTime    = time.Second
	maxRetryTime = 30 * time.Second
)

// Change is how what is differs from what is written.
type Change int

// Changes, the greater the more urgent.
const (
	None Change = iota
	// Counts of prefixes.
	Counts
	// Detail of a session that stays down.
	Detail
	// Transition of a session that comes up or goes down, or has been down meanwhile; of a service, any change.
	Transition
	// Awaited by people who act by it, such as that a node may be switched off: it is written within spreadTime, however short ago the last write
	// was. They cause it themselves, so that it is seldom.
	Awaited
)

// pace says when an object is to be written: soon, at a random moment, and not again for a while. The zero pace is of one that has not been
// written.
type pace struct {
	// due is when, zero if it needs not be, for which change, and whether that of a session untried.
	due     time.Time
	change  Change
	untried bool
	// last is when it was written last, and stretch by how much intervals after that deviate.
	last    time.Time
	stretch float64
	// doublings of the interval between details.
	doublings int
	// failures in a row.
	failures int
}

// changed takes note of what differs now. untried is whether the session has not been up yet, and has not failed.
// Random is from 0 to 1.
func (p *pace) changed(now time.Time, c Change, untried bool, random func() float64) {
	if c == None {
		p.settle()
		return
	}
	if p.failures > 0 {
		return
	}
	// The moment is not drawn again each time that the same is seen, or it would come sooner the more often one looks.
	if !p.due.IsZero() && c <= p.change && (untried || !p.untried) {
		return
	}
	due := p.dueFor(now, c, untried, random)
	if p.due.IsZero() || due.Before(p.due) {
		p.due = due
	}
	p.change, p.untried = c, untried
}

func (p *pace) dueFor(now time.Time, c Change, untried bool, random func() float64) time.Time {
	spread, wait := spreadTime, Interval
	switch c {
	case Counts:
		spread, wait = countSpreadTime, countInterval
	case Detail:
		wait <<= p.doublings
	case Awaited:
		wait = 0
	case None, Transition:
	}
	due := now
	if untried {
		due = now.Add(firstTryTime)
	}
	due = due.Add(scaled(spread, random()))
	if earliest := p.last.Add(scaled(wait, p.stretch)); !p.last.IsZero() && earliest.After(due) {
		due = earliest
	}
	return due
}

// settle takes note that there is nothing to write any more.
func (p *pace) settle() { p.due, p.failures = time.Time{}, 0 }

// wrote takes note of a write.
func (p *pace) wrote(now time.Time, c Change, random func() float64) {
	switch c {
	case Detail:
		p.doublings = min(p.doublings+1, maxDoublings)
	case Transition:
		p.doublings = 0
	case None, Counts, Awaited:
	}
	p.due, p.last, p.failures = time.Time{}, now, 0
	p.stretch = 1 + Deviation*(2*random()-1)
}

// failed takes note of a write that failed.
func (p *pace) failed(now time.Time, random func() float64) {
	p.due = now.Add(backoff(p.failures, random))
	p.failures++
}

// backoff returns how long to wait after so many failures before the last.
func backoff(failures int, random func() float64) time.Duration {
	return scaled(min(retryTime<<min(failures, 10), maxRetryTime), 0.5+random()/2)
}

// scaled returns the time by the factor.
func scaled(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }
