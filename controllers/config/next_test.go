// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/test/builder"
)

// history is a configuration that changes while services hold addresses. What is in use is all that is remembered.
type history struct {
	parser   *config.Parser
	active   []v1beta1.ActiveConfiguration
	holdings []config.Holding
	allowed  map[active.Key]bool
	nodes    []config.Node
	snapshot *config.Snapshot
}

// step brings the objects into use as far as that goes. It is as with a restart before each step: nothing else is remembered.
func (h *history) step(t *testing.T, objects ...config.Object) {
	t.Helper()
	in := config.Inputs{
		Written: asWritten(objects...), Active: slices.Clone(h.active), Allowed: h.allowed,
		State: config.ClusterState{Holdings: holdings(h.holdings), Nodes: h.nodes},
	}
	h.snapshot = config.Next(in, h.parser)
	for _, c := range h.snapshot.Changes {
		h.active = slices.DeleteFunc(h.active, func(a v1beta1.ActiveConfiguration) bool { return c.Old != nil && a.Name == c.Old.Name })
		if c.New != nil {
			h.active = append(h.active, *c.New)
		}
	}
	in.Active = slices.Clone(h.active)
	if again := config.Next(in, nil); len(again.Changes) > 0 {
		t.Errorf("the same again makes %d more changes, among them %v", len(again.Changes), again.Changes[0].New)
	}
}

// end deletes an ActiveConfiguration.
func (h *history) end(name string) {
	h.active = slices.DeleteFunc(h.active, func(a v1beta1.ActiveConfiguration) bool { return a.Name == name })
}

// held returns what is held, as NAME REASON.
func (h *history) held() []string {
	found := []string{}
	for _, a := range h.active {
		if a.Status.Held {
			found = append(found, a.Name+" "+a.Status.Reason)
		}
	}
	slices.Sort(found)
	return found
}

// findings returns the objects that are not in use as written, as KIND NAME REASON: MESSAGE.
func (h *history) findings() []string {
	found := []string{}
	for key, f := range h.snapshot.Findings {
		if f.Reason != v1beta1.ReasonAccepted {
			found = append(found, fmt.Sprintf("%s %s %s: %s", key.Kind, key.Name, f.Reason, f.Message()))
		}
	}
	slices.Sort(found)
	return found
}

// wantOnly checks that these and no other findings begin so.
func (h *history) want(t *testing.T, held []string, findings ...string) {
	t.Helper()
	if held == nil {
		held = []string{}
	}
	if diff := cmp.Diff(held, h.held()); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	got := h.findings()
	if len(got) != len(findings) {
		t.Fatalf("findings %q, want %q", got, findings)
	}
	for i, want := range findings {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("finding %q, want %q", got[i], want)
		}
	}
	deviating := map[active.Key]string{}
	for key, f := range h.snapshot.Findings {
		if f.Reason != v1beta1.ReasonAccepted {
			deviating[key] = f.Reason
		}
	}
	for _, a := range h.active {
		if a.Status.Held {
			deviating[active.Key{Kind: a.Spec.Kind, Name: a.Spec.Name}] = a.Status.Reason
		}
	}
	if diff := cmp.Diff(deviating, h.snapshot.Deviating); diff != "" {
		t.Errorf("deviating (-want +got):\n%s", diff)
	}
}

func (h *history) announced(t *testing.T, want bool) {
	t.Helper()
	for _, holding := range h.holdings {
		if got := h.snapshot.Routes.Announces(holding); got != want {
			t.Errorf("%s is announced: %v", holding.Address, got)
		}
	}
}

const webNotAnnounced = `new config not compatible with assigned IPs: service "default/web" would not be announced at "198.51.100.1" under new config`

func pool(edits ...func(*v1beta1.IPAddressPool)) *v1beta1.IPAddressPool {
	p := builder.MakePool("one", "198.51.100.0/24").Label("zone", "a").Obj()
	for _, edit := range edits {
		edit(p)
	}
	return p
}

