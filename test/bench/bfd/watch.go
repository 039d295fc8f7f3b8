// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// watcher times the packets that come, by the kernel's clock.
type watcher struct {
	fd   int
	done chan []time.Duration
}

// watch begins to time packets of IPv4.
func watch() (*watcher, error) {
	ipv4 := int(binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_IP)))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, ipv4)
	if err != nil {
		return nil, fmt.Errorf("opening a packet socket: %w", err)
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}),
	)
	if err != nil {
		return nil, err
	}
	w := &watcher{fd: fd, done: make(chan []time.Duration, 1)}
	go w.run()
	return w, nil
}

// run gathers the gaps between packets of one session, until the socket is shut down or nothing has come for a second.
func (w *watcher) run() {
	var gaps []time.Duration
	last := map[[4]byte]time.Duration{}
	packet, control := make([]byte, 128), make([]byte, 128)
	for {
		n, m, _, from, err := unix.Recvmsg(w.fd, packet, control, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			w.done <- gaps
			return
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || link.Pkttype != unix.PACKET_HOST || n < 28 || binary.BigEndian.Uint16(packet[22:]) != 3784 {
			continue
		}
		_, data, _, err := unix.ParseOneSocketControlMessage(control[:m])
		if err != nil || len(data) < 16 {
			continue
		}
		at := time.Duration(binary.NativeEndian.Uint64(data))*time.Second + time.Duration(binary.NativeEndian.Uint64(data[8:]))
		session := [4]byte(packet[16:20])
		if before, known := last[session]; known {
			gaps = append(gaps, at-before)
		}
		last[session] = at
	}
}

// stop returns the gaps.
func (w *watcher) stop() []time.Duration {
	_ = unix.SetsockoptTimeval(w.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 1})
	_ = unix.Close(w.fd)
	return <-w.done
}
