// SPDX-License-Identifier: Apache-2.0

package sink_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"go.uber.org/goleak"

	"metallb.io/metallb/test/bench/sink"
	"metallb.io/metallb/test/bench/wire"
)

const asn = 64512

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *sink.Sink {
	t.Helper()
	return startAt(t, "127.0.0.1", wire.Open{})
}

func startAt(t *testing.T, at string, open wire.Open) *sink.Sink {
	t.Helper()
	open.ASN, open.ID = asn, netip.MustParseAddr("192.0.2.254")
	s, err := sink.Listen(t.Context(), netip.MustParseAddr(at), open)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return s
}

func connect(t *testing.T, s *sink.Sink) *wire.Conn {
	t.Helper()
	var d net.Dialer
	tcp, err := d.DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn := wire.NewConn(tcp)
	t.Cleanup(func() { conn.Close() })
	if err := conn.Establish(wire.Open{ASN: asn, ID: netip.MustParseAddr("192.0.2.1")}); err != nil {
		t.Fatal(err)
	}
	return conn
}

func send(t *testing.T, conn *wire.Conn, m *bgp.BGPMessage, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Write(m); err != nil {
		t.Fatal(err)
	}
}

func announce(t *testing.T, conn *wire.Conn, prefixes ...netip.Prefix) {
	t.Helper()
	m, err := wire.Announcement(netip.MustParseAddr("192.0.2.1"), prefixes...)
	send(t, conn, m, err)
}

func withdraw(t *testing.T, conn *wire.Conn, prefixes ...netip.Prefix) {
	t.Helper()
	m, err := wire.Withdrawal(prefixes...)
	send(t, conn, m, err)
}

// limited gives a wait an end, so that a test fails where it would hang.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func host(n byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, 0, n}), 32)
}

func TestTheSinkCountsPrefixesMessagesAndOctets(t *testing.T) {
	s := start(t)
	conn := connect(t, s)
	before := time.Now()

	announce(t, conn, host(1), host(2))
	announce(t, conn, host(2), host(3))
	withdraw(t, conn, host(1), host(9))

	removed, err := s.WaitNoRoute(limited(t), host(9))
	if err != nil || !removed.IsZero() {
		t.Errorf("WaitNoRoute() of a prefix never held = %v, %v, want the zero time", removed, err)
	}
	if _, err := s.WaitAnnounced(limited(t), 4); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitRoute(limited(t), host(3)); err != nil {
		t.Fatal(err)
	}
	removed, err = s.WaitNoRoute(limited(t), host(1))
	if err != nil || removed.Before(before) {
		t.Errorf("WaitNoRoute() = %v, %v, want a time after %v", removed, err, before)
	}
	if _, err := s.WaitRoutes(limited(t), 2); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]netip.Prefix{host(2), host(3)}, s.Routes(), cmp.Comparer(equal)); diff != "" {
		t.Errorf("Routes() (-want +got):\n%s", diff)
	}
	// Header 19, lengths 2+2, prefixes of 5; the attributes ORIGIN 4, AS_PATH 3, NEXT_HOP 7, LOCAL_PREF 7 (RFC 4271 section 4.3).
	want := sink.Counters{Updates: 3, Bytes: 2*(19+4+21+10) + (19 + 4 + 10), Announced: 4, Withdrawn: 2, Repeated: 1, Unknown: 1}
	if diff := cmp.Diff(want, s.Counters()); diff != "" {
		t.Errorf("Counters() (-want +got):\n%s", diff)
	}
}

func equal(a, b netip.Prefix) bool { return a == b }

func TestEndOfRIBIsNotCountedAsAnUpdate(t *testing.T) {
	s := start(t)
	conn := connect(t, s)
	announce(t, conn, host(1))
	send(t, conn, wire.EndOfRIB(), nil)

	at, err := s.WaitEndOfRIB(limited(t), 0)
	if err != nil || at.IsZero() {
		t.Fatalf("WaitEndOfRIB() = %v, %v", at, err)
	}
	if got := s.Counters().Updates; got != 1 {
		t.Errorf("%d UPDATE messages were counted, want 1", got)
	}
}

// reach announces prefixes in the attribute of RFC 4760 section 3, with an IPv6 next hop.
func reach(t *testing.T, conn *wire.Conn, family bgp.Family, prefixes ...netip.Prefix) {
	t.Helper()
	attribute, err := bgp.NewPathAttributeMpReachNLRI(family, nlri(t, prefixes), netip.MustParseAddr("2001:db8::1"))
	if err != nil {
		t.Fatal(err)
	}
	send(t, conn, bgp.NewBGPUpdateMessage(nil, []bgp.PathAttributeInterface{
		bgp.NewPathAttributeOrigin(0), bgp.NewPathAttributeAsPath(nil), bgp.NewPathAttributeLocalPref(100), attribute,
	}, nil), nil)
}

// unreach withdraws prefixes in the attribute of RFC 4760 section 4.
func unreach(t *testing.T, conn *wire.Conn, family bgp.Family, prefixes ...netip.Prefix) {
	t.Helper()
	attribute, err := bgp.NewPathAttributeMpUnreachNLRI(family, nlri(t, prefixes))
	send(t, conn, bgp.NewBGPUpdateMessage(nil, []bgp.PathAttributeInterface{attribute}, nil), err)
}

func nlri(t *testing.T, prefixes []netip.Prefix) []bgp.PathNLRI {
	t.Helper()
	list := make([]bgp.PathNLRI, 0, len(prefixes))
	for _, p := range prefixes {
		n, err := bgp.NewIPAddrPrefix(p)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, bgp.PathNLRI{NLRI: n})
	}
	return list
}

