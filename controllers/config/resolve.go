// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
)

// resolvePools finds the pools that parse and do not overlap. If not all that are wanted fit, those in use stay as they are, and
// of the others each that fits is admitted, the oldest first.
func (b *builder) resolvePools() {
	fixed, wanted := map[string]ipam.Pool{}, []*v1beta1.IPAddressPool{}
	for _, o := range b.inOrder(active.KindIPAddressPool) {
		p, ok := o.(*v1beta1.IPAddressPool)
		if !ok {
			continue
		}
		was := b.inUse[active.KeyOf(p)]
		if known, inUse := b.current.pools[p.Name]; inUse {
			fixed[p.Name] = known
		}
		if _, errs := b.current.parser.pool(p); len(errs) > 0 {
			b.reject(p, errs)
		} else if was == nil || !sameVersion(was, p) {
			wanted = append(wanted, p)
		}
	}
	if b.fit(fixed, wanted) {
		for _, p := range wanted {
			b.want(p)
		}
		return
	}
	for progress := true; progress && len(wanted) > 0; {
		var rest []*v1beta1.IPAddressPool
		for _, p := range wanted {
			if !b.fit(fixed, []*v1beta1.IPAddressPool{p}) {
				rest = append(rest, p)
				continue
			}
			fixed[p.Name], _ = b.current.parser.pool(p)
			b.want(p)
		}
		// One that was admitted may have made room for one that was not.
		progress, wanted = len(rest) < len(wanted), rest
	}
	for _, p := range wanted {
		pool, _ := b.current.parser.pool(p)
		b.reject(p, firstErrors(overlapping(p, &pool, &parsedObjects{pools: fixed})))
	}
}

// fit reports whether the wanted pools overlap neither the fixed ones, but for those of their names, nor each other.
func (b *builder) fit(fixed map[string]ipam.Pool, wanted []*v1beta1.IPAddressPool) bool {
	together := make(map[string]ipam.Pool, len(fixed)+len(wanted))
	maps.Copy(together, fixed)
	for _, p := range wanted {
		together[p.Name], _ = b.current.parser.pool(p)
	}
	return len(wanted) == 0 || len(ipam.Overlaps(sorted(together)...)) == 0
}
