// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/test/builder"
)

// TestHoweverLateNewsAreNoAddressIsToldTwice lets a controller work with a cache that lags behind the API server, and with
// writes that fail, that succeed and seem to fail, or that take effect long after, while services and pools change and while
// others write to the services. SIMULATION_SEED is the first of SIMULATION_SEEDS seeds.
func TestHoweverLateNewsAreNoAddressIsToldTwice(t *testing.T) {
	t.Parallel()
	seeds := []uint64{55844} // Two that shared an address changed their terms, one after the other.
	for first, i := number("SIMULATION_SEED", 0), uint64(0); i < number("SIMULATION_SEEDS", 40); i++ {
		seeds = append(seeds, first+i)
	}
	for _, seed := range seeds {
		simulate(t, seed)
	}
}

func simulate(t *testing.T, seed uint64) {
	t.Helper()
	t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
		t.Parallel()
		s := newSimulation(t, seed)
		for range 5000 {
			s.step()
		}
		s.rest()
	})
}

// number returns a variable of the environment.
func number(variable string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(variable), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// simulation is an API server with Services, a cache of them, and a controller, which looks at what it is told to have changed
// and at nothing else.
type simulation struct {
	apiServer

	tb         testing.TB
	random     *rand.Rand
	choices    []ipam.Pools
	pools      ipam.Pools
	abandoned  []string
	reconciler *Reconciler
	// term counts the controllers that there have been.
	term int
	// disrupts is set if pools may allow disruption.
	disrupts bool
	// overlaps is set if a write that a controller has sent may arrive after another has taken over.
	overlaps bool
	// queue are the Services to be looked at, busy those that the controller is looking at.
	queue *pending
	busy  map[string]bool
	// calm is set when no write fails any more.
	calm bool
	// late are writes that the controller has given up, and that the API server has not.
	late []func()
	// asked are the labels, of Services and of their namespace, that the controller has last seen.
	asked map[string][2]labels.Set
	// unselected are Services that had an address of a pool that did not select them, since what they have was written.
	unselected map[types.UID]bool
	// trace is what happened, for whom a test fails.
	trace []string
}

func newSimulation(tb testing.TB, seed uint64) *simulation {
	tb.Helper()
	s := &simulation{
		tb: tb, random: rand.New(rand.NewPCG(seed, 3)), disrupts: seed%2 == 0, overlaps: seed%4 >= 2,
		apiServer: newAPIServer(), asked: map[string][2]labels.Set{}, unselected: map[types.UID]bool{},
	}
	for _, list := range [][]*builder.Pool{
		{builder.MakePool("a", "192.0.2.0/30", "2001:db8::/127"), builder.MakePool("b", "198.51.100.0/31")},
		{builder.MakePool("a", "192.0.2.0/31"), builder.MakePool("b", "198.51.100.0/31", "2001:db8::/126")},
		{builder.MakePool("a", "192.0.2.2/31"), builder.MakePool("b", "192.0.2.0/31")},
		{builder.MakePool("a", "192.0.2.0/30").AvoidBuggyIPs(), builder.MakePool("b", "198.51.100.1/32")},
		{builder.MakePool("a", "192.0.2.0/30"), builder.MakePool("b", "198.51.100.0/31", "2001:db8::2/127").NamespacesWithLabel("team", "x")},
		{builder.MakePool("a", "192.0.2.0/31", "2001:db8::/127").ServicesWithLabel("tier", "x"), builder.MakePool("b", "198.51.100.0/30")},
		{builder.MakePool("a", "192.0.2.0/30", "2001:db8::/126")},
	} {
		pools := make([]ipam.Pool, 0, len(list))
		for _, o := range list {
			p, errs := ipam.ParsePool(o.Obj())
			if len(errs) > 0 {
				tb.Fatal(errs)
			}
			pools = append(pools, p)
		}
		s.choices = append(s.choices, ipam.NewPools(pools...))
	}
	s.pools = s.choices[0]
	s.restart()
	return s
}

// restart replaces the controller by a new one. Its cache is filled before it looks at what the services hold. Unless the two
// overlap, the API server is through with what the one before had asked for, see WriteTimeout.
func (s *simulation) restart() {
	s.note("restart")
	s.term++
	if !s.overlaps {
		s.late = nil
	}
	s.fillCache()
	for range s.random.IntN(5) {
		s.edit()
	}
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		s.tb.Fatal(err)
	}
	a, services := allocator.New(), &trigger.Queue{}
	s.abandoned, s.queue, s.busy = nil, &pending{names: map[string]bool{}}, map[string]bool{}
	s.reconciler = &Reconciler{
		Client: cache{simulation: s, term: s.term, allocator: a}, Live: live{simulation: s}, Allocator: a, Recorder: &events.FakeRecorder{},
		Metrics: metrics, Services: services, Pools: &trigger.Queue{},
		Hydration: NewHydration(live{simulation: s}, a, s, "", services),
	}
	s.reconciler.Hydration.Takeover = s.takeover()
	for _, c := range s.clashes() {
		s.inherited[c] = true
	}
	if err := s.reconciler.Hydration.Start(s.tb.Context()); err != nil {
		s.tb.Fatal(err)
	}
	if err := services.Source().Start(s.tb.Context(), s.queue); err != nil {
		s.tb.Fatal(err)
	}
	for name := range s.cached {
		s.queue.names[name] = true
	}
}

