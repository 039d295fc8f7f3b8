// SPDX-License-Identifier: Apache-2.0

//go:build linux

package gobgp

import (
	"bytes"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"text/template"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/vishvananda/netlink"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/bfd"
	"metallb.io/metallb/speaker/session"
	bgptest "metallb.io/metallb/test/bgp"
)

const ms = time.Millisecond

// watched are the two sides of a session that BFD watches.
type watched struct {
	// Local is the router's address and Address the speaker's; Device is the router's interface if they are link-local ones.
	Local, Address netip.Addr
	Device         string
	PeerASN        uint32
	// Bound has the speaker connect from its link, as from a VRF.
	Bound bool
	// MultiHop has the router take the speaker for one that is more than a hop away, NoBFD for one without BFD.
	MultiHop, NoBFD bool
	// Keeps has the router keep routes by graceful restart when BFD goes down, whatever the reason is.
	Keeps bool
	// Transmit and Receive are the router's intervals in milliseconds, Passive whether it waits for the speaker, and Shutdown whether its BFD is
	// disabled.
	Transmit, Receive int
	Passive, Shutdown bool
}

// IPv6 reports whether the addresses are.
func (w watched) IPv6() bool { return w.Local.Is6() }

func watchedOn(node *bgptest.Node) watched {
	return watched{Local: node.Addr4, Address: node.Test4, PeerASN: speakerASN, Transmit: 100, Receive: 100}
}

// watchedWith is watchedOn with a change.
func watchedWith(change func(*watched)) func(*bgptest.Node) watched {
	return func(node *bgptest.Node) watched {
		w := watchedOn(node)
		change(&w)
		return w
	}
}

const watchingBIRD = `log stderr all;
router id 203.0.113.1;
protocol device { scan time 1; }
{{define "timers"}}{ min rx interval {{.Receive}} ms; min tx interval {{.Transmit}} ms; multiplier 3; {{if .Passive}}passive;{{end}} };{{end}}
protocol bfd {
  {{if .Shutdown}}disabled;{{end}}
  interface "eth0" {{template "timers" .}}
  multihop {{template "timers" .}}
}
protocol bgp speaker {
  local {{.Local}} as 64512;
  neighbor {{.Address}}{{with .Device}}%{{.}}{{end}} as {{.PeerASN}};
  {{if .MultiHop}}multihop;{{else}}direct;{{end}}
  passive;
  error wait time 1,2;
  {{if not .NoBFD}}bfd{{if .Keeps}} graceful{{end}};{{end}}
  {{if .IPv6}}ipv6{{else}}ipv4{{end}} { import all; export none; };
}
`

const watchingFRR = `router bgp 64512
 bgp router-id 203.0.113.2
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor {{.Address}} remote-as {{.PeerASN}}
{{- with .Device}}
 neighbor {{$.Address}} interface {{.}}
{{- end}}
 neighbor {{.Address}} passive
{{- if not .NoBFD}}
 neighbor {{.Address}} bfd profile p
{{- end}}
{{- if .Keeps}}
 neighbor {{.Address}} bfd check-control-plane-failure
{{- end}}
{{- if .MultiHop}}
 neighbor {{.Address}} ebgp-multihop 255
{{- end}}
 address-family {{if .IPv6}}ipv6{{else}}ipv4{{end}} unicast
  neighbor {{.Address}} activate
 exit-address-family
`

const bfdOfFRR = `bfd
 profile p
  receive-interval {{.Receive}}
  transmit-interval {{.Transmit}}
  detect-multiplier 3
  {{if not .Shutdown}}no {{end}}shutdown
  {{if not .Passive}}no {{end}}passive-mode
`

