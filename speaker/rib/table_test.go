// SPDX-License-Identifier: Apache-2.0

package rib_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/rib"
)

// byPeer are the paths of one owner.
type byPeer = map[string][]rib.Path

func community(t *testing.T, s string) bgp.Community {
	t.Helper()
	c, err := bgp.ParseCommunity(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func path(t *testing.T, prefix string, localPref uint32, communities ...string) rib.Path {
	t.Helper()
	p := rib.Path{Prefix: netip.MustParsePrefix(prefix), LocalPref: localPref}
	for _, c := range communities {
		p.Communities = append(p.Communities, community(t, c))
	}
	return p
}

func prepending(p rib.Path, times uint8) rib.Path {
	p.ASPathPrepend = times
	return p
}

func withMED(p rib.Path, med uint32) rib.Path {
	p.MED = bgp.NewMED(&med)
	return p
}

func weighing(p rib.Path, weight uint32) rib.Path {
	p.Weight = weight
	return p
}

func draining(p rib.Path) rib.Path {
	p.Draining = true
	return p
}

func prefixes(s ...string) []netip.Prefix {
	all := make([]netip.Prefix, 0, len(s))
	for _, p := range s {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

var comparable = cmp.Options{
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b bgp.Community) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

// sessions follow a table for some peers.
type sessions struct {
	*rib.Table

	feeds []*rib.Feed
}

// newSessions have taken that there is nothing to tell.
func newSessions(peers ...string) *sessions {
	s := &sessions{Table: rib.NewTable()}
	for _, peer := range peers {
		s.feeds = append(s.feeds, s.Subscribe(peer, func() {}))
	}
	s.take()
	return s
}

// take returns what the peers are told.
func (s *sessions) take() []rib.Change {
	var changes []rib.Change
	for _, f := range s.feeds {
		if c, found := f.Take(); found {
			changes = append(changes, c)
			f.Done()
		}
	}
	return changes
}

func TestPeersAreToldExactlyWhatChanges(t *testing.T) {
	t.Parallel()
	type step struct {
		owner string
		paths byPeer
		want  []rib.Change
	}
	host, other, aggregate := path(t, "198.51.100.1/32", 0), path(t, "198.51.100.2/32", 0), path(t, "198.51.100.0/24", 0)
	tagged := path(t, "198.51.100.0/24", 100, "64512:2")
	tests := map[string][]step{
		"a new path is announced to each of its peers": {
			{"a", byPeer{"p1": {host}, "p2": {host}}, []rib.Change{
				{Peer: "p1", Announce: []rib.Path{host}}, {Peer: "p2", Announce: []rib.Path{host}},
			}},
		},
		"the same paths again are no change": {
			{"a", byPeer{"p1": {host}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{host}}}},
			{"a", byPeer{"p1": {host}}, nil},
		},
		"changes are sorted by prefix": {
			{"a", byPeer{"p1": {other, host, aggregate}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{aggregate, host, other}}}},
			{"a", nil, []rib.Change{{Peer: "p1", Withdraw: prefixes("198.51.100.0/24", "198.51.100.1/32", "198.51.100.2/32")}}},
		},
		"an address that moves is announced and the old one withdrawn": {
			{"a", byPeer{"p1": {host}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{host}}}},
			{"a", byPeer{"p1": {other}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{other}, Withdraw: prefixes("198.51.100.1/32")}}},
		},
		"a peer that is left is told, the other is not": {
			{"a", byPeer{"p1": {host}, "p2": {host}}, []rib.Change{
				{Peer: "p1", Announce: []rib.Path{host}}, {Peer: "p2", Announce: []rib.Path{host}},
			}},
			{"a", byPeer{"p2": {host}}, []rib.Change{{Peer: "p1", Withdraw: prefixes("198.51.100.1/32")}}},
		},
		"a shared prefix stays until its last owner goes": {
			{"a", byPeer{"p1": {aggregate}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{aggregate}}}},
			{"b", byPeer{"p1": {aggregate}}, nil},
			{"a", nil, nil},
			{"b", nil, []rib.Change{{Peer: "p1", Withdraw: prefixes("198.51.100.0/24")}}},
		},
		"owners that differ about a prefix are announced as one path with all communities and the highest preference": {
			{"a", byPeer{"p1": {path(t, "198.51.100.0/24", 50, "64512:1", "large:1:2:3")}}, []rib.Change{
				{Peer: "p1", Announce: []rib.Path{path(t, "198.51.100.0/24", 50, "64512:1", "large:1:2:3")}},
			}},
			{"b", byPeer{"p1": {tagged}}, []rib.Change{
				{Peer: "p1", Announce: []rib.Path{path(t, "198.51.100.0/24", 100, "64512:1", "64512:2", "large:1:2:3")}},
			}},
			{"a", nil, []rib.Change{{Peer: "p1", Announce: []rib.Path{tagged}}}},
		},
		"of owners that differ about the AS path of a prefix the one with the shortest has his way": {
			{"a", byPeer{"p1": {prepending(host, 3)}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{prepending(host, 3)}}}},
			{"b", byPeer{"p1": {prepending(host, 1)}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{prepending(host, 1)}}}},
			{"c", byPeer{"p1": {prepending(host, 2)}}, nil},
			{"b", nil, []rib.Change{{Peer: "p1", Announce: []rib.Path{prepending(host, 2)}}}},
		},
		"of owners that differ about the MED of a prefix the one with the lowest has his way, and none is lower": {
			{"a", byPeer{"p1": {withMED(host, 30)}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{withMED(host, 30)}}}},
			{"b", byPeer{"p1": {withMED(host, 10)}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{withMED(host, 10)}}}},
			{"c", byPeer{"p1": {withMED(host, 0)}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{withMED(host, 0)}}}},
			{"d", byPeer{"p1": {host}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{host}}}},
			{"c", nil, nil},
			{"d", nil, []rib.Change{{Peer: "p1", Announce: []rib.Path{withMED(host, 10)}}}},
		},
		"of owners that differ about the weight of a prefix the one with the highest has his way, if all have one": {
			{"a", byPeer{"p1": {weighing(host, 1)}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{weighing(host, 1)}}}},
			{"b", byPeer{"p1": {weighing(host, 3)}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{weighing(host, 3)}}}},
			{"a", byPeer{"p1": {weighing(host, 2)}}, nil},
			{"c", byPeer{"p1": {host}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{host}}}},
			{"b", nil, nil},
			{"c", nil, []rib.Change{{Peer: "p1", Announce: []rib.Path{weighing(host, 2)}}}},
		},
		"a prefix drains when all owners of it do": {
			{"a", byPeer{"p1": {host}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{host}}}},
			{"b", byPeer{"p1": {draining(host)}}, nil},
			{"a", byPeer{"p1": {draining(host)}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{draining(host)}}}},
			{"b", byPeer{"p1": {host}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{host}}}},
			{"b", nil, []rib.Change{{Peer: "p1", Announce: []rib.Path{draining(host)}}}},
		},
		"another AS path is announced in place of the one before": {
			{"a", byPeer{"p1": {host}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{host}}}},
			{"a", byPeer{"p1": {prepending(host, 2)}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{prepending(host, 2)}}}},
			{"a", byPeer{"p1": {prepending(host, 2)}}, nil},
			{"a", byPeer{"p1": {host}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{host}}}},
		},
		"an owner may contribute a prefix twice": {
			{"a", byPeer{"p1": {aggregate, tagged}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{tagged}}}},
			{"a", byPeer{"p1": {aggregate}}, []rib.Change{{Peer: "p1", Announce: []rib.Path{aggregate}}}},
		},
		"removing an owner that is not there is no change": {
			{"a", nil, nil},
			{"a", byPeer{"p1": {}}, nil},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := newSessions("p1", "p2")
			for i, s := range steps {
				table.Set(s.owner, s.paths)
				if diff := cmp.Diff(s.want, table.take(), comparable); diff != "" {
					t.Errorf("step %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func TestSetAllTellsNothingOfStatesInBetween(t *testing.T) {
	t.Parallel()
	before, after := path(t, "198.51.100.0/24", 0, "64512:1"), path(t, "198.51.100.0/24", 0, "64512:2")
	table := newSessions("p")
	table.SetAll(map[string]byPeer{"a": {"p": {before}}, "b": {"p": {before}}, "c": {"p": {before}}})
	table.take()

	table.SetAll(map[string]byPeer{"a": {"p": {after}}, "b": {"p": {after}}, "c": {"p": {after}}})
	if diff := cmp.Diff([]rib.Change{{Peer: "p", Announce: []rib.Path{after}}}, table.take(), comparable); diff != "" {
		t.Errorf("SetAll (-want +got):\n%s", diff)
	}
	table.SetAll(map[string]byPeer{"a": nil, "d": {"p": {after}}})
	if got := table.take(); got != nil {
		t.Errorf("handing a prefix from one owner to another changed %v, want nothing", got)
	}
}

// TestTableAgreesWithANaiveModel applies random changes and checks that peers who follow the changes know what a model
// that merges everything anew says they should.
func TestTableAgreesWithANaiveModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			table, owners, told := newSessions("p0", "p1", "p2"), map[string]byPeer{}, map[string]map[netip.Prefix]rib.Path{}
			for range 200 {
				batch := map[string]byPeer{}
				for range 1 + random.IntN(3) {
					batch[fmt.Sprint("owner", random.IntN(8))] = randomPaths(t, random)
				}
				maps.Copy(owners, batch)
				table.SetAll(batch)
				follow(t, told, table.take())
				for _, peer := range []string{"p0", "p1", "p2"} {
					want := model(owners, peer)
					if diff := cmp.Diff(want, table.Paths(peer), comparable); diff != "" {
						t.Fatalf("Paths(%s) (-model +table):\n%s", peer, diff)
					}
					if diff := cmp.Diff(want, sorted(told[peer]), comparable); diff != "" {
						t.Fatalf("what %s was told (-model +told):\n%s", peer, diff)
					}
				}
			}
			for owner := range owners {
				table.Set(owner, nil)
				follow(t, told, table.take())
			}
			if left := table.Peers(); len(left)+len(table.Contributions()) > 0 {
				t.Errorf("an empty table keeps %v, %v", left, table.Contributions())
			}
		})
	}
}