// Load gives the controller its pools.
func (s *simulation) Load(context.Context) (ipam.Pools, error) {
	s.reconciler.Allocator.SetPools(s.pools)
	return s.pools, nil
}

func (s *simulation) name() string { return fmt.Sprintf("s%d", s.random.IntN(8)) }

func (s *simulation) step() {
	defer s.noteUnselected()
	switch what := s.random.IntN(200); {
	case what == 0 && (len(s.busy) == 0 || s.overlaps):
		s.restart()
	case what < 15:
		s.editPools()
	case what < 18:
		s.hearOfNamespace()
	case what < 40:
		s.edit()
	case what < 50:
		s.intrude(s.name())
	case what < 100:
		s.hear(s.name(), s.random.IntN(8) == 0)
	case what < 110 && len(s.late) > 0:
		write := s.late[0]
		s.late = s.late[1:]
		write()
	case what < 150:
		// A pool that changes, and much else, has Services looked at of which there is no news.
		if name := s.name(); !s.busy[name] {
			s.reconcile(name)
		}
	default:
		if names := slices.DeleteFunc(s.queue.sorted(), func(name string) bool { return s.busy[name] }); len(names) > 0 {
			s.reconcile(names[s.random.IntN(len(names))])
		}
	}
}

// meanwhile lets other things happen while a write is on its way; the controller looks at several Services side by side.
func (s *simulation) meanwhile() {
	for len(s.busy) < 4 && !s.calm && s.random.IntN(3) == 0 {
		s.step()
	}
}

func (s *simulation) reconcile(name string) {
	if svc := s.cached[name]; svc != nil {
		s.asked[name] = [2]labels.Set{svc.Labels, s.cachedLabels}
	}
	s.noteUnselected()
	r, queue, busy := s.reconciler, s.queue, s.busy
	delete(queue.names, name)
	busy[name] = true
	result, err := r.Reconcile(s.tb.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "default", Name: name}})
	delete(busy, name)
	switch {
	case errors.Is(err, errLost), result.RequeueAfter > 0:
		queue.names[name] = true
	case err != nil:
		s.tb.Fatal(err)
	}
}

// noteUnselected notes the Services that the pools of their addresses do not select, by what the controller may know of labels.
func (s *simulation) noteUnselected() {
	for name, svc := range s.services {
		serviceLabels, namespaceLabels := []labels.Set{svc.Labels, s.asked[name][0]}, []labels.Set{s.labels, s.cachedLabels, s.asked[name][1]}
		if cached := s.cached[name]; cached != nil {
			serviceLabels = append(serviceLabels, cached.Labels)
		}
		for _, address := range reportedBy(svc) {
			pool, ok := s.pools.Find(address)
			if !ok {
				continue
			}
			for _, l := range serviceLabels {
				for _, n := range namespaceLabels {
					s.unselected[svc.UID] = s.unselected[svc.UID] || !pool.Admits(svc.Namespace, n, l)
				}
			}
		}
	}
}

// editPools gives the controller other pools, as its ConfigurationReconciler would.
func (s *simulation) editPools() {
	before := s.pools
	s.pools = slices.Clone(s.choices[s.random.IntN(len(s.choices))])
	for i := range s.pools {
		s.pools[i].AllowDisruption = s.disrupts && s.random.IntN(4) > 0
	}
	has := func(name string) bool {
		return slices.ContainsFunc(s.pools, func(p ipam.Pool) bool { return p.Name == name })
	}
	for i := range before {
		if before[i].AllowDisruption && !has(before[i].Name) {
			s.abandoned = append(s.abandoned, before[i].Name)
		}
	}
	s.abandoned = slices.DeleteFunc(s.abandoned, has)
	s.note("pools %s, abandoned %v", describe(s.pools), s.abandoned)
	s.reconciler.Services.Add(s.reconciler.Allocator.SetPools(s.pools, s.abandoned...)...)
}

