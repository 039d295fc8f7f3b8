// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/freeport"
)

// metricsAddress is where the controllers of these specs serve their metrics.
var metricsAddress string

var _ = BeforeSuite(func() { metricsAddress = freeport.Address(GinkgoTB()) })

// What the webhook says of the service web.
const (
	notOwned     = `new config not compatible with assigned IPs: service "default/web" cannot own "198.51.100.0" under new config`
	notAnnounced = `new config not compatible with assigned IPs: service "default/web" would not be announced at "198.51.100.0" under new config`
)

// intrusion is a change that the webhook would refuse, made past it. The service web holds 198.51.100.0 from pool one, which
// the advertisement announces to the router.
type intrusion struct {
	// pool, advertisement and service are what there is before; by default an advertisement of pool one.
	pool          *builder.Pool
	advertisement *builder.Advertisement
	service       *builder.Service
	// others are there too.
	others []client.Object
	change func(context.Context)
	undo   func(context.Context)
	// blamed is the pool that carries the condition; if it is empty, the service does.
	blamed string
	want   string
	// heldBack is whether the pool stays as it was, so that the service has nothing to say of itself.
	heldBack bool

	controller *controllerProcess
}

func onePool() *builder.Pool { return builder.MakePool("one", "198.51.100.0/24").Label("zone", "a") }

func everything() *builder.Advertisement { return builder.MakeAdvertisement("adv", "one") }

// editPool returns a change of pool one.
func editPool(edit func(*v1beta1.IPAddressPool)) func(context.Context) {
	return func(ctx context.Context) { change(ctx, onePool().Obj(), edit) }
}

// editAdvertisement returns a change of the advertisement.
func editAdvertisement(edit func(*v1beta1.BGPAdvertisementSpec)) func(context.Context) {
	return func(ctx context.Context) {
		change(ctx, everything().Obj(), func(a *v1beta1.BGPAdvertisement) { edit(&a.Spec) })
	}
}

// label returns a change of a label of a Node or Namespace.
func label(object client.Object, key, value string) func(context.Context) {
	return func(ctx context.Context) {
		fresh, ok := object.DeepCopyObject().(client.Object)
		Expect(ok).To(BeTrue())
		change(ctx, fresh, func(o client.Object) { o.SetLabels(map[string]string{key: value}) })
	}
}

func selectors(key, value string) []metav1.LabelSelector {
	return []metav1.LabelSelector{{MatchLabels: map[string]string{key: value}}}
}

func defaultNamespace() *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: metav1.NamespaceDefault}}
}

func nodeOfRack(rack string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node1", Labels: map[string]string{"rack": rack}}}
}

