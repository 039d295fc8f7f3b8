// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/wake"
	"metallb.io/metallb/test/builder"
)

// TestHoweverLateNewsAreNoAddressIsToldTwice lets a controller work with a cache that lags behind the API server, and with
// writes that fail, that succeed and seem to fail, or that take effect long after, while services and pools change.
func TestHoweverLateNewsAreNoAddressIsToldTwice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := newSimulation(t, seed)
			for range 5000 {
				s.step()
			}
			s.rest()
		})
	}
}

// simulation is an API server with Services, a cache of them, and a controller.
type simulation struct {
	tb         testing.TB
	random     *rand.Rand
	choices    []ipam.Pools
	pools      ipam.Pools
	reconciler *Reconciler

	version  int
	services map[string]*corev1.Service
	cached   map[string]*corev1.Service
	// news are the versions of a Service that the cache has not seen, nil for one that is gone.
	news map[string][]*corev1.Service
	// calm is set when no write fails any more.
	calm bool
	// late are writes that the controller has given up, and that the API server has not.
	late []func()
	// shared are the Services that ever had a sharing key: they may keep an address that they may not share any more.
	shared map[types.UID]bool
	// trace is what happened, for whom a test fails.
	trace []string
}

func newSimulation(tb testing.TB, seed uint64) *simulation {
	tb.Helper()
	s := &simulation{
		tb: tb, random: rand.New(rand.NewPCG(seed, 3)),
		services: map[string]*corev1.Service{}, news: map[string][]*corev1.Service{}, shared: map[types.UID]bool{},
	}
	for _, list := range [][]*builder.Pool{
		{builder.MakePool("a", "192.0.2.0/30"), builder.MakePool("b", "198.51.100.0/31")},
		{builder.MakePool("a", "192.0.2.0/31"), builder.MakePool("b", "198.51.100.0/31")},
		{builder.MakePool("a", "192.0.2.2/31"), builder.MakePool("b", "192.0.2.0/31")},
		{builder.MakePool("a", "192.0.2.0/30").AvoidBuggyIPs(), builder.MakePool("b", "198.51.100.1/32")},
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

// Load gives the controller its pools.
func (s *simulation) Load(context.Context) (ipam.Pools, error) {
	s.reconciler.Allocator.SetPools(s.pools)
	return s.pools, nil
}

// restart replaces the controller by a new one. Its cache is filled before it looks at what the services hold. The API server
// is through with what the one before had asked for: another takes over only after a while.
func (s *simulation) restart() {
	s.note("restart")
	s.late = nil
	s.cached = map[string]*corev1.Service{}
	clear(s.news)
	for name, svc := range s.services {
		if svc.Spec.Type == corev1.ServiceTypeLoadBalancer {
			s.cached[name] = svc
		}
	}
	for range s.random.IntN(5) {
		s.edit()
	}
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		s.tb.Fatal(err)
	}
	a, services := allocator.New(), &wake.Queue{}
	s.reconciler = &Reconciler{
		Client: cache{simulation: s}, Live: live{simulation: s}, Allocator: a, Recorder: &events.FakeRecorder{},
		Metrics: metrics, Services: services, Pools: &wake.Queue{},
		Hydration: NewHydration(live{simulation: s}, a, s, "", services),
	}
	if err := s.reconciler.Hydration.Start(s.tb.Context()); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *simulation) name() string { return fmt.Sprintf("s%d", s.random.IntN(8)) }

func (s *simulation) step() {
	switch what := s.random.IntN(200); {
	case what == 0:
		s.restart()
	case what < 20:
		s.pools = slices.Clone(s.choices[s.random.IntN(len(s.choices))])
		for i := range s.pools {
			s.pools[i].AllowDisruption = s.random.IntN(4) > 0
		}
		s.note("pools %+v", s.pools)
		s.reconciler.Allocator.SetPools(s.pools)
	case what < 40:
		s.edit()
	case what < 80:
		s.hear(s.name())
	case what < 90 && len(s.late) > 0:
		s.late[0]()
		s.late = s.late[1:]
	default:
		s.reconcile(s.name())
	}
}

func (s *simulation) reconcile(name string) {
	_, err := s.reconciler.Reconcile(s.tb.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "default", Name: name}})
	if err != nil && !errors.Is(err, errLost) {
		s.tb.Fatal(err)
	}
}

