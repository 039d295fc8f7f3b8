// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	router "metallb.io/metallb/test/router/frr"
	routes "metallb.io/metallb/test/router/router"
	"metallb.io/metallb/test/router/vty"
)

// frr is the bgpd of FRR 8. Without zebra it learns routes and installs none.
type frr struct {
	node     *Node
	neighbor Neighbor
	dir      string
	process  *process
	// forwards is whether it is to have a zebra, which is nil before it is started.
	forwards bool
	zebra    *process
	// watches is whether it is to have a bfdd as well, which needs the zebra.
	watches bool
	bfdd    *process
}

// NewFRR makes an FRR that is not started.
func NewFRR(tb testing.TB, node *Node, neighbor Neighbor) Router {
	tb.Helper()
	f := &frr{node: node, dir: socketDir(tb)}
	f.Configure(tb, neighbor)
	return f
}

// Configure implements Router.
func (f *frr) Configure(tb testing.TB, neighbor Neighbor) {
	tb.Helper()
	f.neighbor = neighbor
	writeConfig(tb, filepath.Join(f.dir, "bgpd.conf"), frrConfig, neighbor)
}

const frrConfig = `log stdout
router bgp {{.LocalASN}}
 bgp router-id 203.0.113.2
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
{{- if .KeepsOnNotification}}
 bgp graceful-restart notification
{{- else}}
 no bgp graceful-restart notification
{{- end}}
{{- range .Speakers}}{{with .Neighbor}}{{$address := .Address}}
 neighbor {{.Address}} remote-as {{.PeerASN}}
{{- if not .Dials}}
 neighbor {{.Address}} passive
{{- end}}
 neighbor {{.Address}} disable-connected-check
{{- if .MultiHop}}
 neighbor {{.Address}} ebgp-multihop
{{- end}}
{{- if .TTLSecurity}}
 neighbor {{.Address}} ttl-security hops 1
{{- end}}
{{- if .IPv6NextHop}}
 neighbor {{.Address}} capability extended-nexthop
{{- end}}
{{- with .Password}}
 neighbor {{$address}} password {{.}}
{{- end}}
{{- if eq .HoldTime -1}}
 neighbor {{.Address}} timers 0 0
{{- else if .HoldTime}}
 neighbor {{.Address}} timers 1 {{.HoldTime}}
{{- end}}
{{- range .Families}}
 address-family {{.}} unicast
  neighbor {{$address}} activate
 exit-address-family
{{- end}}
{{- end}}{{end}}
`

// Name implements Router.
func (f *frr) Name() string { return "FRR" }

// Start implements Router.
func (f *frr) Start(tb testing.TB) {
	tb.Helper()
	log := newLog(tb, "frr")
	port := f.neighbor.Port
	if port == 0 {
		port = 179
	}
	zebra := []string{"-Z", "-n"}
	if f.forwards {
		socket := f.startZebra(tb, log)
		zebra = []string{"-z", socket}
		if f.watches {
			f.startBFD(tb, log, socket)
		}
	}
	p, err := f.node.start(log, bgpdProgram, append([]string{
		"-f", filepath.Join(f.dir, "bgpd.conf"), "-i", filepath.Join(f.dir, "bgpd.pid"),
		"--vty_socket", f.dir, "-P", "0", "-p", strconv.Itoa(int(port)), "-S", "--log", "stdout",
	}, zebra...)...)
	if err != nil {
		tb.Fatal(err)
	}
	f.process = p
	tb.Cleanup(p.kill)
	awaitReady(tb, p, log, func() bool {
		_, err := f.try(tb, "bgpd", "show bgp summary json")
		return err == nil
	})
}

// Kill implements Router.
func (f *frr) Kill(testing.TB) {
	f.process.kill()
	for _, p := range []*process{f.bfdd, f.zebra} {
		if p != nil {
			p.kill()
		}
	}
}

// Reset implements Router.
func (f *frr) Reset(tb testing.TB) {
	tb.Helper()
	f.ask(tb, "clear bgp *")
}

// try has a daemon do commands, of which the last needs the ones before, and returns what it says to the last.
func (f *frr) try(tb testing.TB, daemon string, commands ...string) (string, error) {
	tb.Helper()
	return vty.Ask(tb.Context(), filepath.Join(f.dir, daemon+".vty"), commands...)
}

