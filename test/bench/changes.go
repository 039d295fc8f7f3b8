// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
)

// Small changes in a cluster that has much in it.
const (
	phaseNodeLabel = "label a node"
	phaseNoPool    = "add a pool that serves nobody"
	phaseSession   = "change one session"
	phaseScrape    = "scrape the metrics"
	phasePoolEdit  = "add an address for one that waits"

	timeSettled   = "settled"
	timeServed    = "served"
	latencyScrape = "scrape"
)

// size is of a cluster in which one thing changes.
type size struct{ services, waiting, nodes int }

// peersPerNode is how many sessions each node has.
const peersPerNode = 4

// name says what there is.
func (s size) name() string { return fmt.Sprintf("%d/%d/%d", s.services, s.waiting, s.nodes) }

// Each change is made this often, so that its CPU time can be told from none.
const (
	labelTimes   = 10
	sessionTimes = 100
	scrapeTimes  = 20
)

// lateness is more than the controller waits before it does what can wait.
const lateness = 3 * time.Second

// changes measures what the controller does when one thing changes.
type changes struct {
	*bench

	size    size
	metrics string // address
}

// runChanges measures the controller in a new cluster of the size.
func runChanges(ctx context.Context, o options, s size, dir string, progress func(string)) (results []*measurement, err error) {
	err = withFilledCluster(ctx, o, s, dir, progress, func(b *changes) error {
		for _, step := range b.steps() {
			progress(step.name)
			m, err := b.change(ctx, step)
			if err != nil {
				return fmt.Errorf("%q with %s: %w", step.name, s.name(), err)
			}
			results = append(results, m)
		}
		return nil
	})
	return results, err
}

// withFilledCluster has something done in a new cluster of the size, whose controller has nothing to do.
func withFilledCluster(ctx context.Context, o options, s size, dir string, progress func(string), do func(*changes) error) (err error) {
	c, err := startCluster(o.bin, o.crds, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	t := trackServices(ctx, c.client)
	defer t.stop()
	b := &changes{bench: &bench{cluster: c, tracker: t, services: s.services, phaseTimeout: o.phaseTimeout}, size: s}
	if b.subject, b.metrics, err = controllerSubject(ctx, c, o.binaries); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.subject.stop()) }()
	progress("filling the cluster")
	if err := b.fill(ctx); err != nil {
		return fmt.Errorf("filling the cluster: %w", err)
	}
	progress("waiting until the controller has nothing to do")
	if err := b.startAll(ctx); err != nil {
		return err
	}
	return do(b)
}

// controllerSubject describes the controller alone, and returns where it serves its metrics.
func controllerSubject(ctx context.Context, c *cluster, b binaries) (*subject, string, error) {
	metrics, err := c.freeAddress()
	if err != nil {
		return nil, "", err
	}
	p, err := newProgram(ctx, c, controllerName, b.controller, "--leader-elect=false", "--webhook-mode=disabled", "--log-level=info",
		"--metrics-bind-address="+metrics, "--metrics-secure=false", "--health-probe-bind-address=0")
	if err != nil {
		return nil, "", err
	}
	return &subject{name: productName, programs: []*program{p}}, metrics, nil
}

// fill creates nodes, peers, their sessions, services and one pool that has an address for all but those that are to wait.
func (b *changes) fill(ctx context.Context) error {
	c := b.cluster.client
	for _, name := range []string{productNamespace, serviceNamespace} {
		if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return err
		}
	}
	if err := errors.Join(c.Create(ctx, makeAdvertisement()), c.Create(ctx, b.pool(b.size.services-b.size.waiting))); err != nil {
		return err
	}
	for i := range peersPerNode {
		if err := c.Create(ctx, makeRouter(i)); err != nil {
			return err
		}
	}
	if err := each(ctx, b.size.nodes, b.fillNode); err != nil {
		return err
	}
	return each(ctx, b.size.services, func(ctx context.Context, i int) error {
		name := fmt.Sprintf("service-%05d", i)
		if err := c.Create(ctx, makeSlice(name, true)); err != nil {
			return err
		}
		return c.Create(ctx, makeService(name))
	})
}

func (b *changes) fillNode(ctx context.Context, i int) error {
	c, node := b.cluster.client, makeNode(i)
	status := node.Status
	if err := c.Create(ctx, node); err != nil {
		return err
	}
	node.Status = status
	if err := c.Status().Update(ctx, node); err != nil {
		return err
	}
	for p := range peersPerNode {
		session := makeSessionState(i, p)
		status := session.Status
		if err := c.Create(ctx, session); err != nil {
			return err
		}
		session.Status = status
		if err := c.Status().Update(ctx, session); err != nil {
			return err
		}
	}
	return nil
}

// pool has so many addresses.
func (b *changes) pool(addresses int) *v1beta1.IPAddressPool {
	return makePool(poolName, rangeOf(addresses))
}

