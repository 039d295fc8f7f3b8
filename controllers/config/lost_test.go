// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

// exhaustive finds what services would lose by asking of each holding, one by one and without shortcuts.
func exhaustive(before, after config.Objects, state config.ClusterState) config.Impacts {
	was, is := parsedPools(before), parsedPools(after)
	routesBefore, routesAfter := config.NewRoutes(before, state.Nodes), config.NewRoutes(after, state.Nodes)
	compatible := func(pools ipam.Pools, h config.Holding) bool {
		p, found := pools.Find(h.Address)
		return found && p.Admits(h.Service.Namespace, state.NamespaceLabels(h.Service.Namespace), h.Labels) &&
			(h.RequestedPool == "" || h.RequestedPool == p.Name)
	}
	var impacts config.Impacts
	for h := range state.Holdings.All() {
		c := config.Impact{Service: h.Service, Address: h.Address}
		switch {
		case compatible(was, h) && !compatible(is, h):
			impacts = append(impacts, c)
		case len(h.Recorded) == 0 && !compatible(was, h):
		case routesBefore.Announces(h) && !routesAfter.Announces(h):
			c.Loss = config.Route
			impacts = append(impacts, c)
		}
	}
	impacts.Sort()
	return impacts
}

func parsedPools(o config.Objects) ipam.Pools {
	var parsed []ipam.Pool
	for i := range o.Pools {
		if p, errs := ipam.ParsePool(&o.Pools[i]); len(errs) == 0 {
			parsed = append(parsed, p)
		}
	}
	return ipam.NewPools(parsed...)
}

// generator makes small configurations at random, in which things often meet.
type generator struct{ *rand.Rand }

func (g *generator) some(list ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(string) bool { return g.IntN(3) > 0 })
}

func (g *generator) one(list ...string) string { return list[g.IntN(len(list))] }

// selectors returns none, more often than not, or one or two.
func (g *generator) selectors() []metav1.LabelSelector {
	var list []metav1.LabelSelector
	for _, value := range g.some("1", "2") {
		if g.IntN(2) == 0 {
			list = append(list, selecting("l", value))
		}
	}
	return list
}

func (g *generator) labels() map[string]string {
	return map[string]string{"l": g.one("1", "2", "3")}
}

func (g *generator) pool(i int) v1beta1.IPAddressPool {
	// Each has ranges of its own, so that few overlap.
	ranges := []string{"10.0.%d.0/28", "10.0.%d.16-10.0.%[1]d.18", "10.0.%d.32/28", "2001:db8:%d::/124"}
	p := v1beta1.IPAddressPool{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("pool-%d", i), Labels: g.labels()}}
	for _, r := range ranges {
		if g.IntN(3) > 0 {
			p.Spec.Addresses = append(p.Spec.Addresses, fmt.Sprintf(r, i))
		}
	}
	if g.IntN(10) == 0 {
		p.Spec.Addresses = append(p.Spec.Addresses, "10.0.1.0/29")
	}
	p.Spec.AvoidBuggyIPs = g.IntN(4) == 0
	if g.IntN(3) == 0 {
		p.Spec.AllocateTo = &v1beta1.ServiceAllocation{
			Priority: g.IntN(3), Namespaces: g.some("a", "b"), NamespaceSelectors: g.selectors(), ServiceSelectors: g.selectors(),
		}
	}
	return p
}

func (g *generator) objects() config.Objects {
	var o config.Objects
	for i := range 3 {
		if g.IntN(6) > 0 {
			o.Pools = append(o.Pools, g.pool(i))
		}
		peer := v1beta2.BGPPeer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("peer-%d", i)}}
		peer.Spec = v1beta2.BGPPeerSpec{MyASN: 1, ASN: 2, Address: g.one("192.0.2.1", "2001:db8::1", "nonsense"), NodeSelectors: g.selectors()}
		o.Peers = append(o.Peers, peer)
		if g.IntN(2) > 0 {
			o.Communities = append(o.Communities, v1beta1.Community{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("community-%d", i)},
				Spec:       v1beta1.CommunitySpec{Communities: []v1beta1.CommunityAlias{{Name: g.one("x", "y"), Value: g.one("1:2", "1:2", "none")}}},
			})
		}
		if g.IntN(3) > 0 {
			o.Advertisements = append(o.Advertisements, g.advertisement(i))
		}
	}
	return o
}

