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

// Peer is what a BGPPeer means, defaults applied, and what a session with it is made from. ParsePeer makes it, so that every
// field is valid. A node that connects to the peer fills in RouterID and Password, and clears what it has then dealt with:
// NodeSelectors and PasswordSecret. Two such peers that are equal ask for the same session.
type Peer struct {
	// Name is the BGPPeer's. It names the session too.
	Name string
	// LocalASN and PeerASN are never 0. The session is internal if they are equal.
	LocalASN, PeerASN uint32
	// Address and Port are where the peer listens. The session carries the family of the address, and no other.
	Address netip.Addr
	Port    uint16
	// Source address to connect from, of the family of Address; the zero Addr leaves it to the kernel.
	Source netip.Addr
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
	// NodeSelectors select the nodes that connect; none selects every node.
	NodeSelectors []labels.Selector
	// Password for TCP MD5 signatures (RFC 2385); empty if there is none or PasswordSecret has it. It is never part of a log line.
	Password string
	// PasswordSecret has the password; without a name there is none.
	PasswordSecret types.NamespacedName
	// MultiHop allows an eBGP peer to be more than one hop away.
	MultiHop bool
}

// SelectsNode reports whether a node with these labels connects to the peer.
func (p Peer) SelectsNode(node labels.Set) bool {
	return len(p.NodeSelectors) == 0 || fields.AnySelects(p.NodeSelectors, node)
}

// Equal reports whether nothing differs.
func (p Peer) Equal(q Peer) bool {
	return reflect.DeepEqual(p, q)
}

// EqualButTimers reports whether nothing differs but timers. They are proposed in the next OPEN message, so that a session that is up
// can stay so.
func (p Peer) EqualButTimers(q Peer) bool {
	p.HoldTime, p.KeepaliveTime, p.ConnectTime = q.HoldTime, q.KeepaliveTime, q.ConnectTime
	return p.Equal(q)
}

// IBGP reports whether the session is internal to the autonomous system.
func (p Peer) IBGP() bool {
	return p.LocalASN == p.PeerASN
}

// Carries reports whether the session's address family is the prefix's.
func (p Peer) Carries(prefix netip.Prefix) bool {
	return p.Address.Is4() == prefix.Addr().Is4()
}

// Endpoint is the peer's address and port, as "192.0.2.1:179" or "[2001:db8::1]:179".
func (p Peer) Endpoint() string {
	return net.JoinHostPort(p.Address.String(), strconv.Itoa(int(p.Port)))
}

// String names the session. It leaves out the password, as does every other way to print a Peer.
func (p Peer) String() string {
	return fmt.Sprintf("%s (%s, ASN %d)", p.Name, p.Endpoint(), p.PeerASN)
}

// GoString is String, so that %#v does not print the password.
func (p Peer) GoString() string {
	return p.String()
}

// MarshalLog is what a structured logger makes of a Peer.
func (p Peer) MarshalLog() any {
	return p.String()
}