func fill(t *testing.T, text string, w watched) string {
	t.Helper()
	var b bytes.Buffer
	if err := template.Must(template.New("").Parse(text)).Execute(&b, w); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// watching is a router with BFD.
type watching struct {
	bgptest.BFDRouter
	t *testing.T
	// changed is the text that Change takes.
	changed string
}

// change has the router see the session so.
func (w watching) change(is watched) { w.Change(w.t, fill(w.t, w.changed, is)) }

// established reports whether the router says that the BGP session is up.
func (w watching) established() bool {
	if w.Name() == "BIRD" {
		return strings.Contains(w.Ask(w.t, "show protocols speaker"), "Established")
	}
	return strings.Contains(w.Ask(w.t, "show bgp neighbors"), "BGP state = Established")
}

// onEachWatchingRouter runs a test with BIRD and with FRR, which run.
func onEachWatchingRouter(t *testing.T, on func(*bgptest.Node) watched, test func(*testing.T, *bgptest.Node, watching)) {
	t.Helper()
	for _, name := range []string{"BIRD", "FRR"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bgptest.Require(t)
			if apart(t) {
				return
			}
			node := lab.NewNode(t)
			is := on(node)
			w := watching{t: t, changed: watchingBIRD}
			if name == "BIRD" {
				w.BFDRouter = bgptest.BIRDWithBFD(t, node, fill(t, watchingBIRD, is))
			} else {
				w.changed = bfdOfFRR
				w.BFDRouter = bgptest.FRRWithBFD(t, node, fill(t, watchingFRR, is), fill(t, bfdOfFRR, is))
			}
			w.Start(t)
			test(t, node, w)
		})
	}
}

// toWatched is the session to the router, with BFD.
func toWatched(w watched, link string) bgp.Peer {
	at := w.Local
	if w.Device != "" {
		at = at.WithZone(link)
	}
	c := to("tor", netip.AddrPortFrom(at, 179))
	c.LocalASN = w.PeerASN
	c.BFD = bgp.BFDProfile{Name: "fast", TransmitInterval: 100 * ms, ReceiveInterval: 100 * ms, DetectMultiplier: 3, MinimumTTL: 254}
	if w.Bound {
		c.VRF = link
	}
	if w.MultiHop {
		c.MultiHopTTL = 255
		c.BFD.MinimumTTL = 64 // BIRD's is the kernel's own.
	}
	return c
}

// awaitBFD waits until BFD is up on both sides.
func awaitBFD(t *testing.T, s *Sessions, w watching) {
	t.Helper()
	eventually(t, 20*time.Second, func() (bool, string) {
		own, router := stateOf(s, "tor"), w.BFD(t)
		return own.BFD == "Up" && router.State == "Up", fmt.Sprintf("BFD is %s (%s) here, %+v at %s", own.BFD, own.BFDProblem, router, w.Name())
	})
}

// awaitCalm waits until BFD and BGP are up for good, on both sides. FRR begins its BFD session anew when the BGP session is up, and ends both
// once more.
func awaitCalm(t *testing.T, s *Sessions, w watching) {
	t.Helper()
	eventually(t, 20*time.Second, func() (bool, string) {
		router, own := w.BFD(t), stateOf(s, "tor")
		calm := own.Up() && time.Since(own.Since) > time.Second && own.BFD == "Up" && router.State == "Up"
		return calm, fmt.Sprintf("the session is %+v, and BFD %+v at %s", own, router, w.Name())
	})
}

// tables numbers those of nft.
var tables atomic.Int32

// filter has the kernel of the speaker do something with packets, until what it returns is called.
func filter(t *testing.T, hook, rule string) (restore func()) {
	t.Helper()
	name := fmt.Sprintf("bfd%d", tables.Add(1))
	nft := func(text string) {
		command := exec.Command("nft", "-f", "-")
		command.Stdin = strings.NewReader(text)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("nft: %v: %s", err, out)
		}
	}
	nft(fmt.Sprintf("table inet %s {\n chain c {\n type filter hook %s priority 0;\n %s\n }\n}\n", name, hook, rule))
	return func() { nft("delete table inet " + name) }
}

