// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/transport"
)

// closedEarly is all there is to say of a peer that accepts a connection and closes it: it has no peer configured for
// this address, or it is in a pause after an earlier error.
const closedEarly = "connection closed by the peer before its OPEN"

// attemptError says why an attempt failed after the connection was made, in the state in which it was.
func attemptError(c bgp.Peer, in session.FSM, open transport.Open, end transport.End) string {
	switch {
	case end.Received != nil && end.Received.BadIdentity():
		return fmt.Sprintf("peer sent %s: %s", end.Received, expectation(c))
	case end.Received != nil:
		return withCommunication("peer sent "+end.Received.String(), end.Communication)
	case end.Sent != nil:
		return openError(c, open, end)
	case in == session.OpenConfirm:
		return "connection lost before the peer's KEEPALIVE"
	default:
		return closedEarly
	}
}

// openError says why this side sent a NOTIFICATION before the session was established.
func openError(c bgp.Peer, open transport.Open, end transport.End) string {
	switch {
	case end.Sent.BadPeerAS():
		return fmt.Sprintf("peer ASN %d, expected %s (sent %s)", open.ASN, c.ExpectedASN(), end.Sent)
	case end.Sent.HoldTimerExpired() && open == (transport.Open{}):
		return fmt.Sprintf("peer accepted the connection and sent no OPEN within %s", transport.OpenTime)
	case end.Sent.HoldTimerExpired():
		return "peer sent no KEEPALIVE after its OPEN"
	default:
		return sent(end)
	}
}

// expectation asks what a peer that refuses this side's identity may expect instead.
func expectation(c bgp.Peer) string {
	from := "this address"
	if c.Source.IsValid() {
		from = c.Source.String()
	}
	return fmt.Sprintf("does it expect ASN %d, router ID %s, from %s?", c.LocalASN, c.RouterID, from)
}

// sent is what is said of a NOTIFICATION from this side.
func sent(end transport.End) string {
	if end.Detail == "" {
		return "sent " + end.Sent.String()
	}
	return fmt.Sprintf("sent %s: %s", end.Sent, end.Detail)
}

// dialError shortens the error of a dial to its cause and adds what is likely behind it.
func dialError(c bgp.Peer, err error) string {
	var late net.Error
	timeout := errors.As(err, &late) && late.Timeout()
	switch {
	case timeout && c.SecurityHops > 0:
		return "connect timed out (peer unreachable, farther away than ttlSecurityHops, or without TTL security itself)"
	case timeout && c.Password != "":
		return "connect timed out (wrong password, or peer unreachable)"
	case timeout:
		return "connect timed out (peer unreachable, or it expects a password)"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset by the peer"
	case errors.Is(err, syscall.EADDRNOTAVAIL) && c.Source.IsValid():
		return fmt.Sprintf("source address %s is not on this node", c.Source)
	case isUnreachable(err) && c.TTL() == 1:
		return cause(err) + " (an eBGP peer that is not on a connected subnet needs ebgpMultiHop)"
	default:
		return cause(err)
	}
}

func isUnreachable(err error) bool {
	return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
}

// cause is the last part of a chain of errors.
func cause(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// downReason says why an established session was lost.
func downReason(end transport.End, held string) string {
	switch {
	case end.Received != nil:
		return withCommunication("peer sent "+end.Received.String(), end.Communication)
	case end.Sent != nil && end.Sent.HoldTimerExpired():
		return "hold timer expired: nothing heard from the peer for " + held
	case end.Sent != nil:
		return sent(end)
	case isUnreachable(end.Err) || errors.Is(end.Err, syscall.ETIMEDOUT):
		return "connection lost: the peer does not answer any more"
	case end.Err != nil && !errors.Is(end.Err, io.EOF):
		return "connection lost: " + cause(end.Err)
	default:
		return "connection lost"
	}
}

// missingFamilies says why an established session does not carry all families that it should (RFC 4760 section 8).
func missingFamilies(c bgp.Peer, open transport.Open, carried bgp.Families) string {
	if refused := c.Families.Without(open.Families); refused.Any() {
		return fmt.Sprintf("peer does not take %s routes on this session: enable the address family for it on the peer", refused)
	}
	missing := c.Families.Without(carried)
	text := fmt.Sprintf("no next hop for %s routes: this node has no %s address", missing, missing)
	if missing.IPv4 {
		text += ", and the peer takes no IPv6 next hop for them (extended next hop, RFC 8950): enable that on the peer"
	}
	return text
}

// withCommunication adds the text of a shutdown communication, which is anything that the peer likes (RFC 9003 section 4).
func withCommunication(text, communication string) string {
	if communication == "" {
		return text
	}
	return fmt.Sprintf("%s: %q", text, communication)
}