func adv(name string, edits ...func(*builder.Advertisement)) *v1beta1.BGPAdvertisement {
	a := builder.MakeAdvertisement(name)
	for _, edit := range edits {
		edit(a)
	}
	return a.Obj()
}

func rackPeer() *v1beta2.BGPPeer { return builder.MakePeer("rack", "192.0.2.1").Obj() }

// web holds 198.51.100.1 of pool one.
func web() *history {
	return &history{parser: config.NewParser(), holdings: []config.Holding{held("web", "198.51.100.1", "one")}}
}

func TestADeletedAdvertisementStaysInUseUntilAnOperatorEndsThat(t *testing.T) {
	t.Parallel()
	h := web()
	h.step(t, pool(), rackPeer(), adv("every"))
	h.want(t, nil)
	h.step(t, pool(), rackPeer())
	h.want(t, []string{"bgpadvertisement.every NotCompatibleWithAssignedIPs"})
	h.announced(t, true)
	if got := h.snapshot.PoolImpacts("one").String(); got != webNotAnnounced {
		t.Errorf("the pool says %q", got)
	}
	h.end("bgpadvertisement.every")
	h.step(t, pool(), rackPeer())
	h.want(t, nil)
	h.announced(t, false)
}

func TestWhatIsHeldIsReleasedWhenItTakesNothingAnyMore(t *testing.T) {
	t.Parallel()
	for name, heal := range map[string]func(*history) []config.Object{
		"the service has gone":            func(h *history) []config.Object { h.holdings = nil; return []config.Object{pool(), rackPeer()} },
		"another advertisement announces": func(*history) []config.Object { return []config.Object{pool(), rackPeer(), adv("other")} },
		"the advertisement has come back": func(*history) []config.Object { return []config.Object{pool(), rackPeer(), adv("every")} },
		"the pool allows disruption": func(*history) []config.Object {
			return []config.Object{builder.MakePool("one", "198.51.100.0/24").Label("zone", "a").AllowDisruption().Obj(), rackPeer()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := web()
			h.step(t, pool(), rackPeer(), adv("every"))
			h.step(t, pool(), rackPeer())
			h.step(t, heal(h)...)
			h.want(t, nil)
		})
	}
}

func TestAChangeThatTakesTheLastRouteIsHeldBackWhateverItIs(t *testing.T) {
	t.Parallel()
	zone := func(a *builder.Advertisement) { a.PoolsWithLabel("zone", "a") }
	for name, tc := range map[string]struct {
		before, after []config.Object
		held          string
		finding       string
	}{
		"an advertisement narrowed to another pool": {
			[]config.Object{pool(), rackPeer(), adv("every")}, []config.Object{pool(), rackPeer(), builder.MakeAdvertisement("every", "two").Obj()},
			"bgpadvertisement.every", "BGPAdvertisement every",
		},
		"a pool relabelled": {
			[]config.Object{pool(), rackPeer(), adv("zone", zone)},
			[]config.Object{pool(func(p *v1beta1.IPAddressPool) { p.Labels["zone"] = "b" }), rackPeer(), adv("zone", zone)},
			"ipaddresspool.one", "IPAddressPool one",
		},
		"the last peer deleted": {[]config.Object{pool(), rackPeer(), adv("every")}, []config.Object{pool(), adv("every")}, "bgppeer.rack", ""},
		"a Community that defines an alias in use deleted": {
			[]config.Object{pool(), rackPeer(), adv("every", func(a *builder.Advertisement) { a.Communities("blue") }), builder.MakeCommunity("c").Alias("blue", "1:1").Obj()},
			[]config.Object{pool(), rackPeer(), adv("every", func(a *builder.Advertisement) { a.Communities("blue") })},
			"community.c", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := web()
			h.step(t, tc.before...)
			h.want(t, nil)
			h.step(t, tc.after...)
			var findings []string
			if tc.finding != "" {
				findings = append(findings, tc.finding+" NotCompatibleWithAssignedIPs: "+webNotAnnounced)
			}
			h.want(t, []string{tc.held + " NotCompatibleWithAssignedIPs"}, findings...)
			h.announced(t, true)
			h.end(tc.held)
			h.step(t, tc.after...)
			h.announced(t, false)
		})
	}
}

