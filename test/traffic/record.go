// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

// SlowAfter is what makes an answer a slow one. TCP sends a SYN again after one second (RFC 6298 section 2): the first one was lost.
const SlowAfter = 900 * time.Millisecond

// Fate is what became of a request.
type Fate int

// The fates. Requests that are Answered or Slow have their answer.
const (
	Answered Fate = iota
	Slow          // answered after SlowAfter or later
	Reset         // ended by a reset amid the connection: a router sent it another way, to a node that knows nothing of it
	Refused       // refused by the target
	Failed        // not made, or not answered in time, or answered in another way
)

// Request is one connection that was opened for one request.
type Request struct {
	Began, Ended time.Time
	Err          error // nil if it was answered
}

// Fate returns what became of the request.
func (r Request) Fate() Fate {
	switch {
	case errors.Is(r.Err, syscall.ECONNRESET):
		return Reset
	case errors.Is(r.Err, syscall.ECONNREFUSED):
		return Refused
	case r.Err != nil:
		return Failed
	case r.Ended.Sub(r.Began) >= SlowAfter:
		return Slow
	}
	return Answered
}

// String tells when the request was made and what was wrong with it.
func (r Request) String() string {
	return fmt.Sprintf("%s, after %s: %v", r.Began.Format(time.StampMilli), r.Ended.Sub(r.Began).Round(time.Millisecond), r.Err)
}

// Cut is the loss of a long connection.
type Cut struct {
	At  time.Time
	Err error
}

// Record is what became of a client's connections.
type Record struct {
	// Requests are those that each had a connection of its own, in the order in which they ended.
	Requests []Request
	// Opened counts the long connections that were opened, and those again that were lost.
	Opened int
	// Exchanges counts the requests that were answered over long connections.
	Exchanges int
	// Cuts are the losses of long connections.
	Cuts []Cut
	// Stall is the longest time that an exchange over a long connection took which was answered.
	Stall time.Duration
}

// Merge returns what became of the connections of several clients.
func Merge(records ...Record) (all Record) {
	for _, r := range records {
		all.Requests = append(all.Requests, r.Requests...)
		all.Opened += r.Opened
		all.Exchanges += r.Exchanges
		all.Cuts = append(all.Cuts, r.Cuts...)
		all.Stall = max(all.Stall, r.Stall)
	}
	slices.SortStableFunc(all.Requests, func(a, b Request) int { return a.Ended.Compare(b.Ended) })
	slices.SortStableFunc(all.Cuts, func(a, b Cut) int { return a.At.Compare(b.At) })
	return all
}

// Of returns the requests of a fate.
func (r Record) Of(fate Fate) []Request {
	var some []Request
	for _, request := range r.Requests {
		if request.Fate() == fate {
			some = append(some, request)
		}
	}
	return some
}

// Until returns what became of the requests that began before the end, and the long connections that were cut by then.
func (r Record) Until(end time.Time) Record {
	r.Requests = slices.DeleteFunc(slices.Clone(r.Requests), func(request Request) bool { return !request.Began.Before(end) })
	r.Cuts = slices.DeleteFunc(slices.Clone(r.Cuts), func(cut Cut) bool { return !cut.At.Before(end) })
	return r
}

// Lost counts the requests that have no answer.
func (r Record) Lost() int { return len(r.Of(Reset)) + len(r.Of(Refused)) + len(r.Of(Failed)) }

// Outage returns for how long requests were in trouble after an event: until the last one had begun of those that were lost or slow, and began
// between the event and the end. It is zero if there was none.
func (r Record) Outage(event, end time.Time) time.Duration {
	var outage time.Duration
	for _, request := range r.Requests {
		if request.Fate() != Answered && request.Began.Before(end) {
			outage = max(outage, request.Began.Sub(event))
		}
	}
	return outage
}

// Gap returns the longest time between two answers one after the other.
func (r Record) Gap() time.Duration {
	var gap time.Duration
	var last time.Time
	for _, request := range r.Requests {
		if request.Err != nil {
			continue
		}
		if !last.IsZero() {
			gap = max(gap, request.Ended.Sub(last))
		}
		last = request.Ended
	}
	return gap
}

// String counts the fates, and shows the first requests of each that was not answered.
func (r Record) String() string {
	const most = 5
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests; %d slow, %d reset, %d refused, %d failed; longest gap %s; %d exchanges over %d long connections; %d cut, longest stall %s",
		len(r.Requests), len(r.Of(Slow)), len(r.Of(Reset)), len(r.Of(Refused)), len(r.Of(Failed)), r.Gap().Round(time.Millisecond),
		r.Exchanges, r.Opened, len(r.Cuts), r.Stall.Round(time.Millisecond))
	for _, fate := range []Fate{Slow, Reset, Refused, Failed} {
		some := r.Of(fate)
		for _, request := range some[:min(most, len(some))] {
			fmt.Fprintf(&b, "\n  %s", request)
		}
	}
	for _, cut := range r.Cuts[:min(most, len(r.Cuts))] {
		fmt.Fprintf(&b, "\n  long connection, %s: %v", cut.At.Format(time.StampMilli), cut.Err)
	}
	return b.String()
}
