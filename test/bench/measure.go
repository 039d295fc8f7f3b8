// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"metallb.io/metallb/test/bench/proc"
	"metallb.io/metallb/test/bench/sink"
)

// Names of what is measured beside the programs themselves.
const (
	serverName = "kube-apiserver"
	etcdName   = "etcd"
	benchName  = "bench"
)

// measurement is what was seen in one phase of one subject. Durations are nanoseconds in JSON.
type measurement struct {
	Services   int    `json:"services"`
	Subject    string `json:"subject"`
	Phase      string `json:"phase"`
	Operations int    `json:"operations"` // what figures per operation are relative to
	// Times are points in time, counted from the phase's beginning.
	Times     map[string]time.Duration `json:"times"`
	Latencies map[string]summary       `json:"latencies"`
	// CPU is what each program spent, until it had nothing to do any more.
	CPU map[string]time.Duration `json:"cpu"`
	// PeakRSS is the most memory that each program had resident in the phase, in bytes.
	PeakRSS  map[string]int64 `json:"peakRSS"`
	Requests []requestCount   `json:"requests"`
	BGP      sink.Counters    `json:"bgp"`
	// OtherLoad is how many processors were busy with what is not part of this benchmark; StolenLoad, how many the host of
	// a virtual machine took for others. The more, the less the phase's times say; CPU figures suffer less.
	OtherLoad  float64  `json:"otherLoad"`
	StolenLoad float64  `json:"stolenLoad"`
	Findings   []string `json:"findings,omitempty"` // what should not have been
	// Reconciles is how often each of the controller's reconcilers looked at an object; of small changes only.
	Reconciles map[string]int `json:"reconciles,omitempty"`

	samples []time.Duration
}

func newMeasurement(services int, subject, phase string, operations int) *measurement {
	return &measurement{
		Services: services, Subject: subject, Phase: phase, Operations: operations,
		Times: make(map[string]time.Duration), Latencies: make(map[string]summary),
		CPU: make(map[string]time.Duration), PeakRSS: make(map[string]int64),
	}
}

// find notes something that should not have been.
func (m *measurement) find(format string, args ...any) {
	m.Findings = append(m.Findings, fmt.Sprintf(format, args...))
}

// count returns the number of requests that the filter accepts.
func (m *measurement) count(is func(request) bool) int {
	n := 0
	for _, r := range m.Requests {
		if is(r.request) {
			n += r.Count
		}
	}
	return n
}

// snapshot is the state of the counters at one moment.
type snapshot struct {
	at     time.Time
	cpu    map[string]time.Duration
	busy   time.Duration
	stolen time.Duration
	bgp    sink.Counters
}

func (b *bench) snapshot() (snapshot, error) {
	s := snapshot{at: time.Now(), cpu: make(map[string]time.Duration)}
	if b.sink != nil {
		s.bgp = b.sink.Counters()
	}
	var errs []error
	servers := map[string]int{}
	if b.cluster != nil {
		servers[serverName], servers[etcdName] = b.cluster.server, b.cluster.etcd
	}
	for name, pid := range servers {
		cpu, err := proc.CPU(pid)
		s.cpu[name] = cpu
		errs = append(errs, err)
	}
	for _, p := range b.subject.programs {
		cpu, err := p.cpu()
		s.cpu[p.Name] = cpu
		errs = append(errs, err)
	}
	var own syscall.Rusage
	errs = append(errs, syscall.Getrusage(syscall.RUSAGE_SELF, &own))
	s.cpu[benchName] = time.Duration(own.Utime.Nano() + own.Stime.Nano())
	var err error
	s.busy, s.stolen, err = proc.Busy()
	return s, errors.Join(append(errs, err)...)
}

// measure runs one phase. The operations are what the phase does as often as there are services, or samples.
func (b *bench) measure(ctx context.Context, phase string, operations int, do func(context.Context, *measurement) error) error {
	fmt.Fprintf(b.progress, "%6d services, %s: %s\n", b.services, b.subject.name, phase)
	m := newMeasurement(b.services, b.subject.name, phase, operations)
	ctx, cancel := context.WithTimeoutCause(ctx, b.phaseTimeout, fmt.Errorf("the phase %q took longer than %s", phase, b.phaseTimeout))
	defer cancel()
	if _, err := b.cluster.audit.next(); err != nil { // what lies between phases belongs to none
		return err
	}
	before, err := b.begin()
	if err != nil {
		return err
	}
	if err := do(ctx, m); err != nil {
		return fmt.Errorf("%d services, %s, phase %q: %w", b.services, b.subject.name, phase, err)
	}
	if err := b.settle(ctx, m); err != nil {
		return err
	}
	if err := b.finish(m, before); err != nil {
		return err
	}
	b.verify(m)
	b.results = append(b.results, m)
	return nil
}

// begin makes the peaks of memory count from now and returns the counters.
func (b *bench) begin() (snapshot, error) {
	for _, p := range b.subject.programs {
		if p.process == nil {
			continue
		}
		if err := proc.ResetPeak(p.process.PID()); err != nil {
			return snapshot{}, err
		}
	}
	return b.snapshot()
}

// finish takes the differences of the counters since before into m.
func (b *bench) finish(m *measurement, before snapshot) error {
	after, err := b.snapshot()
	if err != nil {
		return err
	}
	var ours time.Duration
	for name, cpu := range after.cpu {
		m.CPU[name] = cpu - before.cpu[name]
		ours += m.CPU[name]
	}
	elapsed := after.at.Sub(before.at)
	m.OtherLoad = max(0, (after.busy-before.busy-ours).Seconds()/elapsed.Seconds())
	m.StolenLoad = (after.stolen - before.stolen).Seconds() / elapsed.Seconds()
	m.BGP = after.bgp.Sub(before.bgp)
	for _, p := range b.subject.programs {
		if p.process == nil {
			continue
		}
		if m.PeakRSS[p.Name], err = proc.PeakRSS(p.process.PID()); err != nil {
			return err
		}
	}
	if b.cluster != nil {
		m.Requests, err = b.cluster.audit.next()
	}
	return err
}

const (
	settleStep  = 500 * time.Millisecond
	settleCPU   = 20 * time.Millisecond // per step and program, and it counts as idle
	settleLimit = 2 * time.Minute
)

// settle waits until the subject's programs have nothing to do any more, so that what they do late counts, too.
func (b *bench) settle(ctx context.Context, m *measurement) error {
	deadline := time.Now().Add(settleLimit)
	last := make(map[string]time.Duration)
	for round := 0; ; round++ {
		busy := ""
		for _, p := range b.subject.programs {
			cpu, err := p.cpu()
			if err != nil {
				return err
			}
			if cpu-last[p.Name] > settleCPU || round == 0 {
				busy = p.Name
			}
			last[p.Name] = cpu
		}
		if busy == "" {
			return nil
		}
		if time.Now().After(deadline) {
			m.find("%s was still busy %s after the phase", busy, settleLimit)
			return nil
		}
		if err := pause(ctx, settleStep); err != nil {
			return err
		}
	}
}

// pause waits for d.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
