// SPDX-License-Identifier: Apache-2.0

package session

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"metallb.io/metallb/api/bgp"
)

// FSM is a state of the finite state machine of RFC 4271 section 8.2.2.
type FSM string

// The states, as they are written in status and logs.
const (
	Idle        FSM = "Idle"
	Connect     FSM = "Connect"
	Active      FSM = "Active"
	OpenSent    FSM = "OpenSent"
	OpenConfirm FSM = "OpenConfirm"
	Established FSM = "Established"
)

// State is how a session fares. It is comparable.
type State struct {
	// Peer, Address and Port are those of the bgp.Peer.
	Peer    string
	Address netip.Addr
	Port    uint16
	// LocalASN and PeerASN are those of the bgp.Peer. If the peer may have any ASN, PeerASN is the one that it had last, or 0.
	LocalASN, PeerASN uint32
	// FSM is the state and Since the time at which it was entered.
	FSM   FSM
	Since time.Time
	// LastError says why the session was last lost or the last attempt failed, and LastErrorTime when. Both stay when
	// the session comes up again.
	LastError     string
	LastErrorTime time.Time
	// HoldTime and KeepaliveTime are the negotiated ones; both are 0 unless the session is established.
	HoldTime, KeepaliveTime time.Duration
	// LocalAddress, RouterID and PeerRouterID are the session's, the first and the last only if it is established.
	LocalAddress, RouterID, PeerRouterID netip.Addr
	// Families are those of the bgp.Peer. Carried are those of them whose routes the session carries: both sides take them (RFC 4760
	// section 8), and this one has a next hop for them. None is, unless the session is established.
	Families, Carried bgp.Families
	// KeepsRoutes is whether the peer keeps the routes when the session is lost, by graceful restart (RFC 4724), on which both sides have agreed.
	// It does not, unless the session is established.
	KeepsRoutes bool
	// Capabilities of the peer are the names of those that it has advertised (RFC 5492), sorted, with commas between.
	Capabilities string
	// AdvertisedIPv4 and AdvertisedIPv6 are the numbers of prefixes that the peer has been told of; 0 unless the session carries their
	// family.
	AdvertisedIPv4, AdvertisedIPv6 int
	// Pending is the number of prefixes that wait for the session to carry them.
	Pending int
	// Updates is the number of UPDATE messages sent since the session was configured, over all its connections.
	Updates uint64
	// BFD is the state of the peer's BFD session as RFC 5880 section 4.1 names it: Down, Init, Up, or AdminDown if the peer has disabled it; empty if
	// there is none.
	BFD string
	// BFDDetectionTime is after which silence BFD gives the peer up; 0 before it has said anything.
	BFDDetectionTime time.Duration
	// BFDProblem says why the BFD session is not up, or, if it is, what of its profile it cannot do; empty if there is nothing to say.
	BFDProblem string
	// Received is the number of prefixes that the peer has announced since the session was configured. They are not used.
	Received uint64
}

// Endpoint is the peer's address and port, as "192.0.2.1:179" or "[2001:db8::1]:179".
func (s State) Endpoint() string {
	return net.JoinHostPort(s.Address.String(), strconv.Itoa(int(s.Port)))
}

// Up reports whether the session is established.
func (s State) Up() bool {
	return s.FSM == Established
}

// Advertised is the number of prefixes that the peer has been told of.
func (s State) Advertised() int {
	return s.AdvertisedIPv4 + s.AdvertisedIPv6
}

// CarriesAll reports whether the session is established and carries routes of every family that it is configured for.
func (s State) CarriesAll() bool {
	return s.Up() && s.Carried == s.Families
}
