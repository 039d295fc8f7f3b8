// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"metallb.io/metallb/speaker/bfd"
)

func TestMetricsComeAndGoWithTheSession(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	registry := prometheus.NewPedanticRegistry()
	s, _ := newSessions(t, Options{Registerer: registry})
	configure(t, s, always(hosts(3)...), to("tor", k.addrPort()))
	expect := func(up, updates, announced, pending int) {
		t.Helper()
		var text strings.Builder
		names := make([]string, 0, 4)
		for _, m := range []struct {
			name, kind, help string
			value            int
		}{
			{"announced_prefixes_total", "gauge", "Number of prefixes announced on the BGP session.", announced},
			{"pending_prefixes_total", "gauge", "Number of prefixes that wait for the BGP session to come up.", pending},
			{"session_up", "gauge", "BGP session state (1 is up, 0 is down).", up},
			{"updates_total", "counter", "Number of BGP UPDATE messages sent.", updates},
		} {
			names = append(names, "metallb_bgp_"+m.name)
			fmt.Fprintf(&text, "# HELP metallb_bgp_%[1]s %[3]s\n# TYPE metallb_bgp_%[1]s %[2]s\nmetallb_bgp_%[1]s{peer=%[4]q} %[5]d\n",
				m.name, m.kind, m.help, k.addrPort(), m.value)
		}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(text.String()), names...); err != nil {
			t.Error(err)
		}
	}
	expect(0, 0, 0, 3)
	awaitUp(t, s, "tor")
	eventually(t, 5*time.Second, func() (bool, string) { return k.heard().endsOfRIB == 1, "no End-of-RIB" })
	sent := k.heard().updates + 1 // End-of-RIB is an UPDATE too.
	eventually(t, 5*time.Second, func() (bool, string) {
		n := stateOf(s, "tor").Updates
		return n == uint64(sent), fmt.Sprintf("%d updates are counted, %d were received", n, sent)
	})
	expect(1, sent, 3, 0)

	configure(t, s, nothing)
	if n, err := testutil.GatherAndCount(registry); err != nil || n != 0 {
		t.Errorf("%d series are left of a session that is gone (%v)", n, err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := registry.Register(collector{s}); err != nil {
		t.Errorf("closed sessions are still registered: %v", err)
	}
}

func TestWhoIsRefusedByTheRegistryLeavesNothingInIt(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector{&Sessions{}})
	if _, err := New(Options{Registerer: registry}); err == nil {
		t.Fatal("metrics are registered twice")
	}
	watches, err := bfd.New(registry)
	if err != nil {
		t.Fatalf("the metrics of BFD are still there: %v", err)
	}
	if err := watches.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// values returns the values of the metrics that begin with metallb_bgp_, by the rest of their names and the second label.
func values(t *testing.T, registry prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "metallb_bgp_")
			for _, l := range m.GetLabel() {
				if l.GetName() != "peer" {
					name += "_" + l.GetValue()
				}
			}
			found[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return found
}

func TestMessagesAndTransitionsAreCountedOverAllConnections(t *testing.T) {
	t.Parallel()
	if elsewhere(t) {
		return
	}
	k := newSink(t, behaviour{})
	registry := prometheus.NewPedanticRegistry()
	s, _ := newSessions(t, Options{Registerer: registry})
	config := to("tor", k.addrPort())
	configure(t, s, nothing, config)
	expect := func(want map[string]float64) {
		t.Helper()
		eventually(t, 10*time.Second, func() (bool, string) {
			got := values(t, registry)
			for name := range got {
				if _, ok := want[name]; !ok {
					delete(got, name)
				}
			}
			diff := cmp.Diff(want, got)
			return diff == "", "(-want +got):\n" + diff
		})
	}
	awaitUp(t, s, "tor")
	// End-of-RIB is an UPDATE.
	expect(map[string]float64{
		"session_transitions_total_up": 1, "session_transitions_total_down": 0, "opens_sent": 1, "opens_received": 1,
		"updates_total": 1, "updates_total_received": 0, "notifications_sent": 0, "notifications_received_total": 0, "route_refresh_sent": 0,
	})
	got := values(t, registry)
	if got["keepalives_sent"] < 1 || got["keepalives_received"] < 1 {
		t.Errorf("KEEPALIVE messages: sent %v, received %v", got["keepalives_sent"], got["keepalives_received"])
	}
	if got["total_sent"] != got["opens_sent"]+got["updates_total"]+got["keepalives_sent"] {
		t.Errorf("the messages sent are not the sum of their kinds: %v", got)
	}

	k.say(notification(6, 4)) // Cease/Administrative Reset
	expect(map[string]float64{
		"session_transitions_total_up": 2, "session_transitions_total_down": 1, "opens_sent": 2, "opens_received": 2,
		"notifications_sent": 0, "notifications_received_total": 1, "updates_total": 2,
	})

	config.Source = config.Address
	configure(t, s, nothing, config)
	expect(map[string]float64{
		"session_transitions_total_up": 3, "session_transitions_total_down": 2, "opens_sent": 3, "opens_received": 3,
		"notifications_sent": 1, "notifications_received_total": 1, "updates_total": 3,
	})
}
