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

// Disagreement is an attribute of which two advertisements would give one route different values.
type Disagreement struct {
	// Field of the BGPAdvertisements.
	Field string
	// Value is the first advertisement's.
	Value any
	Err   error
}

// Disagreements returns the attributes of which the advertisements could give one prefix of the pool different values towards one
// peer: both select the pool, one of the nodes and one of the peers, and their aggregation lengths are equal for a
// family that the pool has. Service selectors are left out of it: if either advertisement has some, only a service can
// tell whether both concern it, and nothing is reported; to check for a service that both select, pass copies without.
func Disagreements(adv, other Advertisement, pool ipam.Pool, nodes []labels.Set) []Disagreement {
	if adv.Attributes == other.Attributes || !shareRoute(adv, other, pool, nodes) {
		return nil
	}
	var found []Disagreement
	compare := func(field, noun, hint string, value, ours, theirs any) {
		if ours == theirs {
			return
		}
		found = append(found, Disagreement{field, value, fmt.Errorf(
			"invalid %s %v: %s %v was already set for the same type of BGP update by BGPAdvertisement %q: "+
				"both announce pool %q with one aggregation length; make %s equal%s, or select other pools, peers or nodes",
			noun, ours, noun, theirs, other.Name, pool.Name, field, hint)})
	}
	compare("localPref", "local preference", " (100 if unset)", int64(adv.LocalPref), adv.LocalPref, other.LocalPref)
	compare("asPathPrepend", "AS path prepend", "", int64(adv.ASPathPrepend), adv.ASPathPrepend, other.ASPathPrepend)
	compare("med", "MED", "", adv.MED.written(), adv.MED, other.MED)
	compare("weightByEndpoints", "weightByEndpoints", "", adv.WeightByEndpoints, adv.WeightByEndpoints, other.WeightByEndpoints)
	return found
}

// CheckAttributes returns the first of the Disagreements, if there are any.
func CheckAttributes(adv, other Advertisement, pool ipam.Pool, nodes []labels.Set) error {
	for _, d := range Disagreements(adv, other, pool, nodes) {
		return d.Err
	}
	return nil
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
