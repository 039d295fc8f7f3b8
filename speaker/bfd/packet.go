// SPDX-License-Identifier: Apache-2.0

package bfd

import (
	"encoding/binary"
	"time"
)

// State is that of a session (RFC 5880 section 4.1).
type State uint8

// The states, by the numbers that they have in packets.
const (
	AdminDown State = iota
	Down
	Init
	Up
)

// String names the state as the RFC does.
func (s State) String() string {
	return [...]string{"AdminDown", "Down", "Init", "Up"}[s&3]
}

// Diagnostic says why a session was last down (RFC 5880 section 4.1).
type Diagnostic uint8

// The diagnostics that this side gives.
const (
	NoDiagnostic    Diagnostic = 0
	TimeExpired     Diagnostic = 1
	NeighborSignals Diagnostic = 3
	Administrative  Diagnostic = 7
)

// String is the diagnostic in words.
func (d Diagnostic) String() string {
	names := [...]string{
		"no diagnostic", "control detection time expired", "echo function failed", "neighbor signaled session down", "forwarding plane reset",
		"path down", "concatenated path down", "administratively down", "reverse concatenated path down",
	}
	if int(d) < len(names) {
		return names[d]
	}
	return "unknown diagnostic"
}

const (
	// version is that of the protocol.
	version = 1
	// packetLength is that of a control packet without authentication, in octets.
	packetLength = 24
)

// packet is a control packet (RFC 5880 section 4.1) without authentication.
type packet struct {
	diagnostic          Diagnostic
	state               State
	poll, final, demand bool
	multiplier          uint8
	// mine is the sender's discriminator, and yours that of the receiver, 0 if the sender does not know it.
	mine, yours uint32
	// The intervals are in whole microseconds.
	desiredTransmit, requiredReceive, requiredEcho time.Duration
}

// reason is why a packet is ignored.
type reason uint8

const (
	accepted reason = iota
	badLength
	badVersion
	badMultiplier
	badDiscriminator
	multipoint
	authenticated
	badTTL
	noSession
	// reasons is how many there are.
	reasons
)

// String is the value of the metric's label.
func (r reason) String() string {
	return [...]string{
		"", "length", "version", "multiplier", "discriminator", "multipoint", "authentication", "ttl", "session",
	}[r]
}

// Bits of the second octet.
const (
	bitPoll           = 1 << 5
	bitFinal          = 1 << 4
	bitAuthentication = 1 << 2
	bitDemand         = 1 << 1
	bitMultipoint     = 1 << 0
)

// parse reads a packet, and says if it is to be ignored whatever session it is for (RFC 5880 section 6.8.6).
func parse(b []byte) (packet, reason) {
	switch {
	case len(b) < packetLength:
		return packet{}, badLength
	case b[0]>>5 != version:
		return packet{}, badVersion
	case int(b[3]) < packetLength || int(b[3]) > len(b):
		return packet{}, badLength
	case b[2] == 0:
		return packet{}, badMultiplier
	case b[1]&bitMultipoint != 0:
		return packet{}, multipoint
	case b[1]&bitAuthentication != 0:
		return packet{}, authenticated
	}
	p := packet{
		diagnostic: Diagnostic(b[0] & 0x1f), state: State(b[1] >> 6),
		poll: b[1]&bitPoll != 0, final: b[1]&bitFinal != 0, demand: b[1]&bitDemand != 0,
		multiplier: b[2], mine: binary.BigEndian.Uint32(b[4:]), yours: binary.BigEndian.Uint32(b[8:]),
		desiredTransmit: interval(b[12:]), requiredReceive: interval(b[16:]), requiredEcho: interval(b[20:]),
	}
	if p.mine == 0 || p.yours == 0 && p.state != Down && p.state != AdminDown {
		return packet{}, badDiscriminator
	}
	return p, accepted
}

func interval(b []byte) time.Duration {
	return time.Duration(binary.BigEndian.Uint32(b)) * time.Microsecond
}

// put writes the packet.
func (p packet) put(b *[packetLength]byte) {
	b[0] = version<<5 | byte(p.diagnostic)
	b[1] = byte(p.state) << 6
	if p.poll {
		b[1] |= bitPoll
	}
	if p.final {
		b[1] |= bitFinal
	}
	if p.demand {
		b[1] |= bitDemand
	}
	b[2], b[3] = p.multiplier, packetLength
	binary.BigEndian.PutUint32(b[4:], p.mine)
	binary.BigEndian.PutUint32(b[8:], p.yours)
	for i, d := range [...]time.Duration{p.desiredTransmit, p.requiredReceive, p.requiredEcho} {
		binary.BigEndian.PutUint32(b[12+4*i:], uint32(d/time.Microsecond)) //nolint:gosec // A minute is the most.
	}
}
