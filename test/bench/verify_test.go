// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/bench/sink"
)

func writes(program string, n int, failed bool) requestCount {
	return requestCount{request{Program: program, Verb: "patch", Resource: "services/status", Failed: failed}, n}
}

func TestAPhaseThatDidMoreOrLessThanItNeededIsFound(t *testing.T) {
	t.Parallel()
	const services, samples = 500, 100
	for name, tc := range map[string]struct {
		phase      string
		operations int
		subject    string
		bgp        sink.Counters
		requests   []requestCount
		want       []string
	}{
		"all routes and two writes each": {
			phase: phaseAssign, operations: services, bgp: sink.Counters{Announced: services},
			requests: []requestCount{writes(controllerName, 2*services, false), {request{speakerName, "create", "events", false}, services}},
		},
		"a service written three times": {
			phase: phaseAssign, operations: services, bgp: sink.Counters{Announced: services},
			requests: []requestCount{writes(controllerName, 2*services+1, false)},
			want:     []string{"Services were written 1001 times, 1000 at most were needed"},
		},
		"a write that was refused": {
			phase: phaseAssign, operations: services, bgp: sink.Counters{Announced: services},
			requests: []requestCount{writes(controllerName, services-1, false), writes(controllerName, 1, true)},
			want:     []string{"1 writes were refused by the API server"},
		},
		"routes announced again and withdrawn in between": {
			phase: phaseCreate, operations: services, bgp: sink.Counters{Announced: services + 3, Repeated: 2, Withdrawn: 1},
			want: []string{
				"501 prefixes were announced, 500 were needed",
				"2 prefixes were announced again, 0 at most were needed",
				"1 prefixes were withdrawn, 0 at most were needed",
			},
		},
		"a life is two announcements and two withdrawals": {
			phase: phaseSingle, operations: samples, bgp: sink.Counters{Announced: 2 * samples, Withdrawn: 2 * samples},
			requests: []requestCount{writes(controllerName, 2*samples, false)},
		},
		"a pool that concerns nobody changes nothing": {
			phase: phaseOtherPool, operations: services, bgp: sink.Counters{Announced: 1, Repeated: 1},
			want: []string{"1 prefixes were announced again, 0 at most were needed"},
		},
		"a restarted controller writes of one service": {
			phase: phaseRestartController, operations: services, bgp: sink.Counters{Announced: 1},
			requests: []requestCount{writes(controllerName, 2, false)},
		},
		"a restarted controller that writes of all": {
			phase: phaseRestartController, operations: services, bgp: sink.Counters{Announced: 1},
			requests: []requestCount{writes(controllerName, services+1, false)},
			want:     []string{"Services were written 501 times, 2 at most were needed"},
		},
		"the floor announces all when it is restarted": {
			phase: phaseRestartController, operations: services, subject: floorName, bgp: sink.Counters{Announced: services + 1},
			requests: []requestCount{writes(floorName, 1, false)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &measurement{
				Services: services, Subject: tc.subject, Phase: tc.phase, Operations: tc.operations, BGP: tc.bgp, Requests: tc.requests,
			}
			want, ok := expectations(services, tc.operations)[tc.phase]
			if !ok {
				t.Fatalf("nothing is expected of the phase %q", tc.phase)
			}
			want.check(m)
			if diff := cmp.Diff(tc.want, m.Findings); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
