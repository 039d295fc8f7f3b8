// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"metallb.io/metallb/plugin/cluster"
)

// lasting is how long a refusal counts. A kind that may not be watched is listed, and tried to be watched, again and again, at least once a minute
// (client-go's Reflector): so one that is not refused for longer is followed by now.
const lasting = 2 * time.Minute

// refusals are when the API server last refused to let kinds be followed. The zero refusals are ready to use.
type refusals struct {
	mu sync.Mutex
	// last is by the Go type of the kind, which is what a Reflector knows of it.
	last map[string]time.Time
}

// add notes a refusal.
func (r *refusals) add(typ string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]time.Time{}
	}
	r.last[typ] = now
}

// parts returns the parts of the kinds that are not followed now.
func (r *refusals) parts(kinds []kind, now time.Time) []cluster.Part {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []cluster.Part
	for _, k := range kinds {
		at, refused := r.last[fmt.Sprintf("%T", k.object)]
		if refused && now.Sub(at) < lasting && k.part != noPart && !slices.Contains(found, k.part) {
			found = append(found, k.part)
		}
	}
	return found
}