func (f *frr) ask(tb testing.TB, command string) string {
	tb.Helper()
	out, err := f.try(tb, "bgpd", command)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func (f *frr) query(tb testing.TB, command string, answer any) {
	tb.Helper()
	out := f.ask(tb, command)
	if err := json.Unmarshal([]byte(out), answer); err != nil {
		tb.Fatalf("FRR's answer to %s: %v: %s", command, err, out)
	}
}

// Session implements Router.
func (f *frr) Session(tb testing.TB) Session {
	tb.Helper()
	var neighbors map[string]struct {
		State        string `json:"bgpState"`
		HoldTime     int    `json:"bgpTimerHoldTimeMsecs"`
		Notification string `json:"lastNotificationReason"`
		Reset        string `json:"lastResetDueTo"`
		Stats        struct {
			Updates int `json:"updatesRecv"`
		} `json:"messageStats"`
		Families map[string]struct {
			Accepted int `json:"acceptedPrefixCounter"`
		} `json:"addressFamilyInfo"`
	}
	f.query(tb, fmt.Sprintf("show bgp neighbors %s json", f.neighbor.Address), &neighbors)
	n := neighbors[f.neighbor.Address.String()]
	s := Session{
		Up: n.State == "Established", State: n.State, Updates: n.Stats.Updates,
		HoldTime:  time.Duration(n.HoldTime) * time.Millisecond,
		LastError: strings.TrimSpace(n.Reset + " " + n.Notification),
	}
	for _, family := range n.Families {
		s.Routes += family.Accepted
	}
	return s
}

// Routes implements Router.
func (f *frr) Routes(tb testing.TB) map[netip.Prefix]Route {
	tb.Helper()
	var all []routes.Route
	for _, family := range f.neighbor.Families() {
		table, err := router.ParseRoutes(f.ask(tb, fmt.Sprintf("show bgp %s unicast json detail", family)))
		if err != nil {
			tb.Fatalf("FRR's routes: %v", err)
		}
		all = append(all, table...)
	}
	return routesOf(tb, all)
}

// Prefixes implements Router.
func (f *frr) Prefixes(tb testing.TB) map[netip.Prefix]bool {
	tb.Helper()
	prefixes := map[netip.Prefix]bool{}
	f.each(tb, func(prefix netip.Prefix, p frrEntry) { prefixes[prefix] = p.Stale })
	return prefixes
}

// Versions implements Router.
func (f *frr) Versions(tb testing.TB) map[netip.Prefix]Version {
	tb.Helper()
	versions := map[netip.Prefix]Version{}
	f.each(tb, func(prefix netip.Prefix, p frrEntry) { versions[prefix] = Version{Number: p.Version} })
	return versions
}

// frrEntry is what FRR's table has of a path.
type frrEntry struct {
	Stale   bool `json:"stale"`
	Version int  `json:"version"`
}

// each calls for the first path to each prefix.
func (f *frr) each(tb testing.TB, call func(netip.Prefix, frrEntry)) {
	tb.Helper()
	for _, family := range f.neighbor.Families() {
		var table struct {
			Routes map[netip.Prefix][]frrEntry `json:"routes"`
		}
		f.query(tb, fmt.Sprintf("show bgp %s unicast json", family), &table)
		for prefix, paths := range table.Routes {
			if len(paths) > 0 && paths[0].Version > 0 { // Else it has come, and FRR has not looked at it yet.
				call(prefix, paths[0])
			}
		}
	}
}

func familyOf(prefix netip.Prefix) string {
	if prefix.Addr().Is4() {
		return "ipv4"
	}
	return "ipv6"
}

// frrPath is a path to a prefix, as FRR tells it.
type frrPath struct {
	Multipath bool `json:"multipath"`
	Best      struct {
		Overall bool `json:"overall"`
	} `json:"bestpath"`
	NextHops []struct {
		Address netip.Addr `json:"ip"`
	} `json:"nexthops"`
}

// pathsTo returns the paths to the prefix that have a next hop.
func (f *frr) pathsTo(tb testing.TB, family string, prefix netip.Prefix) []frrPath {
	tb.Helper()
	out := f.ask(tb, fmt.Sprintf("show bgp %s unicast %s json", family, prefix))
	// Of a prefix that it does not have FRR says so in words.
	if !strings.HasPrefix(strings.TrimSpace(out), "{") {
		return nil
	}
	var detail struct {
		Paths []frrPath `json:"paths"`
	}
	if err := json.Unmarshal([]byte(out), &detail); err != nil {
		tb.Fatalf("FRR's answer: %v: %s", err, out)
	}
	return slices.DeleteFunc(detail.Paths, func(p frrPath) bool { return len(p.NextHops) == 0 })
}

// Best implements Router.
func (f *frr) Best(tb testing.TB, prefix netip.Prefix) (nextHop netip.Addr, paths int) {
	tb.Helper()
	all := f.pathsTo(tb, familyOf(prefix), prefix)
	for i := range all {
		if all[i].Best.Overall {
			nextHop = all[i].NextHops[0].Address
		}
	}
	return nextHop, len(all)
}