// hear lets the cache see the next version of the Service.
func (s *simulation) hear(name string) {
	if len(s.news[name]) == 0 {
		return
	}
	next := s.news[name][0]
	s.news[name] = s.news[name][1:]
	if delete(s.cached, name); next != nil && next.Spec.Type == corev1.ServiceTypeLoadBalancer {
		s.cached[name] = next
	}
}

// edit creates, changes or deletes a Service.
func (s *simulation) edit() {
	name := s.name()
	before := s.services[name]
	if before == nil {
		svc := builder.MakeService(name).Obj()
		svc.UID = types.UID(fmt.Sprint(s.version))
		svc.CreationTimestamp = metav1.NewTime(time.Unix(int64(s.version), 0))
		svc.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
		if s.random.IntN(2) == 0 {
			svc.Annotations = map[string]string{v1beta1.AnnotationAllowSharedIP: "k"}
		}
		svc.Spec.Ports[0].Port = int32(s.random.IntN(2) + 80)
		s.put(svc)
		return
	}
	svc := before.DeepCopy()
	switch s.random.IntN(9) {
	case 0:
		svc.Spec.LoadBalancerIP = fmt.Sprintf("192.0.2.%d", s.random.IntN(4))
	case 1:
		svc.Spec.LoadBalancerIP = ""
	case 2:
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, v1beta1.AnnotationAddressPool, []string{"", "a", "b"}[s.random.IntN(3)])
	case 3:
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, v1beta1.AnnotationAllowSharedIP, []string{"", "k"}[s.random.IntN(2)])
	case 4:
		svc.Spec.Ports[0].Port = int32(s.random.IntN(2) + 80)
	case 5:
		if svc.Spec.Type == corev1.ServiceTypeLoadBalancer {
			svc.Spec.Type, svc.Spec.LoadBalancerIP = corev1.ServiceTypeClusterIP, ""
			svc.Status.LoadBalancer.Ingress = nil // This is what the API server does.
		} else {
			svc.Spec.Type = corev1.ServiceTypeLoadBalancer
		}
	case 6:
		// Some contradict themselves.
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, v1beta1.AnnotationLoadBalancerIPs, []string{"", "nonsense"}[s.random.IntN(2)])
	default:
		delete(s.services, name)
		s.version++
		s.news[name] = append(s.news[name], nil)
		s.note("%s is deleted", name)
		return
	}
	s.put(svc)
}

// put stores a new version of the Service.
func (s *simulation) put(svc *corev1.Service) {
	before := s.services[svc.Name]
	s.version++
	svc.ResourceVersion = strconv.Itoa(s.version)
	s.services[svc.Name] = svc
	s.news[svc.Name] = append(s.news[svc.Name], svc)
	key := annotation(svc, v1beta1.AnnotationAllowSharedIP)
	s.shared[svc.UID] = s.shared[svc.UID] || key != ""
	s.note("%s is type %s, key %q, port %d, asks %q %q, has %v, version %s", svc.Name, svc.Spec.Type, key, svc.Spec.Ports[0].Port,
		svc.Spec.LoadBalancerIP, annotation(svc, v1beta1.AnnotationAddressPool), ingressTexts(svc), svc.ResourceVersion)
	for _, address := range ingressTexts(svc) {
		if before != nil && before.UID == svc.UID && slices.Contains(ingressTexts(before), address) {
			continue
		}
		for name, other := range s.services {
			if name != svc.Name && slices.Contains(ingressTexts(other), address) && (key == "" || !s.shared[other.UID]) {
				s.fail("%s is told to %s and to %s", address, name, svc.Name)
			}
		}
	}
}