// Speakers do the same: package policy has the table.
func TestABFDProfileIsUsedAsWrittenAndItsPeersAreToldWhenTheyLackIt(t *testing.T) {
	t.Parallel()
	peer, profile := builder.MakePeer("tor", "192.0.2.1").BFDProfile("fast").Obj(), builder.MakeBFDProfile("fast")
	until := ": until then, " + keptProfile
	h := &history{}
	h.step(t, peer)
	h.want(t, nil, `BGPPeer tor InvalidConfig: spec.bfdProfile: Invalid value: "fast": the BFDProfile does not exist; create it`+until)
	h.step(t, peer, profile.Obj())
	h.want(t, nil)
	h.step(t, peer, profile.Intervals(5).Obj())
	h.want(t, nil,
		`BFDProfile fast InvalidConfig: [spec.receiveInterval: Invalid value: 5: must be from 10 to 60000`,
		`BGPPeer tor InvalidConfig: spec.bfdProfile: Invalid value: "fast": the BFDProfile is invalid; correct it`+until)
	h.step(t, peer, profile.Intervals(50).Obj())
	h.want(t, nil)
	if len(h.active) != 1 || h.active[0].Name != "bgppeer.tor" {
		t.Errorf("ActiveConfigurations %v, want the peer's alone", h.active)
	}
}

func TestAProfileWithEchoSaysThatItHasNoEffect(t *testing.T) {
	t.Parallel()
	profile := builder.MakeBFDProfile("fast").Obj()
	profile.Spec.EchoMode = true
	h := &history{}
	h.step(t, profile)
	h.want(t, nil)
	found := h.snapshot.Findings[active.Key{Kind: active.KindBFDProfile, Name: "fast"}]
	if got, want := found.Message(), "in use as written, but spec.echoMode has no effect: "+withoutEcho; got != want {
		t.Errorf("the condition says %q, want %q", got, want)
	}
}

func TestAnInvalidEditChangesNothing(t *testing.T) {
	t.Parallel()
	h := web()
	every := adv("every", func(a *builder.Advertisement) { a.Communities("blue") })
	blue := builder.MakeCommunity("c").Alias("blue", "1:1").Obj()
	h.step(t, pool(), rackPeer(), every, blue)
	h.want(t, nil)
	h.step(t, builder.MakePool("one", "nonsense").Obj(), builder.MakePeer("rack", "nowhere").Obj(), adv("every", func(a *builder.Advertisement) { a.Aggregation(99) }), blue)
	h.want(t, []string{"bgpadvertisement.every InvalidConfig", "bgppeer.rack InvalidConfig", "ipaddresspool.one InvalidConfig"},
		"BGPAdvertisement every InvalidConfig: spec.aggregationLength", "BGPPeer rack InvalidConfig: spec.peerAddress", "IPAddressPool one InvalidConfig: spec.addresses[0]")
	h.announced(t, true)
	if len(h.snapshot.Pools) != 1 || h.snapshot.Pools[0].Ranges[0].String() != "198.51.100.0/24" {
		t.Errorf("pools %v", h.snapshot.Pools)
	}
	h.step(t, pool(), rackPeer(), every, blue)
	h.want(t, nil)
}

func TestAPoolsRangeFollowsItsObjectThoughTheRestIsHeldBack(t *testing.T) {
	t.Parallel()
	h := web()
	zone := adv("zone", func(a *builder.Advertisement) { a.PoolsWithLabel("zone", "a") })
	h.step(t, pool(), rackPeer(), zone)
	edited := builder.MakePool("one", "198.51.100.0/25").Label("zone", "b").Obj()
	edited.Spec.AllocateTo = &v1beta1.ServiceAllocation{Namespaces: []string{"other"}}
	h.step(t, edited, rackPeer(), zone)
	h.want(t, []string{"ipaddresspool.one NotCompatibleWithAssignedIPs"}, `IPAddressPool one NotCompatibleWithAssignedIPs: new config not compatible with assigned IPs: `+
		`service "default/web" cannot own "198.51.100.1" under new config, service "default/web" would not be announced at "198.51.100.1" under new config`)
	h.announced(t, true)
	if p := h.snapshot.Pools[0]; p.Ranges[0].String() != "198.51.100.0/25" || p.Allocation != nil {
		t.Errorf("the pool gives %v to %v", p.Ranges, p.Allocation)
	}
	h.step(t, builder.MakePool("one", "203.0.113.0/24").Label("zone", "a").Obj(), rackPeer(), zone)
	h.want(t, nil)
	h.announced(t, true)
}

