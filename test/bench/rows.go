// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// section is the part of the table that tells of one phase.
type section struct {
	phase string
	rows  []row
}

func sections() []section {
	bulk := append([]row{cpuRow("CPU, ms/service: controller + speaker")}, costRows()...)
	return []section{
		{phaseCreate, append([]row{
			timeRow("all created, s", timeCreated), timeRow("all addresses, s", timeAddresses), timeRow("all routes, s", timeRoutes),
			timeRow("all told, s", timeTold), rateRow("ms/service until all routes", timeRoutes),
		}, append(bulk, bgpRows()...)...)},
		{phaseSingle, append(latencyRows(), bulk...)},
		{phaseOtherPool, []row{totalCPURow("CPU, ms: controller + speaker"), writesRow()}},
		{phaseAttributes, append([]row{timeRow("all announced again, s", timeRoutes), programCPURow("CPU, ms/service: speaker", speakerName),
			writesRow()}, bgpRows()...)},
		{phaseIdle, []row{totalCPURow("CPU, ms in 10 s: controller + speaker"), writesRow()}},
		{phaseRestartAnnouncer, append([]row{
			timeRow("stopped after, s", timeStopped), timeRow("session after, s", timeSession), timeRow("all routes after, s", timeRoutes),
			timeRow("End-of-RIB after, s", timeEndOfRIB), programCPURow("CPU, ms/service: speaker", speakerName), writesRow(),
			programPeakRow("peak RSS, MiB: speaker", speakerName),
		}, bgpRows()...)},
		{phaseRestartController, []row{
			timeRow("stopped after, s", timeStopped), timeRow("first new address after, s", timeFirst),
			programCPURow("CPU, ms/service: controller", controllerName), writesRow(),
			programPeakRow("peak RSS, MiB: controller", controllerName),
		}},
		{phasePending, bulk},
		{phaseAssign, append([]row{
			timeRow("all addresses, s", timeAddresses), timeRow("all routes, s", timeRoutes),
			timeRow("all told, s", timeTold), rateRow("ms/service until all routes", timeRoutes),
		}, append(bulk, bgpRows()...)...)},
		{phaseDelete, append([]row{timeRow("all deleted, s", timeDeleted), timeRow("all withdrawn, s", timeWithdrawn)}, bulk...)},
	}
}

// costRows are what a phase costs beside the sum of its programs' CPU time.
func costRows() []row {
	return []row{
		programCPURow("CPU, ms/service: controller", controllerName),
		programCPURow("CPU, ms/service: speaker", speakerName),
		programCPURow("CPU, ms/service: kube-apiserver", serverName),
		{"API writes/service", true, 2, func(m *measurement) (float64, bool) { return float64(m.count(request.writes)), true }},
		programPeakRow("peak RSS, MiB: controller", controllerName),
		programPeakRow("peak RSS, MiB: speaker", speakerName),
	}
}

func bgpRows() []row {
	return []row{
		{"UPDATE messages", false, 0, func(m *measurement) (float64, bool) { return float64(m.BGP.Updates), true }},
		{"octets of UPDATE/service", true, 1, func(m *measurement) (float64, bool) { return float64(m.BGP.Bytes), true }},
	}
}

func latencyRows() []row {
	latencies := []struct{ label, name string }{
		{"request to create", latencyCreate},
		{"service to address", latencyAddress},
		{"service to route", latencyRoute},
		{"endpoint lost to withdrawal", latencyLoss},
		{"endpoint back to route", latencyReturn},
		{"service deleted to withdrawal", latencyDeletion},
	}
	rows := make([]row, 0, 2*len(latencies))
	for _, l := range latencies {
		rows = append(rows,
			row{l.label + ", p50 ms", false, 1, func(m *measurement) (float64, bool) {
				s, ok := m.Latencies[l.name]
				return milliseconds(s.P50), ok
			}},
			row{l.label + ", p99 ms", false, 1, func(m *measurement) (float64, bool) {
				s, ok := m.Latencies[l.name]
				return milliseconds(s.P99), ok
			}})
	}
	return rows
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func timeRow(label, name string) row {
	return row{label, false, 2, func(m *measurement) (float64, bool) {
		d, ok := m.Times[name]
		return d.Seconds(), ok
	}}
}

func rateRow(label, name string) row {
	return row{label, true, 3, func(m *measurement) (float64, bool) {
		d, ok := m.Times[name]
		return milliseconds(d), ok
	}}
}

// subjectCPU is what all the subject's own programs spent.
func subjectCPU(m *measurement) (float64, bool) {
	return milliseconds(m.CPU[controllerName] + m.CPU[speakerName] + m.CPU[floorName]), true
}

func cpuRow(label string) row      { return row{label, true, 3, subjectCPU} }
func totalCPURow(label string) row { return row{label, false, 0, subjectCPU} }

// programCPURow compares a program of the product with the whole floor, where that has none of the name.
func programCPURow(label, name string) row {
	return row{label, true, 3, func(m *measurement) (float64, bool) {
		d, ok := m.CPU[name]
		if !ok {
			d, ok = m.CPU[floorName]
		}
		return milliseconds(d), ok
	}}
}

func programPeakRow(label, name string) row {
	return row{label, false, 0, func(m *measurement) (float64, bool) {
		n, ok := m.PeakRSS[name]
		if !ok {
			n, ok = m.PeakRSS[floorName]
		}
		return float64(n) / (1 << 20), ok
	}}
}

func writesRow() row {
	return row{"API writes", false, 0, func(m *measurement) (float64, bool) { return float64(m.count(request.writes)), true }}
}
