// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

// TestWhateverHappensBetweenAnswerAndTellingNoAddressIsToldTwice plays reconcilers whose writes take their time, fail, and
// are cut off by restarts, while services and pools change.
func TestWhateverHappensBetweenAnswerAndTellingNoAddressIsToldTwice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, seed)
			for range 3000 {
				c.step(t)
				c.check(t)
			}
		})
	}
}

// reported is what the status of a service says.
type reported struct {
	assignments []allocator.Assignment
	// met is set if the request was met as a whole, until there is another.
	met     bool
	request string
	// from are the pools that the allocator takes the addresses to be from, which change with the pools.
	from map[netip.Addr]string
	// displaced is set if the pools allowed to take one of the addresses since.
	displaced bool
}

// follow takes the pools into account.
func (s reported) follow(r allocator.Request, pools ipam.Pools, abandoned []string) reported {
	from := map[netip.Addr]string{}
	for _, as := range s.assignments {
		pool, displaced := isDisplaced(r, as.Address, cmp.Or(s.from[as.Address], as.Pool), pools, abandoned)
		from[as.Address], s.displaced = pool, s.displaced || displaced
	}
	s.from = from
	return s
}

// cluster is what the API server knows of services, and the answers that are not written yet.
type cluster struct {
	random    *rand.Rand
	pools     []ipam.Pools
	now       ipam.Pools
	abandoned []string
	a         *allocator.Allocator
	requests  map[string]allocator.Request
	statuses  map[string]reported
	answers   map[string]reported
}

func newCluster(t *testing.T, seed uint64) *cluster {
	t.Helper()
	c := &cluster{
		random: rand.New(rand.NewPCG(seed, 2)), a: allocator.New(),
		requests: map[string]allocator.Request{}, statuses: map[string]reported{}, answers: map[string]reported{},
		pools: []ipam.Pools{
			parse(t, builder.MakePool("a", "192.0.2.0/29"), builder.MakePool("b", "198.51.100.0/30", "2001:db8::/126")),
			parse(t, builder.MakePool("a", "192.0.2.0/30").AvoidBuggyIPs(), builder.MakePool("c", "192.0.2.4/30", "2001:db8::/125")),
			parse(t, builder.MakePool("b", "192.0.2.0/29"), builder.MakePool("a", "198.51.100.0/30", "2001:db8::/126")),
			parse(t, builder.MakePool("a", "192.0.2.0/29").Namespaces("other")),
		},
	}
	c.setPools(c.pools[0])
	return c
}

// editPools uses other pools. Some of them, and of those that are gone, allow disruption.
func (c *cluster) editPools() {
	pools, abandoned := override(c.random, c.pools[c.random.IntN(len(c.pools))], c.now)
	c.setPools(pools, abandoned...)
}

func (c *cluster) setPools(pools ipam.Pools, abandoned ...string) {
	c.now, c.abandoned = pools, abandoned
	for n, r := range c.requests {
		for _, all := range []map[string]reported{c.statuses, c.answers} {
			if one, ok := all[n]; ok {
				all[n] = one.follow(r, pools, abandoned)
			}
		}
	}
	c.a.SetPools(pools, abandoned...)
}

func (c *cluster) step(t *testing.T) {
	t.Helper()
	n := fmt.Sprintf("s%02d", c.random.IntN(14))
	_, underWay := c.answers[n]
	switch what := c.random.IntN(40); {
	case what == 0:
		c.editPools()
	case what == 1:
		c.restart()
	case underWay:
		c.write(n)
	case what < 12:
		delete(c.requests, n)
		delete(c.statuses, n)
		c.a.Release(name(n))
	case what < 18:
		c.requests[n] = c.randomRequest(n)
		if status, ok := c.statuses[n]; ok {
			status.met = false
			c.statuses[n] = status
		}
		c.ask(t, n)
	default:
		c.ask(t, n)
	}
}

func (c *cluster) randomRequest(n string) allocator.Request {
	options := []option{created(c.random.IntN(5))}
	switch c.random.IntN(6) {
	case 0:
		options = append(options, pool([]string{"a", "b", "c"}[c.random.IntN(3)]))
	case 1:
		options = append(options, families(v4, v6))
	case 2:
		options = append(options, families(v6, v4), requireAll)
	case 3, 4:
		options = append(options, wants(fmt.Sprintf("192.0.2.%d", c.random.IntN(8))))
	}
	return request(n, options...)
}

// ask lets the service ask again. If its request was met, and is the same, it gets the same answer, unless it was displaced.
func (c *cluster) ask(t *testing.T, n string) {
	t.Helper()
	r, ok := c.requests[n]
	if !ok {
		return
	}
	result, refusal := c.a.Allocate(r)
	answer := reported{assignments: result.Assignments, met: refusal == nil && result.Missing == nil, request: fmt.Sprint(r)}
	before := c.statuses[n]
	if len(before.assignments) > 0 && len(answer.assignments) == 0 {
		t.Fatalf("%s had %v, and now has nothing, refused %v", n, before, refusal)
	}
	if before.met && !before.displaced && before.request == answer.request && (!answer.met || !slices.EqualFunc(before.assignments, answer.assignments, sameAddress)) {
		t.Fatalf("%s had %v, and now, for the same request, has %v, refused %v, missing %v", n, before, answer, refusal, result.Missing)
	}
	c.answers[n] = answer.follow(r, c.now, c.abandoned)
}

func sameAddress(x, y allocator.Assignment) bool { return x.Address == y.Address }

// write tells the answer, or fails to.
func (c *cluster) write(n string) {
	answer := c.answers[n]
	delete(c.answers, n)
	if c.random.IntN(4) == 0 {
		return
	}
	c.statuses[n] = answer
	c.a.Settle(name(n), allocator.Result{Assignments: answer.assignments}.Addresses())
}

// restart forgets everything that was not told.
func (c *cluster) restart() {
	c.a = allocator.New()
	c.a.SetPools(c.now)
	c.abandoned = nil
	clear(c.answers)
	for _, n := range slices.SortedFunc(maps.Keys(c.requests), func(x, y string) int {
		return cmp.Or(c.requests[x].Created.Compare(c.requests[y].Created), cmp.Compare(x, y))
	}) {
		if status := c.statuses[n]; len(status.assignments) > 0 {
			c.a.Hydrate(c.requests[n], status.assignments)
			status.from = nil
			c.statuses[n] = status.follow(c.requests[n], c.now, nil)
		}
	}
}

// check asserts that no address is in the status of two services: none of them shares.
func (c *cluster) check(t *testing.T) {
	t.Helper()
	users := map[string]string{}
	for n, status := range c.statuses {
		for _, as := range status.assignments {
			address := as.Address.String()
			if other, taken := users[address]; taken {
				t.Fatalf("%s is told to %s and to %s", address, n, other)
			}
			users[address] = n
		}
	}
}
