// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/config"
)

// subscriber is notified of changes.
type subscriber struct {
	changed func(name types.NamespacedName, before, after *Record)
}

// Follow has the function called with what is known of each service there is, and then of each that has changed; with nil of one
// that is gone or not served any more.
//
// Calls come one after the other, in the order of the changes, from whoever changes the Index, who waits for them: the function is
// to be quick. The Index has the change already, and no call before it ends sees a later one. The function may read the
// Index, but neither change it nor subscribe. The function returned ends the calls; when it returns there are no more.
func (x *Index) Follow(f func(service types.NamespacedName, is *Record)) (stop func()) {
	return x.subscribe(func(name types.NamespacedName, _, after *Record) { f(name, after) })
}

// Subscribe is as Follow, but for changes of what a service holds only: its addresses, their pools, the pool that it asks for, and
// its labels. Nothing is held before by a service that is reported first, nor afterwards by one that is gone. What the
// function gets is shared and must not be modified.
func (x *Index) Subscribe(f func(service types.NamespacedName, before, after []config.Holding)) (stop func()) {
	return x.subscribe(func(name types.NamespacedName, before, after *Record) {
		if held, holds := before.holdings(), after.holdings(); !slices.EqualFunc(held, holds, same) {
			f(name, held, holds)
		}
	})
}

func (x *Index) subscribe(f func(name types.NamespacedName, before, after *Record)) (stop func()) {
	x.delivery.Lock()
	defer x.delivery.Unlock()
	for name, record := range x.records() {
		f(name, nil, record)
	}
	s := &subscriber{f}
	x.subscribers = append(x.subscribers, s)
	return func() {
		x.delivery.Lock()
		defer x.delivery.Unlock()
		x.subscribers = slices.DeleteFunc(x.subscribers, func(o *subscriber) bool { return o == s })
	}
}
