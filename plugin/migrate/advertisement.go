// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
)

// announcement is an advertisement of a pool, until it is known what those of the other pools are.
type announcement struct {
	draft *draft
	// name that it should have.
	name   string
	object *v1beta1.BGPAdvertisement
}

// advertisement reads an advertisement of a pool; nil stands for one without keys.
func (m *migration) advertisement(d *draft, name, pool string, node *yaml.Node) {
	a := &v1beta1.BGPAdvertisement{}
	s := &a.Spec
	s.IPAddressPools = []string{pool}
	var communities []string
	if node != nil {
		m.each(node, d.path, map[string]reader{
			"aggregation-length":    into(d, "aggregationLength", length, &s.AggregationLength),
			"aggregation-length-v6": into(d, "aggregationLengthV6", length, &s.AggregationLengthV6),
			"localpref":             into(d, "localPref", number, &s.LocalPref),
			"communities":           d.list("communities", &communities),
		})
	}
	for i, c := range communities {
		if _, known := bgp.WellKnown(c); !strings.Contains(c, ":") && !m.aliases[c] && !known {
			d.spoil(d.lineOf(fmt.Sprintf("spec.communities[%d]", i)), "%s: community %q is neither a value such as 64512:100, nor an alias that is carried over, nor a well-known name", d.path, c)
		}
		if c = cmp.Or(m.values[c], c); !slices.Contains(s.Communities, c) {
			s.Communities = append(s.Communities, c)
		}
	}
	m.announcements = append(m.announcements, announcement{d, name, a})
}

// advertise carries over the advertisements of all pools.
func (m *migration) advertise() {
	if len(m.announcements) == m.pools && m.pools > 0 && !slices.ContainsFunc(m.announcements, announcement.isSpecial) {
		// All pools are announced alike: one for every pool announces those to come too, as it was.
		m.announcements = m.announcements[:1]
		m.announcements[0].name, m.announcements[0].object.Spec = "everything", v1beta1.BGPAdvertisementSpec{}
	}
	first := map[string]string{}
	for _, a := range m.announcements {
		s := &a.object.Spec
		meaning := fmt.Sprintf("%v %v %v %v %q", s.IPAddressPools, lengthOf(s.AggregationLength, 32), lengthOf(s.AggregationLengthV6, 128),
			s.LocalPref, slices.Sorted(slices.Values(s.Communities)))
		if same, found := first[meaning]; found && !a.draft.broken {
			m.note(a.draft.line, "%s: is equal to %s; one of them is enough", a.draft.path, same)
			continue
		}
		a.object.Name, a.object.Namespace = m.unique("advertisement", a.name), m.namespace
		_, errs := bgp.ParseAdvertisement(a.object)
		if m.add(a.draft, a.object, errs) {
			first[meaning] = a.draft.path
		}
	}
}

// isSpecial reports whether the advertisement says more than that the pool is announced, address by address.
func (a announcement) isSpecial() bool {
	s := &a.object.Spec
	return a.draft.broken || s.LocalPref != 0 || len(s.Communities) > 0 ||
		lengthOf(s.AggregationLength, 32) != 32 || lengthOf(s.AggregationLengthV6, 128) != 128
}

func lengthOf(written *int32, otherwise int32) int32 {
	if written == nil {
		return otherwise
	}
	return *written
}
