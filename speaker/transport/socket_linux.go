// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// limitHops sets the time to live, and that which packets must have that come; 0 is the kernel's own and any.
func limitHops(fd int, peer netip.Addr, ttl, minTTL int) error {
	const kernels = -1
	level, sent, received := unix.IPPROTO_IP, unix.IP_TTL, unix.IP_MINTTL
	if !peer.Unmap().Is4() {
		level, sent, received = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, unix.IPV6_MINHOPCOUNT
	}
	if ttl == 0 {
		ttl = kernels
	}
	if err := unix.SetsockoptInt(fd, level, sent, ttl); err != nil {
		return os.NewSyscallError("setting the TTL", err)
	}
	return os.NewSyscallError("setting the least TTL", unix.SetsockoptInt(fd, level, received, minTTL))
}

// bind has the connection made from the device, unless that is empty.
func bind(fd int, device string) error {
	if device == "" {
		return nil
	}
	return os.NewSyscallError("binding to "+device, unix.BindToDevice(fd, device))
}

// setPassword has the kernel sign the segments to the peer, and drop those from it that are not signed (RFC 2385).
func setPassword(fd int, peer netip.Addr, password string) error {
	err := unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, unix.TCP_MD5SIG, md5For(peer, password))
	return os.NewSyscallError("setting TCP MD5", err)
}

// md5For is the key for segments from and to the address.
func md5For(peer netip.Addr, password string) *unix.TCPMD5Sig {
	const port, flow = 2, 4                               // octets of sockaddr_in and sockaddr_in6 before the address
	sig := &unix.TCPMD5Sig{Keylen: uint16(len(password))} //nolint:gosec // It is bounded.
	copy(sig.Key[:], password)
	if peer = peer.Unmap(); peer.Is4() {
		sig.Addr.Family = unix.AF_INET
		copy(sig.Addr.Data[port:], peer.AsSlice())
	} else {
		sig.Addr.Family = unix.AF_INET6
		copy(sig.Addr.Data[port+flow:], peer.AsSlice())
	}
	return sig
}

// setDead is how long what was sent may be unacknowledged (RFC 5482, TCP_USER_TIMEOUT). It bounds the probes too.
func setDead(fd int, after time.Duration) error {
	err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds()))
	return os.NewSyscallError("setting TCP_USER_TIMEOUT", err)
}
