// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
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
	phaseAttributes        = "change an attribute of all routes"
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

// phase is what is measured at a stretch.
type phase struct {
	name        string
	operations  int // what figures per operation are relative to
	do          func(context.Context, *measurement) error
	productOnly bool // the floor cannot do it
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
	for _, phase := range []phase{
		{name: phasePending, operations: n, do: b.createPending},
		{name: phaseAssign, operations: n, do: b.assignAll},
		{name: phaseDelete, operations: n, do: b.deleteAll},
		{name: phaseCreate, operations: n, do: b.createAll},
		{name: phaseSingle, operations: b.samples, do: b.oneAtATime},
		{name: phaseOtherPool, operations: n, do: b.addOtherPool},
		{name: phaseAttributes, operations: n, do: b.changeAttribute, productOnly: true},
		{name: phaseIdle, operations: n, do: func(ctx context.Context, _ *measurement) error { return pause(ctx, idleDuration) }},
	} {
		if phase.productOnly && b.subject.name != productName {
			continue
		}
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

// addOtherPool creates a pool that concerns no service.
func (b *bench) addOtherPool(ctx context.Context, _ *measurement) error {
	return b.cluster.client.Create(ctx, makePool("other", otherRange))
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
