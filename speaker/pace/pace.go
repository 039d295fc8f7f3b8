// SPDX-License-Identifier: Apache-2.0

package pace

import "time"

// How often an object is written; see the package's documentation.
const (
	// SpreadTime is within which the first write comes after a time without, at random.
	SpreadTime = 2 * time.Second
	// Interval is between the writes of one object, give or take the fraction Deviation.
	Interval  = 10 * time.Second
	Deviation = 0.2
	// maxDoublings bounds the interval between writes that tell only how a session that stays down fails.
	maxDoublings = 5
	// countSpreadTime and countInterval are the same as SpreadTime and Interval if only numbers of prefixes have changed.
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
)

// Pace says when a session is to be written. The zero Pace is of one that has not been written.
type Pace struct {
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

// Changed takes note of what differs now. untried is whether the session has not been up yet, and has not failed.
// Random is from 0 to 1.
func (p *Pace) Changed(now time.Time, c Change, untried bool, random func() float64) {
	if c == None {
		p.Settle()
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

func (p *Pace) dueFor(now time.Time, c Change, untried bool, random func() float64) time.Time {
	spread, wait := SpreadTime, Interval
	switch c {
	case Counts:
		spread, wait = countSpreadTime, countInterval
	case Detail:
		wait <<= p.doublings
	case None, Transition:
	}
	due := now
	if untried {
		due = now.Add(firstTryTime)
	}
	due = due.Add(Scaled(spread, random()))
	if earliest := p.last.Add(Scaled(wait, p.stretch)); !p.last.IsZero() && earliest.After(due) {
		due = earliest
	}
	return due
}

// Due returns when the object is to be written, zero if it needs not be.
func (p *Pace) Due() time.Time { return p.due }

// Failures returns how many writes in a row have failed.
func (p *Pace) Failures() int { return p.failures }

// Settle takes note that there is nothing to write any more.
func (p *Pace) Settle() { p.due, p.failures = time.Time{}, 0 }

// Wrote takes note of a write.
func (p *Pace) Wrote(now time.Time, c Change, random func() float64) {
	switch c {
	case Detail:
		p.doublings = min(p.doublings+1, maxDoublings)
	case Transition:
		p.doublings = 0
	case None, Counts:
	}
	p.due, p.last, p.failures = time.Time{}, now, 0
	p.stretch = 1 + Deviation*(2*random()-1)
}

// Failed takes note of a write that failed.
func (p *Pace) Failed(now time.Time, random func() float64) {
	p.due = now.Add(Backoff(p.failures, random))
	p.failures++
}

// Backoff returns how long to wait after so many failures before the last.
func Backoff(failures int, random func() float64) time.Duration {
	return Scaled(min(retryTime<<min(failures, 10), maxRetryTime), 0.5+random()/2)
}

// Scaled returns the time by the factor.
func Scaled(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }
