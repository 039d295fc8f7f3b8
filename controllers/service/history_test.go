// SPDX-License-Identifier: Apache-2.0

package service

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/test/builder"
)

// TestWhateverHasHappenedARestartChangesNothing lets services, pools and namespaces change at random, and a leader that misses nothing
// answer. Another that begins with what the services say has to give each the same addresses and the same condition, and of those
// that wait the oldest is served first. HISTORY_SEED is the first of HISTORY_SEEDS seeds.
func TestWhateverHasHappenedARestartChangesNothing(t *testing.T) {
	t.Parallel()
	first := number("HISTORY_SEED", 0)
	for seed := first; seed < first+number("HISTORY_SEEDS", 40); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			h := newHistory(t, seed)
			for range 100 {
				h.step()
				h.rest()
				h.restart()
			}
		})
	}
}

// history is services, and a leader that hears of every change at once.
type history struct {
	tb       testing.TB
	random   *rand.Rand
	choices  []ipam.Pools
	pools    ipam.Pools
	services map[string]*corev1.Service
	// namespaces has the labels of each.
	namespaces map[string]labels.Set
	leader     *Reconciler
	// queue are services to be looked at.
	queue map[string]bool
	age   int64
	trace []string
}

func newHistory(tb testing.TB, seed uint64) *history {
	tb.Helper()
	h := &history{
		tb: tb, random: rand.New(rand.NewPCG(seed, 7)), services: map[string]*corev1.Service{}, queue: map[string]bool{},
		namespaces: map[string]labels.Set{"one": {"team": "x"}, "two": {"team": "y"}},
		leader:     &Reconciler{Allocator: allocator.New()},
	}
	for _, list := range [][]*builder.Pool{
		{builder.MakePool("a", "192.0.2.0/31", "2001:db8::/127"), builder.MakePool("b", "198.51.100.0/31")},
		{builder.MakePool("a", "192.0.2.0/31"), builder.MakePool("b", "198.51.100.0/31", "2001:db8::/126").NoAutoAssign()},
		{builder.MakePool("a", "192.0.2.0/30").AvoidBuggyIPs(), builder.MakePool("c", "198.51.100.1/32")},
		{builder.MakePool("a", "192.0.2.0/32"), builder.MakePool("b", "198.51.100.0/31", "2001:db8::2/127").NamespacesWithLabel("team", "x")},
		{builder.MakePool("a", "192.0.2.0/31", "2001:db8::/127").ServicesWithLabel("tier", "x"), builder.MakePool("b", "198.51.100.0/31")},
		{builder.MakePool("b", "192.0.2.0/31"), builder.MakePool("a", "198.51.100.0/31", "2001:db8::/128")},
	} {
		for _, disrupts := range []bool{false, true} {
			pools := make([]ipam.Pool, 0, len(list))
			for _, o := range list {
				if disrupts {
					o = o.AllowDisruption()
				}
				p, errs := ipam.ParsePool(o.Obj())
				if len(errs) > 0 {
					tb.Fatal(errs)
				}
				pools = append(pools, p)
			}
			h.choices = append(h.choices, ipam.NewPools(pools...))
		}
	}
	h.setPools(h.choices[0])
	return h
}

func (h *history) setPools(pools ipam.Pools) {
	h.pools = pools
	h.note("pools %s", describe(pools))
	h.wake(h.leader.Allocator.SetPools(pools)...)
}

func (h *history) wake(names ...types.NamespacedName) {
	for _, name := range names {
		h.queue[name.String()] = true
	}
}

