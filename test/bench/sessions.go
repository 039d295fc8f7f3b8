// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/test/bench/proc"
	"metallb.io/metallb/test/bench/sink"
	"metallb.io/metallb/test/bench/wire"
)

// fanoutName is the program that has the speaker's sessions, without Kubernetes.
const fanoutName = "fanout"

// Changes of what peers are told, in the order in which they are made.
const (
	changeStart     = "sessions come up"
	changeAdd       = "one route more"
	changeWithdraw  = "one route withdrawn"
	changeAttribute = "an attribute of one route"
	changeAll       = "an attribute of all routes"
	changeDrain     = "draining"
)

// kind is one of routes and of the sessions that they go over.
type kind struct {
	name string
	at   netip.Addr // where the peers listen
	open wire.Open
	six  bool // whether the routes are IPv6 ones
}

var (
	loopback  = netip.MustParseAddr("127.0.0.1")
	loopback6 = netip.IPv6Loopback()
	sinkID    = netip.MustParseAddr("192.0.2.254")
)

func kinds() []kind {
	return []kind{
		{name: "IPv4", at: loopback, open: wire.Open{ASN: asn, ID: sinkID}},
		{name: "IPv6", at: loopback6, open: wire.Open{ASN: asn, ID: sinkID, Families: []bgp.Family{bgp.RF_IPv6_UC}}, six: true},
		{name: "RFC 8950", at: loopback6, open: wire.Open{ASN: asn, ID: sinkID, IPv6NextHop: true}},
	}
}

// routeChange is a change of the routes that all peers are told of.
type routeChange struct {
	name string
	word string // that the program knows it by
	// each is what every peer is to be told.
	each expectation
	// communities are how many octets each route has more of attributes.
	communities int
}

// routeChanges are made to so many routes.
func routeChanges(routes int) []routeChange {
	return []routeChange{
		{name: changeStart, each: expectation{announced: routes}},
		{name: changeAdd, word: "add", each: expectation{announced: 1}},
		{name: changeWithdraw, word: "withdraw", each: expectation{withdrawn: 1}},
		{name: changeAttribute, word: "one", each: expectation{repeated: 1}},
		{name: changeAll, word: "all", each: expectation{repeated: routes}},
		{name: changeDrain, word: "drain", each: expectation{repeated: routes}, communities: communityOctets},
	}
}

// fanout measures what it costs to tell peers of routes.
type fanout struct {
	*bench

	kind  kind
	sinks []*sink.Sink
}

// sessionsMeasurement is what was seen of one change. Its counters are the sums of all peers.
type sessionsMeasurement struct {
	*measurement

	Routes string `json:"routes"` // kind
	Peers  int    `json:"peers"`
	// Floor is what one peer must be told at least.
	Floor sink.Counters `json:"floor"`
	// RSS is what the program had resident afterwards, in bytes.
	RSS int64 `json:"rss"`
}

// runSessions measures all kinds of routes with all numbers of peers.
func runSessions(ctx context.Context, o options, r *report, dir string, progress io.Writer) error {
	for _, k := range kinds() {
		for _, peers := range o.peers {
			fmt.Fprintf(progress, "%6d routes, %s: %d peers\n", o.routes, k.name, peers)
			results, err := runFanout(ctx, o, k, peers, dir)
			r.Sessions = append(r.Sessions, results...)
			if err != nil {
				return fmt.Errorf("%d routes, %s, %d peers: %w", o.routes, k.name, peers, err)
			}
		}
	}
	return nil
}

