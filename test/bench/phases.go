// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/bench/sink"
)

// Phases, in the order in which they are run.
const (
	phaseCreate            = "create services"
	phaseSingle            = "one at a time"
	phaseOtherPool         = "add an unrelated pool"
	phaseAttributes        = "change an attribute of all routes"
	phaseIdle              = "idle"
	phaseRestartAnnouncer  = "restart speaker"
	phaseRestartController = "restart controller"
	phasePending           = "start with all pending"
	phaseAssign            = "assign all at once"
	phaseDelete            = "delete services"
)

// Names of times and latencies.
const (
	timeCreated     = "created"
	timeAddresses   = "addresses"
	timeRoutes      = "routes"
	timeTold        = "told"
	timeDeleted     = "deleted"
	timeWithdrawn   = "withdrawn"
	timeStopped     = "stopped"
	timeSession     = "session"
	timeEndOfRIB    = "endOfRIB"
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
	otherName    = "other"
)

// bench measures one subject at one number of services.
type bench struct {
	cluster      *cluster   // nil if the subject needs none
	sink         *sink.Sink // nil if none counts for all phases
	tracker      *tracker
	subject      *subject
	services     int
	samples      int
	rate         float64 // services created each second; 0 is as many as possible
	phaseTimeout time.Duration
	progress     io.Writer
	results      []*measurement
}

// phase is what is measured at a stretch.
type phase struct {
	name        string
	operations  int // what figures per operation are relative to
	do          func(context.Context, *measurement) error
	productOnly bool // the floor cannot do it
}

// run goes through all phases, on a cluster without services.
func (b *bench) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, b.subject.stop()) }()
	if err := b.cluster.client.Create(ctx, makePool(poolName, poolRange)); err != nil {
		return err
	}
	if err := b.start(ctx); err != nil {
		return err
	}
	n := b.services
	err = b.guarded(ctx, []phase{
		{name: phaseCreate, operations: n, do: b.createAll},
		{name: phaseSingle, operations: b.samples, do: b.oneAtATime},
		{name: phaseOtherPool, operations: n, do: b.addOtherPool},
		{name: phaseAttributes, operations: n, do: b.changeAttribute, productOnly: true},
		{name: phaseIdle, operations: n, do: func(ctx context.Context, _ *measurement) error { return pause(ctx, idleDuration) }},
	})
	if err != nil {
		return err
	}
	if err := b.measure(ctx, phaseRestartAnnouncer, n, b.restartAnnouncer); err != nil {
		return err
	}
	if err := b.measure(ctx, phaseRestartController, n, b.restartController); err != nil {
		return err
	}
	if err := b.reset(ctx); err != nil {
		return err
	}
	if err := b.measure(ctx, phasePending, n, b.startPending); err != nil {
		return err
	}
	return b.guarded(ctx, []phase{
		{name: phaseAssign, operations: n, do: b.assignAll},
		{name: phaseDelete, operations: n, do: b.deleteAll},
	})
}

// start starts the programs and waits until the session is up.
func (b *bench) start(ctx context.Context) error {
	before := b.sink.Session().Number
	for _, p := range b.subject.programs {
		if err := p.start(); err != nil {
			return err
		}
	}
	ctx, release := b.subject.guard(ctx)
	defer release()
	ctx, cancel := context.WithTimeoutCause(ctx, b.phaseTimeout, errors.New("no BGP session was opened"))
	defer cancel()
	if _, err := b.sink.WaitSession(ctx, before); err != nil {
		return err
	}
	return b.waitReported(ctx)
}

// startPending starts the programs while no service can have an address, and waits until each says so.
func (b *bench) startPending(ctx context.Context, _ *measurement) error {
	if err := b.start(ctx); err != nil || b.subject.name != productName {
		return err
	}
	ctx, release := b.subject.guard(ctx)
	defer release()
	return b.tracker.waitConsidered(ctx, b.services)
}

// guarded measures phases that fail when one of the programs ends.
func (b *bench) guarded(ctx context.Context, phases []phase) error {
	ctx, release := b.subject.guard(ctx)
	defer release()
	for _, phase := range phases {
		if phase.productOnly && b.subject.name != productName {
			continue
		}
		if err := b.measure(ctx, phase.name, phase.operations, phase.do); err != nil {
			return err
		}
	}
	return nil
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

// createAll creates all services, each after the EndpointSlice that it will have.
func (b *bench) createAll(ctx context.Context, m *measurement) error {
	limit := rate.Inf
	if b.rate > 0 {
		limit = rate.Limit(b.rate)
	}
	limiter := rate.NewLimiter(limit, 1)
	begin := time.Now()
	err := each(ctx, b.services, func(ctx context.Context, i int) error {
		if err := limiter.Wait(ctx); err != nil {
			return err
		}
		name := fmt.Sprintf("service-%05d", i)
		if err := b.cluster.client.Create(ctx, makeSlice(name, true)); err != nil {
			return err
		}
		return b.cluster.client.Create(ctx, makeService(name))
	})
	if err != nil {
		return err
	}
	m.Times[timeCreated] = time.Since(begin)
	return b.waitAll(ctx, m, begin)
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
	return b.waitTold(ctx, m, begin, b.services)
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

// addOtherPool creates a pool that concerns no service.
func (b *bench) addOtherPool(ctx context.Context, _ *measurement) error {
	return b.cluster.client.Create(ctx, makePool(otherName, otherRange))
}

// changeAttribute gives all routes another local preference, so that each is announced once more.
func (b *bench) changeAttribute(ctx context.Context, m *measurement) error {
	announced := b.sink.Counters().Announced
	changed := makeAdvertisement()
	begin := time.Now()
	if err := b.cluster.client.Patch(ctx, changed, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"localPref":200}}`))); err != nil {
		return err
	}
	at, err := b.sink.WaitAnnounced(ctx, announced+b.services)
	m.Times[timeRoutes] = at.Sub(begin)
	return err
}

// reset ends the programs and makes all services such as never had addresses, and removes the pools.
func (b *bench) reset(ctx context.Context) error {
	if err := b.subject.stop(); err != nil {
		return err
	}
	if err := b.deleteWaiting(ctx); err != nil {
		return err
	}
	for _, name := range []string{poolName, otherName} {
		if err := b.cluster.client.Delete(ctx, makePool(name, poolRange)); err != nil {
			return err
		}
	}
	// A patch of a Service's status applies to its metadata too.
	patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":null},"status":{"loadBalancer":null,"conditions":null}}`))
	var list corev1.ServiceList
	if err := b.cluster.client.List(ctx, &list, client.InNamespace(serviceNamespace)); err != nil {
		return err
	}
	err := each(ctx, len(list.Items), func(ctx context.Context, i int) error {
		return b.cluster.client.Status().Patch(ctx, &list.Items[i], patch)
	})
	if err != nil {
		return err
	}
	_, err = b.tracker.waitAddresses(ctx, 0)
	return err
}