func (h *history) step() {
	name := []string{"one/", "two/"}[h.random.IntN(2)] + fmt.Sprintf("s%d", h.random.IntN(5))
	svc := h.services[name]
	switch what := h.random.IntN(20); {
	case what == 0:
		h.setPools(h.choices[h.random.IntN(len(h.choices))])
		return
	case what == 1:
		namespace := name[:3]
		h.namespaces[namespace] = labels.Set{"team": []string{"x", "y"}[h.random.IntN(2)]}
		h.note("namespace %s has %v", namespace, h.namespaces[namespace])
		for other := range h.services {
			h.queue[other] = h.queue[other] || strings.HasPrefix(other, namespace)
		}
		maps.DeleteFunc(h.queue, func(_ string, queued bool) bool { return !queued })
		return
	case svc == nil:
		svc = h.create(name)
	case what < 6:
		delete(h.services, name)
		h.note("%s is deleted", name)
		waiting := h.waiting()
		_, woken := h.leader.Allocator.Release(types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name})
		h.assertOldestFirst(waiting)
		h.wake(woken...)
		return
	}
	h.change(svc)
	h.queue[name] = true
	h.note("%s: %v %v key %q port %d %s labels %v asks %q of %q, has %v", name, svc.Spec.IPFamilies, *svc.Spec.IPFamilyPolicy,
		svc.Annotations[v1beta1.AnnotationAllowSharedIP], svc.Spec.Ports[0].Port, svc.Spec.ExternalTrafficPolicy, svc.Labels,
		svc.Spec.LoadBalancerIP, svc.Annotations[v1beta1.AnnotationAddressPool], reportedBy(svc))
}

func (h *history) create(name string) *corev1.Service {
	svc := builder.MakeService(name[4:]).Families(corev1.IPFamilyPolicySingleStack, corev1.IPv4Protocol).Obj()
	h.age++
	svc.Namespace, svc.CreationTimestamp = name[:3], metav1.NewTime(time.Unix(h.age/2, 0))
	svc.Spec.Selector = map[string]string{"app": "web"}
	h.services[name] = svc
	h.change(svc)
	h.change(svc)
	return svc
}

// change changes one thing about the Service.
func (h *history) change(svc *corev1.Service) {
	one := func(values ...string) string { return values[h.random.IntN(len(values))] }
	switch h.random.IntN(8) {
	case 0:
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, v1beta1.AnnotationAllowSharedIP, one("", "k", "k"))
	case 1:
		svc.Spec.Ports[0].Port = int32(h.random.IntN(2) + 80)
	case 2:
		svc.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicy(one("Local", "Cluster"))
	case 3:
		svc.Spec.LoadBalancerIP = one("", "192.0.2.0", "192.0.2.1", "198.51.100.0", "2001:db8::")
	case 4:
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, v1beta1.AnnotationAddressPool, one("", "", "a", "b"))
	case 5:
		svc.Labels = map[string]string{"tier": one("x", "y")}
	case 6:
		svc.Spec.LoadBalancerIP = ""
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, v1beta1.AnnotationAddressPool, "")
	default:
		b := &builder.Service{}
		switch h.random.IntN(4) {
		case 0:
			b.Families(corev1.IPFamilyPolicySingleStack, corev1.IPv6Protocol)
		case 1:
			b.Families(corev1.IPFamilyPolicyPreferDualStack, corev1.IPv4Protocol, corev1.IPv6Protocol)
		case 2:
			b.Families(corev1.IPFamilyPolicyRequireDualStack, corev1.IPv4Protocol, corev1.IPv6Protocol)
		default:
			b.Families(corev1.IPFamilyPolicySingleStack, corev1.IPv4Protocol)
		}
		svc.Spec.IPFamilies, svc.Spec.IPFamilyPolicy = b.Spec.IPFamilies, b.Spec.IPFamilyPolicy
	}
}

// rest lets the leader answer all that have changed or were woken, in any order.
func (h *history) rest() {
	for rounds := 0; len(h.queue) > 0; rounds++ {
		if rounds == 500 {
			h.fail("it does not come to rest")
		}
		names := slices.Sorted(maps.Keys(h.queue))
		name := names[h.random.IntN(len(names))]
		delete(h.queue, name)
		if svc := h.services[name]; svc != nil {
			h.answer(svc)
		}
	}
}

