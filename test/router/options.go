// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"metallb.io/metallb/test/router/bird"
	"metallb.io/metallb/test/router/frr"
	"metallb.io/metallb/test/router/router"
)

// options is the parsed command line.
type options struct {
	listen   string
	title    string
	routers  []string
	forward  string
	capture  int
	verbose  bool
	names    map[netip.Addr]string
	configs  map[string]router.Config
	netNS    string
	dir      string
	ownedDir bool // the directory is ours to remove
}

// flags are the command line as written.
type flags struct {
	listen, title, routers, forward, netNS, dir, peerASN string
	addresses, endpoints                                 map[string]*string
	ports                                                map[string]*uint
	asn                                                  uint
	captureMiB                                           int
	verbose, zebra                                       bool
	bfd                                                  time.Duration
	nodes                                                []string
}

// parse reads the command line. Its errors name the flag and what is wrong with it.
func parse(args []string) (options, error) {
	f := flags{addresses: map[string]*string{}, endpoints: map[string]*string{}, ports: map[string]*uint{}}
	set := flag.NewFlagSet("router", flag.ContinueOnError)
	set.StringVar(&f.listen, "listen", ":8080", "`address:port` of the page")
	set.StringVar(&f.title, "title", "Test routers", "heading of the page")
	set.StringVar(&f.routers, "routers", "bird,frr", "daemons to run, comma-separated")
	set.UintVar(&f.asn, "asn", 64512, "AS `number` of the routers")
	set.StringVar(&f.peerASN, "peer-asn", "internal", "`AS` of the nodes that may connect: internal, external or a number")
	set.StringVar(&f.forward, "forward", "", "install the routes of this `daemon` (bird or frr) into the kernel and forward packets; empty: only inspect")
	set.DurationVar(&f.bfd, "bfd", 0, "shortest `interval` of BFD of bird, with nodes that are one hop away; 0: no BFD")
	set.StringVar(&f.netNS, "netns", "", "network namespace of the daemons, by `path` or by name in /run/netns; empty: that of the page")
	set.StringVar(&f.dir, "dir", "", "`directory` for configuration and sockets, reachable for every account; empty: a temporary one")
	set.BoolVar(&f.zebra, "zebra", true, "run zebra beside bgpd; without it next hops always count as reachable and no capability is needed")
	set.IntVar(&f.captureMiB, "capture", 16, "`MiB` of BGP packets to keep for /pcap; 0: do not record")
	set.BoolVar(&f.verbose, "verbose", false, "log what the daemons print")
	set.Func("node", "`NAME=ADDRESS` of a node, to show its name; may be repeated", func(s string) error {
		f.nodes = append(f.nodes, s)
		return nil
	})
	for _, name := range []string{bird.Name, frr.Name} {
		f.addresses[name] = set.String(name+"-address", "", "`addresses` "+name+" listens on, one per family, comma-separated; empty: all")
		f.endpoints[name] = set.String(name+"-endpoint", "", "`address:port` that nodes dial to reach "+name+", where it is another; only shown")
	}
	f.ports[bird.Name] = set.Uint("bird-port", 179, "TCP `port` bird listens on")
	f.ports[frr.Name] = set.Uint("frr-port", 179, "TCP `port` frr listens on")
	if err := set.Parse(args); err != nil {
		return options{}, err
	}
	if set.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q: there are only flags", set.Arg(0))
	}
	return f.options()
}

