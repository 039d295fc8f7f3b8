// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"

	"github.com/go-logr/logr"
	"github.com/vishvananda/netlink"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/router/bird"
	"metallb.io/metallb/test/router/child"
	"metallb.io/metallb/test/router/forward"
	"metallb.io/metallb/test/router/namespace"
)

// The router of its own of the tests of what is lost: a network namespace between the nodes' bridge and the client.
const (
	ecmp         = "ecmp"
	ecmpNetNS    = "/run/netns/" + ecmp
	ecmpASN      = 64520
	ecmpAddress  = "172.30.0.210"
	ecmpClient   = "198.18.0.10" // the client, as nodes see it
	ecmpClient6  = "fd00:198:18::10"
	ecmpServices = "203.0.113.0/24"
	// ecmpServices6 are the addresses of the services likewise.
	ecmpServices6 = "fd00:203:0:113::/64"
)

// ecmpRouter is BIRD or FRR, which forwards over all paths that it learns.
type ecmpRouter struct {
	Software string // BIRD or FRR
	Nodes    []cluster.Node
	// BFD is whether it watches the nodes, at whatever interval they want down to 50 ms.
	BFD bool
	// Graceful is whether it restarts gracefully itself (RFC 4724).
	Graceful bool

	dir     string
	daemons map[string]*child.Child
}

// The configurations of BIRD and of FRR's bgpd. Paths that drain are the last choice (RFC 8326), which FRR sees to unasked.
var ecmpTemplates = template.Must(template.New("").Parse(`
{{- define "BIRD"}}log stderr { warning, error, fatal, bug };
router id {{.Address}};
graceful restart wait 30;
protocol device { scan time 2; }
protocol bfd { interface "*" { interval 50 ms; multiplier 3; }; }
filter from_node {
  if (65535, 0) ~ bgp_community then bgp_local_pref = 0;
  accept;
}
template bgp node {
  direct;
  passive on;
  error wait time 1, 2;
  error forget time 5;
  bfd {{if .BFD}}on{{else}}off{{end}};
  graceful restart {{if .Graceful}}on{{else}}aware{{end}};
}
protocol kernel kernel4 { scan time 2; merge paths on limit 64; graceful restart on; ipv4 { import none; export where source = RTS_BGP; }; }
protocol kernel kernel6 { scan time 2; merge paths on limit 64; graceful restart on; ipv6 { import none; export where source = RTS_BGP; }; }
{{- range $i, $node := .Nodes}}
protocol bgp node4_{{$i}} from node { local {{$.Address}} as {{$.ASN}}; neighbor {{.Addr}} as 64512; ipv4 { import filter from_node; export none; }; }
protocol bgp node6_{{$i}} from node { local {{$.Address6}} as {{$.ASN}}; neighbor {{.Addr6}} as 64512; ipv6 { import filter from_node; export none; }; }
{{- end}}
{{end}}
{{- define "FRR"}}hostname ecmp
log stdout warnings
route-map nothing deny 10
exit
router bgp {{.ASN}}
 bgp router-id {{.Address}}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 bgp bestpath as-path multipath-relax
{{- if .Graceful}}
 bgp graceful-restart
 bgp graceful-restart preserve-fw-state
{{- end}}
{{- range .Nodes}}{{range .Addrs}}
 neighbor {{.}} remote-as 64512
 neighbor {{.}} passive
{{- if $.BFD}}
 neighbor {{.}} bfd profile fast
{{- end}}
 address-family {{if .Is4}}ipv4{{else}}ipv6{{end}} unicast
  neighbor {{.}} activate
  neighbor {{.}} route-map nothing out
  maximum-paths 64
 exit-address-family
{{- end}}{{end}}
{{end}}`))

// bfddConfiguration is FRR's of BFD.
const bfddConfiguration = `log stdout warnings
bfd
 profile fast
  detect-multiplier 3
  receive-interval 50
  transmit-interval 50
`

// Address, Address6 and ASN are the router's.
func (r *ecmpRouter) Address() string  { return ecmpAddress }
func (r *ecmpRouter) Address6() string { return address6(ecmpAddress) }
func (r *ecmpRouter) ASN() int         { return ecmpASN }