var _ = Describe("With the webhook off", func() {
	BeforeEach(func(ctx SpecContext) {
		server.Clean(GinkgoTB())
		label(defaultNamespace(), "team", "blue")(ctx)
	})

	DescribeTable("a change that a service in use does not survive is told once, breaks nothing, and heals by itself when",
		func(ctx SpecContext, i intrusion) { i.run(ctx) },
		Entry("the range is shrunk", intrusion{
			change: editPool(func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = []string{"198.51.100.128/25"} }),
			undo:   editPool(func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = []string{"198.51.100.0/24"} }),
			blamed: "one", want: notOwned,
		}),
		Entry("the range is removed", intrusion{
			pool:   builder.MakePool("one", "198.51.100.0/24", "203.0.113.0/24"),
			change: editPool(func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = []string{"203.0.113.0/24"} }),
			undo: editPool(func(p *v1beta1.IPAddressPool) {
				p.Spec.Addresses = []string{"203.0.113.0/24", "198.51.100.0/24"}
			}),
			blamed: "one", want: notOwned,
		}),
		Entry("avoidBuggyIPs is set", intrusion{
			change: editPool(func(p *v1beta1.IPAddressPool) { p.Spec.AvoidBuggyIPs = true }),
			undo:   editPool(func(p *v1beta1.IPAddressPool) { p.Spec.AvoidBuggyIPs = false }),
			blamed: "one", want: notOwned,
		}),
		Entry("the pool is kept for other namespaces", intrusion{
			change: editPool(func(p *v1beta1.IPAddressPool) {
				p.Spec.AllocateTo = &v1beta1.ServiceAllocation{Namespaces: []string{"other"}}
			}),
			undo:   editPool(func(p *v1beta1.IPAddressPool) { p.Spec.AllocateTo = nil }),
			blamed: "one", want: notOwned, heldBack: true,
		}),
		Entry("the pool is kept for namespaces with other labels", intrusion{
			change: editPool(func(p *v1beta1.IPAddressPool) {
				p.Spec.AllocateTo = &v1beta1.ServiceAllocation{NamespaceSelectors: selectors("team", "red")}
			}),
			undo:   label(defaultNamespace(), "team", "red"),
			blamed: "one", want: notOwned, heldBack: true,
		}),
		Entry("the pool is kept for other services", intrusion{
			change: editPool(func(p *v1beta1.IPAddressPool) {
				p.Spec.AllocateTo = &v1beta1.ServiceAllocation{ServiceSelectors: selectors("app", "db")}
			}),
			undo:   editPool(func(p *v1beta1.IPAddressPool) { p.Spec.AllocateTo = nil }),
			blamed: "one", want: notOwned, heldBack: true,
		}),
		Entry("the pool is deleted", intrusion{
			change: func(ctx context.Context) { remove(ctx, onePool().Obj()) },
			undo:   func(ctx context.Context) { create(ctx, onePool().Obj()) },
			want:   notOwned,
		}),
		Entry("the pool is renamed, and a service asks for it by its name", intrusion{
			service:       builder.MakeService("web").Pool("one"),
			advertisement: builder.MakeAdvertisement("adv"),
			change: func(ctx context.Context) {
				remove(ctx, onePool().Obj())
				create(ctx, builder.MakePool("new", "198.51.100.0/24").Obj())
			},
			undo: func(ctx context.Context) {
				remove(ctx, builder.MakePool("new").Obj())
				create(ctx, onePool().Obj())
			},
			want: notOwned,
		}),
		Entry("the advertisement is deleted", intrusion{
			change: func(ctx context.Context) { remove(ctx, everything().Obj()) },
			undo:   func(ctx context.Context) { create(ctx, everything().Obj()) },
			blamed: "one", want: notAnnounced,
		}),
		Entry("the advertisement is narrowed to other pools", intrusion{
			change: editAdvertisement(func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPools = []string{"two"} }),
			undo:   editAdvertisement(func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPools = []string{"one"} }),
			blamed: "one", want: notAnnounced,
		}),
		Entry("the advertisement is narrowed to other services", intrusion{
			change: editAdvertisement(func(s *v1beta1.BGPAdvertisementSpec) { s.ServiceSelectors = selectors("app", "db") }),
			undo: func(ctx context.Context) {
				change(ctx, builder.MakeService("web").Obj(), func(svc *corev1.Service) { svc.Labels = map[string]string{"app": "db"} })
			},
			blamed: "one", want: notAnnounced,
		}),
		Entry("the advertisement is narrowed to other peers", intrusion{
			change: editAdvertisement(func(s *v1beta1.BGPAdvertisementSpec) { s.Peers = []string{"nobody"} }),
			undo:   func(ctx context.Context) { create(ctx, builder.MakePeer("nobody", "192.0.2.2").Obj()) },
			blamed: "one", want: notAnnounced,
		}),
		Entry("the advertisement is narrowed to other nodes", intrusion{
			others: []client.Object{nodeOfRack("1")},
			change: editAdvertisement(func(s *v1beta1.BGPAdvertisementSpec) { s.NodeSelectors = selectors("rack", "2") }),
			undo:   label(nodeOfRack("1"), "rack", "2"),
			blamed: "one", want: notAnnounced,
		}),
		Entry("the pool is relabelled", intrusion{
			advertisement: builder.MakeAdvertisement("adv").PoolsWithLabel("zone", "a"),
			change:        editPool(func(p *v1beta1.IPAddressPool) { p.Labels["zone"] = "b" }),
			undo: editAdvertisement(func(s *v1beta1.BGPAdvertisementSpec) {
				s.IPAddressPoolSelectors = selectors("zone", "b")
			}),
			blamed: "one", want: notAnnounced,
		}),
		Entry("the last peer is deleted", intrusion{
			change: func(ctx context.Context) { remove(ctx, router().Obj()) },
			undo:   func(ctx context.Context) { create(ctx, router().Obj()) },
			blamed: "one", want: notAnnounced,
		}),
	)

	It("what services hold against pools is told no more once they are gone", func(ctx SpecContext) {
		i := intrusion{others: []client.Object{builder.MakePool("two", "203.0.113.0/24").Obj(), builder.MakePool("three", "192.0.2.0/24").Obj()}}
		i.begin(ctx)
		of := map[string]*corev1.Service{"one": builder.MakeService("web").Obj()}
		for _, pool := range []string{"two", "three"} {
			of[pool] = builder.MakeService("of-" + pool).Pool(pool).Obj()
			create(ctx, of[pool])
			Eventually(addresses(ctx, of[pool].Name)).ShouldNot(BeEmpty())
		}
		remove(ctx, everything().Obj())
		change(ctx, builder.MakePool("two").Obj(), func(p *v1beta1.IPAddressPool) { p.Spec.AvoidBuggyIPs = true })
		remove(ctx, builder.MakePool("three").Obj())
		Eventually(valid(ctx, "one")).Should(ContainSubstring("would not be announced"))
		Eventually(valid(ctx, "two")).Should(ContainSubstring("cannot own"))
		Eventually(allocated(ctx, "of-three")).Should(ContainSubstring("cannot own"))
		for _, svc := range of {
			Expect(stale(ctx)()).To(Equal("1"))
			remove(ctx, svc)
		}
		Eventually(valid(ctx, "one")).Should(HavePrefix("True Accepted"))
		Eventually(valid(ctx, "two")).Should(HavePrefix("True Accepted"))
		Eventually(stale(ctx)).Should(Equal("0"))
	})

	It("a controller that starts again knows what had lost its route, and tells nobody twice", func(ctx SpecContext) {
		i := intrusion{}
		i.begin(ctx)
		remove(ctx, everything().Obj())
		Eventually(valid(ctx, "one")).Should(Equal("False NotCompatibleWithAssignedIPs: " + notAnnounced))
		// Events are on their way when the condition is there already.
		Eventually(eventsAbout(ctx, "IPAddressPool", "one")).Should(ConsistOf("Warning InvalidConfig: " + notAnnounced))
		i.controller.stop(syscall.SIGKILL)
		startController(intrusionFlags()...)
		Eventually(stale(ctx)).Should(Equal("1"))
		create(ctx, builder.MakePool("another", "203.0.113.0/24").Obj())
		Eventually(valid(ctx, "another")).Should(HavePrefix("True"), "it has looked at the pools")
		Consistently(valid(ctx, "one")).Should(Equal("False NotCompatibleWithAssignedIPs: " + notAnnounced))
		Expect(eventsAbout(ctx, "IPAddressPool", "one")()).To(ConsistOf("Warning InvalidConfig: " + notAnnounced))
		create(ctx, everything().Obj())
		Eventually(valid(ctx, "one")).Should(HavePrefix("True Accepted"))
		Eventually(stale(ctx)).Should(Equal("0"))
	})

	It("what is held back is shown by kubectl, is the same after a restart, and ends with its ActiveConfiguration", func(ctx SpecContext) {
		i := intrusion{}
		i.begin(ctx)
		table := func() []string {
			out, err := server.Kubectl(GinkgoTB(), "", "get", "activeconfigurations", "-n", "metallb-system")
			Expect(err).NotTo(HaveOccurred(), out)
			return columns(out)
		}
		Expect(table()).To(HaveExactElements(
			"NAME|KIND|OBJECT|GENERATION|HELD|REASON",
			"bgpadvertisement.adv|BGPAdvertisement|adv|1",
			"bgppeer.router|BGPPeer|router|1",
			"ipaddresspool.one|IPAddressPool|one|1",
		))
		remove(ctx, everything().Obj())
		held := ContainElement("bgpadvertisement.adv|BGPAdvertisement|adv|1|true|NotCompatibleWithAssignedIPs")
		Eventually(table).Should(held)
		Eventually(metric(ctx, "metallb_k8s_client_config_held_objects")).Should(Equal("1"))
		i.controller.stop(syscall.SIGKILL)
		startController(intrusionFlags()...)
		Eventually(metric(ctx, "metallb_k8s_client_config_held_objects")).Should(Equal("1"))
		Expect(table()).To(held)

		By("ending it")
		out, err := server.Kubectl(GinkgoTB(), "", "delete", "activeconfiguration", "bgpadvertisement.adv", "-n", "metallb-system")
		Expect(err).NotTo(HaveOccurred(), out)
		Eventually(valid(ctx, "one")).Should(HavePrefix("True Accepted"))
		Eventually(stale(ctx)).Should(Equal("0"))
		Expect(table()).To(HaveLen(3))
	})

	It("a pool that is rejected serves on as it was, before and after a restart", func(ctx SpecContext) {
		i := intrusion{others: []client.Object{builder.MakePool("other", "203.0.113.0/24").NoAutoAssign().Obj()}}
		i.begin(ctx)
		editPool(func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = []string{"203.0.113.0/25"} })(ctx)
		Eventually(valid(ctx, "one")).Should(HavePrefix("False InvalidConfig"))
		create(ctx, builder.MakeService("before").Obj())
		Eventually(addresses(ctx, "before")).Should(holds("198.51.100.1"))
		i.controller.stop(syscall.SIGKILL)
		startController(intrusionFlags()...)
		create(ctx, builder.MakeService("after").Obj())
		Eventually(addresses(ctx, "after")).Should(holds("198.51.100.2"))
		Expect(valid(ctx, "one")()).To(HavePrefix("False InvalidConfig"))
	})

	It("what changes while no controller runs is held back by the one that comes", func(ctx SpecContext) {
		i := intrusion{}
		i.begin(ctx)
		i.controller.stop(syscall.SIGKILL)
		remove(ctx, everything().Obj())
		startController(intrusionFlags()...)
		Eventually(valid(ctx, "one")).Should(Equal("False NotCompatibleWithAssignedIPs: " + notAnnounced))
		Eventually(metric(ctx, "metallb_k8s_client_config_held_objects")).Should(Equal("1"))
	})

	It("a route that is taken away on purpose is no fault", func(ctx SpecContext) {
		i := intrusion{advertisement: everything().AllowDisruption()}
		i.begin(ctx)
		remove(ctx, everything().Obj())
		another := builder.MakeAdvertisement("another", "two").Obj()
		create(ctx, another)
		Eventually(advertisementValid(ctx, "another")).Should(HavePrefix("True"), "what came before has been looked at too")
		Consistently(valid(ctx, "one")).Should(HavePrefix("True Accepted"))
		Expect(eventsAbout(ctx, "IPAddressPool", "one")()).To(BeEmpty())
		Expect(stale(ctx)()).To(Equal("0"))
	})

	It("a route that is taken away on purpose is no fault, even if all of it is done at once", func(ctx SpecContext) {
		i := intrusion{}
		i.begin(ctx)
		change(ctx, everything().Obj(), func(a *v1beta1.BGPAdvertisement) {
			metav1.SetMetaDataAnnotation(&a.ObjectMeta, v1beta1.AnnotationAllowDisruption, "true")
		})
		remove(ctx, everything().Obj())
		another := builder.MakeAdvertisement("another", "two").Obj()
		create(ctx, another)
		Eventually(advertisementValid(ctx, "another")).Should(HavePrefix("True"), "what came before has been looked at too")
		Consistently(valid(ctx, "one")).Should(HavePrefix("True Accepted"))
		Expect(eventsAbout(ctx, "IPAddressPool", "one")()).To(BeEmpty())
		Expect(stale(ctx)()).To(Equal("0"))
	})

	It("services created in the same instant as their pool is edited hold what it gives, or are told", func(ctx SpecContext) {
		create(ctx, onePool().Obj())
		watched := observe(ctx)
		startController(intrusionFlags()...)
		halves := []string{"198.51.100.0/25", "198.51.100.128/25"}
		for n := range 20 {
			edited := make(chan struct{})
			go func() {
				defer GinkgoRecover()
				defer close(edited)
				editPool(func(p *v1beta1.IPAddressPool) { p.Spec.Addresses = halves[n%2 : n%2+1] })(ctx)
			}()
			create(ctx, builder.MakeService(fmt.Sprintf("web-%02d", n)).Obj())
			Eventually(edited).Should(BeClosed())
		}
		Eventually(func() []string { return inconsistent(ctx, "one", halves[1]) }).Should(BeEmpty())
		Consistently(func() []string { return inconsistent(ctx, "one", halves[1]) }).Should(BeEmpty())
		watched.mu.Lock()
		defer watched.mu.Unlock()
		Expect(watched.faults).To(BeEmpty())
		Expect(watched.assignments).To(Equal(20))
	})

	It("a pool that is renamed under an advertisement that names it says so, and the service keeps its address", func(ctx SpecContext) {
		i := intrusion{}
		i.begin(ctx)
		remove(ctx, onePool().Obj())
		create(ctx, builder.MakePool("new", "198.51.100.0/24").Obj())
		Eventually(valid(ctx, "new")).Should(Equal("False NotCompatibleWithAssignedIPs: " + notAnnounced))
		Eventually(allocated(ctx, "web")).Should(HavePrefix("True InvalidConfig"), "pool new is not used")
		Eventually(eventsAbout(ctx, "IPAddressPool", "new")).Should(ConsistOf("Warning InvalidConfig: " + notAnnounced))
		Consistently(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		Expect(stale(ctx)()).To(Equal("1"))
		editAdvertisement(func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPools = []string{"one", "new"} })(ctx)
		Eventually(valid(ctx, "new")).Should(HavePrefix("True Accepted"))
		Eventually(allocated(ctx, "web")).Should(HavePrefix("True IPAllocated"), "pool new owns its address")
		Eventually(stale(ctx)).Should(Equal("0"))
	})
})

