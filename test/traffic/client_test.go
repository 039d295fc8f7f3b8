// SPDX-License-Identifier: Apache-2.0

package traffic_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"metallb.io/metallb/test/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server serves pages until the test ends, and counts requests. It ends the connections of the first ones with a reset.
func server(t *testing.T, resets int32) (target netip.AddrPort, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) > resets {
			_, _ = w.Write([]byte("the page"))
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}))
	t.Cleanup(s.Close)
	return netip.MustParseAddrPort(s.Listener.Addr().String()), requests
}

// run runs a client until it has what is wanted, and returns its record.
func run(t *testing.T, load traffic.Load, enough func() bool) traffic.Record {
	t.Helper()
	c := traffic.Start(load)
	deadline, tick := time.After(10*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !enough() {
		select {
		case <-tick.C:
		case <-deadline:
			record, err := c.Stop()
			t.Fatalf("it never came to that: %v\n%s", err, record)
		}
	}
	record, err := c.Stop()
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func TestAClientOpensConnectionsAtItsRateAndHoldsOthersOpen(t *testing.T) {
	t.Parallel()
	target, requests := server(t, 0)
	const rate, long = 200, 5
	began := time.Now()
	record := run(t, traffic.Load{Target: target, Rate: rate, Workers: 4, Long: long}, func() bool { return requests.Load() >= 100 })
	if n := len(record.Requests); n == 0 || n > 1+int(rate*time.Since(began).Seconds()) {
		t.Errorf("%d requests in %s, at a rate of %d", n, time.Since(began), rate)
	}
	if record.Lost() != 0 || record.Opened != long || len(record.Cuts) != 0 || len(record.Requests)+record.Exchanges != int(requests.Load()) {
		t.Error(record)
	}
}

func TestAClientTellsWhatWasReset(t *testing.T) {
	t.Parallel()
	target, requests := server(t, 2)
	record := run(t, traffic.Load{Target: target, Rate: 100, Workers: 1}, func() bool { return requests.Load() >= 3 })
	if len(record.Of(traffic.Reset)) != 2 || record.Lost() != 2 {
		t.Error(record)
	}
}

func TestAClientOpensLongConnectionsAgainThatWereCut(t *testing.T) {
	t.Parallel()
	target, requests := server(t, 2)
	record := run(t, traffic.Load{Target: target, Long: 1}, func() bool { return requests.Load() >= 4 })
	if record.Opened != 3 || len(record.Cuts) != 2 || len(record.Requests) != 0 {
		t.Error(record)
	}
}

func TestAClientTellsWhatWasRefusedAndWhatHadNoAnswer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := netip.MustParseAddrPort(listener.Addr().String())
	load := traffic.Load{Target: target, Rate: 100, Workers: 1, Patience: 50 * time.Millisecond}
	silent := time.Now()
	record := run(t, load, func() bool { return time.Since(silent) > 200*time.Millisecond })
	if len(record.Of(traffic.Failed)) == 0 || record.Lost() != len(record.Requests) {
		t.Error(record) // the kernel makes the connection, and nobody answers
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	gone := time.Now()
	record = run(t, load, func() bool { return time.Since(gone) > 100*time.Millisecond })
	if len(record.Of(traffic.Refused)) == 0 || record.Lost() != len(record.Requests) {
		t.Error(record)
	}
}

func TestAClientWhoseNamespaceIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	record, err := traffic.Start(traffic.Load{Namespace: "/run/netns/no-such", Target: netip.MustParseAddrPort("127.0.0.1:9"), Rate: 10, Workers: 1}).Stop()
	if err == nil || !strings.Contains(err.Error(), "/run/netns/no-such") || len(record.Requests) > 0 {
		t.Errorf("error %v, record %s", err, record)
	}
}
