// SPDX-License-Identifier: Apache-2.0

package publisher

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// strayFailures is after how many failures the time is waited that is waited after one to delete a stray, since it costs a list.
const strayFailures = 5

// budget counts writes by the second.
type budget struct {
	// perSecond is how many there may be, 0 for any number.
	perSecond int
	since     time.Time
	spent     int
}

// spend reports whether one more write may be made now. If not, next is when it may.
func (b *budget) spend(now time.Time) (ok bool, next time.Time) {
	if now.Sub(b.since) >= time.Second || now.Before(b.since) {
		b.since, b.spent = now, 0
	}
	if b.perSecond > 0 && b.spent >= b.perSecond {
		return false, b.since.Add(time.Second)
	}
	b.spent++
	return true, time.Time{}
}

// flush writes what is due, the oldest first and strays before, and returns when something is next.
func (p *Publisher[K, O, S]) flush(ctx context.Context, now time.Time) time.Time {
	for len(p.strays) > 0 {
		ok, later := p.budget.spend(now)
		if !ok {
			return earlier(p.readDue, later)
		}
		if err := p.options.Store.Delete(ctx, p.strays[0]); err != nil {
			log.FromContext(ctx).Error(err, "object that nobody wants cannot be deleted, trying again", "kind", p.options.Kind, "object", p.strays[0])
			p.readDue = earlier(p.readDue, now.Add(backoff(strayFailures, p.options.Random)))
		}
		p.strays = p.strays[1:] // If it is still there, the next list has it.
	}
	next := p.readDue
	for _, about := range p.due(now) {
		ok, later := p.budget.spend(now)
		if !ok {
			return earlier(next, later)
		}
		p.write(ctx, about, p.records[about])
	}
	for about := range p.dirty {
		next = earlier(next, p.records[about].due)
	}
	return next
}

// due returns what is to be written now, in order.
func (p *Publisher[K, O, S]) due(now time.Time) []K {
	var found []K
	for about := range p.dirty {
		if !p.records[about].due.After(now) {
			found = append(found, about)
		}
	}
	slices.SortFunc(found, func(a, b K) int {
		if c := p.records[a].due.Compare(p.records[b].due); c != 0 {
			return c
		}
		return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
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
func (p *Publisher[K, O, S]) write(ctx context.Context, about K, rec *record[S]) {
	if rec.gone {
		if err := p.options.Store.Delete(ctx, rec.object); err != nil {
			p.failed(ctx, about, rec, err)
			return
		}
		p.forget(about)
		return
	}
	change := p.difference(rec)
	if rec.object == "" {
		name, err := p.options.Store.Create(ctx, p.node, p.options.Make(about)...)
		if err != nil {
			p.failed(ctx, about, rec, err)
			return
		}
		rec.object, rec.written = name, *new(S)
	}
	if err := p.options.Store.Write(ctx, rec.object, &rec.desired); err != nil {
		if apierrors.IsNotFound(err) {
			rec.object = ""
		}
		p.failed(ctx, about, rec, err)
		return
	}
	rec.wrote(p.options.Clock.Now(), change, p.options.Random)
	rec.written = rec.desired
	delete(p.dirty, about)
}