func TestADeletedPoolIsKnownWhileServicesHoldAddressesOfIt(t *testing.T) {
	t.Parallel()
	h := web()
	zone := adv("zone", func(a *builder.Advertisement) { a.PoolsWithLabel("zone", "a") })
	h.step(t, pool(), rackPeer(), zone)
	h.step(t, rackPeer(), zone)
	h.want(t, []string{"ipaddresspool.one InUse"})
	h.announced(t, true)
	if len(h.snapshot.Pools) > 0 || len(h.snapshot.Abandoned) > 0 {
		t.Errorf("it gives addresses: %v, or is abandoned: %v", h.snapshot.Pools, h.snapshot.Abandoned)
	}
	h.allowed = map[active.Key]bool{{Kind: "IPAddressPool", Name: "one"}: true}
	h.step(t, rackPeer(), zone)
	h.allowed = nil
	h.step(t, rackPeer(), zone)
	if diff := cmp.Diff([]string{"one"}, h.snapshot.Abandoned); diff != "" {
		t.Errorf("abandoned (-want +got):\n%s", diff)
	}
	h.holdings = nil
	h.step(t, rackPeer(), zone)
	h.want(t, nil)
	if len(h.snapshot.Abandoned) > 0 {
		t.Errorf("abandoned: %v", h.snapshot.Abandoned)
	}
}

func TestChangesThatTakeNothingTogetherAreBroughtIntoUseTogether(t *testing.T) {
	t.Parallel()
	h := web()
	zone := func(value string) *v1beta1.BGPAdvertisement {
		return adv("zone", func(a *builder.Advertisement) { a.PoolsWithLabel("zone", value) })
	}
	h.step(t, pool(), rackPeer(), zone("a"))
	relabelled := pool(func(p *v1beta1.IPAddressPool) { p.Labels["zone"] = "b" })
	h.step(t, relabelled, rackPeer(), zone("a"))
	h.want(t, []string{"ipaddresspool.one NotCompatibleWithAssignedIPs"}, "IPAddressPool one NotCompatibleWithAssignedIPs")
	h.step(t, relabelled, rackPeer(), zone("b"))
	h.want(t, nil)
	h.announced(t, true)
}

func TestANewPoolThatWouldTakeARouteAwayIsNotUsed(t *testing.T) {
	t.Parallel()
	h := web()
	h.step(t, pool(), rackPeer(), builder.MakeAdvertisement("one", "one").Obj())
	h.step(t, rackPeer(), builder.MakeAdvertisement("one", "one").Obj())
	renamed := builder.MakePool("new", "198.51.100.0/24").Obj()
	h.step(t, renamed, rackPeer(), builder.MakeAdvertisement("one", "one").Obj())
	h.want(t, []string{"ipaddresspool.one InUse"}, "IPAddressPool new NotCompatibleWithAssignedIPs: "+webNotAnnounced)
	h.announced(t, true)
	h.step(t, renamed, rackPeer(), builder.MakeAdvertisement("one", "one", "new").Obj())
	h.want(t, []string{"ipaddresspool.one InUse"})
	h.announced(t, true)
}

