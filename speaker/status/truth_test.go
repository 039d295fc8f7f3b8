// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/gobgp"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
	bgptest "metallb.io/metallb/test/bgp"
)

const (
	// rounds of faults, each of which strikes so many routers, and the routers.
	rounds, strikes, routers = 7, 6, 6
	// haste is how much faster than the world's the reporter's clock runs: its patience is longer than a test's.
	haste = 100
	// quiet is how long the world may take to come to rest.
	quiet = 30 * time.Second

	ourASN, rightASN, wrongASN = 64500, 64501, 64999
)

// hastyClock is a clock that is fast. The reporter uses no more of it than what is overridden.
type hastyClock struct {
	clock.RealClock
	began time.Time
}

func (c hastyClock) Now() time.Time { return c.began.Add(haste * time.Since(c.began)) }

func (c hastyClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c hastyClock) NewTimer(d time.Duration) clock.Timer { return c.RealClock.NewTimer(d / haste) }

// statuses returns what is told, by peer.
func (f *fakeStore) statuses() map[string]v1beta1.BGPSessionStateStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]v1beta1.BGPSessionStateStatus{}
	for _, o := range f.objects {
		all[o.Status.Peer] = o.Status
	}
	return all
}

// patient is a router, and what ails it.
type patient struct {
	bgptest.Router
	node     *bgptest.Node
	neighbor bgptest.Neighbor
	// config is the session's, and wanted whether there is to be one.
	config bgp.Peer
	wanted bool
	// prefixes are to be announced to it.
	prefixes          map[netip.Prefix]bool
	running, isLinked bool
}

// ailment is what the last error of the session must be like as long as it can not come up; empty if it can.
func (p *patient) ailment() string {
	switch {
	case !p.isLinked:
		return "hold timer expired|timed out|no route to host|unreachable|connection lost"
	case !p.running && p.config.Password != "":
		return "connection (refused|lost|reset)|timed out" // A refusal is not signed, and so not heard.
	case !p.running:
		return "connection (refused|lost|reset)"
	case p.neighbor.Password != p.config.Password:
		return "timed out"
	case p.neighbor.LocalASN != p.config.PeerASN:
		return fmt.Sprintf("peer ASN %d, expected %d", wrongASN, rightASN)
	default:
		return ""
	}
}

// clinic is the speaker's side.
type clinic struct {
	t        *testing.T
	random   *rand.Rand
	sessions *gobgp.Sessions
	table    *rib.Table
	reporter *Reporter
	store    *fakeStore
	patients map[string]*patient
	// history is what has happened, for a test that fails.
	history []string
}

func newClinic(t *testing.T, seed uint64) *clinic {
	t.Helper()
	c := &clinic{t: t, random: rand.New(rand.NewPCG(seed, seed)), patients: map[string]*patient{}, table: rib.NewTable()}
	fast := hastyClock{began: time.Now()}
	c.store = &fakeStore{node: thisNode, clock: clocktesting.NewFakeClock(fast.began), objects: map[string]v1beta1.BGPSessionState{}}
	c.reporter = NewReporter(Options{
		Node: thisNode, Sessions: func() []session.State { return c.sessions.States() }, Store: c.store, Clock: fast, Random: rand.Float64,
	})
	sessions, err := gobgp.New(gobgp.Options{Table: c.table, Clock: fast, OnChange: func(s session.State) { c.reporter.Observe(s) }})
	if err != nil {
		t.Fatal(err)
	}
	c.sessions = sessions
	var lab bgptest.Lab
	for i := range routers {
		c.admit(&lab, i)
	}
	c.configure()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = c.reporter.Start(ctx) })
	c.reporter.Situate(Situation{Node: nodeUID, Ready: true})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := sessions.Close(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("closing the sessions: %v", err)
		}
		if t.Failed() {
			t.Logf("seed %d; what happened:\n%s", seed, strings.Join(c.history, "\n"))
		}
	})
	return c
}

// admit makes a router: BIRD and FRR in turns, with IPv4 and IPv6.
func (c *clinic) admit(lab *bgptest.Lab, i int) {
	node := lab.NewNode(c.t)
	p := &patient{node: node, wanted: true, running: true, isLinked: true, prefixes: map[netip.Prefix]bool{}}
	p.neighbor = bgptest.Neighbor{Address: node.Test4, Local: node.Addr4, LocalASN: rightASN, PeerASN: ourASN, HoldTime: 3}
	if i%4 >= 2 {
		p.neighbor.Address, p.neighbor.Local = node.Test6, node.Addr6
	}
	make, name := bgptest.NewBIRD, "bird-"+strconv.Itoa(i)
	if i%2 == 1 {
		make, name = bgptest.NewFRR, "frr-"+strconv.Itoa(i)
	}
	p.config = bgp.Peer{
		Name: name, LocalASN: ourASN, PeerASN: rightASN, Address: p.neighbor.Local, Port: 179, Families: bgp.FamilyOf(p.neighbor.Local),
		RouterID: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), HoldTime: 9 * time.Second, KeepaliveTime: time.Second, ConnectTime: 2 * time.Second,
	}
	p.Router = make(c.t, node, p.neighbor)
	p.Start(c.t)
	c.patients[name] = p
}

