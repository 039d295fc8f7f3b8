// SPDX-License-Identifier: Apache-2.0

//go:build linux

package bfd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"metallb.io/metallb/api/bgp"
	bgptest "metallb.io/metallb/test/bgp"
)

func TestMain(m *testing.M) {
	bgptest.Isolate()
	goleak.VerifyTestMain(m)
}

// lab makes the routers' namespaces.
var lab bgptest.Lab

// peer is a router whose packets the test makes.
type peer struct {
	t        *testing.T
	receiver *receiver
	sender   sender
	batch    *batch
	// read are packets that were read and not returned by next.
	read []arrival
}

// arrival is a packet that has come, and what the kernel says of it.
type arrival struct {
	packet packet
	ttl    int
	port   int
	from   netip.Addr
	to     netip.Addr
}

// newPeer is on the node, and sends from the address to the test's.
func newPeer(t *testing.T, node *bgptest.Node, from, to netip.Addr) *peer {
	t.Helper()
	p := &peer{t: t, batch: newBatch(), sender: sender{fd: -1}}
	node.Run(t, func() (err error) {
		if p.receiver, err = openReceiver(door{port: singleHopPort, six: !from.Is4()}, nil); err != nil {
			return err
		}
		return p.sender.open(Config{Peer: to, Source: from}, singleHopPort)
	})
	t.Cleanup(func() {
		p.sender.close()
		_ = unix.Close(p.receiver.fd)
	})
	return p
}

func (p *peer) send(octets []byte) {
	p.t.Helper()
	if _, err := unix.Write(p.sender.fd, octets); err != nil {
		p.t.Fatalf("sending: %v", err)
	}
}

// next waits for a packet.
func (p *peer) next() arrival {
	p.t.Helper()
	fds := []unix.PollFd{{Fd: int32(p.receiver.fd), Events: unix.POLLIN}}
	for begin := time.Now(); len(p.read) == 0; {
		if time.Since(begin) > 5*time.Second {
			p.t.Fatal("no packet has come")
		}
		if _, err := unix.Poll(fds, 50); err != nil && !errors.Is(err, unix.EINTR) {
			p.t.Fatal(err)
		}
		for i := range p.batch.read(p.receiver.fd) {
			d := p.batch.datagram(i, p.receiver.at.six)
			got, why := parse(d.payload)
			if why != accepted {
				p.t.Fatalf("the packet is wrong: %s", why)
			}
			port := p.batch.froms[i].Port>>8 | p.batch.froms[i].Port<<8
			p.read = append(p.read, arrival{packet: got, ttl: d.ttl, port: int(port), from: d.from, to: d.to})
		}
	}
	first := p.read[0]
	p.read = p.read[1:]
	return first
}

// raise answers until the session is up, and returns a packet that keeps it so.
func (p *peer) raise(s *Session) packet {
	p.t.Helper()
	first := p.next().packet
	up := from(Init)
	up.yours, up.desiredTransmit, up.requiredReceive = first.mine, 50*ms, time.Second
	p.send(wire(up))
	await(p.t, s, func(is Status) bool { return is.State == Up })
	up.state = Up
	p.send(wire(up))
	return up
}

// await waits for a status.
func await(t *testing.T, s *Session, met func(Status) bool) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(ms)
	defer tick.Stop()
	for !met(s.Status()) {
		select {
		case <-deadline:
			t.Fatalf("the status is %+v", s.Status())
		case <-tick.C:
		}
	}
}

