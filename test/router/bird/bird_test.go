// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"context"
	"io"
	"net"
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

// compare prints addresses and prefixes as text.
func compare() cmp.Option { return cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}) }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNeighboursAreReadFromShowProtocolsAll(t *testing.T) {
	t.Parallel()
	got, err := ParseProtocols(read(t, "protocols.txt"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]router.Neighbor{
		"node4_1": {
			Address: addr("172.31.9.11"), ASN: 64512, State: "Passive", Restarting: true, Since: time.Date(2026, 11, 22, 13, 4, 19, 0, time.UTC),
			LastError: "Socket: Connection closed",
		},
		"node4_2": {
			Address: addr("172.31.9.12"), RouterID: addr("172.31.9.12"), ASN: 64512, Hostname: "node", State: "Established", Established: true,
			Since: time.Date(2026, 11, 22, 13, 4, 17, 0, time.UTC),
		},
	}
	if diff := cmp.Diff(want, got, compare()); diff != "" {
		t.Errorf("neighbours (-want +got):\n%s", diff)
	}
}

func TestListeningProtocolsAreNoNeighbours(t *testing.T) {
	t.Parallel()
	got, err := ParseProtocols(read(t, "protocols-empty.txt"), time.UTC)
	if err != nil || len(got) > 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestRoutesAreReadFromShowRouteAll(t *testing.T) {
	t.Parallel()
	neighbors, err := ParseProtocols(read(t, "protocols.txt"), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRoutes(read(t, "routes.txt"), neighbors)
	if err != nil {
		t.Fatal(err)
	}
	pref := uint32(100)
	path := func(neighbor, nextHop string, best bool) router.Path {
		return router.Path{
			Neighbor: addr(neighbor), NextHop: addr(nextHop), Best: best, Reachable: true, Stale: neighbor == "172.31.9.11", Origin: "IGP", ASPath: "64512",
			LocalPref: &pref,
		}
	}
	with := func(p router.Path, large string) router.Path {
		p.Communities, p.LargeCommunities = []string{"65000:1", "65535:0"}, []string{large}
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
	if diff := cmp.Diff(want, got, compare()); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	counted := list(neighbors, got)
	if counted[0].Paths != 3 || counted[1].Paths != 3 {
		t.Errorf("paths are miscounted: %+v", counted)
	}
}

// onlyPath reads "show route all" with one path, of the session node4_1.
func onlyPath(t *testing.T, text string) router.Path {
	t.Helper()
	got, err := ParseRoutes(text, map[string]router.Neighbor{"node4_1": {Address: addr("192.0.2.1"), Established: true}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || len(got[0].Paths) != 1 {
		t.Fatalf("got %+v, want one path", got)
	}
	return got[0].Paths[0]
}

func TestUnreachableNextHopIsTold(t *testing.T) {
	t.Parallel()
	p := onlyPath(t, "Table master4:\n198.51.100.0/32      unreachable [node4_1 2026-11-22 13:04:17] * (100/-) [AS64512i]\n\tBGP.next_hop: 192.0.2.9 fe80::1\n\tBGP.med: 7\n")
	if p.Reachable || p.Stale || p.NextHop != addr("192.0.2.9") || p.MED == nil || *p.MED != 7 {
		t.Errorf("path %+v", p)
	}
}

func TestExtendedCommunitiesAreReadWithTheirKindOnly(t *testing.T) {
	t.Parallel()
	p := onlyPath(t, "198.51.100.0/32      unicast [node4_1 2026-11-22 13:04:17] * (100) [AS64512i]\n"+
		"\tBGP.ext_community: (rt, 64512, 7) (unknown 0x4004, 0xfc00, 0x4cee6b28)\n")
	if diff := cmp.Diff([]string{"rt:64512:7", "0x4004:0xfc00:0x4cee6b28"}, p.ExtendedCommunities); diff != "" {
		t.Errorf("extended communities (-want +got):\n%s", diff)
	}
}

func TestAListOfCommunitiesThatGoesOnIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	p := onlyPath(t, "198.51.100.0/32      unicast [node4_1 2026-11-22 13:04:17] * (100) [AS64512i]\n\tvia 192.0.2.1 on eth0\n"+
		"\tBGP.community: (64512,1) (64512,2)\n\t\t(64512,3)\n\tBGP.large_community: (64512, 1, 1)\n\t\t(64512, 1, 2)\n\t\t(64512, 1, 3)\n")
	if diff := cmp.Diff([]string{"64512:1", "64512:2", "64512:3"}, p.Communities); diff != "" {
		t.Errorf("communities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"64512:1:1", "64512:1:2", "64512:1:3"}, p.LargeCommunities); diff != "" {
		t.Errorf("large communities (-want +got):\n%s", diff)
	}
}

func TestMisreadOutputIsAnError(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a line of another shape":         "198.51.100.0/32 via somewhere\n",
		"an attribute before any path":    "\tBGP.origin: IGP\n",
		"a path of an unknown protocol":   "198.51.100.0/32      unicast [other 2026-11-22 13:04:17] * (100) [AS64512i]\n",
		"a prefix that is none":           "198.51.100.0/33      unicast [node4_1 2026-11-22 13:04:17] * (100) [AS64512i]\n",
		"a next hop that is no address":   "198.51.100.0/32      unicast [node4_1 2026-11-22 13:04:17] * (100) [AS64512i]\n\tBGP.next_hop: nowhere\n",
		"a preference that is no number":  "198.51.100.0/32      unicast [node4_1 2026-11-22 13:04:17] * (100) [AS64512i]\n\tBGP.local_pref: high\n",
		"a continued path with no prefix": "                     unicast [node4_1 2026-11-22 13:04:17] (100) [AS64512i]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseRoutes(text, map[string]router.Neighbor{"node4_1": {Address: addr("192.0.2.1")}})
			if err == nil {
				t.Errorf("read as %+v", got)
			}
		})
	}
}

func TestRepliesAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ reply, want, wantErr string }{
		"lines with codes, continued lines and the end": {
			reply: "2002-Name  State\n1002-device1 up\n1006-  details\n   more\n+asynchronous\n0000 \n", want: "Name  State\ndevice1 up\n  details\n  more\n",
		},
		"one line":          {reply: "0013 Daemon is up and running\n", want: "Daemon is up and running\n"},
		"an error":          {reply: "9001 syntax error\n", wantErr: "code 9001: syntax error"},
		"a line too short":  {reply: "000\n", wantErr: "unexpected line"},
		"an end before it ": {reply: "1002-device1 up\n", wantErr: "EOF"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := filepath.Join(t.TempDir(), "s")
			answer(t, socket, "0001 BIRD ready.\n", tt.reply)
			c, err := dial(t.Context(), socket)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			got, err := c.ask("show")
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// answer serves one connection: a greeting, and a reply to whatever is asked.
func answer(t *testing.T, socket, greeting, reply string) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, greeting)
		_, _ = conn.Read(make([]byte, 64))
		_, _ = io.WriteString(conn, reply)
	}()
}

func TestConfigurationFollowsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	base := router.Config{ASN: 64512, RouterID: addr("192.0.2.1"), Port: 1179}
	tests := map[string]struct {
		change       func(*router.Config)
		want, wantNo []string
	}{
		"listens on everything and inspects": {
			change: func(*router.Config) {},
			want:   []string{"local port 1179 as 64512;", "neighbor range 0.0.0.0/0 internal;", "neighbor range ::/0 internal;", "export none;"},
			wantNo: []string{"strict bind", "RTS_BGP", "bfd"},
		},
		"listens on one address only": {
			change: func(c *router.Config) { c.Addresses = []netip.Addr{addr("192.0.2.1")} },
			want:   []string{"local 192.0.2.1;", "strict bind on;"},
			wantNo: []string{"nodes6"},
		},
		"forwards": {
			change: func(c *router.Config) { c.Forward = true },
			want:   []string{"export where source = RTS_BGP;", "merge paths on limit 64;"},
		},
		"runs BFD, which needs neighbours on the wire": {
			change: func(c *router.Config) { c.BFD = 50 * time.Millisecond },
			want:   []string{"direct;", "bfd on;", `interface "*" { interval 50 ms; multiplier 3; };`},
			wantNo: []string{"multihop"},
		},
		"accepts other ASes": {change: func(c *router.Config) { c.Peers = router.External }, want: []string{"0.0.0.0/0 external;"}},
		"accepts one AS":     {change: func(c *router.Config) { c.Peers = router.ExactASN(65001) }, want: []string{"0.0.0.0/0 as 65001;"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := base
			tt.change(&cfg)
			got := configuration(cfg)
			for _, w := range tt.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q is missing in:\n%s", w, got)
				}
			}
			for _, w := range tt.wantNo {
				if strings.Contains(got, w) {
					t.Errorf("%q is in:\n%s", w, got)
				}
			}
		})
	}
}
