// SPDX-License-Identifier: Apache-2.0

package coverage_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/coverage"
	"metallb.io/metallb/test/builder"
)

// setting is a configuration in the making.
type setting []interface{ addTo(*config.Objects) }

type (
	pool          builder.Pool
	peer          builder.Peer
	advertisement builder.Advertisement
	community     builder.Community
)

func (p *pool) addTo(o *config.Objects) { o.Pools = append(o.Pools, *(*builder.Pool)(p).Obj()) }
func (p *peer) addTo(o *config.Objects) { o.Peers = append(o.Peers, *(*builder.Peer)(p).Obj()) }
func (a *advertisement) addTo(o *config.Objects) {
	o.Advertisements = append(o.Advertisements, *(*builder.Advertisement)(a).Obj())
}
func (c *community) addTo(o *config.Objects) {
	o.Communities = append(o.Communities, *(*builder.Community)(c).Obj())
}

func (s setting) objects() (o config.Objects) {
	for _, one := range s {
		one.addTo(&o)
	}
	return o
}

// all returns the objects, by kind and name.
func all(o config.Objects) map[string]client.Object {
	found := map[string]client.Object{}
	for i := range o.Pools {
		found["pool "+o.Pools[i].Name] = &o.Pools[i]
	}
	for i := range o.Peers {
		found["peer "+o.Peers[i].Name] = &o.Peers[i]
	}
	for i := range o.Advertisements {
		found["advertisement "+o.Advertisements[i].Name] = &o.Advertisements[i]
	}
	return found
}

// waived returns what is waived on the way from one configuration to the next.
func waived(before, after config.Objects) coverage.Waived {
	var w coverage.Waivers
	next := all(after)
	for key, was := range all(before) {
		is := next[key]
		if is != nil && !equality.Semantic.DeepEqual(was, is) {
			is.SetGeneration(was.GetGeneration() + 1)
		}
		w.Note(was, is)
	}
	return w.Take()
}

// step is a change, and what is lost after it.
type step struct {
	// objects is the configuration from now on, unless it is empty.
	objects setting
	// nodes there are from now on, unless it is nil.
	nodes []config.Node
	// observe has only the service looked at.
	observe string
	// holdings from now on, unless it is nil.
	holdings []config.Holding
	// want are the claims, as SERVICE ADDRESS POOL.
	want []string
	// wantWoken are the pools whose status is to be looked at.
	wantWoken []string
	// wantAny is whether any loss is known that a pool tells of.
	wantAny bool
}

func held(service, address string, recorded ...string) config.Holding {
	return config.Holding{
		Service: types.NamespacedName{Namespace: "default", Name: service}, Labels: labels.Set{"app": service},
		Address: netip.MustParseAddr(address), Recorded: recorded,
	}
}

func onePool(edits ...func(*builder.Pool)) *pool {
	p := builder.MakePool("one", "198.51.100.0/24").Label("zone", "a")
	for _, edit := range edits {
		edit(p)
	}
	return (*pool)(p)
}

func twoPool() *pool { return (*pool)(builder.MakePool("two", "203.0.113.0/24")) }

func router() *peer { return (*peer)(builder.MakePeer("router", "192.0.2.1")) }

func adv(a *builder.Advertisement) *advertisement { return (*advertisement)(a) }

func every() *advertisement { return adv(builder.MakeAdvertisement("every")) }

// zone announces pool one as long as that has its label.
func zone() *advertisement { return adv(builder.MakeAdvertisement("zone").PoolsWithLabel("zone", "a")) }

func (a *advertisement) allowDisruption() *advertisement {
	return adv((*builder.Advertisement)(a).AllowDisruption())
}

func node(rack string) []config.Node {
	return []config.Node{{Name: "node", Labels: labels.Set{"rack": rack}}}
}

// web is what is held in most of the tests.
func web() []config.Holding { return []config.Holding{held("web", "198.51.100.1", "one")} }