// drop has the kernel of the speaker drop BFD packets on their way out to the router, or in from it.
func drop(t *testing.T, hook string, router netip.Addr) (restore func()) {
	t.Helper()
	family := "ip"
	if router.Is6() {
		family = "ip6"
	}
	field := map[string]string{"output": "daddr", "input": "saddr"}[hook]
	return filter(t, hook, fmt.Sprintf("%s %s %s udp dport { 3784, 4784 } drop", family, field, router))
}

func linkLocal(t *testing.T, list func() ([]netlink.Addr, error)) netip.Addr {
	t.Helper()
	var found netip.Addr
	eventually(t, 10*time.Second, func() (bool, string) {
		addresses, err := list()
		if err != nil {
			return false, err.Error()
		}
		for _, a := range addresses {
			const tentative = 0x40
			if ip, ok := netip.AddrFromSlice(a.IP); ok && ip.IsLinkLocalUnicast() && a.Flags&tentative == 0 {
				found = ip
				return true, ""
			}
		}
		return false, "no link-local address"
	})
	return found
}

func TestHowFarAwayBFDTakesAPeerToBe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*bgp.Peer)
		want   bfd.Reach
	}{
		"external":                              {func(*bgp.Peer) {}, bfd.SingleHop},
		"external, several hops":                {func(p *bgp.Peer) { p.MultiHopTTL = 255 }, bfd.MultiHop},
		"external, one hop said":                {func(p *bgp.Peer) { p.MultiHopTTL = 1 }, bfd.SingleHop},
		"external, one hop with security":       {func(p *bgp.Peer) { p.SecurityHops = 1 }, bfd.SingleHop},
		"external, several hops with security":  {func(p *bgp.Peer) { p.SecurityHops = 2 }, bfd.MultiHop},
		"internal, which the routes are to say": {func(p *bgp.Peer) { p.PeerASN = p.LocalASN }, bfd.Either},
	}
	for name, tt := range tests {
		c := to("tor", netip.MustParseAddrPort("192.0.2.1:179"))
		tt.change(&c)
		if got := watchOf(c).Reach; got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestBFDEndsASessionInEitherDirectionAndTheSessionComesBack(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(t *testing.T, node *bgptest.Node, w *watched){
		"IPv4":                func(*testing.T, *bgptest.Node, *watched) {},
		"IPv6":                func(_ *testing.T, node *bgptest.Node, w *watched) { w.Local, w.Address = node.Addr6, node.Test6 },
		"several hops":        func(_ *testing.T, _ *bgptest.Node, w *watched) { w.MultiHop = true },
		"from a device":       func(_ *testing.T, _ *bgptest.Node, w *watched) { w.Bound = true },
		"internal, on a link": func(_ *testing.T, _ *bgptest.Node, w *watched) { w.PeerASN = sinkASN },
		"link-local": func(t *testing.T, node *bgptest.Node, w *watched) {
			t.Helper()
			w.Device = "eth0"
			w.Address = linkLocal(t, func() ([]netlink.Addr, error) {
				link, err := netlink.LinkByName(node.Link)
				if err != nil {
					return nil, err
				}
				return netlink.AddrList(link, netlink.FAMILY_V6)
			})
			w.Local = linkLocal(t, func() (list []netlink.Addr, err error) {
				node.Inside(t, func(there *netlink.Handle, eth0 netlink.Link) error {
					list, err = there.AddrList(eth0, netlink.FAMILY_V6)
					return err
				})
				return list, err
			})
		},
	}
	for kind, change := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			onEachWatchingRouter(t, func(node *bgptest.Node) watched {
				w := watchedOn(node)
				change(t, node, &w)
				return w
			}, func(t *testing.T, node *bgptest.Node, w watching) {
				t.Helper()
				is := watchedOn(node)
				change(t, node, &is)
				testFailures(t, node, w, is)
			})
		})
	}
}