// write applies a patch of the controller's, in which nothing but the status and the annotations is changed.
func (s *simulation) write(desired *corev1.Service) error {
	resource := schema.GroupResource{Resource: "services"}
	switch now := s.services[desired.Name]; {
	case now == nil:
		return apierrors.NewNotFound(resource, desired.Name)
	case now.ResourceVersion != desired.ResourceVersion:
		return apierrors.NewConflict(resource, desired.Name, nil)
	}
	if before := s.services[desired.Name]; len(ingressTexts(before)) > 0 && len(ingressTexts(desired)) == 0 {
		s.fail("%s is left without an address, and had %v", desired.Name, ingressTexts(before))
	}
	s.put(desired.DeepCopy())
	desired.ResourceVersion = strconv.Itoa(s.version)
	return nil
}

// rest lets everything arrive, and asserts that what is in use is what was told.
func (s *simulation) rest() {
	for _, write := range s.late {
		write()
	}
	s.late, s.calm = nil, true
	for before := -1; before != s.version; {
		before = s.version
		for i := range 8 {
			name := fmt.Sprintf("s%d", i)
			for len(s.news[name]) > 0 {
				s.hear(name)
			}
			s.reconcile(name)
		}
	}
	told := map[string]bool{}
	for _, svc := range s.services {
		for _, address := range ingressTexts(svc) {
			told[address] = true
		}
	}
	inUse := int64(0)
	for _, pool := range []string{"a", "b"} {
		inUse += s.reconciler.Allocator.PoolCounts(pool).AssignedIPv4
	}
	if inUse != int64(len(told)) {
		s.fail("%d addresses are in use, and told are %v", inUse, told)
	}
}

func (s *simulation) note(format string, args ...any) {
	s.trace = append(s.trace, fmt.Sprintf(format, args...))
}

func (s *simulation) fail(format string, args ...any) {
	s.tb.Helper()
	s.tb.Fatalf("%s after\n%s", fmt.Sprintf(format, args...), strings.Join(s.trace[max(0, len(s.trace)-40):], "\n"))
}

var errLost = errors.New("the connection was lost")

// cache is the controller's client: it reads what the cache has.
type cache struct {
	client.Client

	*simulation
}

func (c cache) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	return get(c.cached, key, object)
}

func (c cache) Status() client.SubResourceWriter { return status{simulation: c.simulation} }

// live reads what the API server has.
type live struct {
	client.Reader

	*simulation
}

func (l live) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	return get(l.services, key, object)
}

func (l live) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if services, ok := list.(*corev1.ServiceList); ok {
		for _, svc := range l.services {
			if svc.Spec.Type == corev1.ServiceTypeLoadBalancer {
				services.Items = append(services.Items, *svc.DeepCopy())
			}
		}
	}
	return nil
}

func get(from map[string]*corev1.Service, key client.ObjectKey, object client.Object) error {
	if svc, ok := object.(*corev1.Service); ok && from[key.Name] != nil {
		from[key.Name].DeepCopyInto(svc)
		return nil
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

// status writes, or not.
type status struct {
	client.SubResourceWriter

	*simulation
}

func (w status) Patch(_ context.Context, object client.Object, _ client.Patch, _ ...client.SubResourcePatchOption) error {
	desired := object.(*corev1.Service)
	w.note("the controller wants %s of version %s to have %v", desired.Name, desired.ResourceVersion, ingressTexts(desired))
	switch fate := w.random.IntN(10); {
	case w.calm:
	case fate == 0:
		return errLost
	case fate == 1:
		_ = w.write(desired.DeepCopy()) // The answer is lost.
		return errLost
	case fate == 2:
		asked := desired.DeepCopy()
		w.late = append(w.late, func() { _ = w.write(asked) })
		return errLost
	}
	return w.write(desired)
}
