// SPDX-License-Identifier: Apache-2.0

package session

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// Config is what one session is to be. It is comparable: equal values ask for the same session.
type Config struct {
	// Peer names the session and is unique among a node's sessions.
	Peer string
	// LocalASN and PeerASN are never 0. The session is iBGP if they are equal.
	LocalASN, PeerASN uint32
	// Address and Port are where the peer listens. The address' family is the one that the session carries.
	Address netip.Addr
	Port    uint16
	// Source is the local address to connect from; the zero value leaves the choice to the kernel.
	Source netip.Addr
	// RouterID is the BGP identifier, an IPv4 address other than 0.0.0.0 (RFC 4271 section 4.2).
	RouterID netip.Addr
	// HoldTime is what is proposed to the peer, in whole seconds: 0, or at least 3. The smaller of both proposals holds;
	// 0 proposes nothing, so that the peer's proposal holds.
	HoldTime time.Duration
	// KeepaliveTime between keepalive messages, in whole seconds. It applies as long as HoldTime is what holds; if the
	// peer's proposal is smaller, a third of that is used.
	KeepaliveTime time.Duration
	// ConnectTime is the longest time between attempts to connect, in whole seconds. Less than 1 s is taken as 1 s.
	ConnectTime time.Duration
	// Password for TCP MD5 (RFC 2385); none if empty. It is never part of a log line.
	Password string
	// MultiHop allows an eBGP peer to be more than one hop away.
	MultiHop bool
}

// IBGP reports whether the session is internal to the autonomous system.
func (c Config) IBGP() bool {
	return c.LocalASN == c.PeerASN
}

// Carries reports whether the session's address family is the prefix's.
func (c Config) Carries(p netip.Prefix) bool {
	return c.Address.Unmap().Is4() == p.Addr().Is4()
}

// Endpoint is the peer's address and port, as "192.0.2.1:179" or "[2001:db8::1]:179".
func (c Config) Endpoint() string {
	return net.JoinHostPort(c.Address.String(), strconv.Itoa(int(c.Port)))
}

// String names the session. It leaves out the password, as does every other way to print a Config.
func (c Config) String() string {
	return fmt.Sprintf("%s (%s, ASN %d)", c.Peer, c.Endpoint(), c.PeerASN)
}

// GoString is String, so that %#v does not print the password.
func (c Config) GoString() string {
	return c.String()
}

// MarshalLog is what a structured logger makes of a Config.
func (c Config) MarshalLog() any {
	return c.String()
}

// Validate reports why no session can be made of the configuration, naming field, value and remedy.
func (c Config) Validate() error {
	switch {
	case c.Peer == "":
		return fmt.Errorf("session with %s has no name", c.Endpoint())
	case !c.Address.IsValid() || c.Address.IsUnspecified():
		return fmt.Errorf("session %s: address %s: must be the peer's address", c.Peer, c.Address)
	case c.Port == 0:
		return fmt.Errorf("session %s: port 0: must be from 1 to 65535", c.Peer)
	case c.LocalASN == 0 || c.PeerASN == 0:
		return fmt.Errorf("session %s: ASN 0: the local and the peer's ASN must be from 1 to 4294967295", c.Peer)
	case !c.RouterID.Is4() || c.RouterID.IsUnspecified():
		return fmt.Errorf("session %s: router ID %s: must be an IPv4 address other than 0.0.0.0", c.Peer, c.RouterID)
	case c.Source.IsValid() && c.Source.Is4() != c.Address.Is4():
		return fmt.Errorf("session %s: source address %s: must be of the same family as the peer's address %s", c.Peer, c.Source, c.Address)
	}
	return c.validateTimers()
}

func (c Config) validateTimers() error {
	const limit = 65535 * time.Second
	switch {
	case c.HoldTime != 0 && (c.HoldTime < 3*time.Second || c.HoldTime > limit):
		return fmt.Errorf("session %s: hold time %s: must be 0 or from 3s to %s (RFC 4271 section 4.2)", c.Peer, c.HoldTime, limit)
	case c.KeepaliveTime < 0 || c.HoldTime != 0 && c.KeepaliveTime > c.HoldTime:
		return fmt.Errorf("session %s: keepalive time %s: must not exceed the hold time %s", c.Peer, c.KeepaliveTime, c.HoldTime)
	case c.ConnectTime < 0 || c.ConnectTime > limit:
		return fmt.Errorf("session %s: connect time %s: must be from 0s to %s", c.Peer, c.ConnectTime, limit)
	}
	return nil
}
