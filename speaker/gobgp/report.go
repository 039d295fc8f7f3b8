// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"

	"metallb.io/metallb/speaker/session"
)

// report is what a log record of GoBGP says about a session that no event says.
type report struct {
	kind reportKind
	// opening is whether it concerns a connection that is not yet the session's: one on which OPEN messages are exchanged.
	opening bool
	// notification that was sent or received, and the text that came with it (RFC 9003).
	notification  session.Notification
	communication string
	// text is an error.
	text string
	// answer is that of the peer.
	answer answer
}

type reportKind int

const (
	// dialFailed: no connection to the peer, text says why.
	dialFailed reportKind = iota
	// closedBeforeOpen: the peer closed the connection, or it broke, before its OPEN.
	closedBeforeOpen
	// notificationSent and notificationReceived end a connection.
	notificationSent
	notificationReceived
	// malformed: the peer's message can not be understood, text says why. A notification is sent next.
	malformed
	// writeFailed: text says why. The session goes down next.
	writeFailed
	// updateSent: an UPDATE message was written.
	updateSent
	// answered: the peer's next message on a new connection is answer. It is about to be read.
	answered
)

// interpret returns the report in a log record of GoBGP, if there is one.
func interpret(r slog.Record) (report, bool) {
	switch r.Message {
	case "sent update":
		return report{kind: updateSent}, true
	case "failed to connect":
		return report{kind: dialFailed, opening: true, text: attribute(r, "Error").String()}, true
	case "outgoing connection IO error":
		return report{kind: closedBeforeOpen, opening: true}, true
	case "sent notification":
		return notice(notificationSent, r), true
	case "received notification":
		return notice(notificationReceived, r), true
	case "Session will be reset due to malformed BGP Header",
		"Session will be reset due to malformed BGP message",
		"Session will be reset due to malformed BGP update message":
		return report{kind: malformed, text: attribute(r, "Error").String()}, true
	case "failed to send":
		return report{kind: writeFailed, text: attribute(r, "Data").String()}, true
	default:
		return report{}, false
	}
}

// notice is a report of a NOTIFICATION. While GoBGP is in Active, the messages are those of a connection that it tries.
func notice(kind reportKind, r slog.Record) report {
	n := report{
		kind:    kind,
		opening: attribute(r, "State").String() == "BGP_FSM_ACTIVE",
		notification: session.Notification{
			Code:    octet(attribute(r, "Code")),
			Subcode: octet(attribute(r, "Subcode")),
		},
	}
	if reason := attribute(r, "Communicated-Reason"); reason.Kind() == slog.KindString {
		n.communication = reason.String()
	}
	return n
}

func octet(v slog.Value) uint8 {
	if v.Kind() != slog.KindInt64 {
		return 0
	}
	return uint8(v.Int64() & 0xff)
}

func attribute(r slog.Record, key string) slog.Value {
	var value slog.Value
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != key {
			return true
		}
		value = a.Value.Resolve()
		return false
	})
	return value
}

// logHandler receives what a GoBGP server logs: it passes reports on and copies the rest to the debug log.
type logHandler struct {
	log    logr.Logger
	report func(report)
	// answer waits for the peer's next message, and looks at it.
	answer func() answer
}

// Enabled is true for every level, because what matters most is logged at debug level.
func (h *logHandler) Enabled(context.Context, slog.Level) bool {
	return true
}

// Handle never blocks, as GoBGP logs with locks held; but where it is about to wait for the peer, with none.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	if rep, ok := interpret(r); ok {
		h.report(rep)
	}
	if r.Message == "outgoing connection established" || r.Message == "open message received on outgoing connection" {
		h.report(report{kind: answered, opening: true, answer: h.answer()})
	}
	log := h.log.V(1)
	if r.Message == "sent update" {
		log = h.log.V(2)
	}
	if !log.Enabled() {
		return nil
	}
	values := make([]any, 0, 2*r.NumAttrs()+2)
	values = append(values, "message", r.Message)
	r.Attrs(func(a slog.Attr) bool {
		values = append(values, a.Key, a.Value.Resolve().Any())
		return true
	})
	log.Info("gobgp", values...)
	return nil
}

// WithAttrs leaves out the attributes, which name the peer: so does the logger.
func (h *logHandler) WithAttrs([]slog.Attr) slog.Handler {
	return h
}

// WithGroup is not used by GoBGP.
func (h *logHandler) WithGroup(string) slog.Handler {
	return h
}
