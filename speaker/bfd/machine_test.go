// SPDX-License-Identifier: Apache-2.0

package bfd

import (
	"math/rand/v2"
	"testing"
	"time"

	"metallb.io/metallb/api/bgp"
)

const (
	own, peers = 11, 22
	ms         = time.Millisecond
)

func profile(transmit, receive time.Duration, multiplier uint8) bgp.BFDProfile {
	return bgp.BFDProfile{TransmitInterval: transmit, ReceiveInterval: receive, DetectMultiplier: multiplier, MinimumTTL: 254}
}

func testMachine(p bgp.BFDProfile) *machine {
	m := newMachine(own, p, rand.New(rand.NewPCG(1, 2)), 0)
	return &m
}

// from is a packet of a peer that sends and wants one every 100 ms.
func from(s State) packet {
	return packet{state: s, multiplier: 3, mine: peers, yours: own, desiredTransmit: 100 * ms, requiredReceive: 100 * ms}
}

// sent returns all packets that are to be sent now.
func sent(m *machine, now time.Duration) []packet {
	var packets []packet
	for {
		p, found := m.send(now)
		if !found {
			return packets
		}
		packets = append(packets, p)
	}
}

// raise brings the session up at the time, and its timers into use.
func raise(t *testing.T, m *machine, now time.Duration) {
	t.Helper()
	m.receivePacket(from(Init), now)
	sent(m, now)
	confirming := from(Up)
	confirming.final = true
	m.receivePacket(confirming, now)
	sent(m, now)
	if m.state != Up || m.polling {
		t.Fatalf("the session is %s, polling: %t", m.state, m.polling)
	}
}

// RFC 5880 section 6.8.6: the table of states that the peer says it has, in each state of this side.
func TestTheStateFollowsThePeers(t *testing.T) {
	t.Parallel()
	begin := map[State][]State{Down: nil, Init: {Down}, Up: {Down, Up}}
	tests := map[State]map[State]State{
		Down: {AdminDown: Down, Down: Init, Init: Up, Up: Down},
		Init: {AdminDown: Down, Down: Init, Init: Up, Up: Up},
		Up:   {AdminDown: Down, Down: Down, Init: Up, Up: Up},
	}
	for in, row := range tests {
		for remote, want := range row {
			m := testMachine(profile(100*ms, 100*ms, 3))
			for _, s := range begin[in] {
				m.receivePacket(from(s), 0)
			}
			sent(m, 0)
			if m.state != in {
				t.Fatalf("the session is %s, not %s", m.state, in)
			}
			m.receivePacket(from(remote), ms)
			if m.state != want {
				t.Errorf("in %s a packet with %s leads to %s, not %s", in, remote, m.state, want)
			}
			if told := sent(m, ms); (want != in) != (len(told) == 1) {
				t.Errorf("from %s to %s: the peer was told %d times", in, want, len(told))
			}
			if in == Up && want == Down && m.diagnostic != NeighborSignals {
				t.Errorf("after %s the diagnostic is %s", remote, m.diagnostic)
			}
		}
	}
}

func TestASessionThatIsNotUpSendsOnceASecond(t *testing.T) {
	t.Parallel()
	m := testMachine(profile(50*ms, 50*ms, 3))
	last, packets := time.Duration(0), 0
	for now := time.Duration(0); now < time.Minute; now += ms {
		for _, p := range sent(m, now) {
			if p.desiredTransmit != time.Second || p.yours != 0 || p.state != Down || p.poll {
				t.Fatalf("the packet is %+v", p)
			}
			if gap := now - last; packets > 0 && (gap < 750*ms || gap > 1001*ms) {
				t.Fatalf("%s between two packets", gap)
			}
			last = now
			packets++
		}
	}
	if packets < 60 || packets > 80 {
		t.Errorf("%d packets in a minute", packets)
	}
}

func TestTheJitterIsAQuarterAndATenthAtLeastWhenOnePacketIsAllThereIs(t *testing.T) {
	t.Parallel()
	for multiplier, most := range map[uint8]time.Duration{1: 90 * ms, 2: 100 * ms, 3: 100 * ms} {
		m := testMachine(profile(100*ms, 100*ms, multiplier))
		least, longest := time.Hour, time.Duration(0)
		for range 10_000 {
			d := m.jittered(100 * ms)
			least, longest = min(least, d), max(longest, d)
		}
		if least < 75*ms || least > 76*ms || longest > most || longest < most-ms {
			t.Errorf("multiplier %d: from %s to %s", multiplier, least, longest)
		}
	}
}