func (g *generator) advertisement(i int) v1beta1.BGPAdvertisement {
	a := v1beta1.BGPAdvertisement{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("adv-%d", i)}}
	if g.IntN(2) == 0 {
		a.Spec.IPAddressPools = g.some("pool-0", "pool-1", "pool-2", "gone")
		a.Spec.IPAddressPoolSelectors = g.selectors()
	}
	a.Spec.NodeSelectors = g.selectors()
	if a.Spec.ServiceSelectors = g.selectors(); len(a.Spec.ServiceSelectors) == 0 && g.IntN(3) == 0 {
		a.Spec.AggregationLength = new(int32(27 + g.IntN(3)))
	}
	if g.IntN(3) == 0 {
		a.Spec.Peers = []string{g.one("peer-0", "peer-1")}
	}
	if g.IntN(4) == 0 {
		a.Spec.Communities = g.some("x", "y", "1:2")
	}
	return a
}

func (g *generator) state() config.ClusterState {
	held := make([]config.Holding, 0, 60)
	for i := range 60 {
		address := netip.AddrFrom4([4]byte{10, 0, byte(i % 3), byte(i)})
		if i%4 == 0 {
			address = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, byte(i % 3), 15: byte(i)})
		}
		h := config.Holding{
			Service: types.NamespacedName{Namespace: g.one("a", "b", "c"), Name: fmt.Sprintf("service-%d", i)}, Labels: g.labels(), Address: address,
		}
		if g.IntN(5) > 0 {
			h.Recorded = []string{fmt.Sprintf("pool-%d", i%3)}
		}
		switch g.IntN(12) {
		case 0:
			h.Recorded = append(h.Recorded, g.one("pool-0", "pool-1", "gone"))
		case 1:
			h.Recorded = []string{"gone"}
		case 2:
			h.RequestedPool = fmt.Sprintf("pool-%d", i%3)
		case 3:
			h.Recorded = []string{"forgotten"}
		}
		held = append(held, h)
	}
	nodes := []config.Node{{Name: "n1", Labels: g.labels()}, {Name: "n2", Labels: g.labels()}}
	if g.IntN(4) == 0 {
		nodes[0].Labels["node.kubernetes.io/exclude-from-external-load-balancers"] = ""
	}
	return config.ClusterState{
		Holdings: newStock(held), Nodes: nodes,
		NamespaceLabels: func(name string) labels.Set { return labels.Set{"l": map[string]string{"a": "1", "b": "2"}[name]} },
	}
}

// mutate returns the configuration with some of its objects replaced, added or removed.
func (g *generator) mutate(o config.Objects) config.Objects {
	fresh := g.objects()
	switch g.IntN(6) {
	case 0:
		o.Pools = fresh.Pools
	case 1:
		o.Advertisements = fresh.Advertisements
	case 2:
		o.Peers = fresh.Peers
	case 3:
		o.Communities = fresh.Communities
	case 4:
		o.Pools = slices.DeleteFunc(slices.Clone(o.Pools), func(v1beta1.IPAddressPool) bool { return g.IntN(3) == 0 })
	default:
		o = fresh
	}
	return o
}

func TestWhatIsLostIsWhatAnExhaustiveSearchFinds(t *testing.T) {
	t.Parallel()
	losses := map[config.Loss]int{}
	for seed := range uint64(600) {
		g := &generator{rand.New(rand.NewPCG(seed, 0))}
		before, state := g.objects(), g.state()
		after := g.mutate(before)
		if unparsed(before) {
			continue // What was recorded from a pool that did not parse is another matter; see the tables.
		}
		want := exhaustive(before, after, state)
		for _, c := range want {
			losses[c.Loss]++
		}
		if diff := cmp.Diff(want, config.Lost(before, after, state), cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Fatalf("seed %d: (-want +got):\n%s", seed, diff)
		}
	}
	if losses[config.Ownership] < 100 || losses[config.Route] < 100 {
		t.Errorf("found %v, which is too few for this to mean anything", losses)
	}
}

// unparsed reports whether a pool does not parse.
func unparsed(o config.Objects) bool { return len(parsedPools(o)) < len(o.Pools) }
