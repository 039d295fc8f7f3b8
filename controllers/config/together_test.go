// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"runtime"
	"testing"

	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// crowd is a configuration in use, of as many pools and advertisements, that changes past the webhook.
type crowd struct {
	config.Inputs
	parser *config.Parser
}

func newCrowd(t *testing.T, size int) *crowd {
	t.Helper()
	c := &crowd{parser: config.NewParser()}
	c.Written.Peers = append(c.Written.Peers, *rackPeer())
	for i := range size {
		c.Written.Pools = append(c.Written.Pools, *builder.MakePool(fmt.Sprintf("pool-%04d", i), rangeOf(i)).Obj())
		c.Written.Advertisements = append(c.Written.Advertisements, *builder.MakeAdvertisement(fmt.Sprintf("adv-%04d", i)).LocalPref(100).Obj())
		c.Written.Advertisements[i].Spec.IPAddressPools = []string{"pool-0000"}
	}
	for o := range c.Written.All() {
		o.SetUID("one")
		o.SetGeneration(1)
	}
	c.apply(config.Next(c.Inputs, c.parser))
	if s := config.Next(c.Inputs, c.parser); s.Invalid() || len(s.Changes) > 0 {
		t.Fatalf("%d changes, %v", len(s.Changes), s.Findings)
	}
	return c
}

func rangeOf(i int) string { return fmt.Sprintf("10.%d.%d.0/24", i/256, i%256) }

func (c *crowd) apply(s *config.Snapshot) {
	for _, change := range s.Changes {
		c.Active = append(c.Active, *change.New)
	}
}

// prefer gives the advertisements from the first one on another local preference.
func (c *crowd) prefer(first int) {
	for i := first; i < len(c.Written.Advertisements); i++ {
		a := &c.Written.Advertisements[i]
		a.Generation, a.Spec.LocalPref = 2, 200
	}
}

// shift gives each pool but the last ones the range of the next one, and the very last that of the first if it is one of them.
func (c *crowd) shift(pools int) {
	for i := range pools {
		p := &c.Written.Pools[i]
		p.Generation, p.Spec.Addresses = 2, []string{rangeOf((i + 1) % len(c.Written.Pools))}
	}
}

// block makes a change that contradicts what is in use, so that not all can be used together.
func (c *crowd) block() {
	o := builder.MakePool("blocked", rangeOf(0)).Obj()
	o.UID, o.Generation = "one", 1
	c.Written.Pools = append(c.Written.Pools, *o)
}

func TestManyThatChangeTogetherCostNoMoreForEachThanOneBesideAsMany(t *testing.T) {
	const size = 40
	for name, tc := range map[string]struct {
		change func(*crowd)
		// held of so many objects.
		held func(size int) int
	}{
		"advertisements, all but one": {
			func(c *crowd) { c.prefer(1) }, func(size int) int { return size - 1 },
		},
		"advertisements, all of them, beside a pool that is rejected": {
			func(c *crowd) { c.prefer(0); c.block() }, func(int) int { return 0 },
		},
		"pools of which each needs the next, and the last is in the way": {
			func(c *crowd) { c.shift(len(c.Written.Pools) - 1); c.block() }, func(size int) int { return size - 1 },
		},
		"pools of which each needs the next, in a ring that would take a route from a service": {
			func(c *crowd) {
				c.State.Holdings = holdings{held("web", "10.0.0.1", "pool-0000")}
				c.shift(len(c.Written.Pools))
				c.block()
			}, func(size int) int { return size },
		},
	} {
		t.Run(name, func(t *testing.T) {
			cost := func(size int) float64 {
				c := newCrowd(t, size)
				tc.change(c)
				if s := config.Next(c.Inputs, c.parser); s.Held != tc.held(size) {
					t.Errorf("%d of %d are held back, want %d: %v", s.Held, size, tc.held(size), s.Findings)
				}
				return testing.AllocsPerRun(1, func() { config.Next(c.Inputs, c.parser) })
			}
			// Each of twice as many is judged beside twice as many.
			if one, two := cost(size), cost(2*size); two > 5*one {
				t.Errorf("twice as many objects cost %.1f times as much", two/one)
			}
		})
	}
}

func TestAnAdvertisementCostsTheAliasesThatItUses(t *testing.T) {
	cost := func(aliases int) float64 {
		c := newCrowd(t, 40)
		community := builder.MakeCommunity("aliases")
		for i := range aliases {
			community.Alias(fmt.Sprintf("alias-%d", i), fmt.Sprintf("1:%d", i))
		}
		c.Written.Communities = append(c.Written.Communities, *community.Obj())
		c.Written.Communities[0].UID, c.Written.Communities[0].Generation = "one", 1
		for i := range c.Written.Advertisements {
			a := &c.Written.Advertisements[i]
			a.Generation, a.Spec.Communities = 2, []string{"alias-0"}
		}
		if s := config.Next(c.Inputs, c.parser); s.Invalid() {
			t.Fatal(s.Findings)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		config.Next(c.Inputs, c.parser)
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	if few, many := cost(1), cost(200); many > 2*few {
		t.Errorf("40 advertisements allocate %.0f bytes beside one alias, and %.0f beside 200", few, many)
	}
}
