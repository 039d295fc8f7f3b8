// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/bench/sink"
)

// Phases, in the order in which they are run.
const (
	phasePending           = "create pending services"
	phaseAssign            = "assign all at once"
	phaseDelete            = "delete all"
	phaseCreate            = "create with addresses"
	phaseSingle            = "one at a time"
	phaseOtherPool         = "add an unrelated pool"
	phaseIdle              = "idle"
	phaseRestartAnnouncer  = "restart speaker"
	phaseRestartController = "restart controller"
)

// Names of times and latencies.
const (
	timeCreated     = "created"
	timeAddresses   = "addresses"
	timeRoutes      = "routes"
	timeDeleted     = "deleted"
	timeWithdrawn   = "withdrawn"
	timeStopped     = "stopped"
	timeSession     = "session"
	timeEndOfRIB    = "endOfRIB"
	timeReady       = "ready"
	timeFirst       = "firstAddress"
	latencyCreate   = "create"
	latencyAddress  = "address"
	latencyRoute    = "route"
	latencyLoss     = "endpointLoss"
	latencyReturn   = "endpointReturn"
	latencyDeletion = "deletion"
)

const (
	writers      = 16 // objects that the benchmark creates or deletes at the same time
	idleDuration = 10 * time.Second
	poolName     = "pool"
)

// bench measures one subject at one number of services.
type bench struct {
	cluster      *cluster
	sink         *sink.Sink
	tracker      *tracker
	subject      *subject
	services     int
	samples      int
	phaseTimeout time.Duration
	progress     io.Writer
	results      []*measurement
}

// run goes through all phases and leaves the cluster as it was.
func (b *bench) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, b.subject.stop()) }()
	before := b.sink.Session().Number
	for _, p := range b.subject.programs {
		if err := p.start(); err != nil {
			return err
		}
	}
	guarded, release := b.guard(ctx, b.subject.programs...)
	defer release()
	if err := b.waitSession(guarded, before); err != nil {
		return err
	}
	n := b.services
	for _, phase := range []struct {
		name       string
		operations int
		do         func(context.Context, *measurement) error
	}{
		{phasePending, n, b.createPending},
		{phaseAssign, n, b.assignAll},
		{phaseDelete, n, b.deleteAll},
		{phaseCreate, n, b.createAll},
		{phaseSingle, b.samples, b.oneAtATime},
		{phaseOtherPool, n, b.addOtherPool},
		{phaseIdle, n, func(ctx context.Context, _ *measurement) error { return pause(ctx, idleDuration) }},
	} {
		if err := b.measure(guarded, phase.name, phase.operations, phase.do); err != nil {
			return err
		}
	}
	release()
	if err := b.measure(ctx, phaseRestartAnnouncer, n, b.restartAnnouncer); err != nil {
		return err
	}
	if err := b.measure(ctx, phaseRestartController, n, b.restartController); err != nil {
		return err
	}
	return b.cleanUp(ctx)
}

// guard ends the returned context, with the cause, when one of the programs ends by itself.
func (*bench) guard(ctx context.Context, programs ...*program) (context.Context, context.CancelFunc) {
	release := make([]context.CancelFunc, len(programs))
	for i, p := range programs {
		ctx, release[i] = p.guard(ctx)
	}
	return ctx, func() {
		for _, r := range slices.Backward(release) {
			r()
		}
	}
}

func (b *bench) waitSession(ctx context.Context, after int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, b.phaseTimeout, errors.New("no BGP session was opened"))
	defer cancel()
	_, err := b.sink.WaitSession(ctx, after)
	return err
}

// each calls do for the numbers below n, several at a time.
func each(ctx context.Context, n int, do func(context.Context, int) error) error {
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range n {
		if limited.Err() != nil {
			break
		}
		group.Go(func() error { return do(limited, i) })
	}
	return errors.Join(group.Wait(), context.Cause(ctx))
}

// createMany creates all services, each after the EndpointSlice that it will have.
func (b *bench) createMany(ctx context.Context, prefix string) error {
	return each(ctx, b.services, func(ctx context.Context, i int) error {
		name := fmt.Sprintf("%s-%05d", prefix, i)
		if err := b.cluster.client.Create(ctx, makeSlice(name, true)); err != nil {
			return err
		}
		return b.cluster.client.Create(ctx, makeService(name))
	})
}

