// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

// model is a plain account of who holds what, against which an allocator is checked.
type model struct {
	requests map[string]allocator.Request
	held     map[string][]netip.Addr
}

// users returns the services that hold the address.
func (m *model) users(a netip.Addr) []string {
	var found []string
	for n, addresses := range m.held {
		if slices.Contains(addresses, a) {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return found
}

// mayShare applies the rules of sharing to two requests.
func mayShare(x, y allocator.Sharing) bool {
	if x.Key == "" || x.Key != y.Key || x.Local != y.Local || x.Local && x.Endpoints != y.Endpoints {
		return false
	}
	return !slices.ContainsFunc(x.Ports, func(p allocator.Port) bool { return slices.Contains(y.Ports, p) })
}

// firstFit is the address that a scan of the only pool finds first.
func (m *model) firstFit(p *ipam.Pool, r allocator.Request) netip.Addr {
	for _, span := range p.Ranges {
		for a := span.From; span.Contains(a); a = a.Next() {
			if !p.Contains(a) {
				continue
			}
			fits := !slices.ContainsFunc(m.users(a), func(n string) bool { return !mayShare(m.requests[n].Sharing, r.Sharing) })
			if fits {
				return a
			}
		}
	}
	return netip.Addr{}
}

func TestRandomOperationsAgreeWithAScan(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			object := builder.MakePool("a", "192.0.2.240-192.0.3.20", "10.0.0.250-10.0.1.10")
			if seed%2 == 0 {
				object.AvoidBuggyIPs()
			}
			pools := parse(t, object)
			a := allocator.New()
			a.SetPools(pools)
			m := &model{requests: map[string]allocator.Request{}, held: map[string][]netip.Addr{}}
			for range 1500 {
				m.step(t, a, &pools[0], random)
			}
		})
	}
}

// step releases a service that holds something, or lets one allocate, and compares.
func (m *model) step(t *testing.T, a *allocator.Allocator, p *ipam.Pool, random *rand.Rand) {
	t.Helper()
	n := fmt.Sprintf("s%d", random.IntN(90))
	if len(m.held[n]) > 0 {
		a.Release(name(n))
		delete(m.held, n)
		return
	}
	r := request(n)
	if random.IntN(3) == 0 {
		r = request(n, shares(fmt.Sprintf("k%d", random.IntN(3)), int32(random.IntN(4)+1)))
	}
	want := m.firstFit(p, r)
	result, refusal := a.Allocate(r)
	switch {
	case refusal != nil && want.IsValid():
		t.Fatalf("%s is refused (%s), but %s is free", n, refusal, want)
	case refusal != nil:
		a.Withdraw(name(n))
	case !slices.Equal(result.Addresses(), []netip.Addr{want}):
		t.Fatalf("%s got %v, want %s", n, result.Addresses(), want)
	default:
		m.requests[n], m.held[n] = r, result.Addresses()
	}
}

// TestRandomChangesKeepTheInvariants changes requests and pools too, with services waiting.
func TestRandomChangesKeepTheInvariants(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			first, second := newWorld(t, seed), newWorld(t, seed)
			for i := range 1500 {
				first.step(t)
				second.step(t)
				if i%50 == 0 {
					first.check(t, second)
				}
			}
			if first.moves < 20 {
				t.Errorf("%d addresses had to be left, which is not put to the test", first.moves)
			}
		})
	}
}

// world applies random operations to an allocator.
type world struct {
	random   *rand.Rand
	pools    []ipam.Pools
	now      ipam.Pools
	a        *allocator.Allocator
	requests map[string]allocator.Request
	// moves counts the addresses that services had to leave.
	moves int
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		random: rand.New(rand.NewPCG(seed, 1)),
		a:      allocator.New(), requests: map[string]allocator.Request{},
		pools: []ipam.Pools{
			parse(t, builder.MakePool("a", "192.0.2.0/28"), builder.MakePool("b", "2001:db8::/124", "198.51.100.0/29")),
			parse(t, builder.MakePool("a", "192.0.2.0/27").AvoidBuggyIPs(), builder.MakePool("c", "2001:db8::/125")),
			parse(t, builder.MakePool("a", "192.0.2.8/29"), builder.MakePool("b", "198.51.100.0/28", "2001:db8::/120")),
			parse(t, builder.MakePool("a", "192.0.2.0/28").ServicesWithLabel("class", "gold"), builder.MakePool("c", "198.51.100.0/27")),
		},
	}
	w.now = w.pools[0]
	w.a.SetPools(w.now)
	return w
}

func (w *world) step(t *testing.T) {
	t.Helper()
	n := fmt.Sprintf("s%02d", w.random.IntN(60))
	switch w.random.IntN(10) {
	case 0:
		w.editPools(t)
	case 1, 2, 3:
		w.a.Release(name(n))
		delete(w.requests, n)
	case 4:
		w.a.Settle(name(n), w.a.Withdraw(name(n)).Addresses())
	default:
		r := w.randomRequest(n)
		w.requests[n] = r
		w.a.Allocate(r)
	}
}

