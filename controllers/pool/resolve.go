// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
)

// resolution is which pools are in force, and why others are not.
type resolution struct {
	inForce map[string]ipam.Pool
	// rejections by pool: why what the object says is not in force.
	rejections map[string]string
}

// pools returns the pools in force.
func (r *resolution) pools() ipam.Pools {
	return ipam.NewPools(slices.Collect(maps.Values(r.inForce))...)
}

// resolve decides which pools are in force, given those that were before. If not all objects can be, those that were in
// force stay so, and of the others each that fits is accepted, the oldest first.
//
// What stays in force against its object allows disruption only if both do: who takes the permission back has done so
// whatever else is wrong with the object, and who gives it means the spec that comes with it.
func resolve(objects []v1beta1.IPAddressPool, before map[string]ipam.Pool) resolution {
	res := resolution{inForce: map[string]ipam.Pool{}, rejections: map[string]string{}}
	var wanted []ipam.Pool
	for i := range byAge(objects) {
		object := &objects[i]
		p, errs := ipam.ParsePool(object)
		p.Labels = nil // They matter to advertisements, not to what is allocated.
		old, wasInForce := before[object.Name]
		if wasInForce {
			stays := old
			stays.AllowDisruption = old.AllowDisruption && v1beta1.AllowsDisruption(object)
			res.inForce[object.Name] = stays
		}
		if len(errs) > 0 {
			res.rejections[object.Name] = errs.ToAggregate().Error()
		} else if !wasInForce || !reflect.DeepEqual(p, old) {
			wanted = append(wanted, p)
		}
	}
	res.acceptAll(wanted)
	return res
}

// byAge sorts the objects in place, the oldest first.
func byAge(objects []v1beta1.IPAddressPool) []v1beta1.IPAddressPool {
	slices.SortFunc(objects, func(a, b v1beta1.IPAddressPool) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(a.Name, b.Name))
	})
	return objects
}

// acceptAll accepts the pools at once if they do not overlap, so that two may exchange ranges, else one by one.
func (r *resolution) acceptAll(wanted []ipam.Pool) {
	together := maps.Clone(r.inForce)
	for _, p := range wanted {
		together[p.Name] = p
	}
	if len(ipam.Overlaps(slices.Collect(maps.Values(together))...)) == 0 {
		r.inForce = together
		return
	}
	for progress := true; progress && len(wanted) > 0; {
		var rejected []ipam.Pool
		for _, p := range wanted {
			if !r.accept(p) {
				rejected = append(rejected, p)
			}
		}
		// One that was accepted may have made room for one that was not.
		progress = len(rejected) < len(wanted)
		wanted = rejected
	}
}

// accept brings the pool into force if it overlaps no other.
func (r *resolution) accept(p ipam.Pool) bool {
	others := maps.Clone(r.inForce)
	delete(others, p.Name)
	sorted := ipam.NewPools(slices.Collect(maps.Values(others))...)
	overlaps := slices.DeleteFunc(ipam.Overlaps(append(sorted, p)...), func(o ipam.Overlap) bool { return o.Pool != p.Name })
	if len(overlaps) > 0 {
		r.rejections[p.Name] = overlaps[0].String()
		return false
	}
	delete(r.rejections, p.Name)
	r.inForce[p.Name] = p
	return true
}