func TestADisruptionThatIsAllowedIsNotHeldBack(t *testing.T) {
	t.Parallel()
	allowing := func(a *builder.Advertisement) { a.AllowDisruption() }
	key := active.Key{Kind: active.KindBGPAdvertisement, Name: "every"}
	for name, tc := range map[string]struct {
		before  *v1beta1.BGPAdvertisement
		after   []config.Object
		allowed map[active.Key]bool
	}{
		"of the one deleted":            {adv("every", allowing), nil, nil},
		"of the one narrowed":           {adv("every"), []config.Object{builder.MakeAdvertisement("every", "two").AllowDisruption().Obj()}, nil},
		"in a version that nobody sees": {adv("every"), nil, map[active.Key]bool{key: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := web()
			h.step(t, pool(), rackPeer(), tc.before)
			h.allowed = tc.allowed
			h.step(t, append(tc.after, pool(), rackPeer())...)
			h.want(t, nil)
			h.announced(t, false)
		})
	}
}

func TestOfTwoThatContradictEachOtherTheOneInUseStays(t *testing.T) {
	t.Parallel()
	young, old := time.Unix(2, 0), time.Unix(1, 0)
	one := func(name, addresses string, created time.Time) config.Object {
		return builder.MakePool(name, addresses).Created(created).Obj()
	}
	peer := func(name, address string, created time.Time) config.Object {
		return builder.MakePeer(name, address).Created(created).Obj()
	}
	community := func(name, alias string, created time.Time) config.Object {
		return builder.MakeCommunity(name).Alias(alias, "1:1").Created(created).Obj()
	}
	for name, tc := range map[string]struct {
		before, after []config.Object
		// findings begin so.
		want []string
		held []string
	}{
		"of two new pools the older": {
			nil, []config.Object{one("b", "192.0.2.128/25", young), one("a", "192.0.2.0/24", old)},
			[]string{`IPAddressPool b InvalidConfig: spec.addresses[0]: Invalid value: "192.0.2.128/25": CIDR "192.0.2.128/25" in pool "b" overlaps with already defined CIDR "192.0.2.0/24" in pool "a"`}, nil,
		},
		"a pool in use before an older one that is edited": {
			[]config.Object{one("a", "192.0.2.0/24", young), one("b", "198.51.100.0/24", old)}, []config.Object{one("a", "192.0.2.0/24", young), one("b", "192.0.2.128/25", old)},
			[]string{"IPAddressPool b InvalidConfig: spec.addresses[0]"}, []string{"ipaddresspool.b InvalidConfig"},
		},
		"pools that exchange their ranges both": {
			[]config.Object{one("a", "192.0.2.0/24", old), one("b", "198.51.100.0/24", old)}, []config.Object{one("a", "198.51.100.0/24", old), one("b", "192.0.2.0/24", old)}, nil, nil,
		},
		"a pool that takes over what another gives up, though a third is rejected": {
			[]config.Object{one("b", "192.0.2.0/24", old)},
			[]config.Object{one("a", "192.0.2.0/25", old), one("b", "192.0.2.128/25", old), one("c", "192.0.2.0/24", young)},
			[]string{`IPAddressPool c InvalidConfig: [spec.addresses[0]`}, nil,
		},
		"a pool that takes over what a deleted one had": {[]config.Object{one("a", "192.0.2.0/24", old)}, []config.Object{one("b", "192.0.2.128/25", old)}, nil, nil},
		"of two new peers the older": {
			nil, []config.Object{peer("a", "192.0.2.1", young), peer("b", "192.0.2.1", old)},
			[]string{`BGPPeer a InvalidConfig: spec.peerAddress: Invalid value: "192.0.2.1": peer 192.0.2.1 already exists: BGPPeer "b"`}, nil,
		},
		"a peer in use before an older one that is edited": {
			[]config.Object{peer("a", "192.0.2.1", young), peer("b", "192.0.2.2", old)}, []config.Object{peer("a", "192.0.2.1", young), peer("b", "192.0.2.1", old)},
			[]string{"BGPPeer b InvalidConfig"}, []string{"bgppeer.b InvalidConfig"},
		},
		"of two new Communities the older": {
			nil, []config.Object{community("a", "blue", young), community("b", "blue", old)},
			[]string{`Community a InvalidConfig: spec.communities[0].name: Duplicate value: "blue": duplicate definition of community "blue"`}, nil,
		},
		"an alias that another gives up": {[]config.Object{community("a", "blue", old)}, []config.Object{community("a", "red", old), community("b", "blue", young)}, nil, nil},
		"of two new advertisements the older": {
			nil, []config.Object{pool(), builder.MakeAdvertisement("a").LocalPref(100).Created(young).Obj(), builder.MakeAdvertisement("b").LocalPref(200).Created(old).Obj()},
			[]string{`BGPAdvertisement a InvalidConfig: spec.localPref: Invalid value: 100: invalid local preference 100: local preference 200 was already set`}, nil,
		},
		"an advertisement in use before an older one that is edited": {
			[]config.Object{pool(), builder.MakeAdvertisement("a").Created(young).Obj(), builder.MakeAdvertisement("b").Created(old).Obj()},
			[]config.Object{pool(), builder.MakeAdvertisement("a").Created(young).Obj(), builder.MakeAdvertisement("b").Created(old).LocalPref(7).Obj()},
			[]string{"BGPAdvertisement b InvalidConfig"}, []string{"bgpadvertisement.b InvalidConfig"},
		},
		"an advertisement beside a new pool that it does not fit": {
			[]config.Object{adv("a", func(a *builder.Advertisement) { a.Aggregation(26) })},
			[]config.Object{adv("a", func(a *builder.Advertisement) { a.Aggregation(26) }), one("small", "198.51.100.0/28", young)},
			[]string{`IPAddressPool small InvalidConfig: spec.addresses[0]: Invalid value: "198.51.100.0/28": BGPAdvertisement "a": invalid aggregation length 26: prefix 28 in this pool is more specific`}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &history{parser: config.NewParser()}
			if tc.before != nil {
				h.step(t, tc.before...)
				h.want(t, nil)
			}
			h.step(t, tc.after...)
			h.want(t, tc.held, tc.want...)
		})
	}
}