func TestCoverage(t *testing.T) {
	t.Parallel()
	whole := setting{onePool(), router(), every()}
	bare := setting{onePool(), router()}
	lost := step{objects: bare, want: []string{"web 198.51.100.1 one"}, wantWoken: []string{"one"}, wantAny: true}
	start := step{objects: whole, holdings: web(), wantWoken: []string{"one"}}
	for name, steps := range map[string][]step{
		"the last advertisement goes and comes back":     {start, lost, {objects: whole, wantWoken: []string{"one"}}},
		"the last peer goes and comes back":              {start, {objects: setting{onePool(), every()}, want: lost.want, wantWoken: lost.wantWoken, wantAny: true}, {objects: whole, wantWoken: []string{"one"}}},
		"the service is released":                        {start, lost, {observe: "web", holdings: []config.Holding{}, wantWoken: []string{"one"}}},
		"the service gets another address":               {start, lost, {observe: "web", holdings: []config.Holding{held("web", "203.0.113.1", "two")}, wantWoken: []string{"one"}}},
		"another service is released":                    {start, lost, {observe: "other", want: lost.want, wantAny: true}},
		"the service changes and is not announced still": {start, lost, {observe: "web", want: lost.want, wantAny: true}},
		"the service is released unseen":                 {start, lost, {objects: bare, holdings: []config.Holding{}, wantWoken: []string{"one"}}},
		"what is lost stays lost whatever else changes":  {start, lost, {objects: append(bare, twoPool()), want: lost.want, wantAny: true}},
		"a pool that nobody ever advertised is no fault": {
			{objects: bare, holdings: web(), wantWoken: []string{"one"}}, {objects: append(bare, twoPool())},
		},
		"one of two advertisements goes": {
			{objects: append(whole, adv(builder.MakeAdvertisement("one", "one"))), holdings: web(), wantWoken: []string{"one"}}, {objects: whole},
		},
		"the advertisement is narrowed to another pool": {
			start, {objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every", "two"))}, want: lost.want, wantWoken: lost.wantWoken, wantAny: true},
		},
		"the advertisement is narrowed to other services": {
			start,
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every").ServicesWithLabel("app", "db"))}, want: lost.want, wantWoken: lost.wantWoken, wantAny: true},
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every").ServicesWithLabel("app", "web"))}, wantWoken: lost.wantWoken},
		},
		"the advertisement is narrowed to other peers": {
			start, {objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every").Peers("nobody"))}, want: lost.want, wantWoken: lost.wantWoken, wantAny: true},
		},
		"the advertisement is narrowed to other nodes": {
			{objects: whole, nodes: node("1"), holdings: web(), wantWoken: []string{"one"}},
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every").NodesWithLabel("rack", "2"))}, want: lost.want, wantWoken: lost.wantWoken, wantAny: true},
			{nodes: node("2"), wantWoken: []string{"one"}},
		},
		"the pool is relabelled": {
			{objects: setting{onePool(), router(), zone()}, holdings: web(), wantWoken: []string{"one"}},
			{
				objects: setting{onePool(func(p *builder.Pool) { p.Label("zone", "b") }), router(), zone()},
				want:    lost.want, wantWoken: lost.wantWoken, wantAny: true,
			},
		},
		"the pool is renamed, and the advertisement names the old one": {
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("one", "one"))}, holdings: web(), wantWoken: []string{"one"}},
			{
				objects: setting{(*pool)(builder.MakePool("new", "198.51.100.0/24")), router(), adv(builder.MakeAdvertisement("one", "one"))},
				want:    []string{"web 198.51.100.1 new"}, wantWoken: []string{"new"}, wantAny: true,
			},
		},
		"a pool that is gone tells of nothing, and tells again when it is back": {
			start, {objects: setting{router()}}, {objects: bare, want: lost.want, wantWoken: lost.wantWoken, wantAny: true},
		},
		"services give up the label that is selected": {
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("web").ServicesWithLabel("app", "web"))}, holdings: web(), wantWoken: []string{"one"}},
			{observe: "web", holdings: []config.Holding{{
				Service: types.NamespacedName{Namespace: "default", Name: "web"}, Address: netip.MustParseAddr("198.51.100.1"), Recorded: []string{"one"},
			}}},
			{objects: setting{onePool(), twoPool(), router(), adv(builder.MakeAdvertisement("web").ServicesWithLabel("app", "web"))}},
		},
		"the pool allows disruption": {
			start, {objects: setting{onePool(func(p *builder.Pool) { p.AllowDisruption() }), router()}},
			{objects: bare},
		},
		"the pool allows disruption afterwards": {
			start, lost, {objects: setting{onePool(func(p *builder.Pool) { p.AllowDisruption() }), router()}, wantWoken: []string{"one"}},
		},
		"the advertisement that is deleted allowed disruption": {
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every").AllowDisruption())}, holdings: web(), wantWoken: []string{"one"}},
			{objects: bare},
		},
		"the advertisement that is narrowed allows disruption": {
			start, {objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every", "two").AllowDisruption())}},
		},
		"the peer that is deleted allowed disruption": {
			{objects: setting{onePool(), (*peer)(builder.MakePeer("router", "192.0.2.1").AllowDisruption()), every()}, holdings: web(), wantWoken: []string{"one"}},
			{objects: setting{onePool(), every()}},
		},
		"an advertisement without part in the route allows disruption": {
			{objects: append(whole, adv(builder.MakeAdvertisement("other", "two").AllowDisruption())), holdings: web(), wantWoken: []string{"one"}},
			{objects: append(bare, adv(builder.MakeAdvertisement("other", "two").AllowDisruption())), want: lost.want, wantWoken: lost.wantWoken, wantAny: true},
		},
		"a peer that does not change allows disruption": {
			{objects: setting{onePool(), (*peer)(builder.MakePeer("router", "192.0.2.1").AllowDisruption()), every()}, holdings: web(), wantWoken: []string{"one"}},
			{objects: setting{onePool(), (*peer)(builder.MakePeer("router", "192.0.2.1").AllowDisruption())}, want: lost.want, wantWoken: lost.wantWoken, wantAny: true},
		},
		"an advertisement that does not change allows disruption": {
			{objects: setting{onePool(), router(), zone().allowDisruption()}, holdings: web(), wantWoken: []string{"one"}},
			{
				objects: setting{onePool(func(p *builder.Pool) { p.Label("zone", "b") }), router(), zone().allowDisruption()},
				want:    lost.want, wantWoken: lost.wantWoken, wantAny: true,
			},
		},
		"an advertisement that is bad stays in force as it was": {
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every").Communities("blue")), (*community)(builder.MakeCommunity("c").Alias("blue", "1:1"))}, holdings: web(), wantWoken: []string{"one"}},
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every").Communities("blue"))}},
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every").Aggregation(99))}},
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every", "two"))}, want: lost.want, wantWoken: lost.wantWoken, wantAny: true},
		},
		"an advertisement that was never good is not in force once it is seen again": {
			{objects: setting{onePool(), router(), adv(builder.MakeAdvertisement("every").Communities("blue"))}, holdings: web(), wantWoken: []string{"one"}},
			{objects: setting{onePool(), router(), twoPool(), adv(builder.MakeAdvertisement("every").Communities("blue"))}},
			{objects: bare},
		},
		"a pool that is bad stays in force as it was": {
			{objects: setting{onePool(), router(), zone()}, holdings: web(), wantWoken: []string{"one"}},
			{objects: setting{
				(*pool)(builder.MakePool("one", "nonsense")), router(), zone(),
			}},
		},
		"what its condition says is lost is lost after a restart": {
			{objects: setting{onePool(told("web", "198.51.100.1")), router()}, holdings: web(), want: lost.want, wantWoken: []string{"one"}, wantAny: true},
			{objects: whole, wantWoken: []string{"one"}},
		},
		"what its condition does not name was not lost before a restart": {
			{objects: setting{onePool(told("web", "198.51.100.1")), router()}, holdings: append(web(), held("db", "198.51.100.2", "one")), want: lost.want, wantWoken: []string{"one"}, wantAny: true},
		},
		"what its condition may have left out was lost before a restart": {
			{
				objects: setting{onePool(told("a b c d e f g h i j k", "198.51.100.9")), router()}, holdings: web(),
				want: lost.want, wantWoken: []string{"one"}, wantAny: true,
			},
		},
		"another load balancer's address is no concern": {
			{objects: setting{router(), every()}, holdings: []config.Holding{held("web", "198.51.100.1")}, wantWoken: []string{"one"}},
			{objects: setting{router()}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c coverage.Coverage
			if _, known := c.Claims("one"); known {
				t.Error("something is known before there is a configuration")
			}
			var objects setting
			var nodes []config.Node
			var holdings []config.Holding
			for i, s := range steps {
				if s.holdings != nil {
					holdings = s.holdings
				}
				before := objects.objects()
				if s.objects != nil {
					objects = s.objects
				}
				now := objects.objects()
				if s.nodes != nil {
					nodes = s.nodes
				}
				var woken []string
				if s.observe != "" {
					name := types.NamespacedName{Namespace: "default", Name: s.observe}
					woken = c.Observe(name, slices.DeleteFunc(slices.Clone(holdings), func(h config.Holding) bool { return h.Service != name }))
				} else {
					woken = c.Configure(now, nodes, holdings, waived(before, now))
				}
				if diff := cmp.Diff(s.wantWoken, woken, cmp.Transformer("sort", sorted)); diff != "" {
					t.Errorf("step %d: pools woken (-want +got):\n%s", i, diff)
				}
				if diff := cmp.Diff(s.want, claims(t, &c)); diff != "" {
					t.Errorf("step %d: claims (-want +got):\n%s", i, diff)
				}
				if got := c.Any(); got != s.wantAny {
					t.Errorf("step %d: any loss: %v", i, got)
				}
			}
		})
	}
}

// told gives a pool the condition that addresses have lost their route.
func told(services, address string) func(*builder.Pool) {
	var claims config.Impacts
	for name := range strings.SplitSeq(services, " ") {
		claims = append(claims, config.Impact{
			Service: types.NamespacedName{Namespace: "default", Name: name}, Address: netip.MustParseAddr(address), Loss: config.Route,
		})
	}
	return func(p *builder.Pool) {
		p.Status.Conditions = []metav1.Condition{{
			Type: v1beta1.ConditionValid, Status: metav1.ConditionFalse,
			Reason: v1beta1.ReasonNotCompatibleWithAssignedIPs, Message: claims.String(),
		}}
	}
}

func sorted(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return slices.Sorted(slices.Values(list))
}

func claims(t *testing.T, c *coverage.Coverage) []string {
	t.Helper()
	var found []string
	for _, pool := range []string{"new", "one", "two"} {
		claims, known := c.Claims(pool)
		if !known {
			t.Error("nothing is known though there is a configuration")
		}
		for _, cl := range claims {
			if cl.Loss != config.Route {
				t.Errorf("a claim of another sort: %v", cl)
			}
			found = append(found, cl.Service.Name+" "+cl.Address.String()+" "+pool)
		}
	}
	return found
}
