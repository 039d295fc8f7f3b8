// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"
)

// restartAnnouncer ends the program that announces and starts it again. Times count from the start.
func (b *bench) restartAnnouncer(ctx context.Context, m *measurement) error {
	p := b.subject.announcer()
	before := b.sink.Session().Number
	begin, err := restart(p, m)
	if err != nil {
		return err
	}
	ctx, release := b.subject.guard(ctx)
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
	if err := b.endOfRIB(ctx, m, before, begin, routes); err != nil {
		return err
	}
	return b.waitReported(ctx)
}

// endOfRIBLimit is how long after the last route End-of-RIB is waited for. A speaker owes it only where graceful restart was
// agreed upon (RFC 4724 section 4.1), so that none is nothing wrong.
const endOfRIBLimit = 2 * time.Second

func (b *bench) endOfRIB(ctx context.Context, m *measurement, after int, begin, routes time.Time) error {
	limited, cancel := context.WithTimeout(ctx, endOfRIBLimit)
	defer cancel()
	end, err := b.sink.WaitEndOfRIB(limited, after)
	if err != nil {
		return context.Cause(ctx)
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

// waitingName is of the service that waits for the controller to be there again.
const waitingName = "waiting"

// restartController ends the program that assigns, creates one service, and starts the program again.
func (b *bench) restartController(ctx context.Context, m *measurement) error {
	p := b.subject.assigner()
	begin := time.Now()
	if err := p.stop(); err != nil {
		return err
	}
	m.Times[timeStopped] = time.Since(begin)
	if err := errors.Join(b.cluster.client.Create(ctx, makeSlice(waitingName, true)), b.cluster.client.Create(ctx, makeService(waitingName))); err != nil {
		return err
	}
	begin = time.Now()
	if err := p.start(); err != nil {
		return err
	}
	ctx, release := b.subject.guard(ctx)
	defer release()
	a, err := b.tracker.waitAddress(ctx, waitingName)
	if err != nil {
		return err
	}
	m.Times[timeFirst] = a.at.Sub(begin)
	if _, err = b.sink.WaitRoutes(ctx, b.services+1); err != nil {
		return err
	}
	return b.waitTold(ctx, m, begin, b.services+1)
}

func (b *bench) deleteWaiting(ctx context.Context) error {
	return errors.Join(b.cluster.client.Delete(ctx, makeService(waitingName)), b.cluster.client.Delete(ctx, makeSlice(waitingName, true)))
}
