// SPDX-License-Identifier: Apache-2.0

package announce

import (
	"net/netip"
	"slices"

	"metallb.io/metallb/speaker/policy"
)

// Memory is what a node remembers of a service from one decision to the next: by which advertisements it announces each
// address, once it has announced it. So an address that a change of the configuration leaves without any advertisement,
// which only happens past the webhook, goes on being announced by those, on the sessions that they select, until
//
//   - the configuration covers it again, here or on another node,
//   - the operator allows the disruption,
//   - the service loses the address or its labels change so that those advertisements would not select it, or the node's
//     do. These are no changes of the configuration, and take effect as ever.
//
// What keeps the service from being announced for a while, such as that it has no endpoints, is no reason to forget.
//
// It is no more than memory: a speaker that restarts announces what the configuration says.
type Memory []remembered

// remembered is an address with the advertisements that it is announced by.
type remembered struct {
	addr netip.Addr
	by   []*policy.Advertisement
	// uncovered is whether the configuration does not cover the address any more.
	uncovered bool
}

// Uncovered reports whether the memory has an address that the configuration does not cover any more.
func (m Memory) Uncovered() bool {
	return slices.ContainsFunc(m, func(r remembered) bool { return r.uncovered })
}

// of returns what is remembered of the address.
func (m Memory) of(addr netip.Addr) []*policy.Advertisement {
	for i := range m {
		if m[i].addr == addr {
			return m[i].by
		}
	}
	return nil
}

// with adds an address, unless there is nothing to remember.
func (m Memory) with(addr netip.Addr, by []*policy.Advertisement, uncovered bool) Memory {
	if len(by) == 0 {
		return m
	}
	return append(m, remembered{addr, by, uncovered})
}

// hold returns by which of the advertisements that announced the address before it is to go on being announced, though the
// configuration does not cover it any more.
func hold(p *policy.Policy, s Service, addr netip.Addr, before []*policy.Advertisement) []*policy.Advertisement {
	if len(before) == 0 {
		return nil
	}
	pool := p.Pool(addr, s.AllocatedFrom)
	if p.AnnouncedElsewhere(pool, addr, s.Labels) {
		return nil
	}
	var held []*policy.Advertisement
	for _, a := range before {
		if !a.SelectsService(s.Labels) {
			continue
		}
		if h := p.Hold(a, pool); h != nil {
			held = append(held, h)
		}
	}
	return held
}
