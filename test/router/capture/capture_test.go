// SPDX-License-Identifier: Apache-2.0

//go:build linux

package capture

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// segment4 and segment6 return a TCP segment behind an IP header.
func segment4(protocol byte, fragment, from, to uint16, options int) []byte {
	b := make([]byte, 20+options+20)
	b[0] = byte(0x40 | (20+options)/4)
	binary.BigEndian.PutUint16(b[6:], fragment)
	b[9] = protocol
	binary.BigEndian.PutUint16(b[20+options:], from)
	binary.BigEndian.PutUint16(b[22+options:], to)
	return b
}

func segment6(protocol byte, from, to uint16) []byte {
	b := make([]byte, 60)
	b[0], b[6] = 0x60, protocol
	binary.BigEndian.PutUint16(b[40:], from)
	binary.BigEndian.PutUint16(b[42:], to)
	return b
}

// withProtocol replaces the load of the packet's EtherType, which the virtual machine for tests does not know, by a
// constant.
func withProtocol(program []bpf.Instruction, protocol uint32) []bpf.Instruction {
	out := append([]bpf.Instruction(nil), program...)
	out[0] = bpf.LoadConstant{Dst: bpf.RegA, Val: protocol}
	return out
}

func TestFilterTakesTheChosenPortsAndNothingElse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		protocol uint32
		packet   []byte
		want     bool
	}{
		"IPv4 to the first port":           {unix.ETH_P_IP, segment4(6, 0, 40000, 1179, 0), true},
		"IPv4 from the second port":        {unix.ETH_P_IP, segment4(6, 0, 1180, 40000, 0), true},
		"IPv4 with options":                {unix.ETH_P_IP, segment4(6, 0, 40000, 1180, 8), true},
		"IPv4 that must not be fragmented": {unix.ETH_P_IP, segment4(6, 0x4000, 40000, 1180, 0), true},
		"IPv4 to another port":             {unix.ETH_P_IP, segment4(6, 0, 40000, 179, 0), false},
		"IPv4 UDP":                         {unix.ETH_P_IP, segment4(17, 0, 40000, 1179, 0), false},
		"IPv4, a later fragment":           {unix.ETH_P_IP, segment4(6, 100, 40000, 1179, 0), false},
		"IPv6 to the second port":          {unix.ETH_P_IPV6, segment6(6, 40000, 1180), true},
		"IPv6 from the first port":         {unix.ETH_P_IPV6, segment6(6, 1179, 40000), true},
		"IPv6 to another port":             {unix.ETH_P_IPV6, segment6(6, 40000, 22), false},
		"IPv6 UDP":                         {unix.ETH_P_IPV6, segment6(17, 40000, 1179), false},
		"something that looks like IPv4":   {unix.ETH_P_ARP, segment4(6, 0, 40000, 1179, 0), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vm, err := bpf.NewVM(withProtocol(filter([]uint16{1179, 1180}), tt.protocol))
			if err != nil {
				t.Fatal(err)
			}
			n, err := vm.Run(tt.packet)
			if err != nil || (n > 0) != tt.want {
				t.Errorf("took %d bytes, %v", n, err)
			}
		})
	}
}

func TestFilterOfManyPortsStaysWithinReach(t *testing.T) {
	t.Parallel()
	ports := make([]uint16, maxPorts)
	for i := range ports {
		ports[i] = uint16(1000 + i)
	}
	vm, err := bpf.NewVM(withProtocol(filter(ports), unix.ETH_P_IPV6))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := vm.Run(segment6(6, 1, ports[maxPorts-1])); err != nil || n == 0 {
		t.Errorf("took %d bytes, %v", n, err)
	}
	if _, err := Start("", 1<<20, make([]uint16, maxPorts+1)...); err == nil {
		t.Error("more ports than a jump can reach over are accepted")
	}
}

func framed(payload string) []byte { return append(make([]byte, headerLen), payload...) }

func TestRingKeepsTheNewestPackets(t *testing.T) {
	t.Parallel()
	r := newRing(3 * (headerLen + 1))
	at := time.Unix(1000, 0)
	for i, p := range []string{"a", "b", "c", "d", "e"} {
		r.add(at.Add(time.Duration(i)*time.Second), framed(p))
	}
	var got string
	for _, p := range r.packets() {
		got += string(p.data[headerLen:])
	}
	if held, discarded := r.count(); got != "cde" || held != 3 || discarded != 2 {
		t.Errorf("%q held, %d, %d discarded", got, held, discarded)
	}
}

func TestRingTakesAnEchoForOnePacketAndARetransmissionForTwo(t *testing.T) {
	t.Parallel()
	r := newRing(1 << 20)
	at := time.Unix(1000, 0)
	echo := framed("a")
	echo[0] = 4 // seen on another interface, in another direction
	r.add(at, framed("a"))
	r.add(at.Add(time.Millisecond), framed("b"))
	r.add(at.Add(2*time.Millisecond), echo)
	r.add(at.Add(200*time.Millisecond), framed("a"))
	if held, _ := r.count(); held != 3 {
		t.Errorf("%d packets held", held)
	}
}

func TestPacketsAreWrittenAsPcap(t *testing.T) {
	t.Parallel()
	c := &Capture{ring: newRing(1 << 20)}
	at := time.Unix(1000, 5)
	c.ring.add(at, framed("hello"))
	var file bytes.Buffer
	if err := c.WritePcap(&file); err != nil {
		t.Fatal(err)
	}
	reader, err := pcapgo.NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	data, info, err := reader.ReadPacketData()
	if err != nil || string(data[headerLen:]) != "hello" || !info.Timestamp.Equal(at) {
		t.Errorf("%q at %v, %v", data, info.Timestamp, err)
	}
}