func TestTheIntervalIsWhatBothSidesCanDo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		profile                   bgp.BFDProfile
		remoteTransmit, remoteMin time.Duration
		remoteMultiplier          uint8
		wantInterval, wantDetect  time.Duration
	}{
		"both alike":                 {profile(100*ms, 100*ms, 3), 100 * ms, 100 * ms, 3, 100 * ms, 300 * ms},
		"the peer wants less":        {profile(50*ms, 100*ms, 3), 100 * ms, 200 * ms, 3, 200 * ms, 300 * ms},
		"the peer sends less":        {profile(50*ms, 100*ms, 3), 400 * ms, 10 * ms, 3, 50 * ms, 1200 * ms},
		"this side wants less":       {profile(50*ms, 500*ms, 3), 100 * ms, 10 * ms, 3, 50 * ms, 1500 * ms},
		"the multiplier is a peer's": {profile(50*ms, 100*ms, 3), 100 * ms, 10 * ms, 5, 50 * ms, 500 * ms},
	}
	for name, tt := range tests {
		m := testMachine(tt.profile)
		raise(t, m, 0)
		p := from(Up)
		p.desiredTransmit, p.requiredReceive, p.multiplier = tt.remoteTransmit, tt.remoteMin, tt.remoteMultiplier
		m.receivePacket(p, ms)
		if m.interval() != tt.wantInterval || m.detectionTime() != tt.wantDetect {
			t.Errorf("%s: interval %s, detection time %s", name, m.interval(), m.detectionTime())
		}
	}
}

// RFC 5880 section 6.8.3: with slower packets, and with fewer expected, a side waits until the other has confirmed that it knows.
func TestIntervalsThatChangeAreConfirmedByThePeer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		to                         bgp.BFDProfile
		wantInterval, wantDetect   time.Duration // before the peer has confirmed
		afterInterval, afterDetect time.Duration
	}{
		"faster sending at once":   {profile(120*ms, 200*ms, 3), 120 * ms, 600 * ms, 120 * ms, 600 * ms},
		"slower sending later":     {profile(400*ms, 200*ms, 3), 200 * ms, 600 * ms, 400 * ms, 600 * ms},
		"slower receiving at once": {profile(200*ms, 400*ms, 3), 200 * ms, 1200 * ms, 200 * ms, 1200 * ms},
		"faster receiving later":   {profile(200*ms, 110*ms, 3), 200 * ms, 600 * ms, 200 * ms, 330 * ms},
	}
	for name, tt := range tests {
		m := testMachine(profile(200*ms, 200*ms, 3))
		raise(t, m, 0)
		m.configure(tt.to, 10*ms)
		if m.interval() != tt.wantInterval || m.detectionTime() != tt.wantDetect {
			t.Errorf("%s: interval %s and detection time %s before the peer has confirmed", name, m.interval(), m.detectionTime())
		}
		packets := sent(m, 300*ms)
		if len(packets) != 1 || !packets[0].poll || packets[0].desiredTransmit != tt.to.TransmitInterval || packets[0].requiredReceive != tt.to.ReceiveInterval {
			t.Fatalf("%s: the peer is sent %+v", name, packets)
		}
		m.receivePacket(from(Up), 310*ms)
		if !m.polling {
			t.Errorf("%s: a packet without Final confirms", name)
		}
		p := from(Up)
		p.final = true
		m.receivePacket(p, 320*ms)
		if m.polling || m.interval() != tt.afterInterval || m.detectionTime() != tt.afterDetect {
			t.Errorf("%s: interval %s and detection time %s after the peer has confirmed, polling: %t", name, m.interval(), m.detectionTime(), m.polling)
		}
		m.configure(tt.to, 330*ms)
		if m.polling {
			t.Errorf("%s: nothing has changed, and the peer is asked", name)
		}
	}
}

func TestAChangeDuringAPollIsConfirmedByAnother(t *testing.T) {
	t.Parallel()
	m := testMachine(profile(200*ms, 200*ms, 3))
	raise(t, m, 0)
	m.configure(profile(500*ms, 100*ms, 3), 10*ms)
	sent(m, 300*ms)
	m.configure(profile(800*ms, 150*ms, 3), 310*ms)
	final := from(Up)
	final.final = true
	m.receivePacket(final, 320*ms)
	if !m.polling || m.interval() != 500*ms || m.detectionTime() != 450*ms {
		t.Errorf("polling: %t, interval %s, detection time %s", m.polling, m.interval(), m.detectionTime())
	}
	m.receivePacket(final, 330*ms)
	if m.polling || m.interval() != 800*ms || m.detectionTime() != 450*ms {
		t.Errorf("at the end polling: %t, interval %s, detection time %s", m.polling, m.interval(), m.detectionTime())
	}
}

