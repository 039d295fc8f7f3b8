// SPDX-License-Identifier: Apache-2.0

//go:build linux

package capture

import (
	"encoding/binary"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// headerLen is the length of a LINUX_SLL header.
const headerLen = 16

// The two ends of the filter: the whole packet, or nothing of it.
var (
	accept = bpf.RetConstant{Val: 1 << 18}
	reject = bpf.RetConstant{Val: 0}
)

// header writes the LINUX_SLL header of a packet received from link to the start of b: packet type, hardware type,
// address length, address, protocol, all in network byte order.
func header(b []byte, link *unix.SockaddrLinklayer) {
	binary.BigEndian.PutUint16(b[0:], uint16(link.Pkttype))
	binary.BigEndian.PutUint16(b[2:], link.Hatype)
	binary.BigEndian.PutUint16(b[4:], uint16(link.Halen))
	copy(b[6:14], link.Addr[:])
	binary.BigEndian.PutUint16(b[14:], bigEndian(link.Protocol))
}

// filter accepts unfragmented TCP segments from or to one of the ports. Offsets count from the network header, where
// a SOCK_DGRAM packet socket starts. Extension headers of IPv6 are not looked behind; BGP uses none. Every test either
// returns at once or falls through, so no jump depends on what follows.
func filter(ports []uint16) []bpf.Instruction {
	v4 := slices.Concat([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 9, Size: 1}, // protocol
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_TCP, SkipTrue: 1}, reject,
		bpf.LoadAbsolute{Off: 6, Size: 2}, // fragment offset
		bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: 0x1fff, SkipTrue: 1}, reject,
		bpf.LoadMemShift{Off: 0}, // X = header length
		bpf.LoadIndirect{Off: 0, Size: 2},
	}, anyOf(ports), []bpf.Instruction{bpf.LoadIndirect{Off: 2, Size: 2}}, anyOf(ports), []bpf.Instruction{reject})

	v6 := slices.Concat([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 6, Size: 1}, // next header
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.IPPROTO_TCP, SkipTrue: 1}, reject,
		bpf.LoadAbsolute{Off: 40, Size: 2},
	}, anyOf(ports), []bpf.Instruction{bpf.LoadAbsolute{Off: 42, Size: 2}}, anyOf(ports), []bpf.Instruction{reject})

	return slices.Concat([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IP, SkipTrue: uint8(len(v4))},
	}, v4, []bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IPV6, SkipTrue: 1}, reject}, v6)
}

// maxPorts keeps the part for IPv4 within the reach of a jump.
const maxPorts = 32

// anyOf accepts when the accumulator is one of the ports.
func anyOf(ports []uint16) []bpf.Instruction {
	tests := make([]bpf.Instruction, 0, 2*len(ports))
	for _, port := range ports {
		tests = append(tests, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(port), SkipTrue: 1}, accept)
	}
	return tests
}
