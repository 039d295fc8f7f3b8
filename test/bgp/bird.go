// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	router "metallb.io/metallb/test/router/bird"
	routes "metallb.io/metallb/test/router/router"
)

// bird is a BIRD 2.
type bird struct {
	node    *Node
	dir     string
	process *process
	// restarts is whether it is to restart gracefully itself, and again whether it was killed.
	restarts, again bool
}

// NewBIRD makes a BIRD that is not started.
func NewBIRD(tb testing.TB, node *Node, neighbor Neighbor) Router {
	tb.Helper()
	b := &bird{node: node, dir: socketDir(tb)}
	b.Configure(tb, neighbor)
	return b
}

// Configure implements Router.
func (b *bird) Configure(tb testing.TB, neighbor Neighbor) {
	tb.Helper()
	b.restarts = neighbor.Restarts
	writeConfig(tb, filepath.Join(b.dir, "bird.conf"), birdConfig, neighbor)
}

const birdConfig = `log stderr all;
router id 203.0.113.1;
protocol device { scan time 1; }
{{range .Speakers}}
protocol bgp {{.Name}} {
{{- with .Neighbor}}
  local {{.Local}}{{with .Port}} port {{.}}{{end}} as {{.LocalASN}};
  neighbor {{.Address}} as {{.PeerASN}};
{{- if not .Dials}}
  passive;
{{- end}}
  startup hold time 10;
  error wait time 2,2;
{{- if .MultiHop}}
  multihop;
{{- else}}
  direct;
{{- end}}
{{- if .TTLSecurity}}
  ttl security on;
{{- end}}
{{- with .Password}}
  password "{{.}}";
{{- end}}
{{- if .Restarts}}
  graceful restart on;
{{- end}}
{{- if eq .HoldTime -1}}
  hold time 0;
{{- else if .HoldTime}}
  hold time {{.HoldTime}};
{{- end}}
{{- $nextHop := .IPv6NextHop}}
{{- range .Families}}
  {{.}} { import all; export none;{{if and $nextHop (eq . "ipv4")}} extended next hop on;{{end}} };
{{- end}}
{{- end}}
}
{{- end}}
`

func writeConfig(tb testing.TB, file, text string, neighbor Neighbor) {
	tb.Helper()
	var config bytes.Buffer
	if err := template.Must(template.New("").Parse(text)).Execute(&config, neighbor); err != nil {
		tb.Fatalf("configuration of a router: %v", err)
	}
	if err := os.WriteFile(file, config.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// Name implements Router.
func (b *bird) Name() string { return "BIRD" }

func (b *bird) control() string { return filepath.Join(b.dir, "bird.ctl") }

// Start implements Router.
func (b *bird) Start(tb testing.TB) {
	tb.Helper()
	log := newLog(tb, "bird")
	args := []string{"-f", "-c", filepath.Join(b.dir, "bird.conf"), "-s", b.control(), "-P", filepath.Join(b.dir, "bird.pid")}
	if b.restarts && b.again {
		args = append(args, "-R")
	}
	p, err := b.node.start(log, birdProgram, args...)
	if err != nil {
		tb.Fatal(err)
	}
	b.process = p
	tb.Cleanup(p.kill)
	awaitReady(tb, p, log, func() bool { _, err := router.Ask(tb.Context(), b.control(), "show status"); return err == nil })
}

// Kill implements Router.
func (b *bird) Kill(testing.TB) {
	b.process.kill()
	b.again = true
	_ = os.Remove(b.control())
}

// Reset implements Router.
func (b *bird) Reset(tb testing.TB) {
	tb.Helper()
	b.ask(tb, "restart speaker")
}

func (b *bird) ask(tb testing.TB, command string) string {
	tb.Helper()
	out, err := router.Ask(tb.Context(), b.control(), command)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// Session implements Router.
func (b *bird) Session(tb testing.TB) Session {
	tb.Helper()
	out := b.ask(tb, "show protocols all speaker")
	s := Session{
		State:     field(out, `BGP state:\s+(\w+)`),
		LastError: field(out, `Last error:\s+(.+)`),
	}
	s.Up = s.State == "Established"
	for _, m := range regexp.MustCompile(`Routes:\s+(\d+) imported`).FindAllStringSubmatch(out, -1) {
		s.Routes += number(m[1])
	}
	// received, rejected, filtered, ignored, accepted
	s.Updates = number(field(out, `Import updates:\s+(\d+)`))
	s.Withdrawals = number(field(out, `Import withdraws:\s+(\d+)`))
	s.HoldTime = time.Duration(number(field(out, `Hold timer:\s+[\d.]+/(\d+)`))) * time.Second
	return s
}

// Routes implements Router.
func (b *bird) Routes(tb testing.TB) map[netip.Prefix]Route {
	tb.Helper()
	return routesOf(tb, b.table(tb, "show route all protocol speaker"))
}

// table asks for routes with all that is known of them.
func (b *bird) table(tb testing.TB, question string) []routes.Route {
	tb.Helper()
	neighbors, err := router.ParseProtocols(b.ask(tb, "show protocols all"), time.Local)
	if err != nil {
		tb.Fatalf("BIRD's neighbors: %v", err)
	}
	table, err := router.ParseRoutes(b.ask(tb, question), neighbors)
	if err != nil {
		tb.Fatalf("BIRD's routes: %v", err)
	}
	return table
}

// birdRoute is the first line of what BIRD tells of a route.
var birdRoute = regexp.MustCompile(`(?m)^(\S+/\d+) .*\[speaker (\S+?)[] ]`)

// Versions implements Router.
func (b *bird) Versions(tb testing.TB) map[netip.Prefix]Version {
	tb.Helper()
	versions := map[netip.Prefix]Version{}
	for _, m := range birdRoute.FindAllStringSubmatch(b.ask(tb, "show route protocol speaker"), -1) {
		since, err := time.Parse("15:04:05.000", m[2])
		if err != nil {
			tb.Fatal(err)
		}
		versions[netip.MustParsePrefix(m[1])] = Version{Since: since}
	}
	return versions
}

// Prefixes implements Router. BIRD does not say of a route that it is kept, but of the session that it waits for its End-of-RIB: until then those
// that were sent again count as stale too.
func (b *bird) Prefixes(tb testing.TB) map[netip.Prefix]bool {
	tb.Helper()
	prefixes := map[netip.Prefix]bool{}
	routes := b.ask(tb, "show route protocol speaker")
	stale := strings.Contains(b.ask(tb, "show protocols all speaker"), "Neighbor graceful restart active")
	for _, m := range birdRoute.FindAllStringSubmatch(routes, -1) {
		prefixes[netip.MustParsePrefix(m[1])] = stale
	}
	return prefixes
}

// Best implements Router.
func (b *bird) Best(tb testing.TB, prefix netip.Prefix) (nextHop netip.Addr, paths int) {
	tb.Helper()
	for _, r := range b.table(tb, "show route all") {
		if r.Prefix != prefix {
			continue
		}
		for _, p := range r.Paths {
			if paths++; p.Best {
				nextHop = p.NextHop
			}
		}
	}
	return nextHop, paths
}

func field(text, expression string) string {
	m := regexp.MustCompile(expression).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return strings.TrimSpace(m[1])
}

// number is 0 for what is none.
func number(s string) int {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}
