// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// Warnings returns what is legal but suspicious about the object in a configuration that it is part of.
func Warnings(o Object, all Objects, nodes []Node) []string {
	return NewWarner(all.Apply(Change{New: o}), nodes).Warnings(o)
}

// Warner gives warnings of the objects of one configuration.
type Warner struct {
	all   parsedObjects
	nodes []Node
}

// NewWarner returns a Warner for the configuration.
func NewWarner(all Objects, nodes []Node) *Warner { return &Warner{parseAll(all), nodes} }

// Warnings returns what is legal but suspicious about the object, which is part of the configuration; nothing if it does not
// parse.
func (w *Warner) Warnings(o Object) []string {
	if o = present(o); o == nil || !w.all.has(o) {
		return nil
	}
	return warnings(o, &w.all, w.nodes)
}

// warnings is Warnings for an object that parses.
func warnings(o Object, m *parsedObjects, nodes []Node) []string {
	switch x := o.(type) {
	case *v1beta1.IPAddressPool:
		pool := m.pools[x.Name]
		return aboutPool(&pool, x.Spec.Addresses, m, nodes)
	case *v1beta1.BGPAdvertisement:
		adv := m.advertisements[x.Name]
		return aboutAdvertisement(&adv, m, nodes)
	case *v1beta2.BGPPeer:
		peer := m.peers[x.Name]
		return aboutPeer(&peer, &x.Spec, m, nodes)
	case *v1beta1.BFDProfile:
		profile := m.profiles[x.Name]
		return aboutProfile(&profile)
	default:
		return nil
	}
}

func aboutPool(pool *ipam.Pool, written []string, m *parsedObjects, nodes []Node) []string {
	var found []string
	if len(m.selecting(pool.Name, pool.Labels)) == 0 {
		found = append(found, fmt.Sprintf(
			"IPAddressPool %q is selected by no BGPAdvertisement, so its addresses are not announced; create one that selects it", pool.Name))
	}
	var own []string
	for i := range nodes {
		for _, a := range nodes[i].Addresses {
			if pool.Contains(a) {
				own = append(own, fmt.Sprintf(
					"IPAddressPool %q contains %s in spec.addresses, which is an address of node %q; remove it, otherwise a service can take it over from the node",
					pool.Name, a, nodes[i].Name))
			}
		}
	}
	slices.Sort(own)
	found = append(found, first(own)...)
	return append(found, first(shifted(pool.Name, written))...)
}

// shifted returns a sentence for each prefix that does not begin at the address that is written: its author may mean another
// range than it is.
func shifted(pool string, written []string) []string {
	var found []string
	for _, s := range written {
		prefix, from, isShifted := ipam.Shifted(s)
		if !isShifted {
			continue
		}
		all, _ := ipam.ParseRange(s)
		found = append(found, fmt.Sprintf("IPAddressPool %q has %s in spec.addresses, which contains all addresses from %s to %s; "+
			"write %s if you want these, or %s", pool, s, all.From, all.To, prefix, from))
	}
	return found
}

func aboutAdvertisement(adv *advertisement, m *parsedObjects, nodes []Node) []string {
	var found []string
	missing := func(field, kind string, names []string, is func(string) bool) {
		if names = slices.DeleteFunc(slices.Clone(names), is); len(names) > 0 {
			found = append(found, fmt.Sprintf("BGPAdvertisement %q names %ss in %s that do not exist: %s", adv.Name, kind, field, list(names)))
		}
	}
	missing("spec.ipAddressPools", "IPAddressPool", adv.Pools, func(name string) bool { _, is := m.labels[name]; return is })
	missing("spec.peers", "BGPPeer", adv.Peers, func(name string) bool { return m.peerNames[name] })
	if aliases := undefined(adv.Communities, m.aliases()); len(aliases) > 0 {
		found = append(found, fmt.Sprintf(
			"BGPAdvertisement %q names aliases in spec.communities that no Community defines, and is not in use until one does: %s",
			adv.Name, list(aliases)))
	}
	if adv.WeightByEndpoints && adv.AggregationLength < 32 && adv.AggregationLengthV6 < 128 {
		found = append(found, fmt.Sprintf("BGPAdvertisement %q has spec.weightByEndpoints, which has no effect on aggregated routes; "+
			"remove spec.aggregationLength and spec.aggregationLengthV6, or spec.weightByEndpoints", adv.Name))
	}
	own := identity(adv)
	equal := m.sortedAdvertisements(func(other *advertisement) bool {
		return other.Name != adv.Name && other.Attributes == adv.Attributes && len(other.Pools) == len(adv.Pools) && identity(other) == own
	})
	if len(equal) > 0 {
		found = append(found, fmt.Sprintf("BGPAdvertisement %q is equal to BGPAdvertisement %q; one of them is enough", adv.Name, equal[0].Name))
	}
	if !anySelected(nodes, adv.SelectsNode) {
		found = append(found, fmt.Sprintf("BGPAdvertisement %q selects no node: none matches spec.nodeSelectors", adv.Name))
	}
	return found
}

