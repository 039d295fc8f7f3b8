// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"cmp"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
)

// pool carries over a pool and its advertisements.
func (m *migration) pool(e entry) {
	d := newDraft(&m.remarks, e)
	p := &v1beta1.IPAddressPool{}
	name, protocol := "", ""
	var advertisements []entry
	read := func(e entry) { advertisements = append(advertisements, m.items(e)...) }
	m.each(e.value, e.path, map[string]reader{
		"name":      into(d, "name", text, &name),
		"protocol":  into(d, "protocol", text, &protocol),
		"addresses": d.list("addresses", &p.Spec.Addresses),
		// As it was called before release 0.3.
		"cidr":               d.list("addresses", &p.Spec.Addresses),
		"auto-assign":        into(d, "autoAssign", truth, &p.Spec.AutoAssign),
		"avoid-buggy-ips":    into(d, "avoidBuggyIPs", truth, &p.Spec.AvoidBuggyIPs),
		"bgp-advertisements": read,
		// As it was called before release 0.2.
		"advertisements": read,
		"arp-network":    m.noCounterpart(bgpOnly),
	})
	if e.value.Kind != yaml.MappingNode || d.broken || !m.announced(d, name, protocol) {
		return
	}
	if name == "" {
		d.spoil(d.line, "%s: the pool has no name", e.path)
		return
	}
	if m.carried[name] {
		d.spoil(d.lineOf("spec.name"), "%s: another pool has the name %q already", e.path, name)
		return
	}
	m.carried[name] = true
	p.Name, p.Namespace = m.poolName(d, name), m.namespace
	_, errs := ipam.ParsePool(p)
	if !m.add(d, p, errs) {
		return
	}
	m.pools++
	if len(advertisements) == 0 {
		// A pool that had none was announced all the same, address by address.
		m.advertisement(newDraft(&m.remarks, e), p.Name, p.Name, nil)
	}
	for i, one := range advertisements {
		name := p.Name
		if len(advertisements) > 1 {
			name = fmt.Sprintf("%s-%d", name, i+1)
		}
		m.advertisement(newDraft(&m.remarks, one), name, p.Name, one.value)
	}
}

// announced reports whether the pool's addresses are announced over BGP; if not, it is left out.
func (m *migration) announced(d *draft, name, protocol string) bool {
	line := d.lineOf("spec.protocol")
	switch protocol = cmp.Or(protocol, m.protocol, "bgp"); {
	case protocol == "bgp":
		return true
	case slices.Contains([]string{"layer2", "arp", "ndp"}, protocol):
		d.spoil(line, "%s: pool %q has protocol %s, which is not supported: %s", d.path, name, protocol, bgpOnly)
	default:
		d.spoil(line, "%s: pool %q has protocol %q; it must be bgp", d.path, name, protocol)
	}
	return false
}

// poolName returns the name of the object.
func (m *migration) poolName(d *draft, name string) string {
	valid := nameFor(name, "pool")
	if valid != name {
		valid = m.unique("pool", valid)
		m.note(d.lineOf("spec.name"), "%s: pool %q is renamed to %q, because names of objects can have only lower-case letters, digits, hyphens and dots; "+
			"change the annotation address-pool of services that ask for it", d.path, name, valid)
	}
	return valid
}
