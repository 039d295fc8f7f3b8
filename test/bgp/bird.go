// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"
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
	awaitReady(tb, p, log, func() bool { return b.try(tb, "show", "status") == nil })
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
	b.ask(tb, "restart", "speaker")
}

func (b *bird) try(tb testing.TB, args ...string) error {
	tb.Helper()
	return exec.CommandContext(tb.Context(), birdcProgram, append([]string{"-r", "-s", b.control()}, args...)...).Run()
}

func (b *bird) ask(tb testing.TB, args ...string) string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), birdcProgram, append([]string{"-s", b.control()}, args...)...).CombinedOutput()
	if err != nil {
		tb.Fatalf("asking BIRD to %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Session implements Router.
func (b *bird) Session(tb testing.TB) Session {
	tb.Helper()
	out := b.ask(tb, "show", "protocols", "all", "speaker")
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
	return parseBIRDRoutes(tb, b.ask(tb, "show", "route", "all", "protocol", "speaker"))
}

// birdRoute is the first line of what BIRD tells of a route.
var birdRoute = regexp.MustCompile(`(?m)^(\S+/\d+) .*\[speaker (\S+?)[] ]`)

// Versions implements Router.
func (b *bird) Versions(tb testing.TB) map[netip.Prefix]Version {
	tb.Helper()
	versions := map[netip.Prefix]Version{}
	for _, m := range birdRoute.FindAllStringSubmatch(b.ask(tb, "show", "route", "protocol", "speaker"), -1) {
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
	routes := b.ask(tb, "show", "route", "protocol", "speaker")
	stale := strings.Contains(b.ask(tb, "show", "protocols", "all", "speaker"), "Neighbor graceful restart active")
	for _, m := range birdRoute.FindAllStringSubmatch(routes, -1) {
		prefixes[netip.MustParsePrefix(m[1])] = stale
	}
	return prefixes
}

// parseBIRDRoutes reads "show route all": a line that begins with a prefix, then indented lines of attributes.
func parseBIRDRoutes(tb testing.TB, out string) map[netip.Prefix]Route {
	tb.Helper()
	routes := map[netip.Prefix]Route{}
	var current netip.Prefix
	for line := range strings.Lines(out) {
		if word, _, ok := strings.Cut(line, " "); ok && word != "" {
			if prefix, err := netip.ParsePrefix(word); err == nil {
				current = prefix
				routes[prefix] = Route{Prefix: prefix, LocalPref: 100}
			}
		}
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		r, known := routes[current]
		if !ok || !known {
			continue
		}
		switch name {
		case "BGP.as_path":
			r.ASPath = asPath(value)
		case "BGP.next_hop":
			r.NextHop, _ = netip.ParseAddr(strings.Fields(value)[0])
		case "BGP.local_pref":
			r.LocalPref = uint32(number(value))
		case "BGP.community":
			r.Communities = birdCommunities(value)
		case "BGP.large_community":
			r.LargeCommunities = birdCommunities(value)
		case "BGP.ext_community":
			r.ExtendedCommunities = birdCommunities(value)
		case "BGP.med":
			r.MED = new(uint32(number(value)))
		}
		routes[current] = r
	}
	return routes
}

// Best implements Router.
func (b *bird) Best(tb testing.TB, prefix netip.Prefix) (nextHop netip.Addr, paths int) {
	tb.Helper()
	best := parseBIRDRoutes(tb, b.ask(tb, "show", "route", prefix.String(), "primary", "all"))
	return best[prefix].NextHop, strings.Count(b.ask(tb, "show", "route", prefix.String(), "all"), "BGP.next_hop")
}

// birdCommunities reads "(64512,100) (64512,1)".
func birdCommunities(s string) []string {
	s = strings.NewReplacer("unknown ", "", ", ", ":", ",", ":").Replace(s) // Extended ones of which it knows no name are unknown.
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == '(' || r == ')' || r == ' ' })
	slices.Sort(fields)
	return fields
}

// asPath reads ASNs; words, like FRR's "Local", are none.
func asPath(s string) []uint32 {
	var path []uint32
	for f := range strings.FieldsSeq(s) {
		if asn, err := strconv.ParseUint(f, 10, 32); err == nil {
			path = append(path, uint32(asn))
		}
	}
	return path
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