// makeECMP makes the router's namespace until the test ends, with links to the nodes' bridge and to the client. What the client sends to the
// addresses of services goes by way of it, and answers come back the same way.
func makeECMP(t *testing.T, p *playground.Playground) {
	t.Helper()
	ip(t, "netns", "add", ecmp)
	t.Cleanup(func() { ip(t, "netns", "delete", ecmp) }) // and its links with it
	run := func(line string) { ip(t, strings.Fields(line)...) }
	run("-n " + ecmp + " link set lo up")
	run("link add ecmp0 type veth peer name eth0 netns " + ecmp)
	run("link set ecmp0 master " + cluster.Bridge + " up")
	run("-n " + ecmp + " link add client type veth peer name ecmp netns " + playground.ClientNamespace)
	run("-n " + ecmp + " address add " + ecmpAddress + "/24 dev eth0")
	run("-n " + ecmp + " address add " + address6(ecmpAddress) + "/64 dev eth0 nodad")
	run("-n " + ecmp + " address add 198.18.0.1/24 dev client")
	run("-n " + ecmp + " address add fd00:198:18::1/64 dev client nodad")
	run("-n " + playground.ClientNamespace + " address add " + ecmpClient + "/24 dev ecmp")
	run("-n " + playground.ClientNamespace + " address add " + ecmpClient6 + "/64 dev ecmp nodad")
	for _, end := range []string{ecmp + " link set eth0 up", ecmp + " link set client up", playground.ClientNamespace + " link set ecmp up"} {
		run("-n " + end)
	}
	run("-n " + playground.ClientNamespace + " route add " + ecmpServices + " via 198.18.0.1 src " + ecmpClient)
	run("-n " + playground.ClientNamespace + " route add " + ecmpServices6 + " via fd00:198:18::1 src " + ecmpClient6)
	if err := forward.Enable(ecmpNetNS); err != nil {
		t.Fatal(err)
	}
	for _, n := range p.Cluster.Nodes() {
		wayToECMP(t, n)
		t.Cleanup(func() {
			ip(t, "-n", n.Name, "route", "delete", "198.18.0.0/24")
			ip(t, "-n", n.Name, "route", "delete", "fd00:198:18::/64")
		})
	}
}

// wayToECMP gives a node the way to the client by way of the router.
func wayToECMP(t *testing.T, n cluster.Node) {
	t.Helper()
	ip(t, "-n", n.Name, "route", "add", "198.18.0.0/24", "via", ecmpAddress)
	ip(t, "-n", n.Name, "route", "add", "fd00:198:18::/64", "via", address6(ecmpAddress))
}

// start starts the router until stop, or until the test ends. A daemon of it that dies is started again after a second.
func (r *ecmpRouter) start(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", ecmp) //nolint:usetesting // A socket's path must be short, and FRR's account gets to it.
	if err != nil {
		t.Fatal(err)
	}
	r.dir, r.daemons = dir, map[string]*child.Child{}
	t.Cleanup(r.stop)
	var text bytes.Buffer
	if err := ecmpTemplates.ExecuteTemplate(&text, r.Software, r); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"bird.conf": text.String()}
	if r.Software == "FRR" {
		files = map[string]string{"zebra.conf": "log stdout warnings\n", "bgpd.conf": text.String(), "bfdd.conf": bfddConfiguration, "vtysh.conf": ""}
	}
	for name, text := range files {
		if err := os.WriteFile(r.file(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if r.Software == "BIRD" {
		args := []string{"bird", "-f", "-c", r.file("bird.conf"), "-s", r.file("bird.ctl"), "-P", r.file("bird.pid")}
		if r.Graceful {
			args = append(args, "-R")
		}
		r.run(t, "bird", args...)
		return
	}
	r.startFRR(t)
}

// startFRR starts zebra, which drops to FRR's account, and then the others.
func (r *ecmpRouter) startFRR(t *testing.T) {
	t.Helper()
	account, err := user.Lookup("frr")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	for _, change := range []error{os.Chmod(r.dir, 0o755), os.Chown(r.dir, uid, gid)} {
		if change != nil {
			t.Fatal(change)
		}
	}
	for _, daemon := range [][]string{{"zebra", "-u", "frr"}, {"bfdd", "-u", "frr"}, {"bgpd", "-S"}} {
		name := daemon[0]
		args := append([]string{
			"/usr/lib/frr/" + name, "-f", r.file(name + ".conf"), "-i", r.file(name + ".pid"), "--vty_socket", r.dir,
			"-z", r.file("zserv.api"), "-P", "0", "--log", "stdout", "--log-level", "warnings",
		}, daemon[1:]...)
		if name == "bfdd" {
			args = append(args, "--bfdctl", r.file("bfdd.sock"))
		}
		r.run(t, name, args...)
	}
}

// run runs a daemon, and waits until it answers.
func (r *ecmpRouter) run(t *testing.T, name string, args ...string) {
	t.Helper()
	c, err := child.Start(child.Config{Name: name, Args: args, Dir: r.dir, NetNS: ecmpNetNS, Log: logr.Discard()})
	if err != nil {
		t.Fatal(err)
	}
	r.daemons[name] = c
	eventually(t, name, func() string {
		if text, err := r.ask(t.Context(), name, "show version"); err != nil {
			return fmt.Sprintf("%v: %v: %s", c.Err(), err, text)
		}
		return ""
	})
}

func (r *ecmpRouter) file(name string) string { return filepath.Join(r.dir, name) }

// ask asks a daemon of the router.
func (r *ecmpRouter) ask(ctx context.Context, daemon, question string) (string, error) {
	if daemon == "bird" {
		return bird.Ask(ctx, r.file("bird.ctl"), strings.Replace(question, "version", "status", 1))
	}
	out, err := exec.CommandContext(ctx, "vtysh", "--vty_socket", r.dir, "--config_dir", r.dir, "-d", daemon, "-c", question).CombinedOutput()
	return string(out), err
}

// speaker is the daemon that speaks BGP.
func (r *ecmpRouter) speaker() string {
	if r.Software == "FRR" {
		return "bgpd"
	}
	return "bird"
}

// crash ends the daemon that speaks BGP without a word, and returns when it has been started again.
func (r *ecmpRouter) crash(t *testing.T) {
	t.Helper()
	daemon := r.daemons[r.speaker()]
	pid := daemon.PID()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the router to be started again", func() string {
		if now := daemon.PID(); now == pid || now == 0 {
			return fmt.Sprint(daemon.Err())
		}
		return ""
	})
}

