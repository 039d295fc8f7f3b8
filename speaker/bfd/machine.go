// SPDX-License-Identifier: Apache-2.0

package bfd

import (
	"math"
	"math/rand/v2"
	"time"

	"metallb.io/metallb/api/bgp"
)

const (
	// slow is the least interval between packets while the session is not up (RFC 5880 section 6.8.3).
	slow = time.Second
	// unheard is the interval in which a peer that has not said so wants packets: any (RFC 5880 section 6.8.1).
	unheard = time.Microsecond
	// longestFarewell bounds for how long a peer is told that the session is disabled.
	longestFarewell = time.Second
	// never is the time of what is not to happen.
	never time.Duration = math.MaxInt64
)

// machine is one session (RFC 5880 section 6.8). All times are since one fixed moment, and must not go back.
type machine struct {
	profile bgp.BFDProfile
	random  *rand.Rand

	state      State
	diagnostic Diagnostic
	// mine and theirs are the discriminators of this side and of the peer; theirs is 0 while it is not known.
	mine, theirs uint32

	// What the peer said in its last packet.
	remoteState                    State
	remoteDiagnostic               Diagnostic
	remoteTransmit, remoteReceive  time.Duration
	remoteMultiplier               uint8
	remoteDemand                   bool
	heard                          time.Duration // when it came; never if none has
	forgetting                     bool          // whether the peer is forgotten with the next packet
	transmit, receive              time.Duration // the intervals in use, which follow the profile by the rules of section 6.8.3
	polling                        bool
	polledTransmit, polledReceive  time.Duration // what the peer is asked to confirm
	due, sent                      time.Duration // when the next periodic packet is due, and when the last was sent
	urgent, answering              bool          // whether a packet is to be sent at once, and an answer to a Poll
	farewells                      int           // how many packets still tell that the session is disabled
	farewellInterval, farewellTime time.Duration
}

// newMachine makes a session that is down, which sends its first packet at once.
func newMachine(mine uint32, p bgp.BFDProfile, random *rand.Rand, now time.Duration) machine {
	m := machine{profile: p, random: random, mine: mine, state: Down, due: now}
	m.forget()
	m.transmit, m.receive = m.desiredTransmit(), p.ReceiveInterval
	return m
}

// desiredTransmit is the interval that the peer is told of.
func (m *machine) desiredTransmit() time.Duration {
	if m.state != Up {
		return max(m.profile.TransmitInterval, slow)
	}
	return m.profile.TransmitInterval
}

// interval is the one between periodic packets, without jitter (RFC 5880 section 6.8.2).
func (m *machine) interval() time.Duration { return max(m.transmit, m.remoteReceive) }

// detectionTime is after which silence the peer is given up (RFC 5880 section 6.8.4); 0 before it has said anything.
func (m *machine) detectionTime() time.Duration {
	return time.Duration(m.remoteMultiplier) * max(m.receive, m.remoteTransmit)
}

// expires is when the peer is given up.
func (m *machine) expires() time.Duration {
	if m.heard == never {
		return never
	}
	return m.heard + m.detectionTime()
}

// receivePacket takes a packet that is for this session, and says if it is to be ignored.
func (m *machine) receivePacket(p packet, now time.Duration) reason {
	if m.state == AdminDown {
		return noSession
	}
	if p.mine == m.mine {
		return badDiscriminator // It is one of this side.
	}
	// A peer that begins anew says that it is down. One that goes on has the discriminator that it had: others are replays.
	if m.state == Up && p.mine != m.theirs && p.state != Down && p.state != AdminDown {
		return badDiscriminator
	}
	m.theirs, m.forgetting = p.mine, false
	m.remoteState, m.remoteDiagnostic, m.remoteDemand = p.state, p.diagnostic, p.demand
	m.remoteTransmit, m.remoteReceive, m.remoteMultiplier = p.desiredTransmit, p.requiredReceive, p.multiplier
	m.heard = now
	if p.final && m.polling {
		m.confirmed()
	}
	m.answering = m.answering || p.poll
	m.follow(p.state)
	m.hasten(now)
	return accepted
}

// follow changes the state as the peer's demands (RFC 5880 section 6.8.6).
func (m *machine) follow(remote State) {
	switch {
	case remote == AdminDown, remote == Down && m.state == Up:
		if m.state != Down {
			m.enter(Down, NeighborSignals)
		}
	case remote == Down && m.state == Down:
		m.enter(Init, m.diagnostic)
	case remote == Init, remote == Up && m.state == Init:
		if m.state != Up {
			m.enter(Up, NoDiagnostic)
		}
	}
}

// enter changes the state. The peer is told at once (RFC 5880 section 6.8.7).
func (m *machine) enter(s State, why Diagnostic) {
	told := m.desiredTransmit()
	m.state, m.diagnostic, m.urgent = s, why, true
	if s != Up {
		m.polling = false
		m.transmit, m.receive = m.desiredTransmit(), m.profile.ReceiveInterval
		return
	}
	if m.desiredTransmit() != told {
		m.poll()
	}
}

// configure takes up another profile.
func (m *machine) configure(p bgp.BFDProfile, now time.Duration) {
	transmit, receive := m.desiredTransmit(), m.profile.ReceiveInterval
	m.profile = p
	switch changed := m.desiredTransmit() != transmit || p.ReceiveInterval != receive; {
	case m.state != Up:
		m.transmit, m.receive = m.desiredTransmit(), p.ReceiveInterval
	case changed:
		m.poll()
	}
	m.hasten(now)
}

