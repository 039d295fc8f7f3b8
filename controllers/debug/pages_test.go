// SPDX-License-Identifier: Apache-2.0

package debug_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/debug"
	"metallb.io/metallb/internal/process"
	"metallb.io/metallb/test/builder"
)

func pools(t *testing.T, objects ...*builder.Pool) ipam.Pools {
	t.Helper()
	parsed := make([]ipam.Pool, 0, len(objects))
	for _, o := range objects {
		p, errs := ipam.ParsePool(o.Obj())
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		parsed = append(parsed, p)
	}
	return ipam.NewPools(parsed...)
}

func request(name string, age int, edit ...func(*allocator.Request)) allocator.Request {
	r := allocator.Request{
		Service: types.NamespacedName{Namespace: "default", Name: name}, Created: time.Unix(int64(age), 0).UTC(),
		Families: []corev1.IPFamily{corev1.IPv4Protocol},
		Sharing:  allocator.Sharing{Ports: []allocator.Port{{Protocol: corev1.ProtocolTCP, Number: 80}}},
	}
	for _, e := range edit {
		e(&r)
	}
	return r
}

func sharing(key string) func(*allocator.Request) {
	return func(r *allocator.Request) { r.Sharing.Key = key }
}

func at(address string) func(*allocator.Request) {
	return func(r *allocator.Request) { r.Addresses = []netip.Addr{netip.MustParseAddr(address)} }
}