func (w *world) randomRequest(n string) allocator.Request {
	options := []option{created(w.random.IntN(5))}
	switch w.random.IntN(6) {
	case 0:
		options = append(options, families(v6))
	case 1:
		options = append(options, families(v4, v6))
	case 2:
		options = append(options, families(v6, v4), requireAll)
	case 3:
		options = append(options, wants(fmt.Sprintf("192.0.2.%d", w.random.IntN(20))))
	}
	if w.random.IntN(3) == 0 {
		options = append(options, labelled("class", "gold"))
	}
	if w.random.IntN(2) == 0 {
		options = append(options, shares(fmt.Sprintf("k%d", w.random.IntN(2)), int32(w.random.IntN(3)+1)))
	}
	return request(n, options...)
}

// state returns what every service holds and which requests are met, after all have been asked and told once more: who has
// to leave what it was not told yet moves only then.
func (w *world) state() (held map[string][]allocator.Assignment, met map[string]bool) {
	w.ask()
	return w.ask()
}

func (w *world) ask() (held map[string][]allocator.Assignment, met map[string]bool) {
	held, met = map[string][]allocator.Assignment{}, map[string]bool{}
	for _, n := range slices.Sorted(maps.Keys(w.requests)) {
		result, refusal := w.a.Allocate(w.requests[n])
		w.a.Settle(name(n), result.Addresses())
		met[n] = refusal == nil
		held[n] = result.Assignments
	}
	return held, met
}

// editPools uses other pools, some of which allow disruption, and checks that every service whose request is met keeps
// what it holds, but for what it has to leave and can exchange for something else.
func (w *world) editPools(t *testing.T) {
	t.Helper()
	pools, abandoned := override(w.random, w.pools[w.random.IntN(len(w.pools))], w.now)
	before, met := w.state()
	w.now = pools
	w.a.SetPools(pools, abandoned...)
	after, metAfter := w.state()
	for n, assignments := range before {
		if len(assignments) > 0 && len(after[n]) == 0 {
			t.Fatalf("%s had %v and has nothing", n, assignments)
		}
		for _, as := range assignments {
			of := func(now allocator.Assignment) bool {
				return allocator.FamilyOf(now.Address) == allocator.FamilyOf(as.Address)
			}
			if met[n] && !slices.ContainsFunc(after[n], of) {
				t.Fatalf("%s had %v and has nothing of that family", n, as)
			}
			kept := slices.ContainsFunc(after[n], func(now allocator.Assignment) bool { return sameAddress(as, now) })
			_, displaced := isDisplaced(w.requests[n], as.Address, as.Pool, pools, abandoned)
			switch {
			case met[n] && !kept && !displaced:
				t.Fatalf("%s had %v and has %v, which it need not have left", n, as, after[n])
			case kept && displaced && metAfter[n]:
				t.Fatalf("%s has %v still, which it has to leave, and that is no refusal", n, as)
			case displaced && !kept:
				w.moves++
			}
		}
	}
}

// override lets some of the pools allow disruption, and some of those that were there before and are gone.
func override(random *rand.Rand, pools, before ipam.Pools) (overridden ipam.Pools, abandoned []string) {
	overridden = slices.Clone(pools)
	for i := range overridden {
		overridden[i].AllowDisruption = random.IntN(2) == 0
	}
	for _, p := range before {
		if _, ok := pools.ByName(p.Name); !ok && random.IntN(2) == 0 {
			abandoned = append(abandoned, p.Name)
		}
	}
	return overridden, abandoned
}

// isDisplaced returns the pool that the service holds the address from: the one that contains it, unless the service names
// the one that did; and whether the service has to leave it.
func isDisplaced(r allocator.Request, a netip.Addr, from string, pools ipam.Pools, abandoned []string) (string, bool) {
	if p, ok := pools.Find(a); ok && (r.Pool == "" || r.Pool != from) {
		from = p.Name
	}
	p, ok := pools.ByName(from)
	if !ok {
		return from, slices.Contains(abandoned, from)
	}
	if p.Contains(a) {
		return from, !p.Admits(r.Service.Namespace, r.NamespaceLabels, r.Labels)
	}
	return from, p.AllowDisruption
}

// check asserts that no address is held twice unless it is shared, that the counts are possible, and that another world
// with the same history is the same.
func (w *world) check(t *testing.T, other *world) {
	t.Helper()
	held, met := w.state()
	otherHeld, _ := other.state()
	if diff := cmp.Diff(held, otherHeld, compareAddresses()); diff != "" {
		t.Fatalf("the same operations had different results:\n%s", diff)
	}
	users := map[string][]string{}
	for n, assignments := range held {
		for _, as := range assignments {
			users[as.Address.String()] = append(users[as.Address.String()], n)
		}
	}
	for address, list := range users {
		for i, x := range list {
			for _, y := range list[:i] {
				// Only services whose present request is met hold their address on its terms.
				if met[x] && met[y] && !mayShare(w.requests[x].Sharing, w.requests[y].Sharing) {
					t.Errorf("%s is held by %s and %s, which do not share", address, x, y)
				}
			}
		}
	}
	for pool, c := range w.a.Counts() {
		if c.AvailableIPv4 < 0 || c.AvailableIPv6 < 0 || c.AssignedIPv4 < c.SizeIPv4-c.AvailableIPv4 {
			t.Errorf("pool %s: impossible counts %+v", pool, c)
		}
	}
}