func TestAPollIsAnsweredAtOnceWhateverTheTimers(t *testing.T) {
	t.Parallel()
	m := testMachine(profile(100*ms, 100*ms, 3))
	raise(t, m, 0)
	due := m.due
	p := from(Up)
	p.poll = true
	m.receivePacket(p, ms)
	if next := m.next(); next != 0 {
		t.Errorf("the answer is due at %s", next)
	}
	packets := sent(m, ms)
	if len(packets) != 1 || !packets[0].final || packets[0].poll {
		t.Errorf("the answer is %+v", packets)
	}
	if m.due != due {
		t.Error("the answer took the place of a periodic packet")
	}
}

func TestComingUpIsFollowedByAPollForTheFasterInterval(t *testing.T) {
	t.Parallel()
	m := testMachine(profile(50*ms, 50*ms, 3))
	sent(m, 0)
	m.receivePacket(from(Down), 10*ms)
	if p := sent(m, 10*ms); len(p) != 1 || p[0].state != Init || p[0].yours != peers || p[0].desiredTransmit != time.Second {
		t.Fatalf("the answer is %+v", p)
	}
	m.receivePacket(from(Up), 20*ms)
	if p := sent(m, 20*ms); len(p) != 1 || p[0].state != Up || !p[0].poll || p[0].desiredTransmit != 50*ms {
		t.Fatalf("the answer is %+v", p)
	}
	if next := m.next(); next < 20*ms+75*ms || next > 20*ms+100*ms {
		t.Errorf("the next packet is due at %s", next)
	}
}

func TestSilenceForTheDetectionTimeIsAFailure(t *testing.T) {
	t.Parallel()
	m := testMachine(profile(100*ms, 100*ms, 3))
	raise(t, m, 10*ms)
	m.tick(309 * ms)
	sent(m, 309*ms)
	if m.state != Up {
		t.Fatal("the peer is given up too early")
	}
	m.tick(310 * ms)
	if m.state != Down || m.diagnostic != TimeExpired {
		t.Fatalf("the session is %s, %s", m.state, m.diagnostic)
	}
	if p := sent(m, 310*ms); len(p) != 1 || p[0].state != Down || p[0].diagnostic != TimeExpired || p[0].yours != peers || p[0].desiredTransmit != time.Second {
		t.Errorf("the peer is told %+v", p)
	}
	if p := sent(m, 2*time.Second); len(p) != 1 || p[0].yours != 0 {
		t.Errorf("a peer that is forgotten is told %+v", p)
	}
}

func TestWhatOneWhoIsGivenUpSaysLaterBeginsAnew(t *testing.T) {
	t.Parallel()
	m := testMachine(profile(100*ms, 100*ms, 3))
	raise(t, m, 0)
	m.tick(time.Second)
	sent(m, time.Second)
	m.receivePacket(from(Up), 2*time.Second)
	if m.state != Down {
		t.Errorf("a peer that does not know yet makes the session %s", m.state)
	}
	p := from(Down)
	p.mine, p.yours = 33, 0
	m.receivePacket(p, 3*time.Second)
	if m.state != Init || m.theirs != 33 {
		t.Errorf("the session is %s with %d", m.state, m.theirs)
	}
}

func TestAReplayedPacketOfAnEarlierPeerChangesNothing(t *testing.T) {
	t.Parallel()
	for _, s := range []State{Init, Up} {
		m := testMachine(profile(100*ms, 100*ms, 3))
		raise(t, m, 0)
		p := from(s)
		p.mine = 33
		before := *m
		if why := m.receivePacket(p, 50*ms); why != badDiscriminator || *m != before {
			t.Errorf("%s: %s, %+v", s, why, m)
		}
	}
}

func TestAPassiveSessionWaitsForThePeer(t *testing.T) {
	t.Parallel()
	passive := profile(100*ms, 100*ms, 3)
	passive.Passive = true
	m := testMachine(passive)
	if p := sent(m, 10*time.Second); len(p) != 0 || m.next() != never {
		t.Errorf("the session sends %+v, and next at %s", p, m.next())
	}
	m.receivePacket(from(Down), 11*time.Second)
	if p := sent(m, 11*time.Second); len(p) != 1 || p[0].state != Init {
		t.Errorf("the answer is %+v", p)
	}
	m.receivePacket(from(Up), 11*time.Second)
	sent(m, 11*time.Second)
	m.tick(20 * time.Second)
	if p := sent(m, 20*time.Second); len(p) != 1 || p[0].yours != peers {
		t.Errorf("a peer that is given up is told %+v", p)
	}
	if p := sent(m, 30*time.Second); len(p) != 0 {
		t.Errorf("a peer that is forgotten is told %+v", p)
	}
}