// configure makes the speaker have the sessions that are wanted.
func (c *clinic) configure() {
	c.t.Helper()
	var configs []bgp.Peer
	for _, p := range c.patients {
		if p.wanted {
			configs = append(configs, p.config)
		}
	}
	c.sessions.Configure(configs)
	c.reporter.Situate(Situation{Node: nodeUID, Ready: true})
}

// prefix returns one of both families, of a few.
func (c *clinic) prefix() netip.Prefix {
	i := byte(c.random.IntN(20))
	if c.random.IntN(2) == 0 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, i}), 32)
	}
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: i}), 128)
}

// strike lets something happen to the router.
func (c *clinic) strike(p *patient) {
	c.t.Helper()
	type event struct {
		name string
		do   func()
	}
	events := []event{
		{"stops or starts", func() { p.setRunning(c.t, !p.running) }},
		{"changes its ASN", func() {
			p.neighbor.LocalASN = rightASN + wrongASN - p.neighbor.LocalASN
			p.reconfigure(c.t)
		}},
		{"changes its password", func() {
			p.neighbor.Password = []string{"", "s3cret"}[c.random.IntN(2)]
			p.reconfigure(c.t)
		}},
		{"has its password changed on this side", func() {
			p.config.Password = []string{"", "s3cret"}[c.random.IntN(2)]
			c.configure()
		}},
		{"loses its link or gets it back", func() {
			p.isLinked = !p.isLinked
			p.node.SetLink(c.t, p.isLinked)
		}},
		{"is told of a service", func() { c.announce(p, c.prefix(), c.prefix(), c.prefix()) }},
		{"is told of a service no more", func() { c.withdraw(p) }},
		{"is reset", func() {
			if p.running {
				p.Reset(c.t)
			}
		}},
	}
	if !raceDetector { // A server that is started while another runs: see package gobgp.
		events = append(events, event{"is deleted or made again", func() {
			p.wanted = !p.wanted
			c.configure()
		}})
	}
	e := events[c.random.IntN(len(events))]
	if (p.ailment() != "" || !p.wanted) && c.random.IntN(2) == 0 { // Or else all would ail before long.
		e = event{"recovers", func() { c.heal(p) }}
	}
	c.history = append(c.history, p.config.Name+" "+e.name)
	e.do()
}

// heal ends all that ails the router.
func (c *clinic) heal(p *patient) {
	c.t.Helper()
	if !p.isLinked {
		p.isLinked = true
		p.node.SetLink(c.t, true)
	}
	p.neighbor.LocalASN, p.neighbor.Password = rightASN, p.config.Password
	p.running = true
	p.reconfigure(c.t)
	if !p.wanted && !raceDetector {
		p.wanted = true
		c.configure()
	}
}

func (p *patient) setRunning(t *testing.T, running bool) {
	t.Helper()
	if p.running {
		p.Kill(t)
	}
	if running {
		// A router that starts listens before it has read its password, and keeps a connection without one that comes then.
		p.node.SetLink(t, false)
		p.Start(t)
		p.node.SetLink(t, p.isLinked)
	}
	p.running = running
}

// reconfigure has the router take up its configuration, if it runs.
func (p *patient) reconfigure(t *testing.T) {
	t.Helper()
	p.Configure(t, p.neighbor)
	p.setRunning(t, p.running)
}

func (c *clinic) announce(p *patient, prefixes ...netip.Prefix) {
	c.t.Helper()
	for _, prefix := range prefixes {
		p.prefixes[prefix] = true
	}
	c.apply(p)
}

// withdraw withdraws half of what is announced.
func (c *clinic) withdraw(p *patient) {
	c.t.Helper()
	for _, prefix := range slices.SortedFunc(maps.Keys(p.prefixes), netip.Prefix.Compare) {
		if c.random.IntN(2) == 0 {
			delete(p.prefixes, prefix)
		}
	}
	c.apply(p)
}

// apply makes the table what is to be announced to the router.
func (c *clinic) apply(p *patient) {
	paths := make([]rib.Path, 0, len(p.prefixes))
	for prefix := range p.prefixes {
		paths = append(paths, rib.Path{Prefix: prefix})
	}
	c.table.Set(p.config.Name, map[string][]rib.Path{p.config.Name: paths})
}

