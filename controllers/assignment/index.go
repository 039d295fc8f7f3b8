// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/btree"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/config"
)

// degree is that of the trees: a node has up to twice as many entries.
const degree = 32

// Index knows the services of one class, and what they hold, by address and by pool. Each version of a Service is parsed once, for
// all who ask. A change of one service, and a Snapshot, cost the same however many there are.
type Index struct {
	class string

	// delivery is held while a service is changed and subscribers are notified, so that all of them are notified in order.
	delivery    sync.Mutex
	subscribers []*subscriber

	// mu is held for what is below only, never while a subscriber is notified.
	mu        sync.Mutex
	byAddress *btree.BTreeG[*config.Holding]
	byPool    *btree.BTreeG[entry]
	byService map[types.NamespacedName]*Record
	// others are the versions of Services that are not of the class.
	others map[types.NamespacedName]string
}

var _ config.Holdings = &Index{}

// entry is a holding by one of the pools that it was recorded as allocated from.
type entry struct {
	pool    string
	holding *config.Holding
}

// NewIndex returns an Index of the services of the class, which is that of the service's Reconciler.
func NewIndex(class string) *Index {
	return &Index{
		class:     class,
		byAddress: btree.NewG(degree, func(a, b *config.Holding) bool { return order(a, b) < 0 }),
		byPool: btree.NewG(degree, func(a, b entry) bool {
			return cmp.Or(strings.Compare(a.pool, b.pool), order(a.holding, b.holding)) < 0
		}),
		byService: map[types.NamespacedName]*Record{}, others: map[types.NamespacedName]string{},
	}
}

// order is by address, then by service: several services may share an address.
func order(a, b *config.Holding) int {
	return cmp.Or(a.Address.Compare(b.Address),
		strings.Compare(a.Service.Namespace, b.Service.Namespace), strings.Compare(a.Service.Name, b.Service.Name))
}

// Set takes a Service as it is now. The Index keeps its labels, so it must not be modified afterwards.
func (x *Index) Set(svc *corev1.Service) {
	name, record := client.ObjectKeyFromObject(svc), RecordOf(svc, x.class)
	x.note(name, svc.ResourceVersion, record == nil)
	x.change(name, record)
}

// note takes note of the version of a Service that is not of the class, or forgets it.
func (x *Index) note(name types.NamespacedName, version string, other bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if other {
		x.others[name] = version
	} else {
		delete(x.others, name)
	}
}

// Delete is for a Service that is gone.
func (x *Index) Delete(name types.NamespacedName) {
	x.note(name, "", false)
	x.change(name, nil)
}

// Get returns what is known of the service; nil if it is not there, or not served.
func (x *Index) Get(name types.NamespacedName) *Record {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.byService[name]
}

// HasSeen reports whether the Index has had this version of a Service, or a newer one.
func (x *Index) HasSeen(name types.NamespacedName, version string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	seen := x.others[name]
	if r := x.byService[name]; r != nil {
		seen = r.ResourceVersion
	}
	order, err := resourceversion.CompareResourceVersion(seen, version)
	return seen == version || err == nil && order >= 0
}

func (x *Index) change(name types.NamespacedName, after *Record) {
	x.delivery.Lock()
	defer x.delivery.Unlock()
	before := x.replace(name, after)
	if before == nil && after == nil {
		return
	}
	for _, s := range x.subscribers {
		s.changed(name, before, after)
	}
}

// replace returns what was known of the service before.
func (x *Index) replace(name types.NamespacedName, after *Record) (before *Record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before = x.byService[name]
	if after == nil {
		delete(x.byService, name)
	} else {
		x.byService[name] = after
	}
	held, holds := before.holdings(), after.holdings()
	if slices.EqualFunc(held, holds, same) {
		if after != nil {
			after.Holdings = held // The trees point to them.
		}
		return before
	}
	for i := range held {
		x.byAddress.Delete(&held[i])
		for _, pool := range held[i].Recorded {
			x.byPool.Delete(entry{pool, &held[i]})
		}
	}
	for i := range holds {
		x.byAddress.ReplaceOrInsert(&holds[i])
		for _, pool := range holds[i].Recorded {
			x.byPool.ReplaceOrInsert(entry{pool, &holds[i]})
		}
	}
	return before
}

// Snapshot returns what services hold at this moment.
func (x *Index) Snapshot() *Snapshot {
	x.mu.Lock()
	defer x.mu.Unlock()
	return &Snapshot{byAddress: x.byAddress.Clone(), byPool: x.byPool.Clone()}
}

// Clone returns an Index of its own that has what this one has; unlike a Snapshot it costs a copy of the services' names.
func (x *Index) Clone() *Index {
	x.mu.Lock()
	defer x.mu.Unlock()
	return &Index{class: x.class, byAddress: x.byAddress.Clone(), byPool: x.byPool.Clone(), byService: maps.Clone(x.byService), others: map[types.NamespacedName]string{}}
}

// records returns all that is known, in no order.
func (x *Index) records() map[types.NamespacedName]*Record {
	x.mu.Lock()
	defer x.mu.Unlock()
	return maps.Clone(x.byService)
}

// In returns the holdings whose address is in the range when the iteration begins.
func (x *Index) In(r ipam.Range) iter.Seq[config.Holding] {
	return func(yield func(config.Holding) bool) { x.Snapshot().In(r)(yield) }
}

// From returns the holdings that are recorded as allocated from the pool when the iteration begins.
func (x *Index) From(pool string) iter.Seq[config.Holding] {
	return func(yield func(config.Holding) bool) { x.Snapshot().From(pool)(yield) }
}

// All returns all holdings when the iteration begins.
func (x *Index) All() iter.Seq[config.Holding] {
	return func(yield func(config.Holding) bool) { x.Snapshot().All()(yield) }
}

// Snapshot is what services held at one moment. It shares memory with the Index, but never changes, and is read without a
// lock.
type Snapshot struct {
	byAddress *btree.BTreeG[*config.Holding]
	byPool    *btree.BTreeG[entry]
}

var _ config.Holdings = &Snapshot{}

// In returns the holdings whose address is in the range, by address.
func (s *Snapshot) In(r ipam.Range) iter.Seq[config.Holding] {
	return func(yield func(config.Holding) bool) {
		s.byAddress.AscendGreaterOrEqual(&config.Holding{Address: r.From}, func(h *config.Holding) bool {
			return h.Address.Compare(r.To) <= 0 && yield(*h)
		})
	}
}

// From returns the holdings that are recorded as allocated from the pool, by address.
func (s *Snapshot) From(pool string) iter.Seq[config.Holding] {
	return func(yield func(config.Holding) bool) {
		s.byPool.AscendGreaterOrEqual(entry{pool, &config.Holding{}}, func(r entry) bool {
			return r.pool == pool && yield(*r.holding)
		})
	}
}

// All returns all holdings, by address.
func (s *Snapshot) All() iter.Seq[config.Holding] {
	return func(yield func(config.Holding) bool) {
		s.byAddress.Ascend(func(h *config.Holding) bool { return yield(*h) })
	}
}