func testFailures(t *testing.T, node *bgptest.Node, w watching, is watched) {
	t.Helper()
	s, _ := newSessions(t, Options{})
	configure(t, s, always(path("192.0.2.0/24")), toWatched(is, node.Link))
	for hook, want := range map[string]string{
		"input":  "BFD session down: nothing more is heard from the router",
		"output": "BFD session down: the router hears nothing from this node",
	} {
		awaitCalm(t, s, w)
		eventually(t, 20*time.Second, func() (bool, string) { // Both have confirmed the intervals by then.
			got := stateOf(s, "tor")
			return got.Up() && got.BFD == "Up" && got.BFDDetectionTime == 300*ms, fmt.Sprintf("the session is %+v", got)
		})
		restore := drop(t, hook, is.Local)
		// Long before the hold time, 90 seconds, is over.
		eventually(t, 5*time.Second, func() (bool, string) { return !stateOf(s, "tor").Up(), hook + ": the session stays up" })
		// The router that finds it first may end the BGP session before it says so by BFD.
		eventually(t, time.Second, func() (bool, string) {
			got := stateOf(s, "tor")
			return got.LastError == want && got.FSM == session.Idle && got.BFD != "Up", fmt.Sprintf("%s: the session is %+v", hook, got)
		})
		eventually(t, 5*time.Second, func() (bool, string) { return !w.established(), w.Name() + " holds the session up" })
		if got := stateOf(s, "tor"); got.FSM != session.Idle {
			t.Errorf("%s: without BFD the session is %s", hook, got.FSM)
		}
		restore()
		awaitBFD(t, s, w)
		awaitUp(t, s, "tor")
		eventually(t, 10*time.Second, func() (bool, string) { return w.established(), w.Name() + " has no session" })
	}
	node.Vanish(t)
	eventually(t, time.Second, func() (bool, string) { return !stateOf(s, "tor").Up(), "without the link the session stays up" })
}

func TestTheRouterIsToldWhatTheProfileSays(t *testing.T) {
	t.Parallel()
	// Slow, so that no process is late on a machine that has other things to do.
	slow := watchedWith(func(w *watched) { w.Transmit, w.Receive = 400, 400 })
	onEachWatchingRouter(t, slow, func(t *testing.T, node *bgptest.Node, w watching) {
		t.Helper()
		var downs atomic.Int32
		s, _ := newSessions(t, Options{OnChange: func(s session.State) {
			if !s.Up() || s.BFD != "Up" {
				downs.Add(1)
			}
		}})
		c := toWatched(watchedOn(node), node.Link)
		c.BFD.TransmitInterval, c.BFD.ReceiveInterval = 350*ms, 400*ms
		configure(t, s, nothing, c)
		awaitCalm(t, s, w)
		downs.Store(0)
		for _, change := range []func(*bgp.BFDProfile){
			func(*bgp.BFDProfile) {},
			func(p *bgp.BFDProfile) { p.TransmitInterval = 450 * ms },
			func(p *bgp.BFDProfile) { p.ReceiveInterval = 550 * ms },
			func(p *bgp.BFDProfile) { p.DetectMultiplier = 5 },
			func(p *bgp.BFDProfile) { p.TransmitInterval, p.ReceiveInterval, p.DetectMultiplier = 300*ms, 350*ms, 4 },
		} {
			change(&c.BFD)
			configure(t, s, nothing, c)
			p := c.BFD
			eventually(t, 10*time.Second, func() (bool, string) {
				got := w.BFD(t)
				told := got.RemoteTransmit == p.TransmitInterval && got.RemoteReceive == p.ReceiveInterval && got.RemoteMultiplier == int(p.DetectMultiplier)
				if w.Name() == "BIRD" { // It goes by the slower one of what both sides can do.
					told = got.Interval == max(400*ms, p.ReceiveInterval) && got.Timeout == time.Duration(p.DetectMultiplier)*max(400*ms, p.TransmitInterval)
				}
				return told, fmt.Sprintf("of %+v %s knows %+v", p, w.Name(), got)
			})
		}
		t.Log("the router changes its own")
		slower := watchedOn(node)
		slower.Transmit, slower.Receive = 600, 500
		w.change(slower)
		eventually(t, 10*time.Second, func() (bool, string) {
			d := stateOf(s, "tor").BFDDetectionTime
			return d == 1800*ms, fmt.Sprintf("detection time %s", d)
		})
		if n := downs.Load(); n != 0 {
			t.Errorf("BFD or BGP was down %d times", n)
		}
	})
}

