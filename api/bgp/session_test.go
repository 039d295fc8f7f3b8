// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// changes returns, by the name of each field, a peer of which nothing but that field differs from the given one.
func changes(t *testing.T, p Peer) map[string]Peer {
	t.Helper()
	fields := reflect.TypeFor[Peer]()
	changed := make(map[string]Peer, fields.NumField())
	for i := range fields.NumField() {
		q := p
		switch field := reflect.ValueOf(&q).Elem().Field(i).Addr().Interface().(type) {
		case *string:
			*field += "x"
		case *uint16:
			*field++
		case *uint32:
			*field++
		case *bool:
			*field = !*field
		case *time.Duration:
			*field += time.Second
		case *netip.Addr:
			*field = netip.MustParseAddr("203.0.113.77")
		case *[]labels.Selector:
			*field = append(*field, labels.Everything())
		case *types.NamespacedName:
			field.Name += "x"
		default:
			t.Fatalf("no way is known to change a %T", field)
		}
		changed[fields.Field(i).Name] = q
	}
	return changed
}

func parsedPeer(t *testing.T) Peer {
	t.Helper()
	p, errs := ParsePeer(bgpPeer(nil))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	p.Password = "s3cret"
	return p
}

func TestEveryFieldButTimersAsksForAnotherSession(t *testing.T) {
	t.Parallel()
	p := parsedPeer(t)
	if !p.Equal(parsedPeer(t)) {
		t.Error("a peer is not equal to what is parsed again")
	}
	timers := map[string]bool{"HoldTime": true, "KeepaliveTime": true, "ConnectTime": true}
	for field, changed := range changes(t, p) {
		if p.Equal(changed) {
			t.Errorf("%s makes no difference", field)
		}
		if got := p.EqualButTimers(changed); got != timers[field] {
			t.Errorf("%s is a timer: %t, want %t", field, got, timers[field])
		}
	}
}

func TestNoWayToPrintAPeerShowsThePassword(t *testing.T) {
	t.Parallel()
	p := parsedPeer(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, p); strings.Contains(text, "s3cret") || !strings.Contains(text, "10.96.0.100:179") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if text := fmt.Sprint(p.MarshalLog()); strings.Contains(text, "s3cret") {
		t.Errorf("a logger prints %s", text)
	}
}

func TestASessionCarriesTheFamilyOfItsAddress(t *testing.T) {
	t.Parallel()
	four, six := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")
	p := parsedPeer(t)
	if !p.Carries(four) || p.Carries(six) {
		t.Errorf("a session with %s carries %s: %t, %s: %t", p.Address, four, p.Carries(four), six, p.Carries(six))
	}
	p.Address = netip.MustParseAddr("2001:db8::1")
	if p.Carries(four) || !p.Carries(six) {
		t.Errorf("a session with %s carries %s: %t, %s: %t", p.Address, four, p.Carries(four), six, p.Carries(six))
	}
}