func newTestSessions(t *testing.T, registerer prometheus.Registerer) *Sessions {
	t.Helper()
	s, err := New(registerer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

func ignoring(Status) {}

func TestPacketsThatAreNotWhatTheyShouldAreIgnoredAndCounted(t *testing.T) {
	bgptest.Require(t)
	node := lab.NewNode(t)
	stranger := node.Addr4.Next()
	node.Inside(t, func(there *netlink.Handle, eth0 netlink.Link) error {
		address, err := netlink.ParseAddr(stranger.String() + "/24")
		if err != nil {
			return err
		}
		return there.AddrAdd(eth0, address)
	})
	registry := prometheus.NewPedanticRegistry()
	sessions := newTestSessions(t, registry)
	p := newPeer(t, node, node.Addr4, node.Test4)
	s := sessions.Open(Config{Peer: node.Addr4, Profile: profile(100*ms, 2*time.Second, 3)}, ignoring)
	up := p.raise(s)

	changed := func(change func(*packet)) []byte {
		q := up
		change(&q)
		return wire(q)
	}
	flagged := func(flag byte) []byte {
		b := wire(up)
		b[1] |= flag
		return b
	}
	tests := []struct {
		octets []byte
		why    reason
	}{
		{[]byte("BFD?"), badLength},
		{append([]byte{0x40}, wire(up)[1:]...), badVersion},
		{changed(func(q *packet) { q.multiplier = 0 }), badMultiplier},
		{flagged(bitMultipoint), multipoint},
		{flagged(bitAuthentication), authenticated},
		{changed(func(q *packet) { q.yours++; q.state = Down }), noSession},
		{changed(func(q *packet) { q.yours = 0 }), badDiscriminator},
		{changed(func(q *packet) { q.mine = 0 }), badDiscriminator},
		{changed(func(q *packet) { q.mine++ }), badDiscriminator},
	}
	want := map[reason]int{}
	for _, tt := range tests {
		p.send(tt.octets)
		want[tt.why]++
	}
	if err := unix.SetsockoptInt(p.sender.fd, unix.IPPROTO_IP, unix.IP_TTL, 254); err != nil {
		t.Fatal(err)
	}
	p.send(changed(func(q *packet) { q.state = Down }))
	want[badTTL]++
	other := &peer{t: t, sender: sender{fd: -1}}
	node.Run(t, func() error { return other.sender.open(Config{Peer: node.Test4, Source: stranger}, singleHopPort) })
	defer other.sender.close()
	other.send(changed(func(q *packet) { q.state = AdminDown }))
	want[noSession]++

	for why, n := range want {
		deadline := time.Now().Add(5 * time.Second)
		for int(sessions.ignored[why].Load()) != n {
			if time.Now().After(deadline) {
				t.Fatalf("%d packets are ignored for their %s, want %d", sessions.ignored[why].Load(), why, n)
			}
			<-time.After(ms)
		}
	}
	if is := s.Status(); is.State != Up || s.counts.received.Load() != 2 {
		t.Errorf("the session is %+v after %d packets", is, s.counts.received.Load())
	}
	if n, err := testutil.GatherAndCount(registry, "metallb_bfd_control_packets_ignored_total"); err != nil || n != int(reasons)-1 {
		t.Errorf("%d series (%v)", n, err)
	}
}

func TestPacketsAreSentAsTheRFCsSay(t *testing.T) {
	bgptest.Require(t)
	node := lab.NewNode(t)
	for name, at := range map[string]struct{ from, to netip.Addr }{"IPv4": {node.Addr4, node.Test4}, "IPv6": {node.Addr6, node.Test6}} {
		t.Run(name, func(t *testing.T) {
			sessions := newTestSessions(t, nil)
			p := newPeer(t, node, at.from, at.to)
			sessions.Open(Config{Peer: at.from, Profile: profile(100*ms, 100*ms, 3)}, ignoring)
			d := p.next()
			first := d.packet
			if d.ttl != mostTTL || d.from != at.to || d.to != at.from {
				t.Errorf("it has TTL %d, from %s to %s", d.ttl, d.from, d.to)
			}
			if d.port < firstSource {
				t.Errorf("it comes from port %d", d.port)
			}
			if first.state != Down || first.mine == 0 || first.yours != 0 || first.requiredEcho != 0 || first.demand {
				t.Errorf("it is %+v", first)
			}
		})
	}
}

// A process that was stopped for a while, or a machine, has packets in its sockets.
func TestAPeerThatHasSentMeanwhileIsNotGivenUp(t *testing.T) {
	bgptest.Require(t)
	node := lab.NewNode(t)
	sessions := newTestSessions(t, nil)
	p := newPeer(t, node, node.Addr4, node.Test4)
	var mu sync.Mutex
	var seen []State
	s := sessions.Open(Config{Peer: node.Addr4, Profile: profile(100*ms, 100*ms, 3)}, func(is Status) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, is.State)
	})
	up := p.raise(s)
	await(t, s, func(is Status) bool { return is.DetectionTime == 300*ms })

	stopped, goOn := make(chan struct{}), make(chan struct{})
	sessions.do(func(*loop) {
		close(stopped)
		<-goOn
	})
	<-stopped
	for range 10 {
		<-time.After(100 * ms)
		p.send(wire(up))
	}
	received := s.counts.received.Load()
	close(goOn)
	deadline := time.Now().Add(5 * time.Second)
	for s.counts.received.Load() < received+10 {
		if time.Now().After(deadline) {
			t.Fatalf("%d packets of 10 are read", s.counts.received.Load()-received)
		}
		<-time.After(ms)
	}
	mu.Lock()
	if last := seen[len(seen)-1]; last != Up {
		t.Errorf("the session is %s; it was %v", last, seen)
	}
	mu.Unlock()
	await(t, s, func(is Status) bool { return is.State == Down && is.Diagnostic == TimeExpired })
}