// While the change of an object is held back, what contradicts others is not what is written.
func TestWhatContradictsTheVersionInUseOfAnotherIsNotBroughtIntoUse(t *testing.T) {
	t.Parallel()
	named := func(name string, localPref uint32, pools ...string) *v1beta1.BGPAdvertisement {
		return builder.MakeAdvertisement(name, pools...).LocalPref(localPref).Obj()
	}
	three := builder.MakePool("three", "203.0.113.0/24").Obj()
	h := web()
	h.holdings = append(h.holdings, held("db", "203.0.113.1", "three"))
	h.step(t, pool(), three, rackPeer(), named("a", 100), named("b", 100, "two"))
	h.step(t, pool(), three, rackPeer(), named("a", 100, "two"), named("b", 100, "two"))
	h.want(t, []string{"bgpadvertisement.a NotCompatibleWithAssignedIPs"}, "BGPAdvertisement a NotCompatibleWithAssignedIPs")

	h.step(t, pool(), three, rackPeer(), named("a", 100, "two"), named("b", 200, "one"))
	h.want(t, []string{"bgpadvertisement.a NotCompatibleWithAssignedIPs", "bgpadvertisement.b InvalidConfig"},
		"BGPAdvertisement a NotCompatibleWithAssignedIPs", `BGPAdvertisement b InvalidConfig: spec.localPref: Invalid value: 200: invalid local preference 200: `+
			`local preference 100 was already set for the same type of BGP update by BGPAdvertisement "a": both announce pool "one" with one aggregation length; `+
			`make localPref equal (100 if unset), or select other pools, peers or nodes; what contradicts is BGPAdvertisement "a" in the version in use: its change is held back`)
	h.announced(t, true)

	h.step(t, pool(), three, rackPeer(), named("a", 100, "two"), named("b", 200, "one", "three"))
	h.want(t, nil)
	h.announced(t, true)
}