// identity returns a text that is equal for advertisements that say the same.
func identity(adv *advertisement) string {
	lists := [][]string{
		adv.Communities, adv.Pools, adv.Peers, texts(adv.PoolSelectors), texts(adv.NodeSelectors), texts(adv.ServiceSelectors),
	}
	var b strings.Builder
	fmt.Fprint(&b, adv.AggregationLength, adv.AggregationLengthV6, adv.Attributes)
	for _, l := range lists {
		fmt.Fprintf(&b, "%q", slices.Sorted(slices.Values(l)))
	}
	return b.String()
}

func texts(selectors []labels.Selector) []string {
	list := make([]string, 0, len(selectors))
	for _, s := range selectors {
		list = append(list, s.String())
	}
	return list
}

func aboutPeer(peer *bgp.Peer, written *v1beta2.BGPPeerSpec, m *parsedObjects, nodes []Node) []string {
	found := append(aboutPassword(peer, written.PasswordSecret), withoutEffect(peer.Name, written)...)
	if fault := m.faultOfProfile(peer.BFDProfileName); fault != "" {
		found = append(found, fmt.Sprintf("BGPPeer %q names BFDProfile %q in spec.bfdProfile, which %s: until then, %s",
			peer.Name, peer.BFDProfileName, fault, withoutProfile))
	}
	if !anySelected(nodes, peer.SelectsNode) {
		found = append(found, fmt.Sprintf("BGPPeer %q selects no node: none matches spec.nodeSelectors", peer.Name))
	}
	return found
}

func aboutProfile(profile *bgp.BFDProfile) []string {
	if !profile.Echo {
		return nil
	}
	return []string{fmt.Sprintf("BFDProfile %q has spec.echoMode, which has no effect: %s", profile.Name, noEcho)}
}

// noEcho says why spec.echoMode of a BFDProfile has no effect, and what to do.
const noEcho = "nodes send no echo packets, which the Linux kernel allows only with the capability NET_RAW. Peers are watched by control packets " +
	"alone, as often as spec.receiveInterval and spec.transmitInterval say; set these as short as needed, and remove spec.echoMode"

func aboutPassword(peer *bgp.Peer, secret corev1.SecretReference) []string {
	var found []string
	if peer.Password != "" {
		found = append(found, fmt.Sprintf(
			"BGPPeer %q has its password in spec.password, where everyone who can read the object can read it; put it in a Secret and set spec.passwordSecret",
			peer.Name))
	}
	if where := peer.PasswordSecret.Namespace; where != "" && secret.Namespace != "" && secret.Namespace != where {
		found = append(found, fmt.Sprintf(
			"BGPPeer %q names namespace %q in spec.passwordSecret, but speakers read Secret %q from the BGPPeer's namespace, %q; create it there and remove the namespace",
			peer.Name, secret.Namespace, secret.Name, where))
	}
	return found
}

// withoutEffect returns a sentence for each field that is set and changes nothing.
func withoutEffect(peer string, s *v1beta2.BGPPeerSpec) []string {
	var found []string
	if s.LocalASN != 0 && s.LocalASN == s.MyASN {
		found = append(found, fmt.Sprintf("BGPPeer %q has spec.localASN equal to spec.myASN, which changes nothing; remove it", peer))
	}
	if s.DisableMP && s.DualStackAddressFamily {
		found = append(found, fmt.Sprintf(
			"BGPPeer %q sets spec.disableMP, which has no effect, beside spec.dualStackAddressFamily: the session carries both families; remove one", peer))
	}
	if s.PerNode == nil {
		return found
	}
	for _, f := range []struct {
		name, perNode string
		isSet         bool
	}{
		{"peerASN", s.PerNode.ASN, s.ASN != 0},
		{"sourceAddress", s.PerNode.SrcAddress, s.SrcAddress != ""},
		{"routerID", s.PerNode.RouterID, s.RouterID != ""},
		{"passwordSecret", s.PerNode.PasswordSecret, s.PasswordSecret.Name != ""},
	} {
		if f.isSet && f.perNode != "" {
			found = append(found, fmt.Sprintf("BGPPeer %q sets spec.%s and spec.perNode.%s: no node uses the first, not even one that lacks what the second names; remove one",
				peer, f.name, f.name))
		}
	}
	return found
}

// anySelected reports whether a node is selected. Where no cluster is at hand, nothing says that none is.
func anySelected(nodes []Node, selects func(labels.Set) bool) bool {
	return len(nodes) == 0 || slices.ContainsFunc(nodes, func(n Node) bool { return selects(n.Labels) })
}
