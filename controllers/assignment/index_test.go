// SPDX-License-Identifier: Apache-2.0

package assignment_test

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// held returns a Service in namespace default that has the addresses from the pools.
func held(name, pools string, addresses ...string) *corev1.Service {
	return builder.MakeService(name).Holds(pools, addresses...).Obj()
}

// names returns the holdings as "service address".
func names(holdings iter.Seq[config.Holding]) []string {
	var found []string
	for h := range holdings {
		found = append(found, h.Service.Name+" "+h.Address.String())
	}
	return found
}

func rangeOf(t *testing.T, text string) ipam.Range {
	t.Helper()
	r, err := ipam.ParseRange(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func expect(t *testing.T, what string, got iter.Seq[config.Holding], want ...string) {
	t.Helper()
	if diff := gocmp.Diff(want, names(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAHoldingSaysWhatTheServiceSays(t *testing.T) {
	t.Parallel()
	x := assignment.NewIndex("")
	svc := held("web", "gold,silver", "192.0.2.1", "2001:db8::1")
	svc.Labels = map[string]string{"app": "web"}
	svc.Annotations[v1beta1.AnnotationAddressPool] = "gold"
	x.Set(svc)
	want := []config.Holding{{
		Service: types.NamespacedName{Namespace: "default", Name: "web"}, Labels: labels.Set{"app": "web"},
		Address: netip.MustParseAddr("192.0.2.1"), Recorded: []string{"gold", "silver"}, RequestedPool: "gold",
	}}
	got := slices.Collect(x.In(rangeOf(t, "192.0.2.0/24")))
	if diff := gocmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHoldingsAreFoundByAddressAndByPool(t *testing.T) {
	t.Parallel()
	x := assignment.NewIndex("")
	x.Set(held("c", "gold", "192.0.2.255"))
	x.Set(held("b", "gold", "192.0.2.0"))
	x.Set(held("a", "gold", "192.0.2.0"))
	x.Set(held("outside", "silver", "192.0.3.0"))
	x.Set(held("dual", "gold,six", "192.0.2.7", "2001:db8::7"))
	x.Set(held("foreign", "", "192.0.2.9"))
	expect(t, "in a range", x.In(rangeOf(t, "192.0.2.0/24")), "a 192.0.2.0", "b 192.0.2.0", "dual 192.0.2.7", "foreign 192.0.2.9", "c 192.0.2.255")
	expect(t, "in a range of one", x.In(rangeOf(t, "192.0.2.255-192.0.2.255")), "c 192.0.2.255")
	expect(t, "in an IPv6 range", x.In(rangeOf(t, "2000::/3")), "dual 2001:db8::7")
	expect(t, "in a range that nobody uses", x.In(rangeOf(t, "198.51.100.0/24")))
	expect(t, "from a pool", x.From("gold"), "a 192.0.2.0", "b 192.0.2.0", "dual 192.0.2.7", "c 192.0.2.255", "dual 2001:db8::7")
	expect(t, "from the second of two pools", x.From("six"), "dual 192.0.2.7", "dual 2001:db8::7")
	expect(t, "from no pool", x.From(""))
	expect(t, "from a pool whose name is the beginning of another's", x.From("gol"))
	expect(t, "all", x.All(), "a 192.0.2.0", "b 192.0.2.0", "dual 192.0.2.7", "foreign 192.0.2.9", "c 192.0.2.255",
		"outside 192.0.3.0", "dual 2001:db8::7")
	for h := range x.All() {
		if h.Service.Name != "a" {
			t.Errorf("an iteration that was left goes on with %v", h)
		}
		break
	}
}

func TestTheIndexFollowsEveryChangeOfAService(t *testing.T) {
	t.Parallel()
	class := "example.com/bgp"
	for name, tc := range map[string]struct {
		class string
		edit  func(*corev1.Service)
		want  []string
	}{
		"another address":    {edit: func(s *corev1.Service) { s.Status.LoadBalancer.Ingress[0].IP = "192.0.2.2" }, want: []string{"web 192.0.2.2"}},
		"another pool":       {edit: func(s *corev1.Service) { s.Annotations[v1beta1.AnnotationIPAllocatedFromPool] = "silver" }},
		"no address":         {edit: func(s *corev1.Service) { s.Status.LoadBalancer.Ingress = nil }},
		"a host name":        {edit: func(s *corev1.Service) { s.Status.LoadBalancer.Ingress[0].IP = "" }},
		"another type":       {edit: func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeClusterIP }},
		"another class":      {edit: func(s *corev1.Service) { s.Spec.LoadBalancerClass = &class }},
		"nothing":            {edit: func(*corev1.Service) {}, want: []string{"web 192.0.2.1"}},
		"a service of class": {class: class, edit: func(s *corev1.Service) { s.Spec.LoadBalancerClass = &class }, want: []string{"web 192.0.2.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := assignment.NewIndex(tc.class)
			svc := held("web", "gold", "192.0.2.1")
			x.Set(svc)
			svc = svc.DeepCopy()
			tc.edit(svc)
			x.Set(svc)
			expect(t, "from the pool", x.From("gold"), tc.want...)
			x.Delete(types.NamespacedName{Namespace: "default", Name: "web"})
			expect(t, "after its end", x.All())
			expect(t, "from the pool after its end", x.From("gold"))
		})
	}
}

func TestLabelsAndTheRequestedPoolAreFollowed(t *testing.T) {
	t.Parallel()
	x := assignment.NewIndex("")
	svc := held("web", "gold", "192.0.2.1")
	x.Set(svc)
	svc = svc.DeepCopy()
	svc.Labels = map[string]string{"tier": "one"}
	svc.Annotations["metallb.universe.tf/address-pool"] = "gold"
	x.Set(svc)
	for h := range x.All() {
		if h.Labels["tier"] != "one" || h.RequestedPool != "gold" {
			t.Errorf("got %+v", h)
		}
	}
}

func TestASnapshotNeverChanges(t *testing.T) {
	t.Parallel()
	x := assignment.NewIndex("")
	x.Set(held("web", "gold", "192.0.2.1"))
	s := x.Snapshot()
	x.Set(held("late", "gold", "192.0.2.2"))
	x.Delete(types.NamespacedName{Namespace: "default", Name: "web"})
	expect(t, "all of then", s.All(), "web 192.0.2.1")
	expect(t, "of the pool then", s.From("gold"), "web 192.0.2.1")
	expect(t, "all of now", x.All(), "late 192.0.2.2")
}

// The index, changed at random, is as one that looks at all services each time.
func TestTheIndexIsAsAListOfAllServices(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	x, all := assignment.NewIndex(""), map[string]*corev1.Service{}
	for range 5000 {
		name := fmt.Sprintf("web-%02d", random.IntN(60))
		if random.IntN(4) == 0 {
			x.Delete(types.NamespacedName{Namespace: "default", Name: name})
			delete(all, name)
			continue
		}
		all[name] = held(name, fmt.Sprintf("pool-%d", random.IntN(3)), fmt.Sprintf("192.0.2.%d", random.IntN(40)))
		x.Set(all[name])
	}
	want := make([]string, 0, len(all))
	var wantIn, wantFrom []string
	for _, svc := range slices.SortedFunc(maps.Values(all), func(a, b *corev1.Service) int {
		return cmp.Or(address(a).Compare(address(b)), strings.Compare(a.Name, b.Name))
	}) {
		text := svc.Name + " " + address(svc).String()
		want = append(want, text)
		if last := address(svc).As4()[3]; last >= 8 && last < 16 {
			wantIn = append(wantIn, text)
		}
		if svc.Annotations[v1beta1.AnnotationIPAllocatedFromPool] == "pool-1" {
			wantFrom = append(wantFrom, text)
		}
	}
	expect(t, "all", x.All(), want...)
	expect(t, "in a range", x.In(rangeOf(t, "192.0.2.8/29")), wantIn...)
	expect(t, "from a pool", x.From("pool-1"), wantFrom...)
}

func address(svc *corev1.Service) netip.Addr {
	return netip.MustParseAddr(svc.Status.LoadBalancer.Ingress[0].IP)
}

// A reader may look again while it iterates, whatever is written meanwhile.
func TestReadersAndWritersAtOnce(t *testing.T) {
	t.Parallel()
	x := assignment.NewIndex("")
	var writers, readers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 500 {
				x.Set(held(fmt.Sprintf("web-%d-%d", w, i%50), "gold", fmt.Sprintf("192.0.2.%d", i%200)))
				if i%7 == 0 {
					x.Delete(types.NamespacedName{Namespace: "default", Name: fmt.Sprintf("web-%d-%d", w, i%50)})
				}
			}
		})
	}
	for range 4 {
		readers.Go(func() {
			for range 50 {
				for h := range x.From("gold") {
					for range x.In(ipam.Range{From: h.Address, To: h.Address}) {
						break
					}
				}
			}
		})
	}
	writers.Wait()
	readers.Wait()
	if n := len(names(x.All())); n == 0 || n > 200 {
		t.Errorf("%d holdings are left", n)
	}
}

func BenchmarkSet(b *testing.B) {
	for _, n := range []int{100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x := assignment.NewIndex("")
			for i := range n {
				x.Set(held(fmt.Sprintf("web-%05d", i), "gold", netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String()))
			}
			versions := []*corev1.Service{held("web-00007", "gold", "10.9.0.1"), held("web-00007", "gold", "10.9.0.2")}
			for i := 0; b.Loop(); i++ {
				x.Snapshot()
				x.Set(versions[i%2])
			}
		})
	}
}
