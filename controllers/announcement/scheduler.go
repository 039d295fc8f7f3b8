// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"container/heap"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// settleTime is how long after a change a service is written whose status or reason changes, so that what changes together
	// is written together.
	settleTime = time.Second
	// lossTime is the same for one that is not announced and was, or is new: a speaker that is restarted takes less, and so do
	// most pods of a new service to become ready.
	lossTime = 5 * time.Second
	// flipTime is the least time between two such writes of one service.
	flipTime = 10 * time.Second
	// numberTime is how long numbers must differ from what is published before they are written: what is away no longer than that,
	// such as a speaker that is restarted, is not reported.
	numberTime = 10 * time.Second
	// tick is how long to gather what is written at once when there is more than may be.
	tick = 100 * time.Millisecond
)

// rates are the times between two writes, of whatever services.
type rates struct{ flips, numbers time.Duration }

// ratesFor returns the rates with so many nodes: all of them watch Services, most of them twice, by speaker and kube-proxy.
func ratesFor(nodes int) rates {
	return rates{
		flips:   max(10*time.Millisecond, time.Duration(nodes)*10*time.Microsecond),
		numbers: max(200*time.Millisecond, time.Duration(nodes)*time.Millisecond),
	}
}

// scheduler knows which services are to be written, and when.
type scheduler struct {
	entries map[types.NamespacedName]*entry
	// flips are services whose status or reason changes, numbers the others.
	flips, numbers line
}

// entry is a service that is to be written.
type entry struct {
	name types.NamespacedName
	due  time.Time
	// since when there is something to write.
	since time.Time
	// status that is to be written; empty if that stays.
	status metav1.ConditionStatus
	line   *line
	index  int
}

func newScheduler() *scheduler { return &scheduler{entries: map[types.NamespacedName]*entry{}} }

// flip has the service written after a while because its status or reason changes to this one, at least flipTime after the last time.
func (s *scheduler) flip(name types.NamespacedName, now time.Time, after time.Duration, last time.Time, status metav1.ConditionStatus) {
	due := now.Add(after)
	if earliest := last.Add(flipTime); earliest.After(due) {
		due = earliest
	}
	s.add(&entry{name: name, due: due, since: now, status: status, line: &s.flips})
}

// renumber has the service written because of its numbers.
func (s *scheduler) renumber(name types.NamespacedName, now time.Time) {
	s.add(&entry{name: name, due: now.Add(numberTime), since: now, line: &s.numbers})
}

// add keeps the place of one that is in the line already, unless it is due sooner, or is to have another status by now: then it waits
// for that, but no longer than flipTime in all.
func (s *scheduler) add(e *entry) {
	if before := s.entries[e.name]; before != nil {
		if before.line == e.line {
			e.since = before.since
			if latest := e.since.Add(flipTime); before.status != e.status && e.due.After(latest) && !latest.Before(before.due) {
				e.due = latest
			}
			if before.status == e.status && !e.due.Before(before.due) {
				return
			}
		}
		s.drop(e.name)
	}
	s.entries[e.name] = e
	heap.Push(e.line, e)
}

// drop has the service not written.
func (s *scheduler) drop(name types.NamespacedName) {
	if e := s.entries[name]; e != nil {
		heap.Remove(e.line, e.index)
		delete(s.entries, name)
	}
}

// take returns the services to write now.
func (s *scheduler) take(now time.Time, r rates) []types.NamespacedName {
	due := append(s.flips.take(now, r.flips), s.numbers.take(now, r.numbers)...)
	for _, name := range due {
		delete(s.entries, name)
	}
	return due
}

// line has entries by the time at which they are due.
type line struct {
	entries []*entry
	// free is when the next may be taken.
	free time.Time
}

func (l *line) take(now time.Time, every time.Duration) []types.NamespacedName {
	if earliest := now.Add(min(0, every-tick)); l.free.Before(earliest) {
		l.free = earliest
	}
	var taken []types.NamespacedName
	for len(l.entries) > 0 && !l.entries[0].due.After(now) && !l.free.After(now) {
		if e, ok := heap.Pop(l).(*entry); ok {
			taken = append(taken, e.name)
		}
		l.free = l.free.Add(every)
	}
	return taken
}

func (l *line) Len() int           { return len(l.entries) }
func (l *line) Less(i, j int) bool { return l.entries[i].due.Before(l.entries[j].due) }

func (l *line) Swap(i, j int) {
	l.entries[i], l.entries[j] = l.entries[j], l.entries[i]
	l.entries[i].index, l.entries[j].index = i, j
}

// Push is heap.Interface's.
func (l *line) Push(x any) {
	if e, ok := x.(*entry); ok {
		e.index = len(l.entries)
		l.entries = append(l.entries, e)
	}
}

// Pop is heap.Interface's.
func (l *line) Pop() any {
	last := len(l.entries) - 1
	e := l.entries[last]
	l.entries[last] = nil
	l.entries = l.entries[:last]
	return e
}