func TestTheRoutesSayHowFarAwayAPeerIs(t *testing.T) {
	bgptest.Require(t)
	node := lab.NewNode(t)
	link, err := netlink.LinkByName(node.Link)
	if err != nil {
		t.Fatal(err)
	}
	distant := netip.MustParsePrefix("203.0.113.0/24")
	destination := &net.IPNet{IP: distant.Addr().AsSlice(), Mask: net.CIDRMask(distant.Bits(), 32)}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: destination, Gw: node.Addr4.AsSlice()}); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		config Config
		want   Reach
	}{
		"on a link":               {Config{Peer: node.Addr4, Reach: Either}, SingleHop},
		"on a link, IPv6":         {Config{Peer: node.Addr6, Reach: Either}, SingleHop},
		"link-local":              {Config{Peer: netip.MustParseAddr("fe80::1%" + node.Link), Reach: Either}, SingleHop},
		"behind a gateway":        {Config{Peer: distant.Addr().Next(), Reach: Either}, MultiHop},
		"on a link, but not said": {Config{Peer: node.Addr4, Reach: MultiHop}, MultiHop},
	}
	for name, tt := range tests {
		if got, err := reach(tt.config); err != nil || got != tt.want {
			t.Errorf("%s: %d (%v), want %d", name, got, err, tt.want)
		}
	}
}

func TestAPacketCostsNoAllocation(t *testing.T) {
	bgptest.Require(t)
	node := lab.NewNode(t)
	sessions := newTestSessions(t, nil)
	p := newPeer(t, node, node.Addr4, node.Test4)
	s := sessions.Open(Config{Peer: node.Addr4, Profile: profile(10*ms, 10*ms, 200)}, ignoring)
	up := p.raise(s)
	up.poll = true // So that each is answered.
	octets := wire(up)
	allocations := make(chan float64)
	sessions.do(func(l *loop) {
		allocations <- testing.AllocsPerRun(200, func() {
			_, _ = unix.Write(p.sender.fd, octets)
			l.turn()
		})
	})
	if n := <-allocations; n != 0 {
		t.Errorf("%.1f allocations", n)
	}
	if n := s.counts.sent.Load(); n < 200 {
		t.Errorf("%d packets were sent", n)
	}
}

func TestWithoutSessionsThereIsNeitherASocketNorAGoroutine(t *testing.T) {
	bgptest.Require(t)
	node := lab.NewNode(t)
	descriptors := func() int {
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(files)
	}
	open := func(sessions *Sessions, c Config) {
		s := sessions.Open(c, ignoring)
		await(t, s, func(is Status) bool { return is.Problem != "" })
		s.Close()
		s.Close()
	}
	sessions := newTestSessions(t, nil)
	before := descriptors()
	for range 3 {
		open(sessions, Config{Peer: node.Addr4, Profile: profile(100*ms, 100*ms, 3)})
		open(sessions, Config{Peer: node.Addr6, Profile: profile(100*ms, 100*ms, 3), Reach: MultiHop})
	}
	await(t, &Session{}, func(Status) bool { return descriptors() == before })
	goleak.VerifyNone(t)
}

