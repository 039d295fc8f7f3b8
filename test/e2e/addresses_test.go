// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"metallb.io/metallb/test/playground"
)

// addressRecord is what addresses the services of type LoadBalancer had, one after the other, by name.
type addressRecord map[string][]string

// recordAddresses watches the addresses of all services from now until stop.
func recordAddresses(t *testing.T, p *playground.Playground) (stop func() addressRecord) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := clusterClient(t, p)
	events, err := c.Watch(ctx, &corev1.ServiceList{})
	if err != nil {
		t.Fatal(err)
	}
	record := addressRecord{}
	var done sync.WaitGroup
	done.Go(func() {
		for err == nil {
			for event := range events.ResultChan() {
				record.note(event)
			}
			if ctx.Err() != nil {
				return
			}
			// The API server ends watches that it cannot keep up with. The next one begins with what there is.
			events, err = c.Watch(ctx, &corev1.ServiceList{})
		}
		if ctx.Err() == nil {
			t.Errorf("watching services: %v", err)
		}
	})
	return func() addressRecord {
		cancel()
		done.Wait()
		return record
	}
}

// note notes a service's address if it is another one than before. A service that is deleted has had its addresses.
func (r addressRecord) note(event watch.Event) {
	service, ok := event.Object.(*corev1.Service)
	if !ok || service.Spec.Type != corev1.ServiceTypeLoadBalancer || event.Type == watch.Deleted {
		return
	}
	var has []string
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		has = append(has, ingress.IP)
	}
	name, now := service.Namespace+"/"+service.Name, strings.Join(has, ",")
	had := r[name]
	if (len(had) == 0 && now == "") || (len(had) > 0 && had[len(had)-1] == now) {
		return
	}
	r[name] = append(had, now)
}

// unchanged checks that no service ever lost or changed its address, and that no two had the same.
func (r addressRecord) unchanged(t *testing.T) {
	t.Helper()
	holders := map[string][]string{}
	for name, had := range r {
		if len(had) > 1 {
			t.Errorf("service %s had one after the other the addresses %q", name, had)
		}
		for _, address := range had {
			holders[address] = append(holders[address], name)
		}
	}
	for address, names := range holders {
		if len(names) > 1 {
			slices.Sort(names)
			t.Errorf("address %s was given to %v", address, names)
		}
	}
	if len(holders) == 0 {
		t.Error("no service had an address")
	}
}
