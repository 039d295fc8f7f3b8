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

	"metallb.io/metallb/api/v1beta2"
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
		case *uint8:
			*field += 7
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
		case *v1beta2.GatewayFamily:
			*field = v1beta2.IPv6Gateway
		case *[]labels.Selector:
			*field = append(*field, labels.Everything())
		default:
			changeStruct(t, field)
		}
		changed[fields.Field(i).Name] = q
	}
	return changed
}

func changeStruct(t *testing.T, field any) {
	t.Helper()
	switch field := field.(type) {
	case *Families:
		field.IPv4 = !field.IPv4
	case *OwnAddresses:
		field.IPv6 = netip.MustParseAddr("2001:db8::77")
	case *BFDProfile:
		field.DetectMultiplier++
	case *PerNode:
		field.myASN = Template{parts: []part{{"asn", "label"}}}
	case *types.NamespacedName:
		field.Name += "x"
	default:
		t.Fatalf("no way is known to change a %T", field)
	}
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

func TestOnlyWhatTheProtocolDemandsResetsASession(t *testing.T) {
	t.Parallel()
	p := parsedPeer(t)
	if !p.Equal(parsedPeer(t)) {
		t.Error("a peer is not equal to what is parsed again")
	}
	live := map[string]bool{
		"HoldTime": true, "KeepaliveTime": true, "ConnectTime": true, "OwnAddresses": true, "MultiHopTTL": true, "SecurityHops": true,
		"BFDProfileName": true, "BFD": true,
	}
	for field, changed := range changes(t, p) {
		if p.Equal(changed) {
			t.Errorf("%s makes no difference", field)
		}
		if got := p.NeedsReset(changed, p.PeerASN); got == live[field] {
			t.Errorf("a change of %s resets the session: %t", field, got)
		}
	}
}

func TestAnASNThatThePeerHasInAnyCaseResetsNothing(t *testing.T) {
	t.Parallel()
	fixed, any, internal := parsedPeer(t), parsedPeer(t), parsedPeer(t)
	any.PeerASN, internal.PeerASN = 0, internal.LocalASN
	tests := map[string]struct {
		from, to Peer
		asn      uint32
		want     bool
	}{
		"any external ASN":                      {fixed, any, fixed.PeerASN, false},
		"the ASN that the peer has":             {any, fixed, fixed.PeerASN, false},
		"another ASN than the peer has":         {any, fixed, 64999, true},
		"any external ASN, for an internal one": {internal, any, internal.PeerASN, true},
		"an internal ASN":                       {fixed, internal, fixed.PeerASN, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.from.NeedsReset(tc.to, tc.asn); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}

// Of graceful restart only the time may change: the peer hears of the rest when a session begins.
func TestOnlyTheTimeOfGracefulRestartChangesWithoutAReset(t *testing.T) {
	t.Parallel()
	with := func(restart time.Duration, onNotification bool) Peer {
		p := parsedPeer(t)
		p.RestartTime, p.RestartOnNotification = restart, onNotification
		return p
	}
	tests := map[string]struct {
		from, to Peer
		want     bool
	}{
		"another time":          {with(time.Minute, false), with(time.Hour, false), false},
		"switched on":           {with(0, false), with(time.Minute, false), true},
		"switched off":          {with(time.Minute, false), with(0, false), true},
		"notifications as well": {with(time.Minute, false), with(time.Minute, true), true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.from.NeedsReset(tc.to, tc.from.PeerASN); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
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