// createPending creates all services while there is no pool.
func (b *bench) createPending(ctx context.Context, m *measurement) error {
	begin := time.Now()
	if err := b.createMany(ctx, "pending"); err != nil {
		return err
	}
	m.Times[timeCreated] = time.Since(begin)
	return b.tracker.waitServices(ctx, b.services)
}

// assignAll creates the pool that all services wait for.
func (b *bench) assignAll(ctx context.Context, m *measurement) error {
	begin := time.Now()
	if err := b.cluster.client.Create(ctx, makePool(poolName, poolRange)); err != nil {
		return err
	}
	return b.waitAll(ctx, m, begin)
}

// waitAll waits until all services have addresses and all addresses have routes.
func (b *bench) waitAll(ctx context.Context, m *measurement, begin time.Time) error {
	at, err := b.tracker.waitAddresses(ctx, b.services)
	if err != nil {
		return err
	}
	m.Times[timeAddresses] = at.Sub(begin)
	if at, err = b.sink.WaitRoutes(ctx, b.services); err != nil {
		return err
	}
	m.Times[timeRoutes] = at.Sub(begin)
	return nil
}

// deleteAll deletes all services and then all EndpointSlices.
func (b *bench) deleteAll(ctx context.Context, m *measurement) error {
	begin := time.Now()
	if err := b.deleteServices(ctx); err != nil {
		return err
	}
	m.Times[timeDeleted] = time.Since(begin)
	at, err := b.sink.WaitRoutes(ctx, 0)
	if err != nil {
		return err
	}
	m.Times[timeWithdrawn] = at.Sub(begin)
	if err := b.tracker.waitServices(ctx, 0); err != nil {
		return err
	}
	return b.deleteSlices(ctx)
}

func (b *bench) deleteServices(ctx context.Context) error {
	var list corev1.ServiceList
	if err := b.cluster.client.List(ctx, &list, client.InNamespace(serviceNamespace)); err != nil {
		return err
	}
	return each(ctx, len(list.Items), func(ctx context.Context, i int) error { return b.cluster.client.Delete(ctx, &list.Items[i]) })
}

func (b *bench) deleteSlices(ctx context.Context) error {
	var list discoveryv1.EndpointSliceList
	if err := b.cluster.client.List(ctx, &list, client.InNamespace(serviceNamespace)); err != nil {
		return err
	}
	return each(ctx, len(list.Items), func(ctx context.Context, i int) error { return b.cluster.client.Delete(ctx, &list.Items[i]) })
}

// createAll creates all services while the pool is there.
func (b *bench) createAll(ctx context.Context, m *measurement) error {
	begin := time.Now()
	if err := b.createMany(ctx, "service"); err != nil {
		return err
	}
	m.Times[timeCreated] = time.Since(begin)
	return b.waitAll(ctx, m, begin)
}

// oneAtATime takes one more service through its life, again and again.
func (b *bench) oneAtATime(ctx context.Context, m *measurement) error {
	samples := make(map[string][]time.Duration)
	for i := range b.samples {
		if err := b.oneLife(ctx, fmt.Sprintf("single-%04d", i), samples); err != nil {
			return err
		}
	}
	for name, list := range samples {
		m.Latencies[name] = summarize(list)
	}
	return nil
}

// oneLife creates a service, takes its endpoint away, gives it back, and deletes the service. Each latency counts from
// before the request to the API server.
func (b *bench) oneLife(ctx context.Context, name string, samples map[string][]time.Duration) error {
	c := b.cluster.client
	slice, service := makeSlice(name, true), makeService(name)
	if err := c.Create(ctx, slice); err != nil {
		return err
	}
	begin := time.Now()
	if err := c.Create(ctx, service); err != nil {
		return err
	}
	samples[latencyCreate] = append(samples[latencyCreate], time.Since(begin))
	a, err := b.tracker.waitAddress(ctx, name)
	if err != nil {
		return err
	}
	samples[latencyAddress] = append(samples[latencyAddress], a.at.Sub(begin))
	route := netip.PrefixFrom(a.address, a.address.BitLen())
	at, err := b.sink.WaitRoute(ctx, route)
	if err != nil {
		return err
	}
	samples[latencyRoute] = append(samples[latencyRoute], at.Sub(begin))

	for _, step := range []struct {
		latency string
		request func() error
		wait    func(context.Context, netip.Prefix) (time.Time, error)
	}{
		{latencyLoss, func() error { return b.setReady(ctx, slice, false) }, b.sink.WaitNoRoute},
		{latencyReturn, func() error { return b.setReady(ctx, slice, true) }, b.sink.WaitRoute},
		{latencyDeletion, func() error { return c.Delete(ctx, service) }, b.sink.WaitNoRoute},
	} {
		begin := time.Now()
		if err := step.request(); err != nil {
			return err
		}
		at, err := step.wait(ctx, route)
		if err != nil {
			return err
		}
		samples[step.latency] = append(samples[step.latency], at.Sub(begin))
	}
	return c.Delete(ctx, slice)
}

