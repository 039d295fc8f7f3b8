// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"strings"
)

// elsewhere is the error of an object outside of the product's namespace.
const elsewhere = "metadata.namespace: resource must be created in metallb-system namespace; other namespaces are ignored"

// What is said more than once, of the objects named.

func overlap(index int, r, pool, otherRange, otherPool string) string {
	return fmt.Sprintf("spec.addresses[%d]: CIDR %q in pool %q overlaps with already defined CIDR %q in pool %q; list each address in one pool only",
		index, r, pool, otherRange, otherPool)
}

// stale returns the warning that tells of an error that was there before, about a field with this value.
func stale(err, problem, value string) string {
	path, message, _ := strings.Cut(err, ": ")
	return fmt.Sprintf("%s: %s: %s: %s", path, problem, value, message)
}

func poolTooSmall(index int, advertisement string, length, prefix int, r string) string {
	return fmt.Sprintf("spec.addresses[%d]: BGPAdvertisement %q: invalid aggregation length %d: prefix %d in this pool is more specific than "+
		"the aggregation length for addresses %s; list a larger range, or let the advertisement select other pools or announce longer prefixes",
		index, advertisement, length, prefix, r)
}

func aggregatesTooMuch(field, pool string, length, prefix int, r string) string {
	return fmt.Sprintf("spec.%s: IPAddressPool %q: invalid aggregation length %d: prefix %d in this pool is more specific than "+
		"the aggregation length for addresses %s; announce longer prefixes or select other pools", field, pool, length, prefix, r)
}

// localPrefConflict is the message about an advertisement's preference, another's, and the pool that both announce.
func localPrefConflict(pref int, other string, otherPref int, pool string) string {
	return fmt.Sprintf("invalid local preference %d: local preference %d was already set for the same type of BGP update by BGPAdvertisement %q: "+
		"both announce pool %q with one aggregation length; make localPref equal (100 if unset), or select other pools, peers or nodes", pref, otherPref, other, pool)
}

// prependConflict is the same about how often the ASN is prepended.
func prependConflict(times int, other string, otherTimes int, pool string) string {
	return fmt.Sprintf("invalid AS path prepend %d: AS path prepend %d was already set for the same type of BGP update by BGPAdvertisement %q: "+
		"both announce pool %q with one aggregation length; make asPathPrepend equal, or select other pools, peers or nodes", times, otherTimes, other, pool)
}

// medConflict is the same about the MED.
func medConflict(med any, other string, otherMED any, pool string) string {
	return fmt.Sprintf("invalid MED %v: MED %v was already set for the same type of BGP update by BGPAdvertisement %q: "+
		"both announce pool %q with one aggregation length; make med equal, or select other pools, peers or nodes", med, otherMED, other, pool)
}

func duplicatePeer(address, other string) string {
	return fmt.Sprintf("spec.peerAddress: peer %s already exists: BGPPeer %q connects to it from the same nodes; "+
		"remove one or make their nodeSelectors disjoint", address, other)
}

func namedPeer(peer, advertisement string) string {
	return fmt.Sprintf("BGPAdvertisement %q still names BGPPeer %q in spec.peers; change or delete the BGPAdvertisement", advertisement, peer)
}

func duplicateAlias(index int, alias, other string) string {
	return fmt.Sprintf("spec.communities[%d].name: duplicate definition of community %q, which Community %q defines too; define it in one of them only",
		index, alias, other)
}

func usedAlias(alias, advertisement string) string {
	return fmt.Sprintf("BGPAdvertisement %q uses alias %q in spec.communities, which no Community defines any more; "+
		"the advertisement is not in use until one does", advertisement, alias)
}

func unannouncedWarning(pool string) string {
	return fmt.Sprintf("IPAddressPool %q is selected by no BGPAdvertisement, so its addresses are not announced; create one that selects it", pool)
}

func ownAddressWarning(pool, address, node string) string {
	return fmt.Sprintf("IPAddressPool %q contains %s in spec.addresses, which is an address of node %q; remove it, otherwise a service can take it over from the node",
		pool, address, node)
}

func namedWarning(advertisement, pool string) string {
	return fmt.Sprintf("BGPAdvertisement %q still names IPAddressPool %q in spec.ipAddressPools; change or delete the BGPAdvertisement", advertisement, pool)
}

func missingWarning(advertisement, kind, field, names string) string {
	return fmt.Sprintf("BGPAdvertisement %q names %ss in spec.%s that do not exist: %s", advertisement, kind, field, names)
}

func undefinedWarning(advertisement, names string) string {
	return fmt.Sprintf("BGPAdvertisement %q names aliases in spec.communities that no Community defines, and is not in use until one does: %s",
		advertisement, names)
}

func equalWarning(advertisement, other string) string {
	return fmt.Sprintf("BGPAdvertisement %q is equal to BGPAdvertisement %q; one of them is enough", advertisement, other)
}

func noNodeWarning(advertisement string) string {
	return fmt.Sprintf("BGPAdvertisement %q selects no node: none matches spec.nodeSelectors", advertisement)
}

func noPeerNodeWarning(peer string) string {
	return fmt.Sprintf("BGPPeer %q selects no node: none matches spec.nodeSelectors", peer)
}

func passwordWarning(peer string) string {
	return fmt.Sprintf("BGPPeer %q has its password in spec.password, where everyone who can read the object can read it; "+
		"put it in a Secret and set spec.passwordSecret", peer)
}

// unusedWarning is about a field of the BGPPeer "router" that perNode has too.
func unusedWarning(field string) string {
	return fmt.Sprintf(`BGPPeer "router" sets spec.%s and spec.perNode.%s: no node uses the first, not even one that lacks what the second names; remove one`,
		field, field)
}

// disruptionWarning is about the impacts on one service.
func disruptionWarning(impacts ...string) string {
	return strings.TrimPrefix(sentence(impacts), "new config not compatible with assigned IPs: ")
}

func disruptionWarnings(impacts []string) []string {
	warnings := make([]string, 0, len(impacts))
	for _, c := range impacts {
		warnings = append(warnings, disruptionWarning(c))
	}
	return warnings
}
