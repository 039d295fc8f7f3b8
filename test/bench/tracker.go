// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
)

// tracker watches the services and notes when each was seen with an address.
type tracker struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu        sync.Mutex
	addresses map[string]assigned   // by service
	holders   map[netip.Addr]string // the service that has the address
	services  map[string]said       // that exist
	says      map[said]int          // how many services say what
	last      time.Time             // when an address was last seen
	lastTold  time.Time             // when a service last said that it is announced
	doubles   []string              // addresses that two services had at a time
	wake      chan struct{}         // closed and replaced at each change
}

// said is what a service says in its conditions: whether anything of an address, and that it is announced.
type said struct{ considered, announced bool }

// assigned is the address of a service and when it was first seen.
type assigned struct {
	address netip.Addr
	at      time.Time
}

// trackServices starts a tracker. A watch that the API server ends is begun again where it ended.
func trackServices(ctx context.Context, c client.WithWatch) *tracker {
	options := func(raw metav1.ListOptions) *client.ListOptions {
		return &client.ListOptions{Namespace: serviceNamespace, Raw: &raw}
	}
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, raw metav1.ListOptions) (runtime.Object, error) {
			list := &corev1.ServiceList{}
			return list, c.List(ctx, list, options(raw))
		},
		WatchFuncWithContext: func(ctx context.Context, raw metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, &corev1.ServiceList{}, options(raw))
		},
	}
	t := newTracker()
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: source,
		ObjectType:    &corev1.Service{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    t.set,
			UpdateFunc: func(_, obj any) { t.set(obj) },
			DeleteFunc: t.deleted,
		},
	})
	ctx, t.cancel = context.WithCancel(ctx)
	go func() {
		defer close(t.done)
		informer.RunWithContext(ctx)
	}()
	return t
}

func newTracker() *tracker {
	return &tracker{
		done:      make(chan struct{}),
		addresses: make(map[string]assigned),
		holders:   make(map[netip.Addr]string),
		services:  make(map[string]said),
		says:      make(map[said]int),
		wake:      make(chan struct{}),
	}
}

// stop ends the watch and waits until all is over.
func (t *tracker) stop() {
	t.cancel()
	<-t.done
}

func (t *tracker) set(obj any) {
	if svc, ok := obj.(*corev1.Service); ok {
		t.observe(svc, false, time.Now())
	}
}

func (t *tracker) deleted(obj any) {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	if svc, ok := obj.(*corev1.Service); ok {
		t.observe(svc, true, time.Now())
	}
}

// observe takes one state of a service.
func (t *tracker) observe(svc *corev1.Service, deleted bool, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer t.notify()
	before, had := t.addresses[svc.Name]
	var address netip.Addr
	if ingress := svc.Status.LoadBalancer.Ingress; len(ingress) > 0 && !deleted {
		address, _ = netip.ParseAddr(ingress[0].IP)
	}
	if was, known := t.services[svc.Name]; known {
		t.says[was]--
	}
	if deleted {
		delete(t.services, svc.Name)
	} else {
		is := said{
			considered: meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAllocated) != nil,
			announced:  meta.IsStatusConditionTrue(svc.Status.Conditions, v1beta1.ConditionAnnounced),
		}
		if is.announced && !t.services[svc.Name].announced {
			t.lastTold = now
		}
		t.services[svc.Name] = is
		t.says[is]++
	}
	if had && before.address == address {
		return
	}
	if had {
		delete(t.addresses, svc.Name)
		if t.holders[before.address] == svc.Name {
			delete(t.holders, before.address)
		}
	}
	if !address.IsValid() {
		return
	}
	if other, taken := t.holders[address]; taken {
		t.doubles = append(t.doubles, fmt.Sprintf("%s of services %s and %s", address, other, svc.Name))
	}
	t.holders[address] = svc.Name
	t.addresses[svc.Name] = assigned{address: address, at: now}
	t.last = now
}

// notify wakes all who wait. The lock is held.
func (t *tracker) notify() {
	close(t.wake)
	t.wake = make(chan struct{})
}

// waitAddresses waits until n services have addresses and returns when the last one was seen.
func (t *tracker) waitAddresses(ctx context.Context, n int) (time.Time, error) {
	var at time.Time
	err := t.wait(ctx, func() bool {
		at = t.last
		return len(t.addresses) == n
	})
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return at, fmt.Errorf("waiting for %d services with addresses, there are %d: %w", n, len(t.addresses), err)
	}
	return at, nil
}

// waitAddress waits until the service has an address.
func (t *tracker) waitAddress(ctx context.Context, service string) (assigned, error) {
	var a assigned
	err := t.wait(ctx, func() bool {
		var ok bool
		a, ok = t.addresses[service]
		return ok
	})
	if err != nil {
		return a, fmt.Errorf("waiting for an address of service %s: %w", service, err)
	}
	return a, nil
}

// waitTold waits until n services say that they are announced and returns when the last one did.
func (t *tracker) waitTold(ctx context.Context, n int) (time.Time, error) {
	var at time.Time
	err := t.waitSaid(ctx, n, func(s said) bool { return s.announced }, func() { at = t.lastTold })
	if err != nil {
		return at, fmt.Errorf("waiting until services say that they are announced: %w", err)
	}
	return at, nil
}

// waitConsidered waits until n services say whether they have an address.
func (t *tracker) waitConsidered(ctx context.Context, n int) error {
	err := t.waitSaid(ctx, n, func(s said) bool { return s.considered }, func() {})
	if err != nil {
		return fmt.Errorf("waiting until services say whether they have an address: %w", err)
	}
	return nil
}

// waitSaid waits until n services say what is meant, and then calls do with the lock held.
func (t *tracker) waitSaid(ctx context.Context, n int, means func(said) bool, do func()) error {
	count := 0
	err := t.wait(ctx, func() bool {
		count = 0
		for s, services := range t.says {
			if means(s) {
				count += services
			}
		}
		if count == n {
			do()
		}
		return count == n
	})
	if err != nil {
		return fmt.Errorf("of %d there are %d: %w", n, count, err)
	}
	return nil
}

// waitServices waits until the watch has shown n services.
func (t *tracker) waitServices(ctx context.Context, n int) error {
	if err := t.wait(ctx, func() bool { return len(t.services) == n }); err != nil {
		return fmt.Errorf("waiting for %d services to be seen: %w", n, err)
	}
	return nil
}

// wait calls is with the lock held, at each change, until it is true or ctx is done.
func (t *tracker) wait(ctx context.Context, is func() bool) error {
	for {
		t.mu.Lock()
		ok, wake := is(), t.wake
		t.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// assignments returns the addresses in use and those that were in use twice at a time.
func (t *tracker) assignments() (addresses []netip.Addr, doubles []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range t.addresses {
		addresses = append(addresses, a.address)
	}
	return addresses, append([]string(nil), t.doubles...)
}
