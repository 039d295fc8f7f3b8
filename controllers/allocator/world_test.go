// SPDX-License-Identifier: Apache-2.0

package allocator_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/test/builder"
)

const (
	v4 = corev1.IPv4Protocol
	v6 = corev1.IPv6Protocol
)

// parse returns the pools in order.
func parse(tb testing.TB, objects ...*builder.Pool) ipam.Pools {
	tb.Helper()
	pools := make([]ipam.Pool, 0, len(objects))
	for _, o := range objects {
		p, errs := ipam.ParsePool(o.Obj())
		if len(errs) > 0 {
			tb.Fatalf("pool %q: %v", o.Name, errs)
		}
		pools = append(pools, p)
	}
	return ipam.NewPools(pools...)
}

// newAllocator returns an allocator with the pools.
func newAllocator(tb testing.TB, objects ...*builder.Pool) *allocator.Allocator {
	tb.Helper()
	a := allocator.New()
	a.SetPools(parse(tb, objects...))
	return a
}

// name parses "namespace/name"; without a namespace it is default.
func name(text string) types.NamespacedName {
	namespace, n, found := strings.Cut(text, "/")
	if !found {
		return types.NamespacedName{Namespace: "default", Name: text}
	}
	return types.NamespacedName{Namespace: namespace, Name: n}
}

type option func(*allocator.Request)

// request returns the request of a single-stack IPv4 service with port 80, and then the options.
func request(service string, options ...option) allocator.Request {
	r := allocator.Request{
		Service:  name(service),
		Families: []corev1.IPFamily{v4},
		Sharing:  allocator.Sharing{Ports: []allocator.Port{{Protocol: corev1.ProtocolTCP, Number: 80}}},
	}
	for _, o := range options {
		o(&r)
	}
	return r
}

func families(f ...corev1.IPFamily) option { return func(r *allocator.Request) { r.Families = f } }

func requireAll(r *allocator.Request) { r.RequireAll = true }

func pool(n string) option { return func(r *allocator.Request) { r.Pool = n } }

func wants(list ...string) option {
	return func(r *allocator.Request) {
		for _, text := range list {
			r.Addresses = append(r.Addresses, netip.MustParseAddr(text))
		}
	}
}

func shares(key string, ports ...int32) option {
	return func(r *allocator.Request) {
		r.Sharing.Key, r.Sharing.Ports = key, nil
		for _, p := range ports {
			r.Sharing.Ports = append(r.Sharing.Ports, allocator.Port{Protocol: corev1.ProtocolTCP, Number: p})
		}
	}
}

// local makes the traffic policy Local, with these endpoints.
func local(endpoints string) option {
	return func(r *allocator.Request) { r.Sharing.Local, r.Sharing.Endpoints = true, endpoints }
}

func labelled(key, value string) option {
	return func(r *allocator.Request) { r.Labels = labels.Set{key: value} }
}

// inTeam makes the namespace the team's.
func inTeam(team string) option {
	return func(r *allocator.Request) { r.NamespaceLabels = labels.Set{"team": team} }
}

func created(seconds int) option {
	return func(r *allocator.Request) { r.Created = time.Unix(int64(seconds), 0) }
}

func refusalText(r *allocator.Refusal) string {
	if r == nil {
		return ""
	}
	return r.String()
}

// allocate returns the addresses the service holds after the request, and why the request was refused.
func allocate(a *allocator.Allocator, r allocator.Request) (held, refused string) {
	result, refusal := a.Allocate(r)
	return text(result), refusalText(refusal)
}

// mustAllocate fails the test if the request is refused; the result is settled.
func mustAllocate(tb testing.TB, a *allocator.Allocator, r allocator.Request) string {
	tb.Helper()
	result, refusal := a.Allocate(r)
	if refusal != nil {
		tb.Fatalf("%s: %s", r.Service, refusal)
	}
	a.Settle(r.Service, result.Addresses())
	return text(result)
}

func text(result allocator.Result) string {
	found := make([]string, 0, 2)
	for _, a := range result.Addresses() {
		found = append(found, a.String())
	}
	return strings.Join(found, ",")
}

// held returns what the service holds.
func held(a *allocator.Allocator, service string) string { return text(a.Withdraw(name(service))) }

func names(list []types.NamespacedName) []string {
	found := make([]string, 0, len(list))
	for _, n := range list {
		found = append(found, n.Name)
	}
	slices.Sort(found)
	return found
}

func assignedAddresses(addresses ...string) []netip.Addr {
	return allocator.Result{Assignments: assigned("", addresses...)}.Addresses()
}

func assigned(pool string, addresses ...string) []allocator.Assignment {
	found := make([]allocator.Assignment, 0, len(addresses))
	for _, text := range addresses {
		found = append(found, allocator.Assignment{Address: netip.MustParseAddr(text), Pool: pool})
	}
	return found
}

func compareAddresses() cmp.Option { return cmp.Comparer(func(x, y netip.Addr) bool { return x == y }) }
