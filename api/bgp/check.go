// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/ipam"
)

// CheckAggregation reports a range of the pool that has no room for a prefix of the advertisement's length: announcing
// its addresses would announce addresses outside of it. Whether the advertisement selects the pool is the caller's to know.
func CheckAggregation(adv Advertisement, pool ipam.Pool) error {
	for _, r := range pool.Ranges {
		length := adv.AggregationLength
		if r.From.Is6() {
			length = adv.AggregationLengthV6
		}
		if length == r.From.BitLen() {
			continue
		}
		if largest := r.LargestPrefix().Bits(); length < largest {
			return fmt.Errorf("invalid aggregation length %d: prefix %d in this pool is more specific than the aggregation length for addresses %s",
				length, largest, r)
		}
	}
	return nil
}

// CheckLocalPref reports whether the advertisements could announce one prefix of the pool with different local
// preferences: both select the pool, one of the nodes and one of the peers, and their aggregation lengths are equal for a
// family that the pool has. Service selectors are left out of it: if either advertisement has some, only a service can
// tell whether both concern it, and nothing is reported; to check for a service that both select, pass copies without.
func CheckLocalPref(adv, other Advertisement, pool ipam.Pool, nodes []labels.Set) error {
	if adv.LocalPref == other.LocalPref || !shareRoute(adv, other, pool, nodes) {
		return nil
	}
	return fmt.Errorf("invalid local preference %d: local preference %d was already set for the same type of BGP update by BGPAdvertisement %q: "+
		"both announce pool %q with one aggregation length; make localPref equal (100 if unset), or select other pools, peers or nodes",
		adv.LocalPref, other.LocalPref, other.Name, pool.Name)
}

// CheckASPathPrepend reports whether the advertisements could announce one prefix of the pool with AS paths of different
// lengths, under the same circumstances as CheckLocalPref.
func CheckASPathPrepend(adv, other Advertisement, pool ipam.Pool, nodes []labels.Set) error {
	if adv.ASPathPrepend == other.ASPathPrepend || !shareRoute(adv, other, pool, nodes) {
		return nil
	}
	return fmt.Errorf("invalid AS path prepend %d: AS path prepend %d was already set for the same type of BGP update by BGPAdvertisement %q: "+
		"both announce pool %q with one aggregation length; make asPathPrepend equal, or select other pools, peers or nodes",
		adv.ASPathPrepend, other.ASPathPrepend, other.Name, pool.Name)
}

// shareRoute reports whether both announce a prefix of the pool from one of the nodes to one peer, whatever the service.
func shareRoute(adv, other Advertisement, pool ipam.Pool, nodes []labels.Set) bool {
	bothSelectNode := func(n labels.Set) bool { return adv.SelectsNode(n) && other.SelectsNode(n) }
	return len(adv.ServiceSelectors) == 0 && len(other.ServiceSelectors) == 0 &&
		adv.SelectsPool(pool.Name, pool.Labels) && other.SelectsPool(pool.Name, pool.Labels) &&
		sharePeer(adv, other) && sharePrefix(adv, other, pool) && slices.ContainsFunc(nodes, bothSelectNode)
}

func sharePeer(a, b Advertisement) bool {
	return len(a.Peers) == 0 || len(b.Peers) == 0 || slices.ContainsFunc(a.Peers, b.SelectsPeer)
}

func sharePrefix(a, b Advertisement, pool ipam.Pool) bool {
	return slices.ContainsFunc(pool.Ranges, func(r ipam.Range) bool {
		if r.From.Is4() {
			return a.AggregationLength == b.AggregationLength
		}
		return a.AggregationLengthV6 == b.AggregationLengthV6
	})
}

// CheckPeers reports whether the peers are one and the same to one of the nodes. Of two connections between the same
// addresses the router would close one, over and over (RFC 4271 section 6.8). Which address a node connects from to a peer without a
// source address, only the node knows: one is taken here to differ from all that are set, and a node may ask again with what it knows.
func CheckPeers(peer, other Peer, nodes []labels.Set) error {
	if !sameEndpoint(&peer, &other) || peer.Source != other.Source || peer.PerNode.source.IsSet() || other.PerNode.source.IsSet() {
		return nil
	}
	for _, node := range nodes {
		if peer.SelectsNode(node) && other.SelectsNode(node) {
			return fmt.Errorf("peer %s already exists: BGPPeer %q connects to it from the same nodes; remove one or make their nodeSelectors disjoint",
				peer.where(), other.Name)
		}
	}
	return nil
}

// sameEndpoint reports whether both are one endpoint. An endpoint that nodes have to find is taken for another than one that has an address.
func sameEndpoint(p, q *Peer) bool {
	return p.Address == q.Address && p.Interface == q.Interface && p.Gateway == q.Gateway && p.Port == q.Port && p.VRF == q.VRF
}

// where says where the peer is, as far as that is known.
func (p Peer) where() string {
	switch {
	case p.Address.IsValid():
		return p.Address.String()
	case p.Interface != "":
		return "on interface " + p.Interface
	default:
		return "at the " + string(p.Gateway) + " default gateway"
	}
}
