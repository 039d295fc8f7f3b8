// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"net/netip"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/internal/fields"
)

// Values that a BGPPeer has if it sets none.
const (
	// DefaultPort is the TCP port of BGP (RFC 4271 section 8.2.1).
	DefaultPort uint16 = 179
	// DefaultHoldTime is the hold time that RFC 4271 section 10 suggests.
	DefaultHoldTime = 90 * time.Second
	// DefaultConnectTime is the longest time between attempts to connect.
	DefaultConnectTime = 2 * time.Second
)

// Peer is what a BGPPeer means, defaults applied.
type Peer struct {
	Name           string
	MyASN, PeerASN uint32
	Address        netip.Addr
	Port           uint16
	// Source address to connect from; the zero Addr leaves it to the kernel.
	Source netip.Addr
	// RouterID is an IPv4 address; the zero Addr stands for the node's own.
	RouterID netip.Addr
	// HoldTime to propose, in whole seconds: 0, for a session without keepalives, or at least 3 s.
	HoldTime time.Duration
	// KeepaliveTime is less than HoldTime, 0 only where HoldTime is.
	KeepaliveTime time.Duration
	// ConnectTime is the longest time between attempts to connect, in whole seconds.
	ConnectTime time.Duration
	// NodeSelectors select the nodes that connect; none selects every node.
	NodeSelectors []labels.Selector
	// Password for TCP MD5 signatures (RFC 2385); empty if there is none or PasswordSecret has it.
	Password string
	// PasswordSecret has the password; without a name there is none.
	PasswordSecret types.NamespacedName
	// MultiHop allows an eBGP peer to be more than one hop away.
	MultiHop bool
}

// SelectsNode reports whether a node with these labels connects to the peer.
func (p *Peer) SelectsNode(node labels.Set) bool {
	return len(p.NodeSelectors) == 0 || fields.AnySelects(p.NodeSelectors, node)
}
