// SPDX-License-Identifier: Apache-2.0

package rib

import "maps"

// Contributions returns what each owner contributes, by peer. The inner maps and the slices are shared and must not be
// mutated; SetAll makes the same table of them.
func (t *Table) Contributions() map[string]map[string][]Path {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.owners)
}