func host6(n byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: n}), 128)
}

func TestTheSinkCountsRoutesInAttributes(t *testing.T) {
	for name, tc := range map[string]struct {
		family bgp.Family
		open   wire.Open
		host   func(byte) netip.Prefix
		octets int // of one prefix
	}{
		"IPv6":                       {bgp.RF_IPv6_UC, wire.Open{Families: []bgp.Family{bgp.RF_IPv6_UC}}, host6, 17},
		"IPv4 with an IPv6 next hop": {bgp.RF_IPv4_UC, wire.Open{IPv6NextHop: true}, host, 5},
	} {
		t.Run(name, func(t *testing.T) {
			s := startAt(t, "::1", tc.open)
			conn := connect(t, s)
			reach(t, conn, tc.family, tc.host(1), tc.host(2))
			reach(t, conn, tc.family, tc.host(2), tc.host(3))
			unreach(t, conn, tc.family, tc.host(1), tc.host(9))
			send(t, conn, bgp.NewEndOfRib(tc.family), nil)

			if _, err := s.WaitEndOfRIB(limited(t), 0); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]netip.Prefix{tc.host(2), tc.host(3)}, s.Routes(), cmp.Comparer(equal)); diff != "" {
				t.Errorf("Routes() (-want +got):\n%s", diff)
			}
			// Header 19, lengths 2+2; the attributes ORIGIN 4, AS_PATH 3, LOCAL_PREF 7, MP_REACH_NLRI 3+21 and the prefixes (RFC 4760 section 3),
			// MP_UNREACH_NLRI 3+3 and the prefixes (section 4).
			want := sink.Counters{Updates: 3, Bytes: 2*(23+14+24+2*tc.octets) + (23 + 6 + 2*tc.octets), Announced: 4, Withdrawn: 2, Repeated: 1, Unknown: 1}
			if diff := cmp.Diff(want, s.Counters()); diff != "" {
				t.Errorf("Counters() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEndOfRIBIsThatOfTheLastFamily(t *testing.T) {
	s := startAt(t, "::1", wire.Open{Families: []bgp.Family{bgp.RF_IPv4_UC, bgp.RF_IPv6_UC}})
	conn := connect(t, s)
	send(t, conn, bgp.NewEndOfRib(bgp.RF_IPv6_UC), nil)
	announce(t, conn, host(1))
	if _, err := s.WaitRoute(limited(t), host(1)); err != nil {
		t.Fatal(err)
	}
	if at := s.Session().EndOfRIB; !at.IsZero() {
		t.Errorf("End-of-RIB is counted at %v, though that of IPv4 has not come", at)
	}
	send(t, conn, bgp.NewEndOfRib(bgp.RF_IPv4_UC), nil)
	if _, err := s.WaitEndOfRIB(limited(t), 0); err != nil {
		t.Fatal(err)
	}
}

func TestTheRoutesOfASessionEndWithIt(t *testing.T) {
	s := start(t)
	first := connect(t, s)
	announce(t, first, host(1), host(2))
	if _, err := s.WaitRoutes(limited(t), 2); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if _, err := s.WaitRoutes(limited(t), 0); err != nil {
		t.Fatal(err)
	}

	second := connect(t, s)
	if _, err := s.WaitSession(limited(t), 1); err != nil {
		t.Fatal(err)
	}
	announce(t, second, host(1))
	if _, err := s.WaitRoutes(limited(t), 1); err != nil {
		t.Fatal(err)
	}
	want := sink.Session{Number: 2}
	if diff := cmp.Diff(want, s.Session(), cmpopts.IgnoreFields(sink.Session{}, "Established")); diff != "" {
		t.Errorf("Session() (-want +got):\n%s", diff)
	}
	if got := s.Counters().Repeated; got != 0 {
		t.Errorf("%d prefixes were counted as repeated, though another session held them", got)
	}
}

func TestANewSessionTakesTheOldOnesPlace(t *testing.T) {
	s := start(t)
	first := connect(t, s)
	announce(t, first, host(1))
	if _, err := s.WaitRoute(limited(t), host(1)); err != nil {
		t.Fatal(err)
	}
	connect(t, s)
	if _, err := s.WaitSession(limited(t), 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := first.Read(); err == nil {
		t.Error("the first connection is still open")
	}
	if got := s.Routes(); len(got) != 0 {
		t.Errorf("Routes() = %v, want none of the first session", got)
	}
}

func TestAWaitEndsWithItsContextAndSaysWhatWasMissing(t *testing.T) {
	s := start(t)
	cause := errors.New("the controller exited")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := s.WaitRoutes(ctx, 3)
	if !errors.Is(err, cause) {
		t.Errorf("WaitRoutes() = %v, want the cause %q", err, cause)
	}
	if want := "waiting for 3 routes, 0 are there: the controller exited"; err != nil && err.Error() != want {
		t.Errorf("WaitRoutes() = %q, want %q", err, want)
	}
}

func TestCountersAddAndSubtract(t *testing.T) {
	a := sink.Counters{Updates: 10, Bytes: 900, Announced: 8, Withdrawn: 5, Repeated: 2, Unknown: 1}
	b := sink.Counters{Updates: 4, Bytes: 300, Announced: 3, Withdrawn: 1, Repeated: 1, Unknown: 1}
	want := sink.Counters{Updates: 6, Bytes: 600, Announced: 5, Withdrawn: 4, Repeated: 1}
	if diff := cmp.Diff(want, a.Sub(b)); diff != "" {
		t.Errorf("Sub() (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(a, want.Add(b)); diff != "" {
		t.Errorf("Add() (-want +got):\n%s", diff)
	}
}
