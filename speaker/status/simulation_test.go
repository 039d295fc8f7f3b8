// SPDX-License-Identifier: Apache-2.0

package status

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/speaker/publisher"
)

// agenda has the moments at which nodes are to be looked at.
type agenda []moment

type moment struct {
	at   time.Time
	node int
	// flap is whether the session of the node goes down or comes up.
	flap bool
}

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(m any)        { *a = append(*a, m.(moment)) } //nolint:forcetypeassert // The heap has nothing else.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	m := (*a)[last]
	*a = (*a)[:last]
	return m
}

// cluster is many nodes with a session each.
type cluster struct {
	clock  *clocktesting.FakeClock
	nodes  []*world
	random *rand.Rand
}

func newCluster(t *testing.T, size int) *cluster {
	t.Helper()
	c := &cluster{
		clock:  clocktesting.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		random: rand.New(rand.NewPCG(3, 4)),
	}
	for i := range size {
		w := newWorldOf(t, fmt.Sprintf("node-%d", i), c.clock, c.random)
		w.Situate(Situation{Node: nodeUID, Ready: true})
		w.up()
		c.nodes = append(c.nodes, w)
	}
	return c
}

// run lets the time pass, in which sessions flap as the function says, which returns the time to a session's next flap; 0 for
// none. It returns the writes by second.
func (c *cluster) run(d time.Duration, flap func(node, count int) time.Duration) map[int]int {
	start := c.clock.Now()
	end := start.Add(d)
	flaps := make([]int, len(c.nodes))
	var todo agenda
	schedule := func(node int) {
		if after := flap(node, flaps[node]); after > 0 {
			heap.Push(&todo, moment{c.clock.Now().Add(after), node, true})
		}
	}
	for i, w := range c.nodes {
		w.store.writes = nil
		w.look()
		heap.Push(&todo, moment{w.next, i, false})
		schedule(i)
	}
	for len(todo) > 0 && !todo[0].at.After(end) {
		m, ok := heap.Pop(&todo).(moment)
		w := c.nodes[m.node]
		if !ok || !m.flap && !m.at.Equal(w.next) {
			continue // It was looked at meanwhile.
		}
		c.clock.SetTime(m.at)
		before := w.next
		switch {
		case !m.flap:
			w.look()
		case flaps[m.node]%2 == 0:
			w.down()
		default:
			w.up()
		}
		if m.flap {
			flaps[m.node]++
			schedule(m.node)
		}
		if !m.flap || !w.next.Equal(before) {
			heap.Push(&todo, moment{w.next, m.node, false})
		}
	}
	c.clock.SetTime(end)
	bySecond := map[int]int{}
	for _, w := range c.nodes {
		for _, at := range w.store.writes {
			bySecond[int(at.Sub(start)/time.Second)]++
		}
	}
	return bySecond
}

func sum(bySecond map[int]int) (all, most int) {
	for _, n := range bySecond {
		all += n
		most = max(most, n)
	}
	return all, most
}

// bound is what docs/measurements.md says: the writes of so many sessions that flap for the time.
func bound(sessions int, d time.Duration) int {
	shortest := time.Duration(float64(publisher.Interval) * (1 - publisher.Deviation))
	return sessions * (1 + int(math.Ceil(float64(d)/float64(shortest))))
}

func TestFiveThousandNodesThatLoseARouterWriteABoundedNumberOfTimes(t *testing.T) {
	t.Parallel()
	const size = simulated
	c := newCluster(t, size)
	never := func(int, int) time.Duration { return 0 }
	all, most := sum(c.run(time.Minute, never))
	t.Logf("start: %d writes, at most %d in a second", all, most)
	if all != size {
		t.Errorf("%d writes at the start", all)
	}
	if all, _ := sum(c.run(10*time.Minute, never)); all != 0 {
		t.Errorf("%d writes when nothing happens", all)
	}

	once := func(node, count int) time.Duration {
		return []time.Duration{time.Second + time.Duration(node)*time.Microsecond, time.Minute, 0}[count]
	}
	all, most = sum(c.run(3*time.Minute, once))
	t.Logf("a router is lost for a minute: %d writes, at most %d in a second", all, most)
	if all != 2*size || most > size*6/10 {
		t.Errorf("%d writes, %d in a second, when a router is lost and comes back", all, most)
	}

	flapping := func(int, int) time.Duration { return time.Duration((4 + 8*c.random.Float64()) * float64(time.Second)) }
	all, most = sum(c.run(10*time.Minute, flapping))
	t.Logf("all sessions flap for 10 minutes: %d writes, at most %d in a second; the bound is %d", all, most, bound(size, 10*time.Minute))
	if limit := bound(size, 10*time.Minute); all > limit || all < limit/10 {
		t.Errorf("%d writes while sessions flap, want at most %d", all, limit)
	}
	c.run(time.Minute, never)
	for _, w := range c.nodes {
		is, told := w.sessions["router"], w.store.objects[w.options.Node+"-router"].Status
		if string(is.FSM) != string(told.State) {
			t.Fatalf("a session is %s and told as %s", is.FSM, told.State)
		}
	}
}
