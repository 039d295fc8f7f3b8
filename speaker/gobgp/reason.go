// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/osrg/gobgp/v4/api"

	"metallb.io/metallb/speaker/session"
)

// closedEarly is all there is to say of a peer that accepts a connection and closes it: it has no peer configured for
// this address, or it is in a pause after an earlier error.
const closedEarly = "connection closed by the peer before its OPEN"

// attemptError says why an attempt to connect failed, and whether that is specific: what a peer closes without a word
// is often the consequence of an earlier, specific error.
func attemptError(c session.Config, r report, t trail) (text string, specific bool) {
	switch r.kind {
	case dialFailed:
		return dialError(c, r.text), false
	case notificationSent:
		return openError(c, r.notification, t), true
	default:
		return closedEarly, false
	}
}

// openError says why an OPEN was answered by a NOTIFICATION from this side.
func openError(c session.Config, n session.Notification, t trail) string {
	switch {
	case n.BadPeerAS() && t.answer.asn != 0:
		return fmt.Sprintf("peer ASN %d, expected %d (sent %s)", t.answer.asn, c.PeerASN, n)
	case n.BadPeerAS():
		return fmt.Sprintf("peer ASN is not %d (sent %s): correct peerASN, or the ASN of the peer", c.PeerASN, n)
	case n.HoldTimerExpired():
		return "peer accepted the connection but sent no OPEN"
	case n.UnexpectedInOpenSent():
		return refusal(c, t.answer)
	case t.detail != "":
		return fmt.Sprintf("sent %s: %s", n, t.detail)
	default:
		return "sent " + n.String()
	}
}

// refusal is what is said of a NOTIFICATION that answers this side's OPEN, or of what can only be one.
func refusal(c session.Config, a answer) string {
	from := "this address"
	if c.Source.IsValid() {
		from = c.Source.String()
	}
	expectation := fmt.Sprintf("does it expect ASN %d, router ID %s, from %s?", c.LocalASN, c.RouterID, from)
	switch {
	case a.refusal == nil:
		return "peer refused the OPEN with a NOTIFICATION: " + expectation
	case a.refusal.OpenMessageError():
		return fmt.Sprintf("peer sent %s: %s", a.refusal, expectation)
	default:
		return withCommunication("peer sent "+a.refusal.String(), a.communication)
	}
}

// dialError shortens the error of a dial to its cause and adds what is likely behind it.
func dialError(c session.Config, text string) string {
	has := func(s string) bool { return strings.Contains(text, s) }
	switch {
	case has("i/o timeout") && c.Password != "":
		return "connect timed out (wrong password, or peer unreachable)"
	case has("i/o timeout"):
		return "connect timed out (peer unreachable, or it expects a password)"
	case has("connection refused"):
		return "connection refused"
	case has("connection reset"):
		return "connection reset by the peer"
	case has("cannot assign requested address"):
		return fmt.Sprintf("source address %s is not on this node", c.Source)
	case (has("no route to host") || has("network is unreachable")) && !c.MultiHop && !c.IBGP():
		return cause(text) + " (an eBGP peer that is not on a connected subnet needs ebgpMultiHop)"
	default:
		return cause(text)
	}
}

// cause is the last part of a chain of errors.
func cause(text string) string {
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// trail is what GoBGP logged on a connection before it reported its end.
type trail struct {
	// ended is the NOTIFICATION that ended the connection, if there was one.
	ended *report
	// detail is the error behind it.
	detail string
	// answer is what the peer said last while the connection was opened.
	answer answer
}

// downReason says why an established session was lost.
func downReason(reason api.PeerState_DisconnectReason, t trail, held string) string {
	switch {
	case t.ended != nil && t.ended.kind == notificationReceived:
		return withCommunication("peer sent "+t.ended.notification.String(), t.ended.communication)
	case t.ended != nil && t.ended.notification.HoldTimerExpired(),
		reason == api.PeerState_DISCONNECT_REASON_HOLD_TIMER_EXPIRED:
		return "hold timer expired: nothing heard from the peer for " + held
	case t.ended != nil && t.detail != "":
		return fmt.Sprintf("sent %s: %s", t.ended.notification, t.detail)
	case t.ended != nil:
		return "sent " + t.ended.notification.String()
	case t.detail != "":
		return "connection lost: " + cause(t.detail)
	default:
		return "connection lost"
	}
}

// confirmError says why a connection failed between the exchange of OPEN messages and the first KEEPALIVE.
func confirmError(c session.Config, reason api.PeerState_DisconnectReason, t trail) string {
	switch {
	case t.ended != nil && t.ended.notification.HoldTimerExpired():
		return "peer sent no KEEPALIVE after its OPEN"
	case t.ended != nil:
		return openError(c, t.ended.notification, t)
	case reason == api.PeerState_DISCONNECT_REASON_INVALID_MSG, t.answer.refusal != nil:
		return refusal(c, t.answer)
	default:
		return "connection lost before the peer's KEEPALIVE"
	}
}

// noFamily is what there is to say of a session that is up and of no use (RFC 4760 section 8).
func noFamily(peer netip.Addr) string {
	family := "IPv6"
	if peer.Is4() {
		family = "IPv4"
	}
	return fmt.Sprintf("peer does not take %s routes on this session: enable the address family for it on the peer", family)
}

// withCommunication adds the text of a shutdown communication, which is anything that the peer likes (RFC 9003 section 4).
func withCommunication(text, communication string) string {
	if communication == "" {
		return text
	}
	return fmt.Sprintf("%s: %q", text, communication)
}