func TestWhyASessionCannotBeIsToldInWords(t *testing.T) {
	bgptest.Require(t)
	node := lab.NewNode(t)
	tests := map[string]struct {
		config Config
		want   string
	}{
		"the router is mute": {
			Config{Peer: node.Addr4.Next(), Profile: profile(100*ms, 100*ms, 3)},
			"nothing is heard from the router: is BFD enabled on it for this node?",
		},
		"the router has no BFD": {Config{Peer: node.Addr4, Profile: profile(100*ms, 100*ms, 3)}, refused},
		"there is no such interface": {
			Config{Peer: netip.MustParseAddr("fe80::1%nowhere"), Profile: profile(100*ms, 100*ms, 3)}, "interface nowhere is not on this node",
		},
		"the source is not here": {
			Config{Peer: node.Addr4, Source: netip.MustParseAddr("192.0.2.1"), Profile: profile(100*ms, 100*ms, 3)}, "source address 192.0.2.1 is not on this node",
		},
		"there is no route": {
			Config{Peer: netip.MustParseAddr("192.0.2.1"), Reach: Either, Profile: profile(100*ms, 100*ms, 3)}, "no route to the router: network is unreachable",
		},
		"echo is wanted": {
			Config{Peer: node.Addr6, Profile: bgp.BFDProfile{Echo: true, TransmitInterval: 100 * ms, ReceiveInterval: 100 * ms, DetectMultiplier: 3, Passive: true}}, echoRefused,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sessions := newTestSessions(t, nil)
			s := sessions.Open(tt.config, ignoring)
			await(t, s, func(is Status) bool { return is.Why() == tt.want })
		})
	}
}

func TestAPortThatAnotherProgramHasIsNamedAndTakenWhenItIsFree(t *testing.T) {
	bgptest.Require(t)
	node := lab.NewNode(t)
	taken, err := openReceiver(door{port: singleHopPort}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sessions := newTestSessions(t, nil)
	p := newPeer(t, node, node.Addr4, node.Test4)
	s := sessions.Open(Config{Peer: node.Addr4, Profile: profile(100*ms, 100*ms, 3)}, ignoring)
	want := fmt.Sprintf("UDP port %d is taken by another program of this node, such as another BFD daemon: stop one of them", singleHopPort)
	await(t, s, func(is Status) bool { return is.Why() == want })
	if err := unix.Close(taken.fd); err != nil {
		t.Fatal(err)
	}
	p.raise(s)
}

// A router knows sessions by their addresses: it must not hear of one that has ended and of one that begins in turns.
func TestASessionThatBeginsAgainIsNotDisturbedByTheFormerOnesFarewell(t *testing.T) {
	bgptest.Require(t)
	node := lab.NewNode(t)
	sessions := newTestSessions(t, nil)
	p := newPeer(t, node, node.Addr4, node.Test4)
	c := Config{Peer: node.Addr4, Profile: profile(300*ms, 300*ms, 3)}
	former := sessions.Open(c, ignoring)
	p.raise(former)
	mine := former.machine.mine
	former.Close()
	sessions.Open(c, ignoring)
	farewells := 0
	for {
		got := p.next().packet
		if got.mine != mine {
			break
		}
		if got.state == AdminDown {
			farewells++
		}
	}
	if farewells != 1 {
		t.Errorf("the end was told %d times before the next session began", farewells)
	}
	for range 2 {
		if got := p.next().packet; got.mine == mine {
			t.Errorf("after that the former session says %s", got.state)
		}
	}
}

// Without a descriptor there is no loop, which could tell of a session or end it.
func TestASessionThatCannotBeginSaysWhyAndHasNoMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	sessions := newTestSessions(t, registry)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	s := sessions.Open(Config{Peer: netip.MustParseAddr("127.0.0.1"), Profile: profile(100*ms, 100*ms, 3)}, ignoring)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Status().Why(), "eventfd2: too many open files"; got != want {
		t.Errorf("the session says %q, want %q", got, want)
	}
	s.Close()
	if n, err := testutil.GatherAndCount(registry); err != nil || n != 0 {
		t.Errorf("%d series of a session that never began (%v)", n, err)
	}
}
