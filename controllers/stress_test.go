// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apitypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// stressTime is how long services and pools are changed at random.
const stressTime = 8 * time.Second

var _ = Describe("A controller under stress", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	DescribeTable("that is killed now and then, and held up more often", func(ctx SpecContext, disrupts bool) {
		a, b := builder.MakePool("a", "192.0.2.0/28").Obj(), builder.MakePool("b", "198.51.100.0/29").Obj()
		create(ctx, a, b)
		watched := observe(ctx)
		watched.allowMoves(disrupts)
		s := &stress{random: rand.New(rand.NewPCG(1, 1)), disrupts: disrupts}
		p := startController()
		for end := time.Now().Add(stressTime); time.Now().Before(end); {
			if s.random.IntN(300) == 0 {
				p.stop(syscall.SIGKILL)
				p = startController()
			}
			switch s.random.IntN(10) {
			case 0:
				p.signal(syscall.SIGSTOP) // As on a machine that has other work to do.
			case 1, 2:
				p.signal(syscall.SIGCONT)
			}
			s.step(ctx)
		}
		p.signal(syscall.SIGCONT)
		By("letting it come to rest")
		Eventually(func() []string { return unsettled(ctx) }).Should(BeEmpty())
		watched.mu.Lock()
		defer watched.mu.Unlock()
		Expect(watched.faults).To(BeEmpty())
		Expect(watched.assignments).To(BeNumerically(">", 20), "it was really put under stress")
		if disrupts {
			Expect(watched.moves).To(BeNumerically(">", 0))
		}
	},
		Entry("loses no address, changes none unasked and gives none twice", false),
		Entry("though pools allow disruption, takes no address without giving another, and gives none twice", true),
	)
})

// stress changes services and pools at random.
type stress struct {
	random *rand.Rand
	// disrupts is set if pools may allow disruption.
	disrupts bool
}

func (s *stress) step(ctx context.Context) {
	name := fmt.Sprintf("s%02d", s.random.IntN(40))
	switch s.random.IntN(12) {
	case 0:
		s.editPool(ctx)
	case 1, 2, 3:
		s.editService(ctx, name)
	case 4:
		_ = server.Client.Delete(ctx, builder.MakeService(name).Obj()) // It may not exist.
		if s.random.IntN(2) == 0 {
			s.createService(ctx, name) // The controller may know no more than that it changed.
		}
	default:
		s.createService(ctx, name)
	}
}

func (s *stress) createService(ctx context.Context, name string) {
	svc := builder.MakeService(name)
	if s.random.IntN(3) == 0 {
		svc.SharingKey("k").Ports(int32(s.random.IntN(3) + 80))
	}
	_ = server.Client.Create(ctx, svc.Obj()) // It may exist.
}

func (s *stress) editPool(ctx context.Context) {
	choices := map[string][]string{
		"a": {"192.0.2.0/28", "192.0.2.0/29", "192.0.2.8/29", "192.0.2.0/27"},
		"b": {"198.51.100.0/29", "198.51.100.4/30", "192.0.2.0/29"},
	}
	p := builder.MakePool([]string{"a", "b"}[s.random.IntN(2)]).Obj()
	if server.Client.Get(ctx, client.ObjectKeyFromObject(p), p) == nil {
		ranges := choices[p.Name]
		p.Spec.Addresses = []string{ranges[s.random.IntN(len(ranges))]}
		p.Spec.AvoidBuggyIPs = s.random.IntN(4) == 0
		if delete(p.Annotations, v1beta1.AnnotationAllowDisruption); s.disrupts && s.random.IntN(3) > 0 {
			allow(p)
		}
		_ = server.Client.Update(ctx, p) // The controller may have been faster.
	}
}

func (s *stress) editService(ctx context.Context, name string) {
	svc := builder.MakeService(name).Obj()
	if server.Client.Get(ctx, client.ObjectKeyFromObject(svc), svc) != nil {
		return
	}
	annotate := func(key, value string) { metav1.SetMetaDataAnnotation(&svc.ObjectMeta, key, value) }
	switch s.random.IntN(6) {
	case 0:
		svc.Spec.LoadBalancerIP = fmt.Sprintf("192.0.2.%d", s.random.IntN(16))
	case 1:
		svc.Spec.LoadBalancerIP = ""
		delete(svc.Annotations, v1beta1.AnnotationAddressPool)
	case 2:
		annotate(v1beta1.AnnotationAddressPool, []string{"a", "b"}[s.random.IntN(2)])
	case 3:
		annotate(v1beta1.AnnotationAllowSharedIP, []string{"", "k", "l"}[s.random.IntN(3)])
	case 4:
		svc.Spec.Ports[0].Port = int32(s.random.IntN(3) + 80)
	case 5:
		svc.Spec.Type, svc.Spec.LoadBalancerIP = corev1.ServiceTypeClusterIP, ""
		if server.Client.Update(ctx, svc) != nil {
			return
		}
		svc.Spec.Type = corev1.ServiceTypeLoadBalancer
	}
	_ = server.Client.Update(ctx, svc) // The controller may have been faster.
}