// RFC 5882 section 3.2 has a session stay whose BFD the other side has disabled. These versions of BIRD and FRR end it, and take it up again.
func TestBFDBeginsWithoutAResetAndTheRouterIsToldWhenItEnds(t *testing.T) {
	t.Parallel()
	onEachWatchingRouter(t, watchedOn, func(t *testing.T, node *bgptest.Node, w watching) {
		t.Helper()
		s, _ := newSessions(t, Options{})
		with := toWatched(watchedOn(node), node.Link)
		without := with
		without.BFD = bgp.BFDProfile{}
		configure(t, s, nothing, without)
		awaitUp(t, s, "tor")
		began := stateOf(s, "tor").Since
		configure(t, s, nothing, with)
		awaitBFD(t, s, w)
		if got := stateOf(s, "tor"); got.Since != began || !w.established() {
			t.Errorf("with BFD the session is %+v", got)
		}
		configure(t, s, nothing, without)
		if got := stateOf(s, "tor"); got.BFD != "" || got.BFDProblem != "" || strings.HasPrefix(got.LastError, "BFD") {
			t.Errorf("without BFD the session is %+v", got)
		}
		eventually(t, 10*time.Second, func() (bool, string) {
			r := w.BFD(t)
			return r.State != "Up" && (w.Name() == "BIRD" || r.RemoteDiagnostic == "administratively down"), fmt.Sprintf("%s: %+v", w.Name(), r)
		})
		eventually(t, 20*time.Second, func() (bool, string) {
			return stateOf(s, "tor").Up() && w.established(), "the session does not come back"
		})
	})
}

func TestARouterThatDisablesBFDIsNoFailureIfItSaysSo(t *testing.T) {
	t.Parallel()
	onEachWatchingRouter(t, watchedOn, func(t *testing.T, node *bgptest.Node, w watching) {
		t.Helper()
		s, _ := newSessions(t, Options{})
		configure(t, s, nothing, toWatched(watchedOn(node), node.Link))
		awaitCalm(t, s, w)
		before := stateOf(s, "tor").LastErrorTime
		state, want, failure := "AdminDown", "the router has disabled BFD for this session", ""
		if w.Name() == "BIRD" { // It says nothing.
			state, want = "Down", "nothing more is heard from the router"
			failure = "BFD session down: " + want
		}
		off := watchedOn(node)
		off.Shutdown = true
		w.change(off)
		eventually(t, 10*time.Second, func() (bool, string) {
			got := stateOf(s, "tor")
			return got.BFD == state && got.BFDProblem == want, fmt.Sprintf("%+v", got)
		})
		eventually(t, 5*time.Second, func() (bool, string) {
			got := stateOf(s, "tor")
			if failure == "" {
				return got.LastErrorTime.Equal(before), fmt.Sprintf("the session failed: %+v", got)
			}
			return got.LastError == failure, fmt.Sprintf("the session is %+v", got)
		})
		w.change(watchedOn(node))
		awaitBFD(t, s, w)
		awaitUp(t, s, "tor")
	})
}