func TestAPeerThatWantsNoPacketsGetsNone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*packet){
		"by its interval": func(p *packet) { p.requiredReceive = 0 },
		"by demand mode":  func(p *packet) { p.demand = true },
	} {
		m := testMachine(profile(100*ms, 100*ms, 3))
		raise(t, m, 0)
		p := from(Up)
		change(&p)
		m.receivePacket(p, 200*ms)
		if packets := sent(m, 400*ms); len(packets) != 0 {
			t.Errorf("%s: it gets %+v", name, packets)
		}
		p.poll = true
		m.receivePacket(p, 410*ms)
		if packets := sent(m, 410*ms); len(packets) != 1 || !packets[0].final {
			t.Errorf("%s: to its question it gets %+v", name, packets)
		}
		if name == "by demand mode" {
			m.configure(profile(90*ms, 100*ms, 3), 420*ms)
			if packets := sent(m, time.Second); len(packets) != 1 || !packets[0].poll {
				t.Errorf("of a change it is told by %+v", packets)
			}
		}
	}
}

func TestASessionThatIsDisabledTellsThePeerAsLongAsItTakes(t *testing.T) {
	t.Parallel()
	m := testMachine(profile(100*ms, 100*ms, 3))
	raise(t, m, 0)
	m.disable(50 * ms)
	told := 0
	for now := 50 * ms; !m.over(); now += ms {
		for _, p := range sent(m, now) {
			if p.state != AdminDown || p.diagnostic != Administrative || p.yours != peers || p.poll || p.final {
				t.Fatalf("the peer is told %+v", p)
			}
			if told == 0 && now != 50*ms {
				t.Error("the first packet is late")
			}
			told++
		}
		if now > 400*ms {
			t.Fatal("the session does not end")
		}
	}
	if told != 3 {
		t.Errorf("the peer is told %d times", told)
	}
	if why := m.receivePacket(from(Up), 500*ms); why != noSession {
		t.Errorf("a session that is disabled takes packets: %s", why)
	}

	t.Log("a peer that nobody has heard is told nothing")
	quiet := testMachine(profile(100*ms, 100*ms, 3))
	quiet.disable(0)
	if p := sent(quiet, 0); len(p) != 0 || !quiet.over() {
		t.Errorf("it is told %+v, over: %t", p, quiet.over())
	}
}

func TestAPeerThatDisablesItsSessionHasNotFailed(t *testing.T) {
	t.Parallel()
	for remote, failed := range map[State]bool{AdminDown: false, Down: true} {
		before := Status{State: Up}
		after := Status{State: Down, Diagnostic: NeighborSignals, RemoteState: remote}
		if after.Failed(before) != failed || after.Why() == "" {
			t.Errorf("a peer that is %s has failed: %t, %q", remote, !failed, after.Why())
		}
		if again := (Status{State: Init}); after.Failed(again) {
			t.Errorf("a session that was not up has failed")
		}
	}
}

// side is one end of a simulated link.
type side struct {
	machine *machine
	inbox   []letter
	wakes   time.Duration
}

// letter is a packet on its way.
type letter struct {
	packet packet
	at     time.Duration
}

// A day of two sides of which each is late by up to 40 ms whenever it is to do something, on a link that delays by up to 3 ms.
func TestADayOfJitterIsNoFailure(t *testing.T) {
	t.Parallel()
	const day, late, delay = 24 * time.Hour, 40 * ms, 3 * ms
	random := rand.New(rand.NewPCG(3, 4))
	var sides [2]side
	for i := range sides {
		m := newMachine(uint32(i+1), profile(50*ms, 50*ms, 3), rand.New(rand.NewPCG(uint64(i), 5)), 0)
		sides[i].machine = &m
	}
	var exchanged, ups int
	for now := time.Duration(0); now < day; now = min(sides[0].wakes, sides[1].wakes) {
		for i := range sides {
			s, other := &sides[i], &sides[1-i]
			if s.wakes > now {
				continue
			}
			was := s.machine.state
			for len(s.inbox) > 0 && s.inbox[0].at <= now {
				s.machine.receivePacket(s.inbox[0].packet, now)
				s.inbox = s.inbox[1:]
			}
			s.machine.tick(now)
			switch is := s.machine.state; {
			case is == Up && was != Up:
				ups++
			case was == Up && is != Up:
				t.Fatalf("the session is %s at %s: %s", is, now, s.machine.diagnostic)
			}
			for _, p := range sent(s.machine, now) {
				exchanged++
				arrives := now + time.Duration(random.Int64N(int64(delay)))
				other.inbox = append(other.inbox, letter{p, arrives})
				other.wakes = min(other.wakes, max(arrives, now))
			}
			s.wakes = max(s.machine.next(), now) + time.Duration(random.Int64N(int64(late)))
		}
	}
	if ups != 2 || exchanged < 2_000_000 {
		t.Errorf("%d packets, and the session came up %d times on both sides together", exchanged, ups)
	}
}
