// SPDX-License-Identifier: Apache-2.0

package servicestatus

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/pace"
)

// record is one service.
type record struct {
	pace.Pace
	// object is the name of the object; empty if there is none.
	object string
	// written is what it says, desired what it should.
	written, desired v1beta1.ServiceBGPStatusStatus
	// gone is whether it is to be deleted.
	gone bool
}

func (rec *record) difference() pace.Change {
	w, d := &rec.written, &rec.desired
	if rec.gone || rec.object == "" || w.Node != d.Node || w.ServiceName != d.ServiceName || w.ServiceNamespace != d.ServiceNamespace ||
		!slices.Equal(w.Peers, d.Peers) {
		return pace.Transition
	}
	return pace.None
}

// budget counts writes by the second.
type budget struct {
	since time.Time
	spent int
}

// spend reports whether one more write may be made now. If not, next is when it may.
func (b *budget) spend(now time.Time) (ok bool, next time.Time) {
	if now.Sub(b.since) >= time.Second || now.Before(b.since) {
		b.since, b.spent = now, 0
	}
	if b.spent >= writesPerSecond {
		return false, b.since.Add(time.Second)
	}
	b.spent++
	return true, time.Time{}
}

// flush writes what is due, the oldest first and strays before, and returns when something is next.
func (r *Reporter) flush(ctx context.Context, now time.Time) time.Time {
	next := r.readDue
	for len(r.strays) > 0 {
		ok, later := r.budget.spend(now)
		if !ok {
			return earlier(next, later)
		}
		if err := r.options.Store.Delete(ctx, r.strays[0]); err != nil {
			log.FromContext(ctx).Error(err, "status of a service that is not announced cannot be deleted, trying again later",
				"object", r.strays[0])
		}
		r.strays = r.strays[1:] // If it is still there, the next reading finds it.
	}
	for _, service := range r.due(now) {
		ok, later := r.budget.spend(now)
		if !ok {
			return earlier(next, later)
		}
		r.write(ctx, service, r.records[service])
	}
	for service := range r.dirty {
		next = earlier(next, r.records[service].Due())
	}
	return next
}

// due returns the services that are to be written now, in order.
func (r *Reporter) due(now time.Time) []types.NamespacedName {
	var found []types.NamespacedName
	for service := range r.dirty {
		if !r.records[service].Due().After(now) {
			found = append(found, service)
		}
	}
	slices.SortFunc(found, func(a, b types.NamespacedName) int {
		if c := r.records[a].Due().Compare(r.records[b].Due()); c != 0 {
			return c
		}
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return found
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// write makes the API server have what is desired.
func (r *Reporter) write(ctx context.Context, service types.NamespacedName, rec *record) {
	if rec.gone {
		if err := r.options.Store.Delete(ctx, rec.object); err != nil {
			r.failed(ctx, service, rec, err)
			return
		}
		delete(r.records, service)
		delete(r.dirty, service)
		return
	}
	name := Name(r.options.Node, service)
	if rec.object == "" {
		if err := r.options.Store.Create(ctx, r.node, service); err != nil {
			r.failed(ctx, service, rec, err)
			return
		}
		rec.object, rec.written = name, v1beta1.ServiceBGPStatusStatus{}
	}
	if err := r.options.Store.Write(ctx, name, &rec.desired); err != nil {
		if apierrors.IsNotFound(err) {
			rec.object = ""
		}
		r.failed(ctx, service, rec, err)
		return
	}
	rec.Wrote(r.options.Clock.Now(), pace.Transition, r.options.Random)
	rec.written = rec.desired
	delete(r.dirty, service)
}

func (r *Reporter) failed(ctx context.Context, service types.NamespacedName, rec *record, err error) {
	if rec.Failures() == 0 && ctx.Err() == nil {
		log.FromContext(ctx).Error(err, "status of service cannot be written, trying again", "service", service.String())
	}
	rec.Failed(r.options.Clock.Now(), r.options.Random)
}
