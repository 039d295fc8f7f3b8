// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// listen listens on a free port of a loopback address, for peers from 127.0.0.1 and ::1 with the password, if there is one.
func listen(t *testing.T, address, password string) netip.AddrPort {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		if password == "" {
			return nil
		}
		return onSocket(c, func(fd int) error {
			return unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, unix.TCP_MD5SIG, md5For(netip.MustParseAddr(address), password))
		})
	}}
	config.SetMultipathTCP(false) // It has no TCP MD5.
	l, err := config.Listen(t.Context(), "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func dial(t *testing.T, target Target) net.Conn {
	t.Helper()
	conn, err := target.Dial(t.Context())
	if err != nil {
		t.Fatalf("dialling %s: %v", target.Peer, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// option is a socket option of a connection.
func option(t *testing.T, conn net.Conn, level, name int) int {
	t.Helper()
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	if err := onSocket(raw, func(fd int) error {
		value, err = unix.GetsockoptInt(fd, level, name)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestAConnectionIsMadeAsIsAskedFor(t *testing.T) {
	t.Parallel()
	for address, ttl := range map[string]struct{ level, name int }{
		"127.0.0.1": {unix.IPPROTO_IP, unix.IP_TTL},
		"::1":       {unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS},
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, Target{Peer: listen(t, address, ""), TTL: 7, Timeout: time.Second})
			if got := option(t, conn, ttl.level, ttl.name); got != 7 {
				t.Errorf("the TTL is %d", got)
			}
			if got := option(t, conn, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); got != 60000 {
				t.Errorf("the peer is given up after %d ms", got)
			}
			for name, want := range map[int]int{unix.TCP_KEEPIDLE: 30, unix.TCP_KEEPINTVL: 10, unix.TCP_KEEPCNT: 3} {
				if got := option(t, conn, unix.IPPROTO_TCP, name); got != want {
					t.Errorf("option %d of the probes is %d, want %d", name, got, want)
				}
			}
			if option(t, conn, unix.SOL_SOCKET, unix.SO_KEEPALIVE) == 0 {
				t.Error("a peer that is silent is not probed")
			}
			if local := New(conn, netip.AddrPort{}, &Stats{}, Watcher{}).LocalAddress(); local.String() != address {
				t.Errorf("the local address is %s", local)
			}
		})
	}
}

func TestALongHoldTimeKeepsAConnectionThatIsSilent(t *testing.T) {
	t.Parallel()
	for hold, want := range map[time.Duration]int{0: 60000, 9 * time.Second: 60000, 90 * time.Second: 90000} {
		raw := dial(t, Target{Peer: listen(t, "127.0.0.1", ""), Timeout: time.Second})
		conn := New(raw, netip.MustParseAddrPort("127.0.0.1:179"), &Stats{}, Watcher{})
		if _, err := conn.Write(openMessage(64500)); err != nil {
			t.Fatal(err)
		}
		peers := openMessage(64512)
		peers[headerSize+4] = byte(hold.Seconds())
		if !conn.passes(peers) {
			t.Error("the OPEN does not pass")
		}
		if got := option(t, raw, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); got != want {
			t.Errorf("with a hold time of %s the peer is given up after %d ms, want %d", hold, got, want)
		}
	}
}

func TestTheSourceAddressIsTheOneAskedFor(t *testing.T) {
	t.Parallel()
	at := listen(t, "127.0.0.1", "")
	conn := dial(t, Target{Peer: at, Source: netip.MustParseAddr("127.0.0.2"), Timeout: time.Second})
	if got := conn.LocalAddr().(*net.TCPAddr).IP.String(); got != "127.0.0.2" {
		t.Errorf("the source address is %s", got)
	}
	if _, err := (Target{Peer: at, Source: netip.MustParseAddr("192.0.2.77")}).Dial(t.Context()); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("with a source address that is not here: %v", err)
	}
	linkLocal := Target{Peer: netip.MustParseAddrPort("[fe80::1%eth0]:179"), Source: netip.MustParseAddr("fe80::2")}
	if got := linkLocal.source().String(); got != "fe80::2%eth0" {
		t.Errorf("a link-local source address is %s", got)
	}
}

func TestTheSourceAddressThatTheKernelChoosesIsKnownBefore(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1", "::1"} {
		peer := listen(t, address, "")
		conn := dial(t, Target{Peer: peer})
		if got, want := SourceTo(peer.Addr(), ""), localAddress(conn); got != want || got != peer.Addr() {
			t.Errorf("the source address to %s is taken to be %s, and is %s", peer, got, want)
		}
	}
	if got := SourceTo(netip.MustParseAddr("fe80::1%missing"), ""); got.IsValid() {
		t.Errorf("the source address on an interface that is not there is %s", got)
	}
}

func TestAPasswordIsTheOneOfThePeer(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1", "::1"} {
		for name, tt := range map[string]struct {
			ours, theirs string
			connects     bool
		}{
			"the same":            {"s3cret", "s3cret", true},
			"the longest":         {strings.Repeat("x", MaxPassword), strings.Repeat("x", MaxPassword), true},
			"another":             {"s3cret", "other", false},
			"none here":           {"", "s3cret", false},
			"none of the peer's":  {"s3cret", "", false},
			"none on either side": {"", "", true},
		} {
			t.Run(address+" "+name, func(t *testing.T) {
				t.Parallel()
				target := Target{Peer: listen(t, address, tt.theirs), Password: tt.ours, Timeout: 300 * time.Millisecond}
				if tt.connects {
					target.Timeout = 10 * time.Second
				}
				conn, err := target.Dial(t.Context())
				if err == nil {
					_ = conn.Close()
				}
				var late net.Error
				timeout := errors.As(err, &late) && late.Timeout()
				if tt.connects != (err == nil) || !tt.connects && !timeout {
					t.Errorf("error is %v", err)
				}
			})
		}
	}
	_, err := Target{Peer: listen(t, "127.0.0.1", ""), Password: strings.Repeat("x", MaxPassword+1)}.Dial(t.Context())
	if err == nil || strings.Contains(err.Error(), "xx") {
		t.Errorf("with a password that is too long: %v", err)
	}
}

func TestAnAttemptEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Target{Peer: listen(t, "127.0.0.1", "")}).Dial(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}
