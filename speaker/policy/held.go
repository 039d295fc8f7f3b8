// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"maps"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/session"
)

// circumstances decide whether addresses go on being announced by advertisements of earlier policies. As long as they are
// the same, successive policies have the same pointer.
type circumstances struct {
	node  labels.Set
	peers peers
	// waived are the objects by or for which nothing is held.
	waived map[Object]bool
	// elsewhere has the advertisements by which other nodes announce addresses of a pool, by its name.
	elsewhere map[string][]announcer
}

// peers of the node's sessions, by family.
type peers struct{ v4, v6 []string }

// families are those of which something is so.
type families struct{ v4, v6 bool }

// announcer is an advertisement by which nodes announce addresses of these families.
type announcer struct {
	advertisement
	families
}

// Hold returns what an advertisement of an earlier policy, by which the node announced an address, means to the node's
// sessions as they are now, so that the address can go on being announced by it when the configuration, as changed since,
// has no advertisement for it. Pool is the address's, nil if it has none. Nil says that the address is not to be held by
// this advertisement: it does not select the node as that is labeled now, or the operator allows the disruption.
//
// Where another node announces the address it need not be held either; see AnnouncedElsewhere.
func (p *Policy) Hold(a *Advertisement, pool *Pool) *Advertisement {
	c := p.circumstances
	if !a.source.SelectsNode(c.node) || c.waived[Object{KindBGPAdvertisement, a.Name}] ||
		c.waived[Object{KindIPAddressPool, a.pool}] || pool != nil && c.waived[Object{KindIPAddressPool, pool.Name}] {
		return nil
	}
	v4, v6 := c.peers.selectedBy(&a.source)
	if slices.Equal(v4, a.PeersV4) && slices.Equal(v6, a.PeersV6) {
		return a
	}
	held := *a
	held.PeersV4, held.PeersV6 = v4, v6
	return &held
}

// AnnouncedElsewhere reports whether some other node announces an address of the pool for a service with these labels: an
// advertisement in force selects both, whatever nodes it selects, and its status counts nodes that can announce by it.
// What a status says that is older than the spec is not known. Nil stands for no pool.
func (p *Policy) AnnouncedElsewhere(pool *Pool, addr netip.Addr, service labels.Set) bool {
	if pool == nil {
		return false
	}
	return slices.ContainsFunc(p.circumstances.elsewhere[pool.Name], func(a announcer) bool {
		return (addr.Is4() && a.v4 || addr.Is6() && a.v6) && a.SelectsService(service)
	})
}

// announcersOf returns the families in which nodes announce by the advertisement, as far as that is known.
func announcersOf(a *v1beta1.BGPAdvertisement) families {
	if a.Status.ObservedGeneration != a.Generation {
		return families{}
	}
	return families{v4: a.Status.NodesIPv4 > 0, v6: a.Status.NodesIPv6 > 0}
}

// begin returns the circumstances as far as they do not depend on what advertisements select.
func (c *compiler) begin(sessions []session.Config, definitions map[string]ipam.Pool) *circumstances {
	now := &circumstances{node: c.in.Node.Labels, waived: map[Object]bool{}, elsewhere: map[string][]announcer{}}
	for _, s := range sessions {
		if s.Address.Is4() {
			now.peers.v4 = append(now.peers.v4, s.Peer)
		} else {
			now.peers.v6 = append(now.peers.v6, s.Peer)
		}
	}
	maps.Copy(now.waived, c.in.Waived)
	for name, pool := range definitions {
		if pool.AllowDisruption {
			now.waived[Object{KindIPAddressPool, name}] = true
		}
	}
	return now
}

// noteElsewhere notes that other nodes announce addresses of the pool by the advertisement, as far as its status says so. It
// is not believed where this node should announce by it and does not, because a peer of the family is not in force: others
// may fare likewise. For the same reason an advertisement that this node rejects is not to be noted.
func (c *compiler) noteElsewhere(pool string, a *advertisement) {
	f := c.announcers[a.Name]
	if a.SelectsNode(c.in.Node.Labels) {
		for name, addr := range c.missing {
			if a.SelectsPeer(name) {
				f.v4, f.v6 = f.v4 && !addr.Is4(), f.v6 && addr.Is4()
			}
		}
	}
	if f.v4 || f.v6 {
		c.circumstances.elsewhere[pool] = append(c.circumstances.elsewhere[pool], announcer{*a, f})
	}
}

// selectedBy returns the peers of each family that the advertisement selects.
func (p peers) selectedBy(a *advertisement) (v4, v6 []string) {
	selected := func(all []string) []string {
		var some []string
		for _, name := range all {
			if a.SelectsPeer(name) {
				some = append(some, name)
			}
		}
		return some
	}
	return selected(p.v4), selected(p.v6)
}
