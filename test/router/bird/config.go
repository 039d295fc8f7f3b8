// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"fmt"
	"net/netip"
	"strings"

	"metallb.io/metallb/test/router/router"
)

// configuration renders the daemon's configuration file.
//
// Every session is "multihop": behind a Service's address a node is a hop away, and a session to a neighbour on the
// wire works the same. With BFD it is "direct", as else BIRD would run BFD for many hops (RFC 5883) and not for one. BIRD then resolves next hops recursively, through connected routes and whatever the
// kernel's table holds (learn), so a default route is enough for a route to be reachable. Sessions are passive and
// errors forgiven quickly: the nodes dial, and a node that comes back is not to wait for BIRD's usual minute.
// A path with the GRACEFUL_SHUTDOWN community is the last choice (RFC 8326, which FRR follows unasked).
// BIRD helps restarting neighbours (RFC 4724) without being told to.
func configuration(cfg router.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, `log stderr { warning, error, fatal, bug };
router id %s;
timeformat protocol iso long;
timeformat route iso long;

protocol device { scan time 2; }
protocol direct { ipv4; ipv6; }

filter from_node {
  if (65535, 0) ~ bgp_community then bgp_local_pref = 0;
  accept;
}

template bgp node {
  local port %d as %d;
  %s;
  passive on;
  error wait time 1, 2;
  error forget time 5;
  ipv4 { import filter from_node; export none; };
  ipv6 { import filter from_node; export none; };
}
`, cfg.RouterID, cfg.Port, cfg.ASN, distance(cfg))
	if cfg.BFD > 0 {
		fmt.Fprintf(&b, "\nprotocol bfd {\n  interface \"*\" { interval %d ms; multiplier 3; };\n}\n", cfg.BFD.Milliseconds())
	}
	for _, family := range []family{{4, "ipv4", "0.0.0.0/0"}, {6, "ipv6", "::/0"}} {
		family.kernel(&b, cfg.Forward)
		if address, listens := family.listens(cfg.Addresses); listens {
			family.protocol(&b, cfg.Peers, address)
		}
	}
	return b.String()
}

// distance says how far away nodes are, and whether BFD is to watch them.
func distance(cfg router.Config) string {
	if cfg.BFD > 0 {
		return "direct;\n  bfd on"
	}
	return "multihop 64"
}

// family is what differs between the two address families.
type family struct {
	version int
	channel string
	all     string
}

// kernel couples BIRD's table with the kernel's: it reads routes and, when forwarding, writes those learned over BGP,
// all equally good paths of a prefix as one multipath route.
func (f family) kernel(b *strings.Builder, forward bool) {
	export := "none"
	if forward {
		export = "where source = RTS_BGP"
	}
	fmt.Fprintf(b, `
protocol kernel kernel%d {
  learn;
  scan time 2;
  merge paths on limit 64;
  %s { import all; export %s; };
}
`, f.version, f.channel, export)
}

// listens returns the address to bind, invalid for all of the family; none is bound when only the other is given.
func (f family) listens(addresses []netip.Addr) (netip.Addr, bool) {
	for _, a := range addresses {
		if a.Is4() == (f.version == 4) {
			return a, true
		}
	}
	return netip.Addr{}, len(addresses) == 0
}

func (f family) protocol(b *strings.Builder, peers router.PeerASN, address netip.Addr) {
	fmt.Fprintf(b, "\nprotocol bgp nodes%d from node {\n", f.version)
	if address.IsValid() {
		fmt.Fprintf(b, "  local %s;\n  strict bind on;\n", address)
	}
	remote := peers.String()
	if peers != router.Internal && peers != router.External {
		remote = "as " + remote
	}
	fmt.Fprintf(b, "  neighbor range %s %s;\n  dynamic name \"node%d_\";\n}\n", f.all, remote, f.version)
}
