// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/gobgp"
	"metallb.io/metallb/speaker/rib"
)

func main() {
	peers := flag.String("peers", "", "addresses and ports of the peers, with commas between")
	asn := flag.Uint("asn", 64512, "ASN of both ends")
	six := flag.Bool("ipv6", false, "announce IPv6 routes in place of IPv4 ones")
	routes := flag.Int("routes", 1, "routes that each peer is told of")
	flag.Parse()
	if err := run(strings.Split(*peers, ","), uint32(*asn), *six, *routes, os.Stdin); err != nil {
		log.Fatal(err)
	}
}

// closeTimeout bounds how long sessions may take to end.
const closeTimeout = 10 * time.Second

func run(addresses []string, asn uint32, six bool, routes int, in io.Reader) error {
	f := &fanout{table: rib.NewTable(), six: six, routes: routes}
	configs := make([]bgp.Peer, 0, len(addresses))
	for i, address := range addresses {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("--peers: %w", err)
		}
		p := peer(fmt.Sprintf("peer-%d", i), at, asn, six)
		f.peers, configs = append(f.peers, p.Name), append(configs, p)
	}
	sessions, err := gobgp.New(gobgp.Options{Logger: logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, nil)), Table: f.table})
	if err != nil {
		return err
	}
	f.setAll(usual)
	sessions.Configure(configs)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := f.change(lines.Text()); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return sessions.Close(ctx)
}

// peer is an internal one, with the timers of a BGPPeer that sets none.
func peer(name string, at netip.AddrPort, asn uint32, six bool) bgp.Peer {
	return bgp.Peer{
		Name: name, LocalASN: asn, PeerASN: asn, Address: at.Addr(), Port: at.Port(), Families: bgp.Families{IPv4: !six, IPv6: six},
		RouterID: netip.MustParseAddr("192.0.2.1"),
		HoldTime: bgp.DefaultHoldTime, KeepaliveTime: bgp.DefaultHoldTime / 3, ConnectTime: bgp.DefaultConnectTime,
	}
}

// Local preferences of the routes: at first, of one that is changed, and of all when they are.
const (
	usual   = 100
	changed = 150
	raised  = 200
)

// fanout is a table of routes that are the same for all peers.
type fanout struct {
	table  *rib.Table
	peers  []string
	six    bool
	routes int
}

// change does what the line says.
func (f *fanout) change(line string) error {
	switch line {
	case "add":
		f.table.Set(owner(f.routes), f.paths(f.routes, usual))
	case "withdraw":
		f.table.Set(owner(f.routes), nil)
	case "one":
		f.table.Set(owner(0), f.paths(0, changed))
	case "all":
		f.setAll(raised)
	case "drain":
		f.table.SetDraining(true)
	default:
		return fmt.Errorf("nobody knows the change %q", line)
	}
	return nil
}

// setAll gives all services their routes in one step, as the speaker does when its configuration has changed.
func (f *fanout) setAll(localPref uint32) {
	owners := make(map[string]map[string][]rib.Path, f.routes)
	for i := range f.routes {
		owners[owner(i)] = f.paths(i, localPref)
	}
	f.table.SetAll(owners)
}

func owner(i int) string { return fmt.Sprintf("bench/service-%05d", i) }

// paths are what each peer is told of a service.
func (f *fanout) paths(i int, localPref uint32) map[string][]rib.Path {
	paths := make(map[string][]rib.Path, len(f.peers))
	for _, p := range f.peers {
		paths[p] = []rib.Path{{Prefix: f.prefix(i), LocalPref: localPref}}
	}
	return paths
}

// prefix is one of the range set aside for benchmarks (RFC 2544, RFC 5180).
func (f *fanout) prefix(i int) netip.Prefix {
	if f.six {
		return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x00, 0x02, 14: byte(i >> 8), 15: byte(i)}), 128)
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}), 32)
}