// ask returns the page in one line.
func ask(t *testing.T, a *allocator.Allocator, filters string) string {
	t.Helper()
	values, err := url.ParseQuery(filters)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := debug.Pages(a, func() bool { return true })[0].Answer(t.Context(), values)
	if err != nil {
		if !errors.Is(err, process.ErrNoMatch) {
			t.Errorf("%s: %v", filters, err)
		}
		return err.Error()
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func expect(t *testing.T, a *allocator.Allocator, filters, want string) {
	t.Helper()
	want = strings.ReplaceAll(strings.ReplaceAll(want, "\n", ""), "\t", "")
	if diff := cmp.Diff(want, ask(t, a, filters)); diff != "" {
		t.Errorf("?%s (-want +got):\n%s", filters, diff)
	}
}

func TestTheAllocatorIsToldOnceItKnows(t *testing.T) {
	t.Parallel()
	p := debug.Pages(allocator.New(), func() bool { return false })[0]
	if _, err := p.Answer(t.Context(), nil); !errors.Is(err, process.ErrNotYet) {
		t.Errorf("in a controller that is not active: %v", err)
	}
	expect(t, allocator.New(), "", `{"pools":[],"addresses":[],"waiting":[]}`)
}

func TestWhoHoldsAndWhoWaitsIsTold(t *testing.T) {
	t.Parallel()
	a := allocator.New()
	a.SetPools(pools(t, builder.MakePool("tiny", "192.0.2.0/32"), builder.MakePool("large", "198.51.100.0/24", "2001:db8::/64").NoAutoAssign()))
	a.Hydrate(request("old", 1), []allocator.Assignment{{Address: netip.MustParseAddr("203.0.113.9"), Pool: "gone"}})
	a.Hydrate(request("young", 2), []allocator.Assignment{{Address: netip.MustParseAddr("203.0.113.9"), Pool: "gone"}})
	a.Allocate(request("web", 3))
	a.Allocate(request("shop", 4, sharing("key"), at("198.51.100.7")))
	a.Allocate(request("later", 6))
	a.Allocate(request("late", 5))
	a.Allocate(request("mover", 7, at("198.51.100.8")))
	a.Settle(types.NamespacedName{Namespace: "default", Name: "mover"}, []netip.Addr{netip.MustParseAddr("198.51.100.8")})
	a.Allocate(request("mover", 7, at("198.51.100.9")))

	const (
		tiny  = `{"name":"tiny","inUse":true,"assignedIPv4":1,"availableIPv4":0,"sizeIPv4":1,"assignedIPv6":0,"availableIPv6":0,"sizeIPv6":0}`
		large = `{"name":"large","inUse":true,"assignedIPv4":3,"availableIPv4":253,"sizeIPv4":256,"assignedIPv6":0,"availableIPv6":9223372036854775807,"sizeIPv6":9223372036854775807}`
		gone  = `{"name":"gone","inUse":false,"assignedIPv4":1,"availableIPv4":0,"sizeIPv4":0,"assignedIPv6":0,"availableIPv6":0,"sizeIPv6":0,
			"incompatible":["service \"default/old\" cannot own \"203.0.113.9\" under new config","service \"default/young\" cannot own \"203.0.113.9\" under new config"]}`
		web    = `{"address":"192.0.2.0","pool":"tiny","holders":[{"service":"default/web","state":"held"}]}`
		shop   = `{"address":"198.51.100.7","pool":"large","holders":[{"service":"default/shop","sharingKey":"key","ports":["80/TCP"],"state":"held"}]}`
		given  = `{"address":"198.51.100.8","pool":"large","holders":[{"service":"default/mover","state":"pending release"}]}`
		moved  = `{"address":"198.51.100.9","pool":"large","holders":[{"service":"default/mover","state":"held"}]}`
		both   = `{"address":"203.0.113.9","pool":"gone","holders":[{"service":"default/old","state":"incompatible"},{"service":"default/young","state":"in conflict","by":"default/old"}]}`
		reason = `"reason":"no IPv4 address available: pool \"tiny\" is exhausted"}`
		late   = `{"service":"default/late","created":"1970-01-01T00:00:05Z","families":["IPv4"],` + reason
		later  = `{"service":"default/later","created":"1970-01-01T00:00:06Z","families":["IPv4"],` + reason
	)
	expect(t, a, "", `{"pools":[`+gone+","+large+","+tiny+`],"addresses":[`+web+","+shop+","+given+","+moved+","+both+`],"waiting":[`+late+","+later+"]}")
	expect(t, a, "service=default/web", `{"pools":[`+tiny+`],"addresses":[`+web+`],"waiting":[]}`)
	expect(t, a, "service=default/mover", `{"pools":[`+large+`],"addresses":[`+given+","+moved+`],"waiting":[]}`)
	expect(t, a, "service=default/late", `{"pools":[],"addresses":[],"waiting":[`+late+"]}")
	expect(t, a, "pool=tiny", `{"pools":[`+tiny+`],"addresses":[`+web+`],"waiting":[`+late+","+later+"]}")
	expect(t, a, "pool=gone", `{"pools":[`+gone+`],"addresses":[`+both+`],"waiting":[]}`)
	expect(t, a, "pool=gone&service=default/young", `{"pools":[`+gone+`],"addresses":[`+both+`],"waiting":[]}`)
	expect(t, a, "pool=none", `no address, waiting service or pool of the service "/" and the pool "none": nothing matches`)
	expect(t, a, "service=web", `service "web": write NAMESPACE/NAME: nothing matches`)
}

func TestAWaiterInDisputeAndOneThatHoldsSomethingAreTold(t *testing.T) {
	t.Parallel()
	a := allocator.New()
	a.SetPools(pools(t, builder.MakePool("tiny", "192.0.2.0/31")))
	shared := []allocator.Assignment{{Address: netip.MustParseAddr("192.0.2.0"), Pool: "tiny"}}
	a.Hydrate(request("old", 1), shared)
	a.Hydrate(request("young", 2), shared)
	a.Allocate(request("young", 2))
	first, _ := a.Allocate(request("picky", 3))
	a.Settle(request("picky", 3).Service, first.Addresses())
	a.Allocate(request("picky", 3, at("192.0.2.0")))
	for filters, want := range map[string]string{
		"service=default/young": `"reason":"address \"192.0.2.0\" is in use by \"default/old\" too, which was created earlier; request another address for one of the two"}`,
		"service=default/picky": `"addresses":["192.0.2.0"],"holds":["192.0.2.1"],"reason":"address \"192.0.2.0\" is in use by \"default/old\""}`,
	} {
		if got := ask(t, a, filters); !strings.Contains(got, want) {
			t.Errorf("%s: %s\nwant %s", filters, got, want)
		}
	}
}

func TestThePageIsAnsweredDuringChurn(t *testing.T) {
	t.Parallel()
	a := allocator.New()
	a.SetPools(pools(t, builder.MakePool("tiny", "192.0.2.0/28")))
	var churn sync.WaitGroup
	for worker := range 4 {
		churn.Go(func() {
			for i := range 2000 {
				r := request(fmt.Sprintf("s%d", (i*7+worker)%40), i%40, sharing([]string{"", "k"}[i%2]))
				if i%3 == 0 {
					a.Release(r.Service)
					continue
				}
				result, _ := a.Allocate(r)
				a.Settle(r.Service, result.Addresses())
			}
		})
	}
	churn.Go(func() {
		for i := range 200 {
			a.SetPools(pools(t, builder.MakePool("tiny", []string{"192.0.2.0/28", "192.0.2.4/30"}[i%2])))
		}
	})
	done := make(chan struct{})
	go func() { churn.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		for _, filters := range []string{"", "pool=tiny"} {
			if got := ask(t, a, filters); !strings.HasPrefix(got, `{"pools":[{"name":"tiny"`) {
				t.Errorf("?%s: %s", filters, got)
			}
		}
		ask(t, a, "service=default/s1")
	}
}
