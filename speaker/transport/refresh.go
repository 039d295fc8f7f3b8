// SPDX-License-Identifier: Apache-2.0

package transport

import "slices"

// requests are ROUTE-REFRESH messages (RFC 2918) that wait, one of each family: several are answered at a time.
type requests [ipv6 + 1]message

// add leaves out families of which nobody has spoken (RFC 2918 section 4).
func (r *requests) add(m message) {
	if f := familyAt(m.body()[:2], m.body()[3]); f != 0 && r[f] == nil {
		r[f] = slices.Clone(m)
	}
}

func (r *requests) any() bool {
	return r[ipv4] != nil || r[ipv6] != nil
}

// take returns one of them, which waits no more.
func (r *requests) take() message {
	for f, m := range r {
		if m != nil {
			r[f] = nil
			return m
		}
	}
	return nil
}
