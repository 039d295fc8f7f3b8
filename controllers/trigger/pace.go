// SPDX-License-Identifier: Apache-2.0

package trigger

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Pace keeps the writes of each object apart. The zero Pace is ready to use.
type Pace struct {
	mu   sync.Mutex
	next map[types.NamespacedName]time.Time
}

// TooEarly returns how long to wait before the object may be written; 0 or less if it may be now.
func (p *Pace) TooEarly(name types.NamespacedName, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if next, known := p.next[name]; known {
		return next.Sub(now)
	}
	return 0
}

// Until lets the object not be written before the time.
func (p *Pace) Until(name types.NamespacedName, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = map[types.NamespacedName]time.Time{}
	}
	p.next[name] = next
}

// Forget lets the object be written at once; it is also for one that is gone.
func (p *Pace) Forget(name types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.next, name)
}
