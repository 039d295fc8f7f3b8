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
	s, err := sink.Listen(t.Context(), asn, netip.MustParseAddr("192.0.2.254"))
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
	tcp, err := d.DialContext(t.Context(), "tcp4", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn := wire.NewConn(tcp)
	t.Cleanup(func() { conn.Close() })
	if err := conn.Establish(asn, netip.MustParseAddr("192.0.2.1")); err != nil {
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

func TestCountersSubtract(t *testing.T) {
	a := sink.Counters{Updates: 10, Bytes: 900, Announced: 8, Withdrawn: 5, Repeated: 2, Unknown: 1}
	b := sink.Counters{Updates: 4, Bytes: 300, Announced: 3, Withdrawn: 1, Repeated: 1, Unknown: 1}
	want := sink.Counters{Updates: 6, Bytes: 600, Announced: 5, Withdrawn: 4, Repeated: 1}
	if diff := cmp.Diff(want, a.Sub(b)); diff != "" {
		t.Errorf("Sub() (-want +got):\n%s", diff)
	}
}