// rest lets everything arrive, and asserts that what is in use is what was told, and that nobody waits for what is free.
func (s *simulation) rest() {
	for _, write := range s.late {
		write()
	}
	s.late, s.calm = nil, true
	s.hearOfNamespace()
	for i := range 8 {
		s.hear(fmt.Sprintf("s%d", i), true)
	}
	for rounds := 0; len(s.queue.names) > 0; rounds++ {
		if rounds == 1000 {
			s.fail("it does not come to rest")
		}
		name := s.queue.sorted()[0]
		s.reconcile(name)
		for i := range 8 {
			s.hear(fmt.Sprintf("s%d", i), true)
		}
	}
	s.assertTold()
	told := s.toldTo()
	for name := range s.cached {
		s.reconcile(name)
	}
	if now := s.toldTo(); !maps.Equal(now, told) {
		s.fail("services were not looked at that could be given something else: told were %v, then %v", told, now)
	}
}

// toldTo returns what each Service is told.
func (s *simulation) toldTo() map[string]string {
	told := map[string]string{}
	for name, svc := range s.services {
		told[name] = fmt.Sprint(assignment.IngressTexts(svc), meta.IsStatusConditionTrue(svc.Status.Conditions, v1beta1.ConditionAllocated))
	}
	return told
}

// assertTold asserts that the controller has in mind what the Services tell.
func (s *simulation) assertTold() {
	told := map[string]bool{}
	for name, svc := range s.services {
		if svc.Spec.Type != corev1.ServiceTypeLoadBalancer && hasTraces(svc) {
			s.fail("%s is not of type LoadBalancer any more, and still tells what it was given", name)
		}
		if !assignment.Served(svc, "") {
			continue
		}
		c := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAllocated)
		if c == nil && svc.DeletionTimestamp == nil {
			s.fail("%s has no condition", name)
		}
		held := s.reconciler.Allocator.Inspect(allocator.Filter{Service: types.NamespacedName{Namespace: "default", Name: name}})
		want := make([]string, 0, len(held.Addresses))
		for _, address := range held.Addresses {
			want = append(want, address.Address.String())
		}
		if got := slices.Sorted(slices.Values(assignment.IngressTexts(svc))); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			s.fail("%s holds %v, and is told %v", name, want, got)
		}
		for _, address := range want {
			told[address] = true
		}
	}
	inUse := int64(0)
	for _, pool := range []string{"a", "b"} {
		counts := s.reconciler.Allocator.PoolCounts(pool)
		inUse += counts.AssignedIPv4 + counts.AssignedIPv6
	}
	if inUse != int64(len(told)) {
		s.fail("%d addresses are in use, and told are %v", inUse, slices.Sorted(maps.Keys(told)))
	}
	s.assertNoClash()
}

// assertNoClash asserts that nobody is told the address of another, except those whom a controller found so, and one of whom it says so.
func (s *simulation) assertNoClash() {
	refused := map[types.UID]bool{}
	for _, svc := range s.services {
		refused[svc.UID] = meta.IsStatusConditionFalse(svc.Status.Conditions, v1beta1.ConditionAllocated)
	}
	for _, c := range s.clashes() {
		if !s.inherited[c] || !refused[c.one] && !refused[c.other] {
			s.fail("%s is still told to two who never could share it", c.address)
		}
	}
}

func describe(pools ipam.Pools) string {
	parts := make([]string, 0, len(pools))
	for _, p := range pools {
		ranges := make([]string, 0, len(p.Ranges))
		for _, r := range p.Ranges {
			ranges = append(ranges, r.From.String()+"-"+r.To.String())
		}
		parts = append(parts, fmt.Sprintf("%s%v avoid=%t reserved=%t disrupts=%t", p.Name, ranges, p.AvoidBuggyIPs, p.Allocation != nil, p.AllowDisruption))
	}
	return strings.Join(parts, " ")
}

func (s *simulation) note(format string, args ...any) {
	s.trace = append(s.trace, fmt.Sprintf(format, args...))
}

func (s *simulation) fail(format string, args ...any) {
	s.tb.Helper()
	s.tb.Fatalf("%s after\n%s", fmt.Sprintf(format, args...), strings.Join(s.trace[max(0, len(s.trace)-80):], "\n"))
}

var errLost = errors.New("the connection was lost")

// pending is a work queue that is worked off in any order.
type pending struct {
	workqueue.TypedRateLimitingInterface[ctrl.Request]

	names map[string]bool
}

func (p *pending) Add(r ctrl.Request) { p.names[r.Name] = true }

func (p *pending) sorted() []string { return slices.Sorted(maps.Keys(p.names)) }

// terms are on what terms a Service could share an address.
type terms struct {
	key  string
	port int32
}

func termsOf(svc *corev1.Service) terms {
	return terms{assignment.Annotation(svc, v1beta1.AnnotationAllowSharedIP), svc.Spec.Ports[0].Port}
}

func (t terms) admit(o terms) bool { return t.key != "" && t.key == o.key && t.port != o.port }