// options checks the flags and turns them into values.
func (f flags) options() (options, error) {
	o := options{
		listen: f.listen, title: f.title, forward: f.forward, capture: f.captureMiB << 20, verbose: f.verbose, dir: f.dir,
		netNS:   netNSPath(f.netNS),
		routers: strings.Split(f.routers, ","), configs: map[string]router.Config{},
	}
	var errs []error
	peers, err := router.ParsePeerASN(f.peerASN)
	errs = append(errs, err)
	o.names, err = parseNodes(f.nodes)
	errs = append(errs, err)
	if f.asn == 0 || f.asn > 1<<32-1 {
		errs = append(errs, fmt.Errorf("--asn %d: must be between 1 and 4294967295", f.asn))
	}
	if f.forward != "" && !slices.Contains(o.routers, f.forward) {
		errs = append(errs, fmt.Errorf("--forward %s: must be one of --routers %s", f.forward, f.routers))
	}
	for i, name := range o.routers {
		if f.ports[name] == nil || slices.Contains(o.routers[:i], name) {
			errs = append(errs, fmt.Errorf("--routers %s: want bird, frr or both", f.routers))
			continue
		}
		cfg, err := f.config(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		cfg.ASN, cfg.Peers = uint32(f.asn), peers
		o.configs[name] = cfg
	}
	errs = append(errs, o.checkPorts())
	return o, errors.Join(errs...)
}

// config returns the configuration of one daemon, without its directory.
func (f flags) config(name string) (router.Config, error) {
	cfg := router.Config{
		Endpoint: *f.endpoints[name], Forward: f.forward == name, NoZebra: name == frr.Name && !f.zebra,
		NetNS: netNSPath(f.netNS),
	}
	if name == bird.Name {
		cfg.BFD = f.bfd
	}
	if port := *f.ports[name]; port > 0 && port < 1<<16 {
		cfg.Port = uint16(port)
	} else {
		return cfg, fmt.Errorf("--%s-port %d: must be between 1 and 65535", name, port)
	}
	for text := range strings.SplitSeq(*f.addresses[name], ",") {
		if text == "" {
			continue
		}
		address, err := netip.ParseAddr(text)
		if err != nil {
			return cfg, fmt.Errorf("--%s-address: %w", name, err)
		}
		cfg.Addresses = append(cfg.Addresses, address)
	}
	cfg.RouterID = routerID(cfg.Addresses)
	return cfg, nil
}

// netNSPath turns the name of a network namespace into its path.
func netNSPath(s string) string {
	if s == "" || strings.Contains(s, "/") {
		return s
	}
	return filepath.Join("/run/netns", s)
}

// checkPorts refuses two daemons on one port where they would meet.
func (o options) checkPorts() error {
	b, runsBIRD := o.configs[bird.Name]
	f, runsFRR := o.configs[frr.Name]
	if !runsBIRD || !runsFRR || b.Port != f.Port {
		return nil
	}
	if len(b.Addresses) == 0 || len(f.Addresses) == 0 {
		return fmt.Errorf("bird and frr both listen on port %d: give both an address (--bird-address, --frr-address) or one another port (--bird-port, --frr-port)", b.Port)
	}
	for _, a := range b.Addresses {
		if slices.Contains(f.Addresses, a) {
			return fmt.Errorf("bird and frr both listen on %s port %d: give one another address or port", a, b.Port)
		}
	}
	return nil
}

// routerID chooses the BGP identifier: the IPv4 address the daemon listens on, else the machine's first, else one
// reserved for documentation (RFC 5737), as it need only be unique among the nodes.
func routerID(addresses []netip.Addr) netip.Addr {
	for _, a := range addresses {
		if a.Is4() {
			return a
		}
	}
	if interfaces, err := net.InterfaceAddrs(); err == nil {
		for _, i := range interfaces {
			if prefix, err := netip.ParsePrefix(i.String()); err == nil && prefix.Addr().Is4() && prefix.Addr().IsGlobalUnicast() {
				return prefix.Addr()
			}
		}
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, 179})
}

// parseNodes reads NAME=ADDRESS pairs.
func parseNodes(nodes []string) (map[netip.Addr]string, error) {
	names := map[netip.Addr]string{}
	for _, s := range nodes {
		name, text, found := strings.Cut(s, "=")
		address, err := netip.ParseAddr(text)
		if !found || name == "" || err != nil {
			return nil, fmt.Errorf("--node %q: want NAME=ADDRESS", s)
		}
		names[address] = name
	}
	return names, nil
}

// makeDir creates the directory of the daemons and puts theirs beneath it.
func (o *options) makeDir() error {
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "router-")
		if err != nil {
			return fmt.Errorf("--dir: %w", err)
		}
		o.dir, o.ownedDir = dir, true
	}
	// FRR's account must be able to reach its own directory beneath.
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	if err := os.Chmod(o.dir, 0o755); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	for name, cfg := range o.configs {
		cfg.Dir = filepath.Join(o.dir, name)
		o.configs[name] = cfg
	}
	return nil
}