// poll has the peer confirm intervals that have changed. Until then more packets are sent and less are expected, whichever intervals the peer goes
// by (RFC 5880 section 6.8.3).
func (m *machine) poll() {
	m.transmit, m.receive = min(m.transmit, m.desiredTransmit()), max(m.receive, m.profile.ReceiveInterval)
	if !m.polling {
		m.polling = true
		m.polledTransmit, m.polledReceive = m.desiredTransmit(), m.profile.ReceiveInterval
	}
}

// confirmed ends the poll. If the profile has changed since it began, another follows.
func (m *machine) confirmed() {
	m.polling = false
	m.transmit, m.receive = min(m.polledTransmit, m.desiredTransmit()), max(m.polledReceive, m.profile.ReceiveInterval)
	if m.polledTransmit != m.desiredTransmit() || m.polledReceive != m.profile.ReceiveInterval {
		m.poll()
	}
}

// disable ends the session on purpose: the peer is told, as often as it takes to know for sure, and is not to take it for a failure (RFC 5882
// section 3.2). These packets follow each other as those before did, which section 6.8.3 of RFC 5880 has slower: one of them may be lost,
// and there is no other time.
func (m *machine) disable(now time.Duration) {
	was := m.state
	m.farewellInterval = m.interval()
	m.farewellTime = min(longestFarewell, time.Duration(m.profile.DetectMultiplier)*m.farewellInterval)
	m.enter(AdminDown, Administrative)
	m.answering = false
	if m.theirs == 0 {
		m.urgent, m.due = false, never // Nobody listens.
		return
	}
	m.farewells = int(m.profile.DetectMultiplier)
	if was != Up {
		m.farewells = 1
	}
	m.due, m.farewellTime = now, m.farewellTime+now
}

// over reports whether a session that was disabled has nothing to do any more.
func (m *machine) over() bool { return m.state == AdminDown && m.farewells == 0 }

// tick gives the peer up if its time has expired. All packets that have come by now must have been received.
func (m *machine) tick(now time.Duration) {
	if m.state == AdminDown || now < m.expires() {
		return
	}
	if m.state == Down {
		m.forget()
		return
	}
	m.enter(Down, TimeExpired)
	m.heard, m.remoteState, m.remoteDemand = never, Down, false
	m.forgetting = true // With the packet that tells it, which has the peer's discriminator.
}

// forget makes the peer one that has not been heard of (RFC 5880 section 6.8.1).
func (m *machine) forget() {
	m.theirs, m.forgetting, m.heard = 0, false, never
	m.remoteState, m.remoteDiagnostic, m.remoteDemand = Down, NoDiagnostic, false
	m.remoteTransmit, m.remoteReceive, m.remoteMultiplier = 0, unheard, 0
}

// next is the time at which something is due.
func (m *machine) next() time.Duration {
	if m.urgent || m.answering {
		return 0
	}
	if m.state == AdminDown {
		return m.due
	}
	next := m.expires()
	if m.periodic() {
		next = min(next, m.due)
	}
	return next
}

// periodic reports whether packets are sent periodically (RFC 5880 section 6.8.7).
func (m *machine) periodic() bool {
	switch {
	case m.state == AdminDown:
		return m.farewells > 0
	case m.profile.Passive && m.theirs == 0:
		return false
	case m.remoteReceive == 0:
		return false
	case m.remoteDemand && m.state == Up && m.remoteState == Up:
		return m.polling
	default:
		return true
	}
}

// send returns a packet that is to be sent now. It is to be called until there is none.
func (m *machine) send(now time.Duration) (p packet, found bool) {
	if m.answering {
		m.answering, m.urgent = false, false
		p = m.packet()
		p.poll, p.final = false, true
		return p, true
	}
	due := m.periodic() && now >= m.due
	if !due && (!m.urgent || m.profile.Passive && m.theirs == 0) {
		m.urgent = false
		return packet{}, false
	}
	m.urgent = false
	p = m.packet()
	m.sent = now
	m.schedule(now)
	return p, true
}

// packet has the contents of RFC 5880 section 6.8.7.
func (m *machine) packet() packet {
	p := packet{
		diagnostic: m.diagnostic, state: m.state, poll: m.polling, multiplier: m.profile.DetectMultiplier,
		mine: m.mine, yours: m.theirs,
		desiredTransmit: m.desiredTransmit(), requiredReceive: m.profile.ReceiveInterval,
	}
	if m.forgetting {
		m.forget()
	}
	return p
}

// schedule sets the time for the next periodic packet.
func (m *machine) schedule(now time.Duration) {
	if m.state != AdminDown {
		m.due = now + m.jittered(m.interval())
		return
	}
	m.farewells--
	m.due = now + m.jittered(m.farewellInterval)
	if m.due > m.farewellTime {
		m.farewells = 0
	}
}

// hasten sends the next periodic packet earlier if the interval has become shorter.
func (m *machine) hasten(now time.Duration) {
	if latest := m.sent + m.interval(); m.due > latest {
		m.due = max(now, m.sent+m.jittered(m.interval()))
	}
}

// jittered is the interval less up to a quarter at random, and less a tenth at least if the peer gives up after one packet that is lost (RFC
// 5880 section 6.8.7).
func (m *machine) jittered(interval time.Duration) time.Duration {
	least, most := interval*3/4, interval
	if m.profile.DetectMultiplier == 1 {
		most = interval * 9 / 10
	}
	return least + time.Duration(m.random.Int64N(int64(most-least)+1))
}