func TestASessionThatWaitsForBFDGoesOnWhenItHasNoneAnyMore(t *testing.T) {
	t.Parallel()
	onEachWatchingRouter(t, watchedOn, func(t *testing.T, node *bgptest.Node, w watching) {
		t.Helper()
		s, _ := newSessions(t, Options{})
		c := toWatched(watchedOn(node), node.Link)
		configure(t, s, nothing, c)
		awaitCalm(t, s, w)
		defer drop(t, "input", node.Addr4)()
		eventually(t, 5*time.Second, func() (bool, string) {
			got := stateOf(s, "tor")
			return got.FSM == session.Idle && got.BFD == "Down", fmt.Sprintf("the session is %+v", got)
		})
		c.BFD = bgp.BFDProfile{}
		configure(t, s, nothing, c)
		awaitUp(t, s, "tor")
	})
}

// docs/routers.md says so. With graceful restart, FRR tells a speaker that restarts from a node that fails, and BIRD does not.
func TestWhoKeepsRoutesWhenASpeakerRestartsAndWhenItsNodeFails(t *testing.T) {
	t.Parallel()
	type end struct{ keeps, planned bool }
	kept := map[string]map[end]bool{
		"FRR":  {{false, true}: true, {false, false}: false, {true, true}: true, {true, false}: true},
		"BIRD": {{false, true}: false, {false, false}: false, {true, true}: true, {true, false}: true},
	}
	for name, how := range map[string]end{
		"a restart": {false, true}, "a failure": {false, false}, "a restart, if BFD keeps routes": {true, true}, "a failure, if BFD keeps routes": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachWatchingRouter(t, watchedWith(func(w *watched) { w.Keeps = how.keeps }), func(t *testing.T, node *bgptest.Node, w watching) {
				t.Helper()
				testEnd(t, node, w, how.planned, kept[w.Name()][how])
			})
		})
	}
}

// testEnd has a speaker end to begin anew, or be cut off, and checks whether the router keeps its route.
func testEnd(t *testing.T, node *bgptest.Node, w watching, planned, keeps bool) {
	t.Helper()
	s, _ := newSessions(t, Options{})
	c := toWatched(watchedOn(node), node.Link)
	c.RestartTime = time.Minute
	configure(t, s, always(path("192.0.2.0/24")), c)
	awaitCalm(t, s, w)
	eventually(t, 10*time.Second, func() (bool, string) { return w.hasRoute(), "the route does not come" })
	if planned {
		if left, err := s.CloseKeepingRoutes(t.Context()); left != 0 || err != nil {
			t.Fatalf("%d sessions are left (%v)", left, err)
		}
	} else {
		defer filter(t, "output", fmt.Sprintf("ip daddr %s drop", node.Addr4))()
		defer filter(t, "input", fmt.Sprintf("ip saddr %s drop", node.Addr4))()
	}
	// FRR then does not even end the session before its hold time.
	unmoved := w.Name() == "FRR" && keeps && !planned
	eventually(t, 10*time.Second, func() (bool, string) {
		ended := w.BFD(t).State != "Up" && w.established() == unmoved
		return ended && (keeps || !w.hasRoute()), w.Name() + " holds the sessions up, or the route"
	})
	if keeps && !w.hasRoute() {
		t.Errorf("%s has dropped the route", w.Name())
	}
}

// hasRoute reports whether the router has the route of testEnd.
func (w watching) hasRoute() bool {
	question := map[string]string{"BIRD": "show route", "FRR": "show bgp ipv4 unicast"}[w.Name()]
	return strings.Contains(w.Ask(w.t, question), "192.0.2.0/24")
}

func TestARouterWithoutBFDHasItsSession(t *testing.T) {
	t.Parallel()
	onEachWatchingRouter(t, watchedWith(func(w *watched) { w.NoBFD = true }), func(t *testing.T, node *bgptest.Node, w watching) {
		t.Helper()
		s, _ := newSessions(t, Options{})
		configure(t, s, nothing, toWatched(watchedOn(node), node.Link))
		awaitUp(t, s, "tor")
		eventually(t, 10*time.Second, func() (bool, string) {
			got := stateOf(s, "tor")
			return got.Up() && got.BFD == "Down" && got.BFDProblem != "", fmt.Sprintf("%s: %+v", w.Name(), got)
		})
	})
}

