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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/controllers/config"
)

// degree is that of the trees: a node has up to twice as many entries.
const degree = 32

// Index is what services hold. A change of one service, and a Snapshot, cost the same however many there are.
type Index struct {
	class string

	mu        sync.Mutex
	byAddress *btree.BTreeG[*config.Holding]
	byPool    *btree.BTreeG[record]
	byService map[types.NamespacedName][]config.Holding
}

var _ config.Holdings = &Index{}

// record is a holding by one of the pools that it was recorded as allocated from.
type record struct {
	pool    string
	holding *config.Holding
}

// NewIndex returns an Index of the services of the class, which is that of the service's Reconciler.
func NewIndex(class string) *Index {
	return &Index{
		class:     class,
		byAddress: btree.NewG(degree, func(a, b *config.Holding) bool { return order(a, b) < 0 }),
		byPool: btree.NewG(degree, func(a, b record) bool {
			return cmp.Or(strings.Compare(a.pool, b.pool), order(a.holding, b.holding)) < 0
		}),
		byService: map[types.NamespacedName][]config.Holding{},
	}
}

// order is by address, then by service: several services may share an address.
func order(a, b *config.Holding) int {
	return cmp.Or(a.Address.Compare(b.Address),
		strings.Compare(a.Service.Namespace, b.Service.Namespace), strings.Compare(a.Service.Name, b.Service.Name))
}

// Set replaces what the Service holds. The Index keeps its labels, so it must not be modified afterwards.
func (x *Index) Set(svc *corev1.Service) {
	x.replace(client.ObjectKeyFromObject(svc), HoldingsOf(svc, x.class))
}

// HoldingsOf returns the addresses that the Service holds, as Set takes them.
func (x *Index) HoldingsOf(svc *corev1.Service) []config.Holding { return HoldingsOf(svc, x.class) }

// Delete removes what the Service holds.
func (x *Index) Delete(name types.NamespacedName) { x.replace(name, nil) }

func (x *Index) replace(name types.NamespacedName, holdings []config.Holding) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before := x.byService[name]
	if slices.EqualFunc(before, holdings, same) {
		return
	}
	for i := range before {
		x.byAddress.Delete(&before[i])
		for _, pool := range before[i].Recorded {
			x.byPool.Delete(record{pool, &before[i]})
		}
	}
	for i := range holdings {
		x.byAddress.ReplaceOrInsert(&holdings[i])
		for _, pool := range holdings[i].Recorded {
			x.byPool.ReplaceOrInsert(record{pool, &holdings[i]})
		}
	}
	if len(holdings) == 0 {
		delete(x.byService, name)
		return
	}
	x.byService[name] = holdings
}

func same(a, b config.Holding) bool {
	return a.Service == b.Service && a.Address == b.Address && a.RequestedPool == b.RequestedPool &&
		slices.Equal(a.Recorded, b.Recorded) && maps.Equal(a.Labels, b.Labels)
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
	return &Index{class: x.class, byAddress: x.byAddress.Clone(), byPool: x.byPool.Clone(), byService: maps.Clone(x.byService)}
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
	byPool    *btree.BTreeG[record]
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
		s.byPool.AscendGreaterOrEqual(record{pool, &config.Holding{}}, func(r record) bool {
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