// runFanout makes all changes with new peers and a new process.
func runFanout(ctx context.Context, o options, k kind, peers int, dir string) (results []*sessionsMeasurement, err error) {
	f := &fanout{kind: k, bench: &bench{services: o.routes, phaseTimeout: o.phaseTimeout}}
	addresses := make([]string, 0, peers)
	for range peers {
		s, err := sink.Listen(ctx, k.at, k.open)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		f.sinks, addresses = append(f.sinks, s), append(addresses, s.Addr().String())
	}
	f.subject = &subject{name: productName, programs: []*program{{Program: proc.Program{
		Name: fanoutName, Path: o.binaries.fanout, Log: filepath.Join(dir, fmt.Sprintf("%s-%s-%d.log", fanoutName, k.name, peers)),
		Args: []string{
			"--peers", strings.Join(addresses, ","), "--asn", strconv.Itoa(asn), "--routes", strconv.Itoa(o.routes), fmt.Sprintf("--ipv6=%t", k.six),
		},
	}}}}
	defer func() { err = errors.Join(err, f.subject.stop()) }()
	for _, c := range routeChanges(o.routes) {
		m, err := f.change(ctx, c)
		if err != nil {
			return results, fmt.Errorf("%q: %w", c.name, err)
		}
		results = append(results, m)
	}
	return results, nil
}

// change makes a change and waits until every peer has been told, and is told nothing more.
func (f *fanout) change(ctx context.Context, c routeChange) (*sessionsMeasurement, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.phaseTimeout, fmt.Errorf("it took longer than %s", f.phaseTimeout))
	defer cancel()
	m := &sessionsMeasurement{
		measurement: newMeasurement(f.services, fanoutName, c.name, f.services), Routes: f.kind.name, Peers: len(f.sinks), Floor: f.kind.densest(c),
	}
	earlier := f.counters()
	before, err := f.begin()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	program := f.subject.programs[0]
	if c.word == "" {
		err = program.start()
	} else {
		err = program.process.Tell(c.word)
	}
	if err != nil {
		return nil, err
	}
	ctx, release := f.subject.guard(ctx)
	defer release()
	for i, s := range f.sinks {
		at, err := f.wait(ctx, s, c, earlier[i])
		if err != nil {
			return nil, err
		}
		since := begin
		if c.word == "" {
			since = s.Session().Established
		}
		m.Times[timeRoutes] = max(m.Times[timeRoutes], at.Sub(since))
	}
	if err := f.quiet(ctx); err != nil {
		return nil, err
	}
	if err := f.finish(m.measurement, before); err != nil {
		return nil, err
	}
	for i, now := range f.counters() {
		told := now.Sub(earlier[i])
		c.each.checkRoutes(m.measurement, told)
		m.BGP = m.BGP.Add(told)
	}
	m.RSS, err = rss(program.process.PID())
	return m, err
}

// wait waits until the peer has been told and returns when it was.
func (f *fanout) wait(ctx context.Context, s *sink.Sink, c routeChange, earlier sink.Counters) (time.Time, error) {
	if c.each.withdrawn > 0 {
		return s.WaitRoutes(ctx, f.services)
	}
	return s.WaitAnnounced(ctx, earlier.Announced+c.each.announced+c.each.repeated)
}

func (f *fanout) counters() []sink.Counters {
	list := make([]sink.Counters, 0, len(f.sinks))
	for _, s := range f.sinks {
		list = append(list, s.Counters())
	}
	return list
}

// quietTime is how long nothing is to come after a change for it to be over.
const quietTime = 300 * time.Millisecond

// quiet waits until no peer is told anything more.
func (f *fanout) quiet(ctx context.Context) error {
	for last := f.updates(); ; {
		if err := pause(ctx, quietTime); err != nil {
			return err
		}
		now := f.updates()
		if now == last {
			return nil
		}
		last = now
	}
}

// updates is how many messages there were to all peers.
func (f *fanout) updates() int {
	n := 0
	for _, s := range f.sinks {
		n += s.Counters().Updates
	}
	return n
}

// rss returns what the process has resident: its peak from now on.
func rss(pid int) (int64, error) {
	if err := proc.ResetPeak(pid); err != nil {
		return 0, err
	}
	return proc.PeakRSS(pid)
}