// lies returns in what the status of a session differs from what its router says, and from what must become of it.
func (c *clinic) lies(p *patient, told v1beta1.BGPSessionStateStatus, found bool) []string {
	c.t.Helper()
	var is bgptest.Session
	if p.running {
		is = p.Session(c.t)
	}
	ailment := p.ailment()
	if !p.wanted {
		if found || is.Up {
			return []string{fmt.Sprintf("is not wanted; told: %t, router says up: %t", found, is.Up)}
		}
		return nil
	}
	want := v1beta1.BGPSessionStateStatus{State: told.State}
	if is.Up {
		want = p.established(is)
	}
	var lies []string
	differ := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			lies = append(lies, fmt.Sprintf("%s is told to be %v, router says %v", what, got, want))
		}
	}
	differ("up", told.State == v1beta1.SessionEstablished, is.Up)
	differ("up by its ailment "+ailment, is.Up, ailment == "")
	differ("address", told.Address, p.config.Address)
	differ("local router ID", told.LocalRouterID, p.config.RouterID)
	differ("peer router ID", told.PeerRouterID, want.PeerRouterID)
	differ("number of IPv4 prefixes", told.AdvertisedIPv4, want.AdvertisedIPv4)
	differ("number of IPv6 prefixes", told.AdvertisedIPv6, want.AdvertisedIPv6)
	differ("families", told.Families, want.Families)
	if is.Up {
		differ("hold time", told.HoldTime, &metav1.Duration{Duration: is.HoldTime})
		differ("number of services", is.Routes, p.carried())
	}
	if ailment != "" && !regexp.MustCompile(ailment).MatchString(told.LastError) {
		lies = append(lies, fmt.Sprintf("last error is %q, must be like %q", told.LastError, ailment))
	}
	return lies
}

// established is what is to be told of a session that is up by its router's word.
func (p *patient) established(is bgptest.Session) v1beta1.BGPSessionStateStatus {
	want := v1beta1.BGPSessionStateStatus{PeerRouterID: "203.0.113.1", Families: nil}
	if p.Name() == "FRR" {
		want.PeerRouterID = "203.0.113.2"
	}
	if p.config.Address.Is4() {
		want.AdvertisedIPv4, want.Families = int64(is.Routes), append(want.Families, "IPv4")
	} else {
		want.AdvertisedIPv6, want.Families = int64(is.Routes), append(want.Families, "IPv6")
	}
	return want
}

// carried is how many prefixes the session is to carry.
func (p *patient) carried() (n int) {
	for prefix := range p.prefixes {
		if p.config.Families.Has(prefix.Addr()) {
			n++
		}
	}
	return n
}

// mustBeTrue waits until all that is told is true.
func (c *clinic) mustBeTrue() {
	c.t.Helper()
	deadline := time.After(quiet)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		all := c.store.statuses()
		var lies []string
		for _, name := range slices.Sorted(maps.Keys(c.patients)) {
			told, found := all[name]
			for _, lie := range c.lies(c.patients[name], told, found) {
				lies = append(lies, fmt.Sprintf("%s: %s (told: %+v)", name, lie, told))
			}
		}
		if len(lies) == 0 {
			return
		}
		select {
		case <-deadline:
			c.t.Fatalf("not true within %s:\n%s", quiet, strings.Join(lies, "\n"))
		case <-tick.C:
		}
	}
}

// Whatever befalls routers and configuration, what is told in the end is what BIRD and FRR say.
func TestAfterAnyFaultsTheStatusIsWhatTheRoutersSay(t *testing.T) {
	bgptest.Require(t)
	t.Parallel()
	seed := rand.Uint64()
	if fixed, err := strconv.ParseUint(os.Getenv("STATUS_SEED"), 10, 64); err == nil {
		seed = fixed
	}
	c := newClinic(t, seed)
	names := slices.Sorted(maps.Keys(c.patients))
	for _, name := range names {
		c.announce(c.patients[name], c.prefix(), c.prefix(), c.prefix(), c.prefix())
	}
	c.mustBeTrue()
	for round := range rounds {
		for range strikes {
			c.strike(c.patients[names[c.random.IntN(len(names))]])
		}
		began := time.Now()
		c.mustBeTrue()
		c.history = append(c.history, fmt.Sprintf("round %d: true after %s", round, time.Since(began).Round(100*time.Millisecond)))
	}
	t.Logf("%d faults; seed %d\n%s", rounds*strikes, seed, strings.Join(c.history, "\n"))
}
