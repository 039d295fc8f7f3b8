// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
)

func withAddress(name, address string) *corev1.Service {
	svc := makeService(name)
	if address != "" {
		svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address}}
	}
	return svc
}

func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestTheTrackerNotesWhenAServiceFirstHasItsAddress(t *testing.T) {
	t.Parallel()
	tr := newTracker()
	begin := time.Now()
	tr.set(withAddress("a", ""))
	tr.set(withAddress("b", "198.18.0.2"))
	tr.set(withAddress("a", "198.18.0.1"))

	a, err := tr.waitAddress(limited(t), "a")
	if err != nil || a.address != netip.MustParseAddr("198.18.0.1") || a.at.Before(begin) {
		t.Fatalf("waitAddress() = %v, %v", a, err)
	}
	last, err := tr.waitAddresses(limited(t), 2)
	if err != nil || !last.Equal(a.at) {
		t.Errorf("waitAddresses() = %v, %v, want the time of the last one, %v", last, err, a.at)
	}
	tr.set(withAddress("a", "198.18.0.1"))
	tr.set(withAddress("c", ""))
	if err := tr.waitServices(limited(t), 3); err != nil {
		t.Fatal(err)
	}
	if again, err := tr.waitAddress(limited(t), "a"); err != nil || again != a {
		t.Errorf("waitAddress() after a change of something else = %v, %v, want %v", again, err, a)
	}
}

func TestTheTrackerNotesWhenTheLastServiceSaysThatItIsAnnounced(t *testing.T) {
	t.Parallel()
	tr := newTracker()
	begin := time.Now()
	say := func(name string, status metav1.ConditionStatus) {
		svc := withAddress(name, "")
		svc.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionAnnounced, Status: status}}
		tr.set(svc)
	}
	say("a", metav1.ConditionTrue)
	say("b", metav1.ConditionFalse)
	at, err := tr.waitTold(limited(t), 1)
	if err != nil || at.Before(begin) {
		t.Fatalf("waitTold(1) = %v, %v", at, err)
	}
	say("a", metav1.ConditionTrue)
	if again, err := tr.waitTold(limited(t), 1); err != nil || !again.Equal(at) {
		t.Errorf("waitTold(1) after a change of something else = %v, %v, want %v", again, err, at)
	}
	say("b", metav1.ConditionTrue)
	if last, err := tr.waitTold(limited(t), 2); err != nil || last.Equal(at) {
		t.Errorf("waitTold(2) = %v, %v, want later than %v", last, err, at)
	}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("over"))
	if _, err := tr.waitTold(ended, 3); err == nil || !strings.Contains(err.Error(), "of 3 there are 2: over") {
		t.Errorf("waitTold(3) = %v", err)
	}
}

func TestTheTrackerKnowsOfServicesThatWait(t *testing.T) {
	t.Parallel()
	tr := newTracker()
	waiting := withAddress("a", "")
	waiting.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionAllocated, Status: metav1.ConditionFalse}}
	tr.set(waiting)
	tr.set(withAddress("b", ""))
	if err := tr.waitConsidered(limited(t), 1); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("over"))
	if err := tr.waitConsidered(ended, 2); err == nil || !strings.Contains(err.Error(), "of 2 there are 1: over") {
		t.Errorf("waitConsidered(2) = %v", err)
	}
}

func TestTheTrackerNoticesAnAddressThatTwoServicesHave(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		happens     func(*tracker)
		services    int
		wantDoubles []string
	}{
		"at the same time": {
			happens: func(tr *tracker) {
				tr.set(withAddress("a", "198.18.0.1"))
				tr.set(withAddress("b", "198.18.0.1"))
			},
			services:    2,
			wantDoubles: []string{"198.18.0.1 of services a and b"},
		},
		"one after the other is deleted": {
			happens: func(tr *tracker) {
				tr.set(withAddress("a", "198.18.0.1"))
				tr.deleted(withAddress("a", "198.18.0.1"))
				tr.set(withAddress("b", "198.18.0.1"))
			},
			services: 1,
		},
		"one after the other has another": {
			happens: func(tr *tracker) {
				tr.set(withAddress("a", "198.18.0.1"))
				tr.set(withAddress("a", "198.18.0.2"))
				tr.set(withAddress("b", "198.18.0.1"))
			},
			services: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTracker()
			tc.happens(tr)
			if _, err := tr.waitAddress(limited(t), "b"); err != nil {
				t.Fatal(err)
			}
			addresses, doubles := tr.assignments()
			if len(addresses) != tc.services {
				t.Errorf("assignments() = %v, want those of %d services", addresses, tc.services)
			}
			if diff := cmp.Diff(tc.wantDoubles, doubles); diff != "" {
				t.Errorf("doubles (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWaitOfTheTrackerSaysWhyItEnded(t *testing.T) {
	t.Parallel()
	tr := newTracker()
	tr.set(withAddress("a", "198.18.0.1"))
	if _, err := tr.waitAddress(limited(t), "a"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("controller ended by itself"))
	_, err := tr.waitAddresses(ctx, 5)
	if want := "waiting for 5 services with addresses, there are 1: controller ended by itself"; err == nil || err.Error() != want {
		t.Errorf("waitAddresses() = %v, want %q", err, want)
	}
}

func TestDifferenceCountsWhatHasNoCounterpart(t *testing.T) {
	t.Parallel()
	addresses := func(list ...string) (out []netip.Addr) {
		for _, s := range list {
			out = append(out, netip.MustParseAddr(s))
		}
		return out
	}
	routes := func(list ...string) (out []netip.Prefix) {
		for _, s := range list {
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	for name, tc := range map[string]struct {
		addresses []netip.Addr
		routes    []netip.Prefix
		want      int
	}{
		"none at all":                  {},
		"all match":                    {addresses("198.18.0.1", "198.18.0.2"), routes("198.18.0.2/32", "198.18.0.1/32"), 0},
		"an address without its route": {addresses("198.18.0.1", "198.18.0.2"), routes("198.18.0.2/32"), 1},
		"a route without its address":  {addresses("198.18.0.2"), routes("198.18.0.2/32", "198.18.0.1/32"), 1},
		"as many, but others":          {addresses("198.18.0.1"), routes("198.18.0.0/31"), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := difference(slices.Clone(tc.addresses), tc.routes); got != tc.want {
				t.Errorf("difference() = %d, want %d", got, tc.want)
			}
		})
	}
}