func TestASideThatIsPassiveWaitsForTheOther(t *testing.T) {
	t.Parallel()
	for name, routerToo := range map[string]bool{"one": false, "both": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachWatchingRouter(t, watchedWith(func(w *watched) { w.Passive = routerToo }), func(t *testing.T, node *bgptest.Node, w watching) {
				t.Helper()
				registry := prometheus.NewPedanticRegistry()
				s, _ := newSessions(t, Options{Registerer: registry})
				c := toWatched(watchedOn(node), node.Link)
				c.BFD.Passive = true
				configure(t, s, nothing, c)
				awaitUp(t, s, "tor")
				if !routerToo {
					awaitBFD(t, s, w)
					return
				}
				if w.Name() == "FRR" {
					t.Skip("FRR has sent packets before it takes up its profile")
				}
				<-time.After(2 * time.Second) // Nothing is to happen, in twice the time in which either would send.
				none := fmt.Sprintf("# HELP metallb_bfd_control_packet_output Number of BFD control packets sent.\n"+
					"# TYPE metallb_bfd_control_packet_output counter\nmetallb_bfd_control_packet_output{peer=%q} 0\n", node.Addr4)
				if err := testutil.GatherAndCompare(registry, strings.NewReader(none), "metallb_bfd_control_packet_output"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestPacketsFromFartherAwayThanTheProfileSaysAreIgnored(t *testing.T) {
	t.Parallel()
	far := watchedWith(func(w *watched) { w.MultiHop = true })
	onEachWatchingRouter(t, far, func(t *testing.T, node *bgptest.Node, w watching) {
		t.Helper()
		is := far(node)
		defer filter(t, "prerouting", fmt.Sprintf("ip saddr %s udp dport 4784 ip ttl set 200", node.Addr4))()
		s, _ := newSessions(t, Options{})
		c := toWatched(is, node.Link)
		c.BFD.MinimumTTL = 254
		configure(t, s, nothing, c)
		awaitUp(t, s, "tor")
		c.BFD.MinimumTTL = 200
		const want = "packets from the router come with a TTL of 200 and are ignored: set minimumTtl of the BFDProfile, which is 254, to no more"
		eventually(t, 10*time.Second, func() (bool, string) {
			got, r := stateOf(s, "tor"), w.BFD(t)
			return got.BFD == "Down" && got.BFDProblem == want && r.State == "Init", fmt.Sprintf("%+v, %s: %+v", got, w.Name(), r)
		})
		configure(t, s, nothing, c)
		awaitBFD(t, s, w)
	})
}

func TestASessionThatBFDEndsAgainAndAgainWaits(t *testing.T) {
	t.Parallel()
	onEachWatchingRouter(t, watchedOn, func(t *testing.T, node *bgptest.Node, w watching) {
		t.Helper()
		s, _ := newSessions(t, Options{})
		configure(t, s, nothing, toWatched(watchedOn(node), node.Link))
		soonest := time.Hour
		for round := range maxReopened + 1 {
			awaitCalm(t, s, w)
			restore := drop(t, "input", node.Addr4)
			eventually(t, 5*time.Second, func() (bool, string) { return !stateOf(s, "tor").Up(), "the session stays up" })
			ended := time.Now()
			restore()
			awaitBFD(t, s, w)
			awaitUp(t, s, "tor")
			took := time.Since(ended)
			if round < maxReopened {
				soonest = min(soonest, took)
			} else if took < idleTime-time.Second {
				t.Errorf("after its loss %d the session was back in %s", round+1, took)
			}
		}
		if soonest >= idleTime-time.Second { // The router may wait as well.
			t.Errorf("the session was never back before %s had passed", soonest)
		}
	})
}