// established counts the sessions that are up, none if the router does not answer.
func (r *ecmpRouter) established(t *testing.T) int {
	t.Helper()
	question := "show bgp neighbors"
	if r.Software == "BIRD" {
		question = "show protocols"
	}
	text, err := r.ask(t.Context(), r.speaker(), question)
	if err != nil {
		return 0
	}
	return strings.Count(text, "BGP state = Established") + strings.Count(text, "  Established")
}

// stop ends the router and removes its routes.
func (r *ecmpRouter) stop() {
	for _, name := range []string{"bird", "bgpd", "bfdd", "zebra"} {
		if c := r.daemons[name]; c != nil {
			c.Stop()
		}
	}
	_ = forward.RemoveRoutes(ecmpNetNS)
	_ = os.RemoveAll(r.dir)
}

// watched counts the sessions of BFD that are up.
func (r *ecmpRouter) watched(t *testing.T) int {
	t.Helper()
	if r.Software == "BIRD" {
		text, err := r.ask(t.Context(), "bird", "show bfd sessions")
		if err != nil {
			t.Fatal(err, text)
		}
		return strings.Count(text, " Up ")
	}
	text, err := r.ask(t.Context(), "bfdd", "show bfd peers json")
	if err != nil {
		t.Fatal(err, text)
	}
	var peers []struct{ Status string }
	if err := json.Unmarshal([]byte(text), &peers); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	up := 0
	for _, peer := range peers {
		if peer.Status == "up" {
			up++
		}
	}
	return up
}

// direction is one of a link: to the node, from the node, or both.
type direction string

// cutLink drops what goes over the link between the router and a node, while all links stay up, until mend.
func cutLink(t *testing.T, n cluster.Node, directions ...direction) (mend func()) {
	t.Helper()
	var links []struct{ Address string }
	if err := json.Unmarshal([]byte(ip(t, "-json", "-n", n.Name, "link", "show", "eth0")), &links); err != nil {
		t.Fatal(err)
	}
	var rules strings.Builder
	for _, d := range directions {
		hook, field := "ingress", "saddr"
		if d == toNode {
			hook, field = "egress", "daddr"
		}
		fmt.Fprintf(&rules, "  chain %[1]s { type filter hook %[1]s device eth0 priority 0; ether %[2]s %[3]s drop; }\n", hook, field, links[0].Address)
	}
	within(t, ecmp, "table netdev cut {\n"+rules.String()+"}\n", "nft", "-f", "-")
	return func() { within(t, ecmp, "", "nft", "delete", "table", "netdev", "cut") }
}

// The directions.
const (
	toNode   direction = "to the node"
	fromNode direction = "from the node"
)

// forgetConnections has the nodes forget connections to the services. Those that were lost without an end are known for long, and a new one from
// the same port would be sent to where the pod of the old one was.
func forgetConnections(t *testing.T, nodes []cluster.Node) {
	t.Helper()
	for _, n := range nodes {
		err := namespace.Run(n.NetNS, func() error {
			_, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, netlink.FAMILY_V4, toServices{})
			_, err6 := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, netlink.FAMILY_V6, toServices{})
			return errors.Join(err, err6)
		})
		if err != nil {
			t.Fatalf("forgetting connections on %s: %v", n.Name, err)
		}
	}
}

// toServices matches connections to the services.
type toServices struct{}

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (toServices) MatchConntrackFlow(flow *netlink.ConntrackFlow) bool {
	addr, ok := netip.AddrFromSlice(flow.Forward.DstIP)
	return ok && slices.Contains(lostAddresses, addr.Unmap())
}

// prefixOf returns the prefix of one address.
func prefixOf(address netip.Addr) netip.Prefix { return netip.PrefixFrom(address, address.BitLen()) }