// unsettled returns what is not as it should be once nothing changes any more.
func unsettled(ctx context.Context) []string {
	services := &corev1.ServiceList{}
	Expect(server.Client.List(ctx, services, client.InNamespace("default"), client.MatchingFields{"spec.type": "LoadBalancer"})).To(Succeed())
	pools := &v1beta1.IPAddressPoolList{}
	Expect(server.Client.List(ctx, pools)).To(Succeed())
	var found []string
	var free int64
	for _, p := range pools.Items {
		free += p.Status.AvailableIPv4
	}
	held := map[string]bool{}
	for _, svc := range services.Items {
		c := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAllocated)
		ingress := svc.Status.LoadBalancer.Ingress
		asks := svc.Spec.LoadBalancerIP != "" || svc.Annotations[v1beta1.AnnotationAddressPool] != ""
		switch {
		case c == nil:
			found = append(found, svc.Name+" has no condition")
		case c.Status == metav1.ConditionTrue && len(ingress) != 1:
			found = append(found, svc.Name+" has no address, but says so")
		case c.Status == metav1.ConditionFalse && !asks && !inConflict(c) && free > 0:
			found = append(found, fmt.Sprintf("%s waits (%s), but %d addresses are free", svc.Name, c.Message, free))
		}
		for _, i := range ingress {
			held[i.IP] = true
		}
	}
	var assigned int64
	for _, p := range pools.Items {
		assigned += p.Status.AssignedIPv4
	}
	if assigned != int64(len(held)) {
		found = append(found, fmt.Sprintf("the pools count %d addresses, services hold %d", assigned, len(held)))
	}
	return found
}

// observer follows every version of every Service.
type observer struct {
	mu       sync.Mutex
	services map[string]observed
	// shared are the Services that ever had a sharing key: they may keep an address that they may not share any more.
	shared      map[apitypes.UID]bool
	faults      []string
	assignments int
	// disrupts is set if a service may be moved unasked, which moves counts.
	disrupts bool
	moves    int
}

// observed is the last version of a Service.
type observed struct {
	addresses []string
	request   string
	// met is set while the request is the one that the addresses were given for.
	met    bool
	shared bool
}

func observe(ctx context.Context) *observer {
	GinkgoHelper()
	c, err := client.NewWithWatch(server.Config, client.Options{Scheme: server.Scheme})
	Expect(err).NotTo(HaveOccurred())
	w, err := c.Watch(ctx, &corev1.ServiceList{}, client.InNamespace("default"))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(w.Stop)
	o := &observer{services: map[string]observed{}, shared: map[apitypes.UID]bool{}}
	go func() {
		for event := range w.ResultChan() {
			if svc, ok := event.Object.(*corev1.Service); ok {
				o.see(svc, event.Type)
			} else {
				o.fault("the watch ended: %v", apierrors.FromObject(event.Object))
			}
		}
	}()
	return o
}

// allowMoves says whether services may be moved unasked.
func (o *observer) allowMoves(allowed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.disrupts = allowed
}

// see compares a version of a Service with the one before and with the other Services.
func (o *observer) see(svc *corev1.Service, what watch.EventType) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if what == watch.Deleted || svc.Spec.Type != corev1.ServiceTypeLoadBalancer {
		delete(o.services, svc.Name)
		return
	}
	o.shared[svc.UID] = o.shared[svc.UID] || svc.Annotations[v1beta1.AnnotationAllowSharedIP] != ""
	before := o.services[svc.Name]
	now := observed{shared: o.shared[svc.UID], request: fmt.Sprint(svc.Spec.LoadBalancerIP, svc.Spec.Ports[0].Port,
		svc.Annotations[v1beta1.AnnotationAddressPool], svc.Annotations[v1beta1.AnnotationAllowSharedIP])}
	for _, i := range svc.Status.LoadBalancer.Ingress {
		now.addresses = append(now.addresses, i.IP)
	}
	now.met = o.compare(svc.Name, before, now, meta.IsStatusConditionTrue(svc.Status.Conditions, v1beta1.ConditionAllocated))
	o.services[svc.Name] = now
	for name, other := range o.services {
		if name != svc.Name && now.clashesWith(other) {
			o.faultLocked("%s has %v, and %s has %v", svc.Name, now.addresses, name, other.addresses)
		}
	}
}

// compare compares two versions of a Service, and reports whether the request of the later one is met.
func (o *observer) compare(name string, before, now observed, allocated bool) bool {
	switch asked := now.request == before.request; {
	case slices.Equal(before.addresses, now.addresses):
		return before.met && asked
	case len(now.addresses) == 0, before.met && asked && !o.disrupts:
		o.faultLocked("%s had %v and has %v", name, before.addresses, now.addresses)
	case before.met && asked:
		o.moves++
		return true
	case asked && allocated:
		o.assignments++
		return true
	}
	return false
}

// clashesWith reports whether the two have an address in common though one of them never shared.
func (s observed) clashesWith(other observed) bool {
	if s.shared && other.shared {
		return false
	}
	return slices.ContainsFunc(s.addresses, func(a string) bool { return slices.Contains(other.addresses, a) })
}

func (o *observer) fault(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.faultLocked(format, args...)
}

func (o *observer) faultLocked(format string, args ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, args...))
}

// inConflict reports whether the condition says that the service may not share its address any more. It stays where it is then.
func inConflict(c *metav1.Condition) bool {
	return strings.Contains(c.Message, "was created earlier") || strings.Contains(c.Message, "cannot share")
}