// answer does what Reconcile does.
func (h *history) answer(svc *corev1.Service) {
	name, a := types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}, h.leader.Allocator
	waiting := h.waiting()
	h.wake(a.Settle(name, reportedBy(svc))...)
	o := h.leader.decide(svc, h.namespaces[svc.Namespace])
	h.wake(o.result.Woken...)
	if o.apply(svc) {
		h.age++
		svc.ResourceVersion = fmt.Sprint(h.age)
		h.queue[name.String()] = true
	}
	delete(waiting, name.String())
	h.wake(a.Settle(name, o.result.Addresses())...)
	h.assertOldestFirst(waiting)
}

// restart lets another leader begin, which has to find that all is as it should be.
func (h *history) restart() {
	next := &Reconciler{Allocator: allocator.New()}
	next.Allocator.SetPools(h.pools)
	byAge := slices.SortedFunc(maps.Values(h.services), olderFirst)
	for _, svc := range byAge {
		request, _ := assignment.RequestOf(svc, h.namespaces[svc.Namespace])
		next.Allocator.Hydrate(request, assignment.Ours(svc, h.pools))
	}
	for _, svc := range byAge {
		next.decide(svc, h.namespaces[svc.Namespace])
	}
	for name, svc := range h.services {
		again := svc.DeepCopy()
		o := next.decide(again, h.namespaces[svc.Namespace])
		if o.apply(again) {
			h.fail("after a restart %s is another (-before +after):\n%s", name, cmp.Diff(svc.Status, again.Status)+cmp.Diff(svc.Annotations, again.Annotations))
		}
	}
	if h.random.IntN(4) == 0 {
		h.note("restart")
		h.leader = next
	}
}

// waiting returns the requests of those that wait, and hold nothing.
func (h *history) waiting() map[string]allocator.Request {
	found := map[string]allocator.Request{}
	for _, w := range h.leader.Allocator.Inspect(allocator.Filter{}).Waiters {
		if len(w.Held) == 0 {
			found[w.Request.Service.String()] = w.Request
		}
	}
	return found
}

// assertOldestFirst asserts that none of those that were waiting was given an address alone that an older one could have had.
func (h *history) assertOldestFirst(waiting map[string]allocator.Request) {
	still := h.waiting()
	for _, used := range h.leader.Allocator.Inspect(allocator.Filter{}).Addresses {
		if len(used.Users) > 1 {
			continue
		}
		served, ok := waiting[used.Users[0].Service.String()]
		if !ok {
			continue
		}
		for name, older := range still {
			if _, waited := waiting[name]; waited && older.Created.Before(served.Created) && h.couldUse(older, used.Address) {
				h.fail("%s was given %s, for which %s waited longer", served.Service, used.Address, name)
			}
		}
	}
}

// couldUse reports whether the request would be met by the address alone, if that is free.
func (h *history) couldUse(r allocator.Request, a netip.Addr) bool {
	pool, ok := h.pools.Find(a)
	if !ok || len(r.Families) > 1 || !pool.Admits(r.Service.Namespace, r.NamespaceLabels, r.Labels) || r.Pool != "" && r.Pool != pool.Name {
		return false
	}
	if len(r.Addresses) > 0 {
		return r.Addresses[0] == a
	}
	return r.Families[0] == allocator.FamilyOf(a) && (r.Pool != "" || pool.AutoAssign)
}

func olderFirst(a, b *corev1.Service) int {
	if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
		return c
	}
	return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
}

func (h *history) note(format string, args ...any) {
	h.trace = append(h.trace, fmt.Sprintf(format, args...))
}

func (h *history) fail(format string, args ...any) {
	h.tb.Helper()
	for name, svc := range h.services {
		c := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAllocated)
		h.note("%s has %v, created %v, %+v", name, reportedBy(svc), svc.CreationTimestamp.Unix(), c)
	}
	h.tb.Fatalf("%s after\n%s", fmt.Sprintf(format, args...), strings.Join(h.trace[max(0, len(h.trace)-40):], "\n"))
}