func intrusionFlags() []string {
	return []string{"--webhook-mode=disabled", "--metrics-bind-address=" + metricsAddress, "--metrics-secure=false"}
}

func router() *builder.Peer { return builder.MakePeer("router", "192.0.2.1") }

// begin starts a controller in a world that is in order.
func (i *intrusion) begin(ctx context.Context) {
	GinkgoHelper()
	if i.pool == nil {
		i.pool = onePool()
	}
	if i.advertisement == nil {
		i.advertisement = everything()
	}
	if i.service == nil {
		i.service = builder.MakeService("web")
	}
	create(ctx, i.others...)
	create(ctx, i.pool.Obj(), router().Obj(), i.advertisement.Obj())
	i.controller = startController(intrusionFlags()...)
	create(ctx, i.service.Obj())
	Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
	Eventually(valid(ctx, "one")).Should(HavePrefix("True Accepted"))
	Eventually(counts(ctx, "one")).Should(HaveExactElements(BeEquivalentTo(1), Not(BeZero()), BeZero(), BeZero()))
	Eventually(stale(ctx)).Should(Equal("0"))
}

func (i *intrusion) run(ctx context.Context) {
	i.begin(ctx)
	before := read(ctx, "default", "web")
	assigned := `Normal IPAllocated: Assigned IP "198.51.100.0"`

	i.change(ctx)
	i.isReported(ctx)
	reported := func() []string {
		return slices.Concat(eventsAbout(ctx, "IPAddressPool", "one")(), eventsAbout(ctx, "IPAddressPool", "new")(), eventsAbout(ctx, "Service", "web")())
	}
	wantReported := []string{assigned, "Warning InvalidConfig: " + i.want}
	if i.blamed != "" && i.want == notOwned && !i.heldBack {
		wantReported = append(wantReported, wantReported[1]) // The service says it of itself too.
	}
	Eventually(reported).Should(ConsistOf(wantReported))
	Consistently(reported).Should(ConsistOf(wantReported))
	after := read(ctx, "default", "web")
	Expect(after.Status.LoadBalancer).To(Equal(before.Status.LoadBalancer))
	Expect(after.Annotations).To(Equal(before.Annotations))
	Expect(stale(ctx)()).To(Equal("1"))

	By("undoing it")
	i.undo(ctx)
	Eventually(valid(ctx, "one")).Should(HavePrefix("True Accepted"))
	Eventually(allocated(ctx, "web")).Should(HavePrefix("True IPAllocated"))
	Eventually(stale(ctx)).Should(Equal("0"))
	Expect(addresses(ctx, "web")()).To(holds("198.51.100.0"))
	Expect(reported()).To(ConsistOf(wantReported))
}

