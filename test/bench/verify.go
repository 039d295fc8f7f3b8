// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"

	"metallb.io/metallb/test/bench/sink"
)

// verify notes what is wrong after a phase, or needless in it.
func (b *bench) verify(m *measurement) {
	addresses, doubles := b.tracker.assignments()
	for _, d := range doubles {
		m.find("two services had one address: %s", d)
	}
	if wrong := difference(addresses, b.sink.Routes()); wrong > 0 {
		m.find("%d addresses or routes are without their counterpart", wrong)
	}
	if want, ok := expectations(m.Services, m.Operations)[m.Phase]; ok {
		want.check(m)
	}
}

// difference returns how many addresses have no route and routes no address.
func difference(addresses []netip.Addr, routes []netip.Prefix) int {
	hosts := make(map[netip.Prefix]bool, len(addresses))
	for _, a := range addresses {
		hosts[netip.PrefixFrom(a, a.BitLen())] = true
	}
	wrong := 0
	for _, r := range routes {
		if !hosts[r] {
			wrong++
		}
		delete(hosts, r)
	}
	return wrong + len(hosts)
}

// expectation is what a phase needs: prefixes announced and withdrawn, and writes of Services.
type expectation struct{ announced, repeated, withdrawn, writes int }

func expectations(services, operations int) map[string]expectation {
	const told = 2 // times: its address, and that it is announced
	return map[string]expectation{
		phasePending:    {writes: services}, // a condition that says why it waits
		phaseAssign:     {announced: services, writes: told * services},
		phaseDelete:     {withdrawn: services},
		phaseCreate:     {announced: services, writes: told * services},
		phaseSingle:     {announced: 2 * operations, withdrawn: 2 * operations, writes: told * operations},
		phaseOtherPool:  {},
		phaseAttributes: {repeated: services},
		phaseIdle:       {},
		// A speaker that stops announces all once more with a community, or withdraws all, or both (RFC 8326).
		phaseRestartAnnouncer:  {announced: services, repeated: services, withdrawn: services},
		phaseRestartController: {announced: 1, writes: told}, // of the service that waits for it
	}
}

// check notes what is not as expected. The floor has but one program, which both restarts restart.
func (e expectation) check(m *measurement) {
	if m.Subject == floorName && m.Phase == phaseRestartController {
		e.announced += m.Services
	}
	e.checkRoutes(m, m.BGP)
	if got := m.count(isServiceWrite); got > e.writes {
		m.find("Services were written %d times, %d at most were needed", got, e.writes)
	}
	if failed := m.count(func(r request) bool { return r.Failed && r.writes() }); failed > 0 {
		m.find("%d writes were refused by the API server", failed)
	}
}

// checkRoutes notes what a peer was told that is not as expected.
func (e expectation) checkRoutes(m *measurement, told sink.Counters) {
	if got := told.Announced - told.Repeated; got != e.announced {
		m.find("%d prefixes were announced, %d were needed", got, e.announced)
	}
	if told.Repeated > e.repeated {
		m.find("%d prefixes were announced again, %d at most were needed", told.Repeated, e.repeated)
	}
	if told.Withdrawn > e.withdrawn {
		m.find("%d prefixes were withdrawn, %d at most were needed", told.Withdrawn, e.withdrawn)
	}
}

func isServiceWrite(r request) bool {
	return r.writes() && (r.Resource == "services" || r.Resource == "services/status")
}
