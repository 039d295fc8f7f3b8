// SPDX-License-Identifier: Apache-2.0

// Package validity tells in the status of BGPPeers, BGPAdvertisements and Communities whether they can be understood and
// contradict no other object, and in that of BGPAdvertisements which pools, nodes and peers they cover. Of two objects of one
// kind that contradict each other the younger is told. It brings nothing into force: that is up to the speakers.
package validity