func (b *bench) setReady(ctx context.Context, slice *discoveryv1.EndpointSlice, ready bool) error {
	slice.Endpoints[0].Conditions = makeSlice("", ready).Endpoints[0].Conditions
	return b.cluster.client.Update(ctx, slice)
}

// addOtherPool creates a pool that concerns no service.
func (b *bench) addOtherPool(ctx context.Context, _ *measurement) error {
	return b.cluster.client.Create(ctx, makePool("other", otherRange))
}

// restartAnnouncer ends the program that announces and starts it again. Times count from the start.
func (b *bench) restartAnnouncer(ctx context.Context, m *measurement) error {
	p := b.subject.announcer()
	before := b.sink.Session().Number
	begin, err := restart(p, m)
	if err != nil {
		return err
	}
	ctx, release := b.guard(ctx, b.subject.programs...)
	defer release()
	session, err := b.sink.WaitSession(ctx, before)
	if err != nil {
		return err
	}
	m.Times[timeSession] = session.Sub(begin)
	routes, err := b.sink.WaitRoutes(ctx, b.services)
	if err != nil {
		return err
	}
	m.Times[timeRoutes] = routes.Sub(begin)
	end, err := b.sink.WaitEndOfRIB(ctx, before)
	if err != nil {
		return err
	}
	m.Times[timeEndOfRIB] = end.Sub(begin)
	if end.Before(routes) {
		m.find("End-of-RIB came %s before the last route", routes.Sub(end))
	}
	return nil
}

// restart ends the program and starts it again; it returns when it was started.
func restart(p *program, m *measurement) (time.Time, error) {
	begin := time.Now()
	if err := p.stop(); err != nil {
		return begin, err
	}
	m.Times[timeStopped] = time.Since(begin)
	begin = time.Now()
	return begin, p.start()
}

// restartController ends the program that assigns, creates one service, and starts the program again.
func (b *bench) restartController(ctx context.Context, m *measurement) error {
	p := b.subject.assigner()
	const waiting = "waiting"
	begin := time.Now()
	if err := p.stop(); err != nil {
		return err
	}
	m.Times[timeStopped] = time.Since(begin)
	if err := errors.Join(b.cluster.client.Create(ctx, makeSlice(waiting, true)), b.cluster.client.Create(ctx, makeService(waiting))); err != nil {
		return err
	}
	begin = time.Now()
	if err := p.start(); err != nil {
		return err
	}
	ctx, release := b.guard(ctx, b.subject.programs...)
	defer release()
	if p.health != "" {
		at, err := p.waitReady(ctx)
		if err != nil {
			return err
		}
		m.Times[timeReady] = at.Sub(begin)
	}
	a, err := b.tracker.waitAddress(ctx, waiting)
	if err != nil {
		return err
	}
	m.Times[timeFirst] = a.at.Sub(begin)
	_, err = b.sink.WaitRoutes(ctx, b.services+1)
	return err
}

// cleanUp removes services, EndpointSlices and pools, with no program running.
func (b *bench) cleanUp(ctx context.Context) error {
	if err := b.subject.stop(); err != nil {
		return err
	}
	if err := errors.Join(b.deleteServices(ctx), b.deleteSlices(ctx)); err != nil {
		return err
	}
	for _, name := range []string{poolName, "other"} {
		if err := b.cluster.client.Delete(ctx, makePool(name, poolRange)); err != nil {
			return err
		}
	}
	return b.tracker.waitServices(ctx, 0)
}
