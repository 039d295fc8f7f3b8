// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/transport"
)

func TestDialErrorsInWords(t *testing.T) {
	t.Parallel()
	failed := func(call string, errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp4", Err: os.NewSyscallError(call, errno)}
	}
	timeout := &net.OpError{Op: "dial", Net: "tcp4", Err: os.ErrDeadlineExceeded}
	internal := func(c *bgp.Peer) { c.LocalASN = c.PeerASN }
	tests := map[string]struct {
		change func(*bgp.Peer)
		err    error
		want   string
	}{
		"refused":                 {err: failed("connect", syscall.ECONNREFUSED), want: "connection refused"},
		"reset":                   {err: failed("connect", syscall.ECONNRESET), want: "connection reset by the peer"},
		"timeout":                 {err: timeout, want: "connect timed out (peer unreachable, or it expects a password)"},
		"timeout of the kernel":   {err: failed("connect", syscall.ETIMEDOUT), want: "connect timed out (peer unreachable, or it expects a password)"},
		"timeout with a password": {change: func(c *bgp.Peer) { c.Password = "p" }, err: timeout, want: "connect timed out (wrong password, or peer unreachable)"},
		"no route, external":      {err: failed("connect", syscall.EHOSTUNREACH), want: "no route to host (an eBGP peer that is not on a connected subnet needs ebgpMultiHop)"},
		"no route, internal":      {change: internal, err: failed("connect", syscall.EHOSTUNREACH), want: "no route to host"},
		"no network, multi-hop":   {change: func(c *bgp.Peer) { c.MultiHopTTL = 255 }, err: failed("connect", syscall.ENETUNREACH), want: "network is unreachable"},
		"foreign source":          {change: func(c *bgp.Peer) { c.Source = netip.MustParseAddr("192.0.2.7") }, err: failed("bind", syscall.EADDRNOTAVAIL), want: "source address 192.0.2.7 is not on this node"},
		"no port left":            {err: failed("connect", syscall.EADDRNOTAVAIL), want: "cannot assign requested address"},
		"anything else":           {err: failed("setSockOpt", syscall.EPERM), want: "operation not permitted"},
		"nothing to shorten":      {err: errors.New("odd"), want: "odd"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := to("tor", netip.MustParseAddrPort("192.0.2.2:179"))
			if tt.change != nil {
				tt.change(&c)
			}
			if got := dialError(c, tt.err); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheEndOfAConnectionInWords(t *testing.T) {
	t.Parallel()
	sent := func(code, subcode uint8, detail string) transport.End {
		return transport.End{Sent: &session.Notification{Code: code, Subcode: subcode}, Detail: detail}
	}
	received := func(code, subcode uint8, text string) transport.End {
		return transport.End{Received: &session.Notification{Code: code, Subcode: subcode}, Communication: text}
	}
	closed := transport.End{Err: io.EOF}
	broken := func(errno syscall.Errno) transport.End {
		return transport.End{Err: &net.OpError{Op: "write", Net: "tcp4", Err: os.NewSyscallError("write", errno)}}
	}
	c := to("tor", netip.MustParseAddrPort("192.0.2.2:179"))
	c.Source = netip.MustParseAddr("192.0.2.7")
	none, open := transport.Open{}, transport.Open{ASN: 4200000001}

	tests := map[string]struct {
		got, want string
	}{
		"a notification comes": {
			downReason(received(6, 4, ""), "9s"),
			"peer sent Cease/Administrative Reset",
		},
		"a message is malformed": {
			downReason(sent(1, 3, "unknown type"), "9s"),
			"sent Message Header Error/Bad Message Type: unknown type",
		},
		"a notification is sent": {
			downReason(sent(3, 1, ""), "9s"),
			"sent UPDATE Message Error/Malformed Attribute List",
		},
		"the hold timer expires": {
			downReason(sent(4, 0, ""), "9s"),
			"hold timer expired: nothing heard from the peer for 9s",
		},
		"the peer closes the connection": {
			downReason(closed, "9s"),
			"connection lost",
		},
		"the connection breaks while it is written to": {
			downReason(broken(syscall.EPIPE), "9s"),
			"connection lost: broken pipe",
		},
		"nothing is acknowledged": {
			downReason(broken(syscall.ETIMEDOUT), "9s"),
			"connection lost: the peer does not answer any more",
		},
		"the OPEN is refused": {
			attemptError(c, session.OpenSent, none, received(2, 2, "")),
			"peer sent OPEN Message Error/Bad Peer AS: does it expect ASN 64500, router ID 192.0.2.1, from 192.0.2.7?",
		},
		"the OPEN is refused for another reason than who sends it": {
			attemptError(c, session.OpenSent, none, received(2, 6, "")),
			"peer sent OPEN Message Error/Unacceptable Hold Time",
		},
		"the connection is refused in words": {
			attemptError(c, session.OpenConfirm, open, received(6, 5, "not today")),
			`peer sent Cease/Connection Rejected: "not today"`,
		},
		"the peer's ASN is another": {
			attemptError(c, session.OpenSent, open, sent(2, 2, "")),
			"peer ASN 4200000001, expected 64512 (sent OPEN Message Error/Bad Peer AS)",
		},
		"the OPEN is followed by nothing": {
			attemptError(c, session.OpenConfirm, open, sent(4, 0, "")),
			"peer sent no KEEPALIVE after its OPEN",
		},
		"the OPEN is followed by what can not be understood": {
			attemptError(c, session.OpenConfirm, open, sent(1, 2, "too long")),
			"sent Message Header Error/Bad Message Length: too long",
		},
		"the OPEN is followed by the end of the connection": {
			attemptError(c, session.OpenConfirm, open, closed),
			"connection lost before the peer's KEEPALIVE",
		},
		"no OPEN comes": {
			attemptError(c, session.OpenSent, none, sent(4, 0, "")),
			"peer accepted the connection and sent no OPEN within 10s",
		},
		"the connection ends before the OPEN": {
			attemptError(c, session.OpenSent, none, closed),
			"connection closed by the peer before its OPEN",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.got != tt.want {
				t.Errorf("%q, want %q", tt.got, tt.want)
			}
		})
	}
}
