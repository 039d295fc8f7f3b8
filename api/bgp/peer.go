// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/internal/fields"
	"metallb.io/metallb/api/v1beta2"
)

// Values that a BGPPeer has if it sets none.
const (
	// DefaultPort is the TCP port of BGP (RFC 4271 section 8.2.1).
	DefaultPort uint16 = 179
	// DefaultHoldTime is the hold time that RFC 4271 section 10 suggests.
	DefaultHoldTime = 90 * time.Second
	// DefaultConnectTime is the longest time between attempts to connect.
	DefaultConnectTime = 2 * time.Second
	// DefaultRestartTime is for how long a peer with graceful restart keeps the routes without the session.
	DefaultRestartTime = 120 * time.Second
)

// Peer is what a BGPPeer means, defaults applied, and what a session with it is made from. ParsePeer makes it, so that every
// field is valid. A node that connects to the peer has values of its own in it (ParsePeerFor), fills in Address, RouterID, Password, BFD and
// OwnAddresses, and clears what it has then dealt with: NodeSelectors and PasswordSecret. Two such peers that are equal ask for the same
// session.
type Peer struct {
	// Name is the BGPPeer's. It names the session too.
	Name string
	// LocalASN is what the peer sees. PeerASN is 0 if the peer may have any ASN but that; the session is internal if they are equal.
	// Either may be 0 as well before a node has filled it in.
	LocalASN, PeerASN uint32
	// Address and Port are where the peer listens. Address is the zero Addr until a node has found it, if Interface or Gateway is set. It
	// has a zone if it is a link-local one.
	Address netip.Addr
	Port    uint16
	// Interface of the node on whose link the peer is the router; empty if the peer has an address.
	Interface string
	// Gateway is the family of the node's default gateway, if that is the peer; empty if it is not.
	Gateway v1beta2.GatewayFamily
	// Families of the routes that are announced to the peer, if it agrees.
	Families Families
	// Source address to connect from, of the family of Address; the zero Addr leaves it to the kernel.
	Source netip.Addr
	// OwnAddresses of the node are those that may be next hops of routes of the family that is not that of Address.
	OwnAddresses OwnAddresses
	// RouterID is the BGP identifier of this side, an IPv4 address other than 0.0.0.0 (RFC 4271 section 4.2); the zero Addr stands
	// for the node's own.
	RouterID netip.Addr
	// HoldTime to propose, in whole seconds: 0, or at least 3 s. The smaller of both proposals holds; 0 proposes nothing, so that
	// the peer's proposal holds.
	HoldTime time.Duration
	// KeepaliveTime is less than HoldTime, 0 only where HoldTime is. It applies as long as HoldTime is what holds; if the peer's
	// proposal is smaller, a third of that is used.
	KeepaliveTime time.Duration
	// ConnectTime is the longest time between attempts to connect, in whole seconds, at least 1.
	ConnectTime time.Duration
	// RestartTime is for how long the peer is to keep the routes without the session (RFC 4724), in whole seconds, at most 4095; 0 without
	// graceful restart.
	RestartTime time.Duration
	// RestartOnNotification is whether it is to keep them, for the RestartTime, also when a NOTIFICATION ends the session (RFC 8538).
	RestartOnNotification bool
	// NodeSelectors select the nodes that connect; none selects every node.
	NodeSelectors []labels.Selector
	// Password for TCP MD5 signatures (RFC 2385); empty if there is none or PasswordSecret has it. It is never part of a log line.
	Password string
	// PasswordSecret has the password; without a name there is none.
	PasswordSecret types.NamespacedName
	// MultiHopTTL is the time to live of what is sent to an external peer that may be more than one hop away; 0 if it may not.
	MultiHopTTL uint8
	// SecurityHops is how many hops away the peer is at most, if that is enforced (RFC 5082); 0 if it is not.
	SecurityHops uint8
	// VRF is the device that connections are made from; empty is the default one.
	VRF string
	// PerNode says which values nodes fill in.
	PerNode PerNode
	// BFDProfileName is the name of the BFDProfile that the BGPPeer names; empty if it names none.
	BFDProfileName string
	// BFD is the profile to watch the peer by, which a node fills in; the zero value is none. It may be another one than BFDProfileName says, or
	// none, while there is no valid profile of that name.
	BFD BFDProfile
}