// isTold waits until the condition says what the webhook would have said.
func (i *intrusion) isReported(ctx context.Context) {
	GinkgoHelper()
	if i.blamed != "" {
		Eventually(valid(ctx, i.blamed)).Should(Equal("False NotCompatibleWithAssignedIPs: " + i.want))
	} else {
		Eventually(allocated(ctx, "web")).Should(Equal("True InvalidConfig: " + i.want))
	}
	Eventually(stale(ctx)).Should(Equal("1"))
}

// inconsistent returns what is said of services in namespace default, and of the pool that now has the range only, and is not
// so.
func inconsistent(ctx context.Context, pool, prefix string) []string {
	within := netip.MustParsePrefix(prefix)
	list := &corev1.ServiceList{}
	Expect(server.Client.List(ctx, list, client.InNamespace("default"), client.MatchingFields{"spec.type": "LoadBalancer"})).To(Succeed())
	var found []string
	var impacts config.Impacts
	for _, svc := range list.Items {
		address, err := netip.ParseAddr(strings.Join(addresses(ctx, svc.Name)(), " "))
		if err != nil {
			found = append(found, fmt.Sprintf("%s has no address: %v", svc.Name, err))
			continue
		}
		want := "True IPAllocated: "
		if !within.Contains(address) {
			want = "True InvalidConfig: "
			impacts = append(impacts, config.Impact{Service: client.ObjectKeyFromObject(&svc), Address: address})
		}
		if said := allocated(ctx, svc.Name)(); !strings.HasPrefix(said, want) {
			found = append(found, fmt.Sprintf("%s holds %s and says %s", svc.Name, address, said))
		}
	}
	impacts.Sort()
	want := "True Accepted: in use as written"
	if len(impacts) > 0 {
		want = "False NotCompatibleWithAssignedIPs: " + impacts.String()
	}
	if said := valid(ctx, pool)(); said != message.Bound(want) {
		found = append(found, fmt.Sprintf("the pool says %s, want %s", said, want))
	}
	return found
}

