// SPDX-License-Identifier: Apache-2.0

package poolmap_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/poolmap"
	"metallb.io/metallb/plugin/terminal"
	"metallb.io/metallb/test/builder"
)

func clusterOf(pools []*builder.Pool, services ...*builder.Service) *cluster.Cluster {
	c := &cluster.Cluster{Namespaces: map[string]labels.Set{"default": {"team": "blue"}}}
	for _, p := range pools {
		c.Written.Pools = append(c.Written.Pools, *p.Obj())
	}
	for _, s := range services {
		c.Services = append(c.Services, completed(s))
	}
	return c
}

// completed returns the Service as the API server completes it.
func completed(s *builder.Service) corev1.Service {
	svc := s.Obj()
	if len(svc.Spec.IPFamilies) == 0 {
		svc.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	}
	return *svc
}

func pools(p ...*builder.Pool) []*builder.Pool { return p }

// activate adds the pool as it was before.
func activate(t *testing.T, c *cluster.Cluster, p *builder.Pool) {
	t.Helper()
	a, err := active.Make(p.Obj())
	if err != nil {
		t.Fatal(err)
	}
	c.Active = append(c.Active, *a)
}

func printed(t *testing.T, c *cluster.Cluster, d poolmap.Detail) string {
	t.Helper()
	palette, err := terminal.NewPalette(terminal.ColorNever, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := poolmap.Print(&text, palette, poolmap.Of(c).Pools, d); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestAMapShowsWhichAddressesAreUsed(t *testing.T) {
	t.Parallel()
	c := clusterOf(
		pools(
			builder.MakePool("small", "198.51.100.252/30", "2001:db8::/64").AvoidBuggyIPs().Priority(1).Namespaces("default").ServicesWithLabel("app", "web"),
			builder.MakePool("wide", "10.0.0.0/20", "10.1.0.0-10.1.0.2").NoAutoAssign(),
			builder.MakePool("wrong", "192.0.2.0"),
		),
		builder.MakeService("a").Holds("small", "198.51.100.252").SharingKey("k").Ports(80),
		builder.MakeService("b").Holds("small", "198.51.100.252").SharingKey("k").Ports(81),
		builder.MakeService("c").Holds("small", "2001:db8::1"),
		builder.MakeService("d").Holds("wide", "10.0.0.0"),
		builder.MakeService("e").Holds("wide", "10.0.0.16"),
		builder.MakeService("f").Holds("gone", "203.0.113.1"),
		builder.MakeService("g").Holds("wide", "10.1.0.1").Created(time.Unix(1, 0)),
		builder.MakeService("h").Holds("wide", "10.1.0.1").Created(time.Unix(2, 0)),
		builder.MakeService("others").Class("example.com/other").Holds("wide", "10.0.0.1"),
	)
	want := `gone
  ! deleted; services hold addresses of it, and it gives no more
  IPv4   ████████████████████   1 used, 0 free
  ADDRESS       SERVICES    NOTE
  203.0.113.1   default/f   the pool does not give it any more

small  auto-assigned, only in the namespaces default, only services with app=web, priority 1
  IPv4   ███████░░░░░░░░░░░░░   1 used, 2 free
  IPv6   █░░░░░░░░░░░░░░░░░░░   1 used, more than 9e18 free
  198.51.100.252/30  a cell is 1 address
    198.51.100.252   █··×
  2001:db8::/64  a cell is 2^56 addresses
    2001:db8::            ░` + strings.Repeat("·", 63) + `
    2001:db8:0:0:4000::   ` + strings.Repeat("·", 64) + `
    2001:db8:0:0:8000::   ` + strings.Repeat("·", 64) + `
    2001:db8:0:0:c000::   ` + strings.Repeat("·", 64) + `
  ADDRESS          SERVICES               NOTE
  198.51.100.252   default/a, default/b   shared, key k
  2001:db8::1      default/c

wide  given to services that name it
  IPv4   █░░░░░░░░░░░░░░░░░░░   3 used, 4096 free
  10.0.0.0/20  a cell is 16 addresses
    10.0.0.0    ░░` + strings.Repeat("·", 62) + `
    10.0.4.0    ` + strings.Repeat("·", 64) + `
    10.0.8.0    ` + strings.Repeat("·", 64) + `
    10.0.12.0   ` + strings.Repeat("·", 64) + `
  10.1.0.0-10.1.0.2  a cell is 1 address
    10.1.0.0   ·█·
  ADDRESS     SERVICES               NOTE
  10.0.0.0    default/d
  10.0.0.16   default/e
  10.1.0.1    default/g, default/h   conflict: default/h does not share it with default/g, which is older

wrong
  ✗ gives no addresses: spec.addresses[0]: Invalid value: "192.0.2.0": invalid CIDR "192.0.2.0": no prefix length; for one address write "192.0.2.0/32"

· free   ░ up to a third used   ▒ up to two thirds   ▓ more   █ all used   × not given (avoidBuggyIPs)
`
	if diff := cmp.Diff(want, printed(t, c, poolmap.Detail{Holders: true})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAPoolThatIsHeldIsDrawnAsItIsUsed(t *testing.T) {
	t.Parallel()
	c := clusterOf(pools(builder.MakePool("pool", "192.0.2.1/33")), builder.MakeService("a").Holds("pool", "198.51.100.1"))
	activate(t, c, builder.MakePool("pool", "198.51.100.0/30"))
	got := poolmap.Of(c).Pools[0]
	if got.State != poolmap.Held || !strings.Contains(got.Message, "192.0.2.1/33") || got.Ranges[0].Range != "198.51.100.0/30" || got.Ranges[0].Used != 1 {
		t.Errorf("pool %+v", got)
	}
}

func TestTheRangesOfAPoolAreBounded(t *testing.T) {
	t.Parallel()
	ranges := make([]string, 0, 20)
	for i := range 20 {
		ranges = append(ranges, fmt.Sprintf("198.51.100.%d/32", 2*i))
	}
	c := clusterOf(pools(builder.MakePool("pool", ranges...)))
	if text := printed(t, c, poolmap.Detail{}); !strings.Contains(text, "and 12 more ranges; -o wide shows all") || strings.Contains(text, "198.51.100.16/32") {
		t.Errorf("without all:\n%s", text)
	}
	if text := printed(t, c, poolmap.Detail{Holders: true}); !strings.Contains(text, "198.51.100.38/32") {
		t.Errorf("with all:\n%s", text)
	}
}

func TestEachAddressIsInItsCell(t *testing.T) {
	t.Parallel()
	for _, span := range []string{"198.51.100.7/32", "10.0.0.0/8", "10.0.0.3-10.0.1.77", "2001:db8::/127", "2001:db8::7-2001:db8::1:0", "2001:db8::5-2001:db9::", "2000::/3"} {
		r := poolmap.Of(clusterOf(pools(builder.MakePool("pool", span)))).Pools[0].Ranges[0]
		cells := r.Cells()
		if len(cells) > 256 || len(cells) <= 128 && r.Bits() > 0 {
			t.Fatalf("%s: %d cells of 2^%d", span, len(cells), r.Bits())
		}
		for i, cell := range cells {
			at := []netip.Addr{cell.From}
			if i+1 < len(cells) {
				at = append(at, cells[i+1].From.Prev())
			}
			services := make([]*builder.Service, 0, len(at))
			for n, a := range slices.Compact(at) {
				services = append(services, builder.MakeService(fmt.Sprint("s", n)).Holds("pool", a.String()))
			}
			used := poolmap.Of(clusterOf(pools(builder.MakePool("pool", span)), services...)).Pools[0].Ranges[0]
			for j, c := range used.Cells() {
				if want := int64(len(services)); i == j && c.Used != want || i != j && c.Used != 0 {
					t.Fatalf("%s: %v are %d in the cell of %s", span, at, c.Used, c.From)
				}
			}
		}
	}
}

func TestServicesAreToldWhatTheyWouldBeGiven(t *testing.T) {
	t.Parallel()
	const v4, v6 = corev1.IPv4Protocol, corev1.IPv6Protocol
	world := func() *cluster.Cluster {
		return clusterOf(
			pools(
				builder.MakePool("a-full", "192.0.2.1/32"),
				builder.MakePool("b", "198.51.100.0/30", "2001:db8::/64"),
				builder.MakePool("named", "203.0.113.0/24").NoAutoAssign(),
				builder.MakePool("reserved", "192.0.2.64/32").Namespaces("other"),
			),
			builder.MakeService("first").Holds("a-full", "192.0.2.1").SharingKey("k").Ports(80),
			builder.MakeService("waits").Created(time.Unix(1, 0)),
		)
	}
	first := func(address, pool string) poolmap.Given {
		return poolmap.Given{Address: netip.MustParseAddr(address), Pool: pool, Why: poolmap.First}
	}
	full := poolmap.PassedOver{Pool: "a-full", Family: v4, Reason: allocator.PoolExhausted}
	reserved := poolmap.PassedOver{Pool: "reserved", Family: v4, Reason: allocator.NotSelected}
	tests := map[string]struct {
		services []*builder.Service
		want     []poolmap.Answer
	}{
		"two of one file, after the one that waits": {
			[]*builder.Service{builder.MakeService("x"), builder.MakeService("y")},
			[]poolmap.Answer{
				{Service: "default/x", Given: []poolmap.Given{first("198.51.100.1", "b")}, PassedOver: []poolmap.PassedOver{reserved, full}},
				{Service: "default/y", Given: []poolmap.Given{first("198.51.100.2", "b")}, PassedOver: []poolmap.PassedOver{reserved, full}},
			},
		},
		"one that is there keeps what it holds": {
			[]*builder.Service{builder.MakeService("first").Holds("a-full", "192.0.2.1")},
			[]poolmap.Answer{{Service: "default/first", Given: []poolmap.Given{{Address: netip.MustParseAddr("192.0.2.1"), Pool: "a-full", Why: poolmap.Kept}}}},
		},
		"a sharing key": {
			[]*builder.Service{builder.MakeService("x").SharingKey("k").Ports(81)},
			[]poolmap.Answer{{Service: "default/x", Given: []poolmap.Given{
				{Address: netip.MustParseAddr("192.0.2.1"), Pool: "a-full", Why: poolmap.Shared, SharedWith: []string{"default/first"}},
			}}},
		},
		"an address": {
			[]*builder.Service{builder.MakeService("x").Addresses("203.0.113.7")},
			[]poolmap.Answer{{Service: "default/x", Given: []poolmap.Given{
				{Address: netip.MustParseAddr("203.0.113.7"), Pool: "named", Why: poolmap.Requested},
			}}},
		},
		"an address that is taken": {
			[]*builder.Service{builder.MakeService("x").Addresses("192.0.2.1")},
			[]poolmap.Answer{{
				Service: "default/x", Given: []poolmap.Given{}, Problem: `address "192.0.2.1" is in use by "default/first"`,
			}},
		},
		"a pool": {
			[]*builder.Service{builder.MakeService("x").Pool("named")},
			[]poolmap.Answer{{Service: "default/x", Given: []poolmap.Given{
				{Address: netip.MustParseAddr("203.0.113.0"), Pool: "named", Why: poolmap.FirstOfRequestedPool},
			}}},
		},
		"a pool that is full": {
			[]*builder.Service{builder.MakeService("x").Pool("a-full")},
			[]poolmap.Answer{{
				Service: "default/x", Given: []poolmap.Given{}, Problem: `no IPv4 address available: pool "a-full" is exhausted`,
				PassedOver: []poolmap.PassedOver{full},
			}},
		},
		"both families": {
			[]*builder.Service{builder.MakeService("x").Families(corev1.IPFamilyPolicyRequireDualStack, v4, v6)},
			[]poolmap.Answer{{
				Service: "default/x", Given: []poolmap.Given{first("198.51.100.1", "b"), first("2001:db8::", "b")},
				PassedOver: []poolmap.PassedOver{
					reserved, {Pool: "reserved", Family: v6, Reason: allocator.NotSelected}, full, {Pool: "a-full", Family: v6, Reason: allocator.FamilyMissing},
				},
			}},
		},
		"a request that contradicts itself": {
			[]*builder.Service{builder.MakeService("x").Addresses("2001:db8::1")},
			[]poolmap.Answer{{
				Service: "default/x", Given: []poolmap.Given{}, Problem: `address "2001:db8::1" requested, but the service is IPv4 only`,
			}},
		},
		"another class": {
			[]*builder.Service{builder.MakeService("x").Class("example.com/other")},
			[]poolmap.Answer{{
				Service: "default/x", Given: []poolmap.Given{}, Problem: "spec.loadBalancerClass leaves the service to another load balancer",
			}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			services := make([]corev1.Service, 0, len(tc.services))
			for _, s := range tc.services {
				services = append(services, completed(s))
			}
			got := poolmap.Of(world()).Next(services)
			if diff := cmp.Diff(tc.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnswersAreReadAsSentences(t *testing.T) {
	t.Parallel()
	palette, err := terminal.NewPalette(terminal.ColorNever, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := clusterOf(pools(builder.MakePool("full", "192.0.2.1/32"), builder.MakePool("named", "203.0.113.0/24").NoAutoAssign()), builder.MakeService("first").Holds("full", "192.0.2.1"))
	var text strings.Builder
	services := []corev1.Service{completed(builder.MakeService("x")), completed(builder.MakeService("y").Pool("named"))}
	if err := poolmap.PrintAnswers(&text, palette, poolmap.Of(c).Next(services)); err != nil {
		t.Fatal(err)
	}
	want := `default/x
  ✗ no IPv4 address available: pool "full" is exhausted
  · pool full gives no IPv4 address: all are in use
  · pool named gives no IPv4 address: autoAssign is false, and the service does not name the pool
default/y
  ✓ 203.0.113.0 from pool named: the first free address of the pool that the service requests
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// BenchmarkTenThousandServices is of a map, and of one answer.
func BenchmarkTenThousandServices(b *testing.B) {
	services := make([]*builder.Service, 0, 10_000)
	for i := range 10_000 {
		services = append(services, builder.MakeService(fmt.Sprint("s", i)).Holds("pool", fmt.Sprintf("10.0.%d.%d", i/256, i%256)))
	}
	c := clusterOf(pools(builder.MakePool("pool", "10.0.0.0/16", "2001:db8::/32")), services...)
	for b.Loop() {
		m := poolmap.Of(c)
		if got := m.Next([]corev1.Service{completed(builder.MakeService("x"))}); got[0].Given[0].Address != netip.MustParseAddr("10.0.39.16") {
			b.Fatalf("%+v", got)
		}
	}
}