func TestChangesThatContradictNothingTogetherAreUsedTogetherWhateverElseIsHeldBack(t *testing.T) {
	t.Parallel()
	preferred := func(name string, localPref uint32, pool string) *v1beta1.BGPAdvertisement {
		return builder.MakeAdvertisement(name, pool).LocalPref(localPref).Obj()
	}
	h := web()
	h.holdings = append(h.holdings, held("db", "203.0.113.1", "three"))
	three := builder.MakePool("three", "203.0.113.0/24").Obj()
	h.step(t, pool(), three, rackPeer(), preferred("a", 100, "one"), preferred("b", 100, "one"), preferred("c", 100, "three"))
	h.want(t, nil)
	h.step(t, pool(), three, rackPeer(), preferred("a", 200, "one"), preferred("b", 200, "one"))
	h.want(t, []string{"bgpadvertisement.c NotCompatibleWithAssignedIPs"})
}

// Speakers use what is new at once, so what they announce by it is what the routes must say, whoever has restarted.
func TestANewAdvertisementThatContradictsAnotherAnnouncesWhatIsNotInDispute(t *testing.T) {
	t.Parallel()
	h := web()
	three := builder.MakePool("three", "203.0.113.0/24").Obj()
	one := builder.MakeAdvertisement("one", "one").LocalPref(100).Obj()
	h.holdings = []config.Holding{held("db", "203.0.113.1", "three")}
	h.step(t, pool(), three, rackPeer(), one)
	h.announced(t, false)
	for range 2 { // Each step is as with a restart.
		h.step(t, pool(), three, rackPeer(), one, adv("every", func(a *builder.Advertisement) { a.LocalPref(200) }))
		h.want(t, nil, "BGPAdvertisement every InvalidConfig: spec.localPref")
		h.announced(t, true)
		if slices.ContainsFunc(h.active, func(a v1beta1.ActiveConfiguration) bool { return a.Spec.Name == "every" }) {
			t.Error("it has an ActiveConfiguration")
		}
	}
}

func TestThePermissionToDisruptIsTakenBackWhateverElseIsWrong(t *testing.T) {
	t.Parallel()
	one := func() *builder.Pool { return builder.MakePool("a", "192.0.2.0/24") }
	bad := func() *builder.Pool { return builder.MakePool("a", "nonsense") }
	for name, test := range map[string]struct {
		versions []*builder.Pool
		want     bool
	}{
		"from the beginning":                         {[]*builder.Pool{one().AllowDisruption()}, true},
		"later, which is all that changes":           {[]*builder.Pool{one(), one().AllowDisruption()}, true},
		"no longer, which is all that changes":       {[]*builder.Pool{one().AllowDisruption(), one()}, false},
		"before and after the spec became bad":       {[]*builder.Pool{one().AllowDisruption(), bad().AllowDisruption()}, true},
		"with a bad spec, which is not in use":       {[]*builder.Pool{one(), bad().AllowDisruption()}, false},
		"no longer, though the spec is bad":          {[]*builder.Pool{one().AllowDisruption(), bad()}, false},
		"again, but with a bad spec":                 {[]*builder.Pool{one().AllowDisruption(), bad(), bad().AllowDisruption()}, false},
		"with a spec that was bad and is good again": {[]*builder.Pool{one(), bad().AllowDisruption(), one().AllowDisruption()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &history{parser: config.NewParser()}
			for _, version := range test.versions {
				h.step(t, version.Obj())
			}
			if got := h.snapshot.Pools[0].AllowDisruption; got != test.want {
				t.Errorf("disruption allowed: %t", got)
			}
		})
	}
}

func held(service, address string, recorded ...string) config.Holding {
	return config.Holding{
		Service: types.NamespacedName{Namespace: "default", Name: service}, Labels: labels.Set{"app": service},
		Address: netip.MustParseAddr(address), Recorded: recorded,
	}
}

