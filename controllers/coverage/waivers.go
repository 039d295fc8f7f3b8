// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"maps"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// Waived are objects that were changed or deleted by an operator who allows disruption: a route that they had part in was
// taken away on purpose.
type Waived map[reference]struct{}

// Waivers gather what is waived from one look at the configuration to the next. They are told of every change, for what
// became of an object in between no look tells. The zero Waivers are ready to use, and safe for concurrent use.
type Waivers struct {
	mu     sync.Mutex
	waived Waived
}

// Note takes a change of an object, or its deletion if there is nothing after.
func (w *Waivers) Note(before, after client.Object) {
	if !waives(before, after) {
		return
	}
	switch before.(type) {
	case *v1beta1.IPAddressPool:
		w.add(Waived{{pool, before.GetName()}: {}})
	case *v1beta2.BGPPeer:
		w.add(Waived{{peer, before.GetName()}: {}})
	case *v1beta1.BGPAdvertisement:
		w.add(Waived{{advertisement, before.GetName()}: {}})
	}
}

// waives reports whether an operator made the change, or deletion if nothing came after, who allows the disruption: in the
// version before or after. To take the permission back is no change to allow it for.
func waives(before, after client.Object) bool {
	allowed := v1beta1.AllowsDisruption(before)
	if after == nil {
		return allowed
	}
	allows := v1beta1.AllowsDisruption(after)
	same := before.GetUID() == after.GetUID() && before.GetGeneration() == after.GetGeneration() &&
		maps.Equal(before.GetLabels(), after.GetLabels())
	return allows && !allowed || allowed && !same
}

// Take returns what is waived, and forgets it.
func (w *Waivers) Take() Waived {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.waived
	w.waived = nil
	return taken
}

func (w *Waivers) add(waived Waived) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waived == nil {
		w.waived = Waived{}
	}
	maps.Copy(w.waived, waived)
}
