// SPDX-License-Identifier: Apache-2.0

package router

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Router is a running routing daemon.
type Router interface {
	// Name returns the router's short name.
	Name() string
	// Read asks the daemon. It never fails: a daemon that does not answer is a report with an Error.
	// Verdict, Summary and the Node fields are left for the caller.
	Read(ctx context.Context) Report
	// Stop ends the daemon and waits for it. It may be called more than once.
	Stop()
}

// Config says how a routing daemon runs. Nodes connect to it; it never dials.
type Config struct {
	// Dir is the daemon's private directory for configuration, sockets and pid files; it is created. Its path is at
	// most 97 bytes long, and with zebra every account may pass through its parents.
	Dir string
	// ASN is the router's own AS number.
	ASN uint32
	// Peers is whom it accepts.
	Peers PeerASN
	// RouterID is the BGP identifier, an IPv4 address.
	RouterID netip.Addr
	// Addresses are the local addresses it listens on, at most one of each family; empty means all.
	Addresses []netip.Addr
	// Port is the TCP port it listens on.
	Port uint16
	// Endpoint is the "address:port" that nodes dial when it is not what the daemon listens on, as behind a Service; it
	// is only shown.
	Endpoint string
	// Forward installs the learned routes into the kernel.
	Forward bool
	// BFD is the shortest interval at which packets of BFD are sent and taken (RFC 5880); zero means none. The nodes are then to be on a network
	// of the router's, one hop away (RFC 5881). Those that do not run BFD have their sessions all the same. Only BIRD has it.
	BFD time.Duration
	// NetNS is the path of the network namespace to run in; empty means the caller's.
	NetNS string
	// NoZebra runs FRR without zebra: next hops then always count as reachable, no route reaches the kernel and no
	// capability is needed.
	NoZebra bool
}

// maxDir leaves room for "/zserv.api" within the 107 bytes of a Unix socket address.
const maxDir = 107 - 10

// Validate reports what makes the configuration unusable.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("directory: must not be empty"))
	}
	if len(c.Dir) > maxDir {
		errs = append(errs, fmt.Errorf("directory %s: a path longer than %d bytes leaves no room for sockets", c.Dir, maxDir))
	}
	if c.ASN == 0 {
		errs = append(errs, errors.New("asn: must be between 1 and 4294967295"))
	}
	if !c.RouterID.Is4() {
		errs = append(errs, fmt.Errorf("router ID %q: must be an IPv4 address", c.RouterID))
	}
	if c.Port == 0 {
		errs = append(errs, errors.New("port: must be between 1 and 65535"))
	}
	if c.BFD != 0 && (c.BFD < time.Millisecond || c.BFD%time.Millisecond != 0) {
		errs = append(errs, fmt.Errorf("BFD interval %s: must be whole milliseconds", c.BFD))
	}
	families := map[bool]netip.Addr{}
	for _, a := range c.Addresses {
		if other, taken := families[a.Is4()]; taken {
			errs = append(errs, fmt.Errorf("address %s: give one address per family, %s is there already", a, other))
		}
		families[a.Is4()] = a
	}
	return errors.Join(errs...)
}

// Listen returns where the router accepts sessions.
func (c Config) Listen() []netip.AddrPort {
	if len(c.Addresses) == 0 {
		return []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), c.Port), netip.AddrPortFrom(netip.IPv6Unspecified(), c.Port)}
	}
	listen := make([]netip.AddrPort, 0, len(c.Addresses))
	for _, a := range c.Addresses {
		listen = append(listen, netip.AddrPortFrom(a, c.Port))
	}
	return listen
}

// PeerASN says which AS the nodes may be in: the router's own, any other, or exactly one.
// The zero value is the router's own AS.
type PeerASN struct {
	external bool
	asn      uint32
}

// Internal accepts nodes of the router's own AS (iBGP), External those of any other AS (eBGP).
var (
	Internal = PeerASN{}
	External = PeerASN{external: true}
)

// ExactASN accepts nodes of one AS.
func ExactASN(asn uint32) PeerASN { return PeerASN{asn: asn} }

// ParsePeerASN reads "internal", "external" or an AS number.
func ParsePeerASN(s string) (PeerASN, error) {
	switch s {
	case "internal":
		return Internal, nil
	case "external":
		return External, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		return PeerASN{}, fmt.Errorf("peer ASN %q: want internal, external or a number from 1 to 4294967295", s)
	}
	return ExactASN(uint32(n)), nil
}

// String returns what ParsePeerASN reads; both daemons' configuration languages use the same words.
func (p PeerASN) String() string {
	switch {
	case p.external:
		return "external"
	case p.asn == 0:
		return "internal"
	}
	return strconv.FormatUint(uint64(p.asn), 10)
}
