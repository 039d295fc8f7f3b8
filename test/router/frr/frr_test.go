// SPDX-License-Identifier: Apache-2.0

package frr

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/test/router/router"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func compare() cmp.Option { return cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}) }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRoutesAreReadFromJSON(t *testing.T) {
	t.Parallel()
	four, err := ParseRoutes(read(t, "ipv4.json"))
	if err != nil {
		t.Fatal(err)
	}
	six, err := ParseRoutes(read(t, "ipv6.json"))
	if err != nil {
		t.Fatal(err)
	}
	zero := uint32(0)
	path := func(neighbor, nextHop string, best bool) router.Path {
		return router.Path{
			Neighbor: addr(neighbor), NextHop: addr(nextHop), Best: best, Reachable: true, Stale: neighbor == "172.31.9.11", Origin: "IGP", ASPath: "64512",
		}
	}
	with := func(p router.Path, large string) router.Path {
		p.LocalPref, p.Communities, p.LargeCommunities = &zero, []string{"65000:1", "65535:0"}, []string{large}
		return p
	}
	want := []router.Route{
		{Prefix: netip.MustParsePrefix("198.51.100.0/32"), Paths: []router.Path{
			with(path("172.31.9.11", "172.31.9.11", true), "64512:1:0"), with(path("172.31.9.12", "172.31.9.12", false), "64512:1:0"),
		}},
		{Prefix: netip.MustParsePrefix("198.51.100.1/32"), Paths: []router.Path{path("172.31.9.11", "172.31.9.11", true)}},
		{Prefix: netip.MustParsePrefix("198.51.100.2/32"), Paths: []router.Path{path("172.31.9.12", "172.31.9.12", true)}},
		{Prefix: netip.MustParsePrefix("2001:db8::1/128"), Paths: []router.Path{
			with(path("172.31.9.11", "fd00:9::11", true), "64512:1:2"), with(path("172.31.9.12", "fd00:9::12", false), "64512:1:2"),
		}},
	}
	if diff := cmp.Diff(want, append(four, six...), compare()); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

func TestNeighboursAreReadFromJSON(t *testing.T) {
	t.Parallel()
	routes, err := ParseRoutes(read(t, "ipv4.json"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseNeighbors(read(t, "neighbors.json"), routes)
	if err != nil {
		t.Fatal(err)
	}
	want := []router.Neighbor{
		{
			Address: addr("172.31.9.11"), ASN: 64512, Hostname: "node", State: "Active", Restarting: true, Paths: 2, LastError: "NSF peer closed the session",
		},
		{
			Address: addr("172.31.9.12"), RouterID: addr("172.31.9.12"), ASN: 64512, Hostname: "node", State: "Established", Established: true, Paths: 2,
			Since: time.Unix(1795352657, 0),
		},
	}
	if diff := cmp.Diff(want, got, compare()); diff != "" {
		t.Errorf("neighbours (-want +got):\n%s", diff)
	}
}

func TestNothingIsReadFromNothing(t *testing.T) {
	t.Parallel()
	routes, err := ParseRoutes(read(t, "ipv4-empty.json"))
	if err != nil || len(routes) > 0 {
		t.Errorf("routes %v, %v", routes, err)
	}
	neighbors, err := parseNeighbors(read(t, "neighbors-empty.json"), nil)
	if err != nil || len(neighbors) > 0 {
		t.Errorf("neighbours %v, %v", neighbors, err)
	}
}

func TestMisreadOutputIsAnError(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":                       "% Unknown command",
		"a prefix that is none":         `{"routes":{"198.51.100.0/33":[]}}`,
		"a peer that is no address":     `{"routes":{"198.51.100.0/32":[{"peer":{"peerId":"static"}}]}}`,
		"a next hop that is no address": `{"routes":{"198.51.100.0/32":[{"peer":{"peerId":"192.0.2.1"},"nexthops":[{"ip":"nowhere"}]}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := ParseRoutes(text); err == nil {
				t.Errorf("read as %+v", got)
			}
		})
	}
}

func TestGlobalNextHopIsPreferredToLinkLocal(t *testing.T) {
	t.Parallel()
	got, err := ParseRoutes(`{"routes":{"2001:db8::1/128":[{"aspath":{"string":"Local"},"peer":{"peerId":"fd00::1"},
		"nexthops":[{"ip":"fd00::1","scope":"global"},{"ip":"fe80::1","scope":"link-local"}]}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	p := got[0].Paths[0]
	if p.NextHop != addr("fd00::1") || p.ASPath != "" {
		t.Errorf("path %+v", p)
	}
}

func TestImpossibleConfigurationsAreRefused(t *testing.T) {
	t.Parallel()
	base := router.Config{Dir: "/tmp/frr", ASN: 64512, RouterID: addr("192.0.2.1"), Port: 179}
	tests := map[string]struct {
		change func(*router.Config)
		want   string
	}{
		"forwarding without zebra":          {func(c *router.Config) { c.Forward, c.NoZebra = true, true }, "forwarding needs zebra"},
		"forwarding on chosen addresses":    {func(c *router.Config) { c.Forward, c.Addresses = true, []netip.Addr{addr("192.0.2.1")} }, "forward with bird"},
		"no AS":                             {func(c *router.Config) { c.ASN = 0 }, "asn"},
		"a directory too long for a socket": {func(c *router.Config) { c.Dir = "/" + strings.Repeat("d", 100) }, "no room for sockets"},
		"two addresses of one family":       {func(c *router.Config) { c.Addresses = []netip.Addr{addr("192.0.2.1"), addr("192.0.2.2")} }, "one address per family"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := base
			tt.change(&cfg)
			if err := validate(cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if err := validate(base); err != nil {
		t.Errorf("a good configuration is refused: %v", err)
	}
}

func TestDirectoryBeneathAClosedOneIsRefused(t *testing.T) {
	t.Parallel()
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := reachable(filepath.Join(closed, "frr")); err == nil || !strings.Contains(err.Error(), "choose a directory beneath another") {
		t.Errorf("error %v", err)
	}
}

func TestBothKindsOfSessionAreConfigured(t *testing.T) {
	t.Parallel()
	cfg := router.Config{ASN: 64512, RouterID: addr("192.0.2.1")}
	if got := bgpdConfiguration(cfg); strings.Contains(got, "ebgp-multihop") || !strings.Contains(got, "remote-as internal") {
		t.Errorf("iBGP:\n%s", got)
	}
	cfg.Peers = router.External
	if got := bgpdConfiguration(cfg); !strings.Contains(got, "ebgp-multihop 255") || !strings.Contains(got, "remote-as external") {
		t.Errorf("eBGP:\n%s", got)
	}
}