// startAll starts the controller and waits until each service says what it has and how it is announced.
func (b *changes) startAll(ctx context.Context) error {
	if err := b.subject.programs[0].start(); err != nil {
		return err
	}
	ctx, release := b.subject.guard(ctx)
	defer release()
	if err := b.tracker.waitConsidered(ctx, b.size.services); err != nil {
		return err
	}
	if _, err := b.tracker.waitTold(ctx, b.size.services-b.size.waiting); err != nil {
		return err
	}
	return b.settle(ctx, &measurement{})
}

// step is a change, made a number of times.
type step struct {
	name  string
	times int
	do    func(context.Context, *measurement, int) error
	// writes and events are how many are needed at most for all times.
	writes, events int
}

func (b *changes) steps() []step {
	return []step{
		{name: phaseNodeLabel, times: labelTimes, do: b.labelNode},
		{name: phaseNoPool, times: 1, do: b.addPool},
		{name: phaseSession, times: sessionTimes, do: b.changeSession},
		{name: phaseScrape, times: scrapeTimes, do: b.scrapeOnce},
		{name: phasePoolEdit, times: 1, do: b.editPool, writes: 2, events: 1},
	}
}

// change measures one step. A change that nobody has to write for is over when nothing is done any more.
func (b *changes) change(ctx context.Context, s step) (*measurement, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.phaseTimeout, fmt.Errorf("it took longer than %s", b.phaseTimeout))
	defer cancel()
	m := newMeasurement(b.size.services, controllerName, s.name, s.times)
	if _, err := b.cluster.audit.next(); err != nil {
		return nil, err
	}
	reconciles, err := b.reconciles(ctx)
	if err != nil {
		return nil, err
	}
	before, err := b.begin()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for i := range s.times {
		if err := s.do(ctx, m, i); err != nil {
			return nil, err
		}
	}
	if err := b.settle(ctx, m); err != nil {
		return nil, err
	}
	m.Times[timeSettled] = time.Since(begin)
	// Some things are done a second later, so that several changes are one.
	if err := errors.Join(pause(ctx, lateness), b.settle(ctx, m)); err != nil {
		return nil, err
	}
	if err := b.finish(m, before); err != nil {
		return nil, err
	}
	after, err := b.reconciles(ctx)
	if err != nil {
		return nil, err
	}
	m.Reconciles = subtract(after, reconciles)
	s.verify(m)
	return m, nil
}

// verify notes what was done without need.
func (s step) verify(m *measurement) {
	if got := m.count(isServiceWrite); got > s.writes {
		m.find("Services were written %d times, %d at most were needed", got, s.writes)
	}
	if got := m.count(isEventWrite); got > s.events {
		m.find("%d events were written, %d at most were needed", got, s.events)
	}
	if got := m.servicesLookedAt(); got > max(s.writes, 1)*4 {
		m.find("services were looked at %d times", got)
	}
}

func isEventWrite(r request) bool { return r.writes() && r.Resource == "events" }

// labelNode gives a node a label that nobody selects by.
func (b *changes) labelNode(ctx context.Context, _ *measurement, i int) error {
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"example.com/round":"%d"}}}`, i)
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName(i % b.size.nodes)}}
	return b.cluster.client.Patch(ctx, node, client.RawPatch(types.MergePatchType, patch))
}

// addPool adds a pool that gives no address to who does not ask for it, and nobody does.
func (b *changes) addPool(ctx context.Context, _ *measurement, _ int) error {
	p := makePool(otherName, otherRange)
	p.Spec.AutoAssign = new(false)
	return b.cluster.client.Create(ctx, p)
}

// changeSession changes the number of prefixes that a node has told a peer of.
func (b *changes) changeSession(ctx context.Context, _ *measurement, i int) error {
	patch := fmt.Appendf(nil, `{"status":{"advertisedIPv4":%d}}`, i+1)
	return b.cluster.client.Status().Patch(ctx, makeSessionState(0, 0), client.RawPatch(types.MergePatchType, patch))
}

func (b *changes) scrapeOnce(ctx context.Context, m *measurement, _ int) error {
	begin := time.Now()
	if err := b.get(ctx, func(*http.Response) error { return nil }); err != nil {
		return err
	}
	m.samples = append(m.samples, time.Since(begin))
	m.Latencies[latencyScrape] = summarize(m.samples)
	return nil
}

// editPool adds an address, which the oldest service gets that waits.
func (b *changes) editPool(ctx context.Context, m *measurement, _ int) error {
	have := b.size.services - b.size.waiting
	patch := fmt.Appendf(nil, `{"spec":{"addresses":[%q]}}`, rangeOf(have+1))
	begin := time.Now()
	if err := b.cluster.client.Patch(ctx, b.pool(have), client.RawPatch(types.MergePatchType, patch)); err != nil {
		return err
	}
	at, err := b.tracker.waitAddresses(ctx, have+1)
	if err != nil {
		return err
	}
	m.Times[timeServed] = at.Sub(begin)
	_, err = b.tracker.waitTold(ctx, have+1)
	return err
}

// changesDir is where the cluster of that size has its files.
func changesDir(dir string, s size) string {
	return filepath.Join(dir, fmt.Sprintf("changes-%d-%d-%d", s.services, s.waiting, s.nodes))
}