func randomPaths(t *testing.T, random *rand.Rand) byPeer {
	t.Helper()
	paths := byPeer{}
	for range random.IntN(4) {
		peer := fmt.Sprint("p", random.IntN(3))
		p := path(t, fmt.Sprintf("198.51.100.%d/32", random.IntN(4)), uint32(random.IntN(2)*100))
		p.Draining = random.IntN(3) == 0
		p.Weight = uint32(random.IntN(3))
		if med := uint32(random.IntN(3)); med > 0 {
			p.MED = bgp.NewMED(new(med - 1))
		}
		for n := range 2 {
			if random.IntN(2) == 0 {
				p.Communities = append(p.Communities, community(t, fmt.Sprintf("64512:%d", n)))
			}
		}
		paths[peer] = append(paths[peer], p)
	}
	return paths
}

// follow does what a peer does with changes, and checks that each change is one.
func follow(t *testing.T, told map[string]map[netip.Prefix]rib.Path, changes []rib.Change) {
	t.Helper()
	for _, c := range changes {
		if told[c.Peer] == nil {
			told[c.Peer] = map[netip.Prefix]rib.Path{}
		}
		for _, p := range c.Announce {
			if was, known := told[c.Peer][p.Prefix]; known && was.Equal(p) {
				t.Fatalf("%s is told of %v again", c.Peer, p)
			}
			told[c.Peer][p.Prefix] = p
		}
		for _, p := range c.Withdraw {
			if _, known := told[c.Peer][p]; !known {
				t.Fatalf("%s is told to forget %s, which it does not know", c.Peer, p)
			}
			delete(told[c.Peer], p)
		}
	}
}