// OwnAddresses are a node's addresses of each family; the zero Addr if it has none.
type OwnAddresses struct{ IPv4, IPv6 netip.Addr }

// PerNode are the values of a peer that come from a node's labels and annotations.
type PerNode struct {
	myASN, peerASN, source, routerID, passwordSecret Template
}

// Any reports whether there are some.
func (n PerNode) Any() bool {
	return n.myASN.IsSet() || n.peerASN.IsSet() || n.source.IsSet() || n.routerID.IsSet() || n.passwordSecret.IsSet()
}

// SelectsNode reports whether a node with these labels connects to the peer.
func (p Peer) SelectsNode(node labels.Set) bool {
	return len(p.NodeSelectors) == 0 || fields.AnySelects(p.NodeSelectors, node)
}

// Equal reports whether nothing differs.
func (p Peer) Equal(q Peer) bool {
	return reflect.DeepEqual(p, q)
}

// NeedsReset reports whether a session with the peer, which has this ASN, must be closed to become one with q. What needs no reset are
// timers, that of graceful restart included, which are said in the next OPEN message, the time to live, which is the socket's, the next hops,
// which are sent with the routes, an ASN that is the peer's in any case, and BFD, whose session is another one (RFC 5882 section 3).
func (p Peer) NeedsReset(q Peer, asn uint32) bool {
	p.HoldTime, p.KeepaliveTime, p.ConnectTime = q.HoldTime, q.KeepaliveTime, q.ConnectTime
	p.OwnAddresses = q.OwnAddresses
	p.BFDProfileName, p.BFD = q.BFDProfileName, q.BFD
	if p.RestartTime > 0 && q.RestartTime > 0 {
		p.RestartTime = q.RestartTime
	}
	if p.IBGP() == q.IBGP() {
		p.MultiHopTTL, p.SecurityHops = q.MultiHopTTL, q.SecurityHops
		if q.Accepts(asn) {
			p.PeerASN = q.PeerASN
		}
	}
	return !p.Equal(q)
}

// IBGP reports whether the session is internal to the autonomous system.
func (p Peer) IBGP() bool {
	return p.LocalASN == p.PeerASN
}

// Accepts reports whether the peer may have the ASN.
func (p Peer) Accepts(asn uint32) bool {
	return asn == p.PeerASN || p.PeerASN == 0 && asn != p.LocalASN
}

// ExpectedASN says which ASNs the peer may have.
func (p Peer) ExpectedASN() string {
	if p.PeerASN == 0 {
		return fmt.Sprintf("any but %d", p.LocalASN)
	}
	return strconv.FormatUint(uint64(p.PeerASN), 10)
}

// TTL is the time to live of what is sent to the peer, the hop limit with IPv6; 0 leaves it to the kernel. An external peer is on a
// connected subnet, and an internal one any number of hops away, if nothing else is said.
func (p Peer) TTL() int {
	const most, connected = 255, 1
	switch {
	case p.SecurityHops > 0:
		return most
	case p.IBGP():
		return 0
	case p.MultiHopTTL > 0:
		return int(p.MultiHopTTL)
	default:
		return connected
	}
}

// MinTTL is the least time to live that what comes from the peer has (RFC 5082 section 3); 0 accepts any.
func (p Peer) MinTTL() int {
	if p.SecurityHops == 0 {
		return 0
	}
	const sent = 255
	return sent + 1 - int(p.SecurityHops)
}

// Endpoint is the peer's address and port, as "192.0.2.1:179" or "[2001:db8::1]:179".
func (p Peer) Endpoint() string {
	return net.JoinHostPort(p.Address.String(), strconv.Itoa(int(p.Port)))
}

// String names the session. It leaves out the password, as does every other way to print a Peer.
func (p Peer) String() string {
	return fmt.Sprintf("%s (%s, ASN %s)", p.Name, p.Endpoint(), p.ExpectedASN())
}

// GoString is String, so that %#v does not print the password.
func (p Peer) GoString() string {
	return p.String()
}

// MarshalLog is what a structured logger makes of a Peer.
func (p Peer) MarshalLog() any {
	return p.String()
}