// stale returns a function that reads whether the controller calls its configuration a stale one.
func stale(ctx context.Context) func() (string, error) {
	return metric(ctx, "metallb_k8s_client_config_stale_bool")
}

// metric returns a function that reads the value of a metric without labels.
func metric(ctx context.Context, name string) func() (string, error) {
	return func() (string, error) {
		page, err := get(ctx, "http://"+metricsAddress+"/metrics")()
		if err != nil {
			return "", err
		}
		var value string
		for _, line := range slices.Backward(strings.Split(page, "\n")) {
			if _, err := fmt.Sscanf(line, name+" %s", &value); err == nil {
				return value, nil
			}
		}
		return "", nil
	}
}

// tellings returns a function that reads the events about an object as often as they were told.
func eventsAbout(ctx context.Context, kind, name string) func() []string {
	return func() []string {
		list := &corev1.EventList{}
		if err := server.Client.List(ctx, list); err != nil {
			return []string{err.Error()}
		}
		var found []string
		for _, e := range list.Items {
			if !isAbout(&e, kind, name) {
				continue
			}
			times := 1
			if e.Series != nil {
				times = max(2, int(e.Series.Count))
			}
			found = append(found, slices.Repeat([]string{fmt.Sprintf("%s %s: %s", e.Type, e.Reason, e.Message)}, times)...)
		}
		return found
	}
}
