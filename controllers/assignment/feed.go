// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	"context"
	"iter"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/informer"
)

// Feed keeps an Index as the cached Services are, on every replica. It is to be started by a manager. As a DoneChecker it is done when
// the Index has all Services that there were when the Feed was started.
type Feed struct {
	Index *Index

	cache  cache.Informers
	synced chan struct{}
}

var _ toolscache.DoneChecker = &Feed{}

// NewFeed returns a Feed of the Index from the cache.
func NewFeed(x *Index, c cache.Informers) *Feed {
	return &Feed{Index: x, cache: c, synced: make(chan struct{})}
}

// In returns the holdings whose address is in the range.
func (f *Feed) In(r ipam.Range) iter.Seq[config.Holding] { return f.Index.In(r) }

// From returns the holdings that are recorded as allocated from the pool.
func (f *Feed) From(pool string) iter.Seq[config.Holding] { return f.Index.From(pool) }

// All returns all holdings.
func (f *Feed) All() iter.Seq[config.Holding] { return f.Index.All() }

// NeedLeaderElection makes the manager start the Feed on every replica.
func (f *Feed) NeedLeaderElection() bool { return false }

// Name says what is done when the Feed is.
func (f *Feed) Name() string { return "services in the index" }

// Done is closed when the Index has all Services that there were.
func (f *Feed) Done() <-chan struct{} { return f.synced }

// Start feeds the Index until the context ends.
func (f *Feed) Start(ctx context.Context) error {
	return informer.Follow(ctx, f.cache, &corev1.Service{}, toolscache.ResourceEventHandlerFuncs{
		AddFunc:    f.set,
		UpdateFunc: func(_, svc any) { f.set(svc) },
		DeleteFunc: f.remove,
	}, func() { close(f.synced) })
}

func (f *Feed) set(object any) {
	if svc, ok := object.(*corev1.Service); ok {
		f.Index.Set(svc)
	}
}

func (f *Feed) remove(object any) {
	if name, err := toolscache.DeletionHandlingObjectToName(object); err == nil {
		f.Index.Delete(types.NamespacedName(name))
	}
}
