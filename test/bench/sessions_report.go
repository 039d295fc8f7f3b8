// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// sessionsReport is what is told of routes that peers are told of.
type sessionsReport []*sessionsMeasurement

// write prints one line for each change, kind of routes and number of peers.
func (r sessionsReport) write(out io.Writer) error {
	fmt.Fprintf(out, "\nSESSIONS: %d routes to each peer; the speaker's table and sessions alone; UPDATE messages and octets are of one peer\n", r[0].Services)
	fmt.Fprintln(out, "floor: as many routes in each message as there is room for; ratio: octets / floor; RFC 8950: IPv4 routes with an IPv6 next hop")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "change\troutes\tpeers\tuntil the last route, s\tCPU, ms\tUPDATEs\tfloor\toctets\tfloor\tratio\tRSS, MiB\tpeak RSS, MiB\t")
	var findings []string
	var load float64
	for _, c := range routeChanges(0) {
		for _, m := range r {
			if m.Phase != c.name {
				continue
			}
			peers := float64(m.Peers)
			updates, octets := float64(m.BGP.Updates)/peers, float64(m.BGP.Bytes)/peers
			quotient, ok := ratio(octets, float64(m.Floor.Bytes))
			fmt.Fprintf(w, "%s\t%s\t%d\t%.3f\t%.0f\t%.0f\t%d\t%.0f\t%d\t%s\t%d\t%d\t\n", m.Phase, m.Routes, m.Peers, m.Times[timeRoutes].Seconds(),
				milliseconds(m.CPU[fanoutName]), updates, m.Floor.Updates, octets, m.Floor.Bytes, cell(quotient, ok, 2), m.RSS>>20, m.PeakRSS[fanoutName]>>20)
			load = max(load, m.OtherLoad+m.StolenLoad)
			for _, f := range m.Findings {
				findings = append(findings, fmt.Sprintf("  %s, %s, %d peers: %s", m.Phase, m.Routes, m.Peers, f))
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if load >= loadWorthTelling {
		fmt.Fprintf(out, "\nThe machine was not quiet, so that times say little: up to %.2f processors were busy with others.\n", load)
	}
	if len(findings) > 0 {
		fmt.Fprintf(out, "\nNot as it should be:\n%s\n", strings.Join(findings, "\n"))
	}
	return nil
}
