// SPDX-License-Identifier: Apache-2.0

//go:build linux

package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
	"unsafe"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"metallb.io/metallb/test/router/namespace"
)

// snapLen is the longest packet recorded whole; segmentation offload makes packets of up to 64 KiB.
const snapLen = 64<<10 + headerLen

// Capture records packets until it is closed.
type Capture struct {
	socket *os.File
	ring   *ring
	done   sync.WaitGroup
}

// Start records TCP packets from or to any of the ports in the network namespace at path netNS; empty means the
// caller's. It keeps the newest packets that fit into limit bytes.
func Start(netNS string, limit int, ports ...uint16) (*Capture, error) {
	if len(ports) > maxPorts {
		return nil, fmt.Errorf("%d ports to record: at most %d", len(ports), maxPorts)
	}
	program, err := bpf.Assemble(filter(ports))
	if err != nil {
		return nil, fmt.Errorf("packet filter: %w", err)
	}
	var fd int
	err = namespace.Run(netNS, func() (err error) {
		fd, err = open(program)
		return err
	})
	if err != nil {
		return nil, err
	}
	c := &Capture{socket: os.NewFile(uintptr(fd), "packet socket"), ring: newRing(limit)}
	c.done.Go(c.record)
	return c, nil
}

// open returns a packet socket on all interfaces. The filter is in place before the socket receives anything.
func open(program []bpf.RawInstruction) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, fmt.Errorf("packet socket: %w: CAP_NET_RAW is needed", err)
	}
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: (*unix.SockFilter)(unsafe.Pointer(&program[0]))}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &fprog); err != nil {
		return 0, errors.Join(fmt.Errorf("attaching packet filter: %w", err), unix.Close(fd))
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: bigEndian(unix.ETH_P_ALL)}); err != nil {
		return 0, errors.Join(fmt.Errorf("binding packet socket: %w", err), unix.Close(fd))
	}
	return fd, nil
}

func bigEndian(v uint16) uint16 { return v<<8 | v>>8 }

// Close stops recording. What was recorded stays available.
func (c *Capture) Close() error {
	err := c.socket.Close()
	c.done.Wait()
	return err
}

// Packets returns how many packets are held, and how many were recorded and discarded for newer ones.
func (c *Capture) Packets() (held, discarded int) { return c.ring.count() }

// WritePcap writes what is held as a pcap file of link type LINUX_SLL.
func (c *Capture) WritePcap(to io.Writer) error {
	pcap := pcapgo.NewWriterNanos(to)
	if err := pcap.WriteFileHeader(snapLen, layers.LinkTypeLinuxSLL); err != nil {
		return err
	}
	for _, p := range c.ring.packets() {
		info := gopacket.CaptureInfo{Timestamp: p.at, CaptureLength: len(p.data), Length: len(p.data)}
		if err := pcap.WritePacket(info, p.data); err != nil {
			return err
		}
	}
	return nil
}

// record reads the socket until it is closed.
func (c *Capture) record() {
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return
	}
	buffer := make([]byte, snapLen)
	for {
		var n int
		var from unix.Sockaddr
		var received error
		err := raw.Read(func(fd uintptr) bool {
			n, from, received = unix.Recvfrom(int(fd), buffer[headerLen:], 0)
			return !errors.Is(received, unix.EAGAIN)
		})
		if err != nil { // closed
			return
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if received != nil || !ok {
			continue // an interface went down; the socket is on all of them
		}
		header(buffer, link)
		c.ring.add(time.Now(), buffer[:headerLen+n])
	}
}
