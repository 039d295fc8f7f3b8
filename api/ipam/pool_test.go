// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
)

func mustPool(tb testing.TB, name string, addresses ...string) Pool {
	tb.Helper()
	p, errs := ParsePool(pool(name, v1beta1.IPAddressPoolSpec{Addresses: addresses}))
	if len(errs) > 0 {
		tb.Fatal(errs.ToAggregate())
	}
	return p
}

func TestPoolAdmits(t *testing.T) {
	t.Parallel()
	shop := []string{"shop"}
	tests := map[string]struct {
		allocateTo                   *v1beta1.ServiceAllocation
		namespaceLabel, serviceLabel string
		want                         bool
	}{
		"no allocation admits every service":        {want: true},
		"an empty allocation admits every service":  {allocateTo: &v1beta1.ServiceAllocation{}, want: true},
		"a priority alone admits every service":     {allocateTo: &v1beta1.ServiceAllocation{Priority: 3}, want: true},
		"the namespace is named":                    {allocateTo: &v1beta1.ServiceAllocation{Namespaces: shop}, want: true},
		"another namespace is named":                {allocateTo: &v1beta1.ServiceAllocation{Namespaces: []string{"bar"}}},
		"the namespace is selected":                 {allocateTo: &v1beta1.ServiceAllocation{NamespaceSelectors: []metav1.LabelSelector{selecting("ns")}}, namespaceLabel: "ns", want: true},
		"the namespace is not selected":             {allocateTo: &v1beta1.ServiceAllocation{NamespaceSelectors: []metav1.LabelSelector{selecting("ns")}}},
		"the second selector selects":               {allocateTo: &v1beta1.ServiceAllocation{NamespaceSelectors: []metav1.LabelSelector{selecting("x"), selecting("ns")}}, namespaceLabel: "ns", want: true},
		"named though not selected":                 {allocateTo: &v1beta1.ServiceAllocation{Namespaces: shop, NamespaceSelectors: []metav1.LabelSelector{selecting("ns")}}, want: true},
		"selected though not named":                 {allocateTo: &v1beta1.ServiceAllocation{Namespaces: []string{"bar"}, NamespaceSelectors: []metav1.LabelSelector{selecting("ns")}}, namespaceLabel: "ns", want: true},
		"an empty selector selects every namespace": {allocateTo: &v1beta1.ServiceAllocation{NamespaceSelectors: []metav1.LabelSelector{{}}}, want: true},
		"the service is selected":                   {allocateTo: &v1beta1.ServiceAllocation{ServiceSelectors: []metav1.LabelSelector{selecting("svc")}}, serviceLabel: "svc", want: true},
		"the service is not selected":               {allocateTo: &v1beta1.ServiceAllocation{ServiceSelectors: []metav1.LabelSelector{selecting("svc")}}, namespaceLabel: "svc"},
		"the namespace matches and the service not": {allocateTo: &v1beta1.ServiceAllocation{Namespaces: shop, ServiceSelectors: []metav1.LabelSelector{selecting("svc")}}},
		"the service matches and the namespace not": {allocateTo: &v1beta1.ServiceAllocation{Namespaces: []string{"bar"}, ServiceSelectors: []metav1.LabelSelector{selecting("svc")}}, serviceLabel: "svc"},
		"both the namespace and the service match":  {allocateTo: &v1beta1.ServiceAllocation{Namespaces: shop, ServiceSelectors: []metav1.LabelSelector{selecting("svc")}}, serviceLabel: "svc", want: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, errs := ParsePool(pool("p", v1beta1.IPAddressPoolSpec{Addresses: []string{"10.0.0.0/24"}, AllocateTo: tc.allocateTo}))
			if len(errs) > 0 {
				t.Fatal(errs.ToAggregate())
			}
			if got := p.Admits("shop", labels.Set{"a": tc.namespaceLabel}, labels.Set{"a": tc.serviceLabel}); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}

func TestPoolSizeSaturates(t *testing.T) {
	t.Parallel()
	p := mustPool(t, "p", "10.0.0.0/24", "2001:db8:0:1::/64", "2001:db8:0:2::/66", "2001:db8:0:3::/66")
	if v4, v6 := p.Size(); v4 != 256 || v6 != math.MaxInt64 {
		t.Errorf("got %d and %d, want 256 and %d", v4, v6, int64(math.MaxInt64))
	}
}

// TestPoolAgreesWithIteration compares Contains and Size with a walk over the addresses of small random pools.
func TestPoolAgreesWithIteration(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2)) // Reproducible on purpose.
	for range 400 {
		p, base := randomPool(random)
		parsed, unparsed := p, p
		unparsed.sorted = nil
		inside := map[netip.Addr]bool{}
		for _, r := range p.Ranges {
			for a := r.From; ; a = a.Next() {
				inside[a] = !p.AvoidBuggyIPs || !isBuggy(a)
				if a == r.To {
					break
				}
			}
		}
		var count int64
		a := base
		for range addresses {
			got := parsed.Contains(a)
			if got != inside[a] || unparsed.Contains(a) != inside[a] {
				t.Fatalf("pool %v, avoidBuggyIPs %t: contains %s: got %t, want %t", p.Ranges, p.AvoidBuggyIPs, a, got, inside[a])
			}
			if got {
				count++
			}
			a = a.Next()
		}
		v4, v6 := p.Size()
		if v4+v6 != count || v4 != 0 && v6 != 0 {
			t.Fatalf("pool %v, avoidBuggyIPs %t: sizes %d and %d, want %d in all", p.Ranges, p.AvoidBuggyIPs, v4, v6, count)
		}
	}
}

// addresses is how many addresses randomPool chooses from.
const addresses = 1200

// randomPool returns a pool of up to 4 ranges among the addresses from base.
func randomPool(random *rand.Rand) (p Pool, base netip.Addr) {
	base = netip.MustParseAddr([]string{"10.0.0.0", "10.0.0.255", "10.0.2.7", "2001:db8::ff00"}[random.IntN(4)])
	spec := v1beta1.IPAddressPoolSpec{AvoidBuggyIPs: random.IntN(2) == 0}
	for {
		spec.Addresses = nil
		for range 1 + random.IntN(4) {
			from := random.IntN(1000)
			to := from + random.IntN(min(600, addresses-from))
			spec.Addresses = append(spec.Addresses, advance(base, from).String()+"-"+advance(base, to).String())
		}
		if p, errs := ParsePool(pool("p", spec)); len(errs) == 0 {
			return p, base
		}
	}
}

func advance(a netip.Addr, n int) netip.Addr {
	for range n {
		a = a.Next()
	}
	return a
}
