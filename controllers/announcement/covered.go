// SPDX-License-Identifier: Apache-2.0

package announcement

import (
	"maps"
	"slices"
	"time"
)

// covered is how many services each advertisement covers.
type covered struct {
	services map[string]int
	// changed are the advertisements whose number has changed, and at when they are to be looked at.
	changed map[string]struct{}
	at      time.Time
}

// count takes that other advertisements cover a service than before.
func (c *covered) count(before, now []string, at time.Time) {
	if slices.Equal(before, now) {
		return
	}
	for _, name := range before {
		if c.services[name]--; c.services[name] == 0 {
			delete(c.services, name)
		}
		c.changed[name] = struct{}{}
	}
	for _, name := range now {
		c.services[name]++
		c.changed[name] = struct{}{}
	}
	if c.at.IsZero() {
		c.at = at.Add(settleTime)
	}
}

// take returns the advertisements to look at now.
func (c *covered) take(now time.Time) []string {
	if c.at.IsZero() || now.Before(c.at) {
		return nil
	}
	names := slices.Sorted(maps.Keys(c.changed))
	c.changed, c.at = map[string]struct{}{}, time.Time{}
	return names
}

// Covered returns how many services the advertisement covers, if that is known, and how many nodes there are.
func (t *Tracker) Covered(advertisement string) (services, nodes int, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.covered.services[advertisement], t.count, t.ready()
}
