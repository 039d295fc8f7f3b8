// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"sync"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"metallb.io/metallb/test/bench/wire"
)

// queueLength is more than any run of the benchmark has services.
const queueLength = 1 << 20

// announcer knows, of each service, the least.
type announcer struct {
	client kubernetes.Interface
	conn   *wire.Conn
	queue  chan types.NamespacedName // services that need an address
	tells  bool                      // writes the event and the condition too

	mu       sync.Mutex
	next     netip.Addr // the address to give; invalid until there is a pool
	highest  netip.Addr // of the addresses that services had already
	services map[types.NamespacedName]*service
}

type service struct {
	exists    bool
	queued    bool
	ready     bool
	address   netip.Addr
	announced bool
}

func newAnnouncer(client kubernetes.Interface, conn *wire.Conn, tells bool) *announcer {
	return &announcer{
		client:   client,
		conn:     conn,
		tells:    tells,
		queue:    make(chan types.NamespacedName, queueLength),
		services: make(map[types.NamespacedName]*service),
	}
}

// get returns the entry of a service. The lock is held.
func (a *announcer) get(name types.NamespacedName) *service {
	s, ok := a.services[name]
	if !ok {
		s = &service{}
		a.services[name] = s
	}
	return s
}

func (a *announcer) setPool(obj any) {
	pool, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return
	}
	addresses, _, _ := unstructured.NestedStringSlice(pool.Object, "spec", "addresses")
	if len(addresses) == 0 {
		return
	}
	prefix, err := netip.ParsePrefix(addresses[0])
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next.IsValid() {
		return
	}
	a.next = prefix.Addr()
	if a.highest.IsValid() {
		a.next = a.highest.Next()
	}
	for name, s := range a.services {
		a.enqueue(name, s)
	}
}

func (a *announcer) setService(obj any) {
	svc, ok := obj.(*corev1.Service)
	if !ok {
		return
	}
	name := types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.get(name)
	s.exists = true
	if ingress := svc.Status.LoadBalancer.Ingress; len(ingress) > 0 && !s.address.IsValid() {
		address, err := netip.ParseAddr(ingress[0].IP)
		if err == nil {
			s.address = address
			a.skip(address)
			a.converge(s)
		}
	}
	a.enqueue(name, s)
}

// skip keeps an address from being given that was found on a service. The lock is held.
func (a *announcer) skip(address netip.Addr) {
	if a.highest.Less(address) {
		a.highest = address
	}
	if a.next.IsValid() && !address.Less(a.next) {
		a.next = address.Next()
	}
}

// enqueue asks for an address if the service needs one and there are some. The lock is held.
func (a *announcer) enqueue(name types.NamespacedName, s *service) {
	if s.exists && !s.queued && !s.address.IsValid() && a.next.IsValid() {
		s.queued = true
		a.queue <- name
	}
}

func (a *announcer) setSlice(obj any) {
	if slice, ok := obj.(*discoveryv1.EndpointSlice); ok {
		a.setReady(slice, ready(slice))
	}
}

func (a *announcer) setReady(slice *discoveryv1.EndpointSlice, is bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := types.NamespacedName{Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
	s := a.get(name)
	s.ready = is
	a.converge(s)
	a.forget(name, s)
}

func (a *announcer) deleteSlice(obj any) {
	if slice, ok := obj.(*discoveryv1.EndpointSlice); ok {
		a.setReady(slice, false)
	}
}

func (a *announcer) deleteService(obj any) {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	svc, ok := obj.(*corev1.Service)
	if !ok {
		return
	}
	name := types.NamespacedName{Namespace: svc.Namespace, Name: svc.Name}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.get(name)
	s.exists, s.queued = false, false
	a.converge(s)
	s.address = netip.Addr{}
	a.forget(name, s)
}

// forget removes the entry of a service of which nothing is left. The lock is held.
func (a *announcer) forget(name types.NamespacedName, s *service) {
	if !s.exists && !s.ready {
		delete(a.services, name)
	}
}

// converge announces or withdraws if that is due. The lock is held.
func (a *announcer) converge(s *service) {
	want := s.exists && s.ready && s.address.IsValid()
	if want == s.announced {
		return
	}
	s.announced = want
	if err := a.send(netip.PrefixFrom(s.address, s.address.BitLen()), want); err != nil {
		log.Print(err)
	}
}

func (a *announcer) send(prefix netip.Prefix, announce bool) error {
	var m *bgp.BGPMessage
	var err error
	if announce {
		m, err = wire.Announcement(netip.MustParseAddr("127.0.0.1"), prefix)
	} else {
		m, err = wire.Withdrawal(prefix)
	}
	if err != nil {
		return err
	}
	return a.conn.Write(m)
}

// work gives addresses until ctx is done.
func (a *announcer) work(ctx context.Context) {
	for {
		select {
		case name := <-a.queue:
			if err := a.assign(ctx, name); err != nil && ctx.Err() == nil {
				log.Print(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (a *announcer) assign(ctx context.Context, name types.NamespacedName) error {
	a.mu.Lock()
	address := a.next
	a.next = address.Next()
	a.mu.Unlock()
	patch := fmt.Appendf(nil, `{"status":{"loadBalancer":{"ingress":[{"ip":%q}]}}}`, address)
	_, err := a.client.CoreV1().Services(name.Namespace).Patch(ctx, name.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("patching the status of service %s: %w", name, err)
	}
	a.mu.Lock()
	s := a.get(name)
	if !s.address.IsValid() { // else the watch was faster
		s.address = address
		a.converge(s)
	}
	a.mu.Unlock()
	if a.tells {
		return a.tell(ctx, name, address)
	}
	return nil
}

// tell writes what the product writes about a service beside its address: an event and a condition.
func (a *announcer) tell(ctx context.Context, name types.NamespacedName, address netip.Addr) error {
	now := metav1.NowMicro()
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, GenerateName: name.Name + "."},
		EventTime:  now, ReportingController: "floor", ReportingInstance: "floor", Action: "Allocate", Type: corev1.EventTypeNormal,
		Reason: "IPAllocated", Note: fmt.Sprintf("Assigned IP %q", address),
		Regarding: corev1.ObjectReference{APIVersion: "v1", Kind: "Service", Namespace: name.Namespace, Name: name.Name},
	}
	if _, err := a.client.EventsV1().Events(name.Namespace).Create(ctx, event, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating the event of service %s: %w", name, err)
	}
	patch := fmt.Appendf(nil, `{"status":{"conditions":[{"type":"Announced","status":"True","reason":"Announced","message":"1 of 1 nodes","lastTransitionTime":%q}]}}`,
		now.UTC().Format(time.RFC3339))
	if _, err := a.client.CoreV1().Services(name.Namespace).Patch(ctx, name.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("patching the condition of service %s: %w", name, err)
	}
	return nil
}