func TestWhatIsHeldBackSaysHowToEndThat(t *testing.T) {
	t.Parallel()
	every := func() *builder.Advertisement { return builder.MakeAdvertisement("every") }
	for name, tc := range map[string]struct {
		change config.Object
		// services that hold addresses.
		services     int
		contradicted bool
		want         string
	}{
		"what is invalid":          {every().Aggregation(33).Obj(), 1, false, "; it is used as it is now once this is corrected"},
		"what contradicts another": {every().LocalPref(200).Obj(), 1, true, "; it is used as it is now once this is corrected"},
		"what takes routes from more services than a message can name": {
			every().Peers("other").Obj(), 20, false, "…; to use it as it is now, run kubectl delete activeconfiguration bgpadvertisement.every -n metallb-system",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &history{parser: config.NewParser()}
			for i := range tc.services {
				h.holdings = append(h.holdings, held(fmt.Sprintf("web-%d-%s", i, strings.Repeat("x", 40)), fmt.Sprintf("198.51.100.%d", i), "one"))
			}
			others := []config.Object{pool(), rackPeer()}
			if tc.contradicted {
				others = append(others, adv("other"))
			}
			h.step(t, append(others, every().Obj())...)
			h.step(t, append(others, tc.change)...)
			var got string
			for _, a := range h.active {
				if a.Status.Held {
					got = a.Status.Message
				}
			}
			if !strings.HasPrefix(got, `BGPAdvertisement "every" is used as it was before: `) || !strings.HasSuffix(got, tc.want) || len(got) > 1024 {
				t.Errorf("%d bytes: %s", len(got), got)
			}
		})
	}
}

func TestADifferenceNamesWhatItConcerns(t *testing.T) {
	t.Parallel()
	h := web()
	h.step(t, pool(), rackPeer(), adv("every"))
	first := h.snapshot
	if d := first.Since(nil); first.AllocatesAs(&config.Snapshot{}) || !d.Routes || len(d.Objects) != 3 {
		t.Errorf("at first %+v", d)
	}
	h.step(t, pool(), rackPeer(), adv("every"))
	if diff := cmp.Diff(config.Difference{}, h.snapshot.Since(first), cmpopts.EquateEmpty()); diff != "" || !h.snapshot.AllocatesAs(first) {
		t.Errorf("nothing has changed (-want +got):\n%s", diff)
	}
	h.step(t, pool(), builder.MakePool("two", "203.0.113.0/24").Obj(), rackPeer(), adv("every"))
	want := config.Difference{Routes: true, Objects: []active.Key{{Kind: "IPAddressPool", Name: "two"}}, Pools: []string{"two"}}
	if diff := cmp.Diff(want, h.snapshot.Since(first)); diff != "" || h.snapshot.AllocatesAs(first) {
		t.Errorf("another pool (-want +got):\n%s", diff)
	}
}

func TestANodesLabelMattersOnlyIfSomethingSelectsByIt(t *testing.T) {
	t.Parallel()
	h := web()
	h.step(t, pool(), rackPeer(), adv("every", func(a *builder.Advertisement) { a.NodesWithLabel("rack", "1") }))
	for key, want := range map[string]bool{"rack": true, "node.kubernetes.io/exclude-from-external-load-balancers": true, "zone": false} {
		if got := h.snapshot.UsesNodeLabel(key); got != want {
			t.Errorf("%s matters: %v", key, got)
		}
	}
}

func TestAnActiveConfigurationOfAnotherNameIsDeletedAndStandsForNothing(t *testing.T) {
	t.Parallel()
	for _, stray := range []string{"bgppeer.other", "a"} {
		h := web()
		h.step(t, pool(), rackPeer(), adv("every"))
		i := slices.IndexFunc(h.active, func(a v1beta1.ActiveConfiguration) bool { return a.Name == "bgppeer.rack" })
		another := h.active[i].DeepCopy()
		another.Name, another.Spec.Generation = stray, 7
		h.active = append(h.active, *another)
		h.step(t, pool(), builder.MakePeer("rack", "192.0.2.2").Obj(), adv("every"))
		for _, a := range h.active {
			if a.Name == stray || a.Name == "bgppeer.rack" && !strings.Contains(string(a.Spec.Object.Raw), "192.0.2.2") {
				t.Errorf("%s is there, with %s", a.Name, a.Spec.Object.Raw)
			}
		}
	}
}
