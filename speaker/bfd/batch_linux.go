// SPDX-License-Identifier: Apache-2.0

package bfd

import (
	"encoding/binary"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batchSize is how many packets one call of the kernel returns at most.
	batchSize = 32
	// payloadSize and controlSize have room for more than is of use: a packet that is longer is ignored for its length, if it is not for something else.
	payloadSize = 64
	controlSize = 128
)

// batch has room for packets and what the kernel tells of them, so that nothing is allocated for a packet.
type batch struct {
	messages [batchSize]message
	vectors  [batchSize]unix.Iovec
	payloads [batchSize][payloadSize]byte
	controls [batchSize][controlSize]byte
	froms    [batchSize]unix.RawSockaddrInet6 // It is the larger one.
}

// message is the kernel's struct mmsghdr (recvmmsg(2)).
type message struct {
	header unix.Msghdr
	length uint32
}

// datagram is one packet of a batch, until the next is read.
type datagram struct {
	payload []byte
	// from and to are its addresses, without zones.
	from, to netip.Addr
	// device is the number of the interface that it has come from.
	device int
	ttl    int
}

func newBatch() *batch {
	b := &batch{}
	for i := range b.messages {
		b.vectors[i].Base = &b.payloads[i][0]
		b.vectors[i].SetLen(payloadSize)
		h := &b.messages[i].header
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&b.froms[i])) //nolint:gosec // The kernel writes an address there, which has room.
		h.Control = &b.controls[i][0]
	}
	return b
}

// read reads as many packets as there are and returns how many. It does not wait, and so Go's scheduler need not be told of the call.
func (b *batch) read(fd int) int {
	for i := range b.messages {
		h := &b.messages[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlSize)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.messages[0])), batchSize, unix.MSG_DONTWAIT, 0, 0) //nolint:gosec // As recvmmsg(2) wants it.
	if errno != 0 {
		return 0 // There is nothing, or an error that the next packet to send meets as well.
	}
	return int(n)
}

// datagram returns one of the packets that were read, from a socket of IPv6 or of IPv4.
func (b *batch) datagram(i int, six bool) datagram {
	m := &b.messages[i]
	d := datagram{payload: b.payloads[i][:min(int(m.length), payloadSize)]}
	if six {
		d.from = netip.AddrFrom16(b.froms[i].Addr)
	} else {
		d.from = netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(&b.froms[i])).Addr) //nolint:gosec // The socket's family says which it is.
	}
	controls := b.controls[i][:min(int(m.header.Controllen), controlSize)] //nolint:gosec // It is controlSize at most.
	for len(controls) > 0 {
		header, data, rest, err := unix.ParseOneSocketControlMessage(controls)
		if err != nil {
			break
		}
		d.read(header, data)
		controls = rest
	}
	return d
}

// read reads what the kernel tells of a packet.
func (d *datagram) read(h unix.Cmsghdr, data []byte) {
	number := func(at int) int { return int(int32(binary.NativeEndian.Uint32(data[at:]))) } //nolint:gosec // It is a C int.
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_TTL && len(data) >= 4,
		h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_HOPLIMIT && len(data) >= 4:
		d.ttl = number(0)
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		d.device, d.to = number(0), netip.AddrFrom4([4]byte(data[8:12]))
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		d.to, d.device = netip.AddrFrom16([16]byte(data[:16])), number(16)
	}
}