func model(owners map[string]byPeer, peer string) []rib.Path {
	merged := map[netip.Prefix]rib.Path{}
	for _, paths := range owners {
		for _, p := range paths[peer] {
			if other, found := merged[p.Prefix]; found {
				p = rib.Merge(p, other)
			}
			merged[p.Prefix] = p
		}
	}
	return sorted(merged)
}

func sorted(paths map[netip.Prefix]rib.Path) []rib.Path {
	all := make([]rib.Path, 0, len(paths))
	for _, p := range paths {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b rib.Path) int { return a.Prefix.Compare(b.Prefix) })
	return all
}

// BenchmarkSet shows that what a change costs does not depend on the size of the table, nor on how many owners share an
// aggregate.
func BenchmarkSet(b *testing.B) {
	for _, size := range []int{100, 10_000, 100_000} {
		for _, kind := range []string{"host routes", "one aggregate"} {
			b.Run(fmt.Sprintf("%s/%d owners", kind, size), func(b *testing.B) {
				table := newSessions("p1", "p2", "p3")
				paths := func(i int) byPeer {
					p := rib.Path{Prefix: netip.MustParsePrefix("10.0.0.0/8")}
					if kind == "host routes" {
						p.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
					}
					return byPeer{"p1": {p}, "p2": {p}, "p3": {p}}
				}
				for i := range size {
					table.Set(fmt.Sprint(i), paths(i))
				}
				table.take()
				there, gone := paths(size), byPeer(nil)
				b.ReportAllocs()
				for b.Loop() {
					table.Set("changing", there)
					table.take()
					table.Set("changing", gone)
					table.take()
				}
			})
		}
	}
}
