// SPDX-License-Identifier: Apache-2.0

package bfd

import (
	"bytes"
	"testing"
	"time"
)

func wire(p packet) []byte {
	var b [packetLength]byte
	p.put(&b)
	return b[:]
}

// The octets are those of the figure in RFC 5880 section 4.1.
func TestAPacketIsWhatTheRFCSays(t *testing.T) {
	t.Parallel()
	p := packet{
		diagnostic: TimeExpired, state: Up, poll: true, demand: true, multiplier: 3, mine: 0x01020304, yours: 0x05060708,
		desiredTransmit: time.Second, requiredReceive: 300 * time.Millisecond, requiredEcho: 50 * time.Millisecond,
	}
	want := []byte{
		0x21, 0xe2, 3, 24, 1, 2, 3, 4, 5, 6, 7, 8,
		0x00, 0x0f, 0x42, 0x40, 0x00, 0x04, 0x93, 0xe0, 0x00, 0x00, 0xc3, 0x50,
	}
	if got := wire(p); !bytes.Equal(got, want) {
		t.Errorf("it is\n% x, not\n% x", got, want)
	}
	if got, why := parse(want); why != accepted || got != p {
		t.Errorf("read again it is %+v (%s)", got, why)
	}
}

func TestPacketsThatAreWrongAreIgnored(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(b []byte) []byte
		want   reason
	}{
		"empty":                         {func([]byte) []byte { return nil }, badLength},
		"cut":                           {func(b []byte) []byte { return b[:23] }, badLength},
		"longer than what came":         {func(b []byte) []byte { b[3] = 25; return b }, badLength},
		"shorter than its header":       {func(b []byte) []byte { b[3] = 23; return b }, badLength},
		"version 0":                     {func(b []byte) []byte { b[0] &= 0x1f; return b }, badVersion},
		"version 2":                     {func(b []byte) []byte { b[0] = 2 << 5; return b }, badVersion},
		"multiplier 0":                  {func(b []byte) []byte { b[2] = 0; return b }, badMultiplier},
		"multipoint":                    {func(b []byte) []byte { b[1] |= 1; return b }, multipoint},
		"authenticated":                 {func(b []byte) []byte { b[1] |= 4; return b }, authenticated},
		"no discriminator":              {func(b []byte) []byte { copy(b[4:8], make([]byte, 4)); return b }, badDiscriminator},
		"up for nobody":                 {func(b []byte) []byte { copy(b[8:12], make([]byte, 4)); return b }, badDiscriminator},
		"with padding is accepted":      {func(b []byte) []byte { return append(b, 0, 0) }, accepted},
		"unknown diagnostic is as well": {func(b []byte) []byte { b[0] |= 0x1f; return b }, accepted},
	}
	for name, tt := range tests {
		if _, why := parse(tt.change(wire(from(Up)))); why != tt.want {
			t.Errorf("%s: %q, want %q", name, why, tt.want)
		}
	}
}

// Whatever comes, a session stays one that the RFC knows, and says what a peer can read.
func FuzzReceive(f *testing.F) {
	f.Add(wire(from(Down)), wire(from(Init)), uint16(10))
	f.Add(wire(from(Up)), wire(from(AdminDown)), uint16(5000))
	final := from(Up)
	final.final = true
	f.Add(wire(from(Init)), wire(final), uint16(300))
	f.Fuzz(func(t *testing.T, first, second []byte, later uint16) {
		m := testMachine(profile(50*ms, 50*ms, 3))
		now := time.Duration(0)
		for _, b := range [][]byte{first, second, first} {
			if p, why := parse(b); why == accepted {
				if again, _ := parse(wire(p)); again != p {
					t.Fatalf("%+v is written as %+v", p, again)
				}
				m.receivePacket(p, now)
			}
			for range 3 {
				p, found := m.send(now)
				if !found {
					break
				}
				if again, why := parse(wire(p)); why != accepted || again != p {
					t.Fatalf("a peer reads %+v (%s) of %+v", again, why, p)
				}
			}
			if _, found := m.send(now); found {
				t.Fatal("it sends without end")
			}
			if next := m.next(); next < now && m.periodic() && m.due < now {
				t.Fatalf("the next packet was due at %s", next)
			}
			now += time.Duration(later) * ms
			m.tick(now)
		}
	})
}
