// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// watched are the groups of messages that netlink sends us, see rtnetlink(7).
const watched = unix.RTMGRP_LINK | unix.RTMGRP_NEIGH | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE

// messageSize is more than the kernel puts into one datagram of netlink.
const messageSize = 64 << 10

// watch tells of changes in the kernel until the context ends. Whenever it may have missed some, it has everything read again.
func (f *Finder) watch(ctx context.Context) {
	for {
		err := f.receive(ctx)
		if ctx.Err() != nil {
			return
		}
		// ENOBUFS says that messages were lost.
		f.options.Logger.Info("watching the node's links and routes again", "reason", err.Error())
		if !sleep(ctx, pause) {
			return
		}
	}
}

// receive subscribes and tells of changes until that fails.
func (f *Finder) receive(ctx context.Context) error {
	socket, err := subscribe()
	if err != nil {
		return err
	}
	defer func() { _ = socket.Close() }()
	defer context.AfterFunc(ctx, func() { _ = socket.Close() })()
	f.lookAgain(func(*follower) bool { return true })
	f.routes.give()
	buffer := make([]byte, messageSize)
	for {
		n, err := socket.Read(buffer)
		if err != nil {
			return fmt.Errorf("reading from netlink: %w", err)
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return fmt.Errorf("messages of netlink: %w", err)
		}
		for i := range messages {
			f.note(messages[i].Header.Type, messages[i].Data)
		}
	}
}

func subscribe() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: watched}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("subscribing to netlink: %w", err)
	}
	return os.NewFile(uintptr(fd), "netlink"), nil
}

// note has whom a message concerns look again. Of the content no more is read than where it belongs: it may be superseded already.
func (f *Finder) note(kind uint16, data []byte) {
	switch kind {
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		if len(data) >= unix.SizeofRtMsg && data[1] == 0 && data[4] == unix.RT_TABLE_MAIN { // struct rtmsg: family, length of the prefix, …, table
			f.routes.give()
		}
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		// The kernel does not tell of the IPv4 routes that go with a link.
		f.routes.give()
		f.lookAgain(func(w *follower) bool { index := w.index.Load(); return index == 0 || index == indexOf(data) })
	case unix.RTM_NEWADDR, unix.RTM_DELADDR, unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		if len(data) > 0 && data[0] == unix.AF_INET6 {
			f.lookAgain(func(w *follower) bool { return w.index.Load() == indexOf(data) })
		}
	}
}

// indexOf reads the index of the interface from struct ifinfomsg, ifaddrmsg or ndmsg, which have it at the same place.
func indexOf(data []byte) uint32 {
	const at, end = 4, 8
	if len(data) < end {
		return 0
	}
	return binary.NativeEndian.Uint32(data[at:end])
}

func (f *Finder) lookAgain(concerned func(*follower) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.followers {
		if concerned(w) {
			w.look.give()
		}
	}
}

// sleep reports whether the time has passed, and not the context ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
