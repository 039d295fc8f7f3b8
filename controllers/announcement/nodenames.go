// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"runtime"
	"sync"
	"weak"
)

// nodeNames has each name of a node once, for all EndpointSlices in the cache, and as long as one of them has it. The zero nodeNames is
// ready to use.
type nodeNames struct {
	mu    sync.Mutex
	known map[string]weak.Pointer[string]
}

// once returns the name at one and the same place.
func (n *nodeNames) once(name string) *string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.known[name].Value(); known != nil {
		return known
	}
	if n.known == nil {
		n.known = map[string]weak.Pointer[string]{}
	}
	kept := new(name)
	n.known[name] = weak.Make(kept)
	runtime.AddCleanup(kept, n.forget, name)
	return kept
}

// forget is for a name that no slice has any more.
func (n *nodeNames) forget(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known[name].Value() == nil { // Otherwise it has come back.
		delete(n.known, name)
	}
}
