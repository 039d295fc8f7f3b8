// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/osrg/gobgp/v4/api"

	"metallb.io/metallb/speaker/session"
)

func record(message string, attributes ...any) slog.Record {
	r := slog.NewRecord(time.Time{}, slog.LevelDebug, message, 0)
	r.Add(attributes...)
	return r
}

// The records are those that GoBGP v4.8.0 was seen to write.
func TestInterpret(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		record slog.Record
		want   report
		not    bool
	}{
		"a refused connection": {
			record: record("failed to connect", "Error", "dial tcp 0.0.0.0:0->192.0.2.2:179: connect: connection refused"),
			want:   report{kind: dialFailed, opening: true, text: "dial tcp 0.0.0.0:0->192.0.2.2:179: connect: connection refused"},
		},
		"a connection closed before the OPEN": {
			record: record("outgoing connection IO error", "reason", "read-failed"),
			want:   report{kind: closedBeforeOpen, opening: true},
		},
		"a notification to a peer with another ASN": {
			record: record("sent notification", "State", "BGP_FSM_ACTIVE", "Code", 2, "Subcode", 2, "Data", []byte(nil)),
			want:   report{kind: notificationSent, opening: true, notification: session.Notification{Code: 2, Subcode: 2}},
		},
		"a notification on an established session": {
			record: record("sent notification", "State", "BGP_FSM_ESTABLISHED", "Code", 6, "Subcode", 3, "Data", []byte(nil)),
			want:   report{kind: notificationSent, notification: session.Notification{Code: 6, Subcode: 3}},
		},
		"a peer that shuts down": {
			record: record("received notification", "Code", 6, "Subcode", 2, "Communicated-Reason", "maintenance", "Data", []byte{}),
			want: report{
				kind: notificationReceived, notification: session.Notification{Code: 6, Subcode: 2}, communication: "maintenance",
			},
		},
		"a message that can not be understood": {
			record: record("Session will be reset due to malformed BGP Header", "State", "BGP_FSM_ESTABLISHED", "Error", "unknown message type"),
			want:   report{kind: malformed, text: "unknown message type"},
		},
		"a connection that can not be written to": {
			record: record("failed to send", "State", "BGP_FSM_ESTABLISHED", "Data", errors.New("write tcp: broken pipe")),
			want:   report{kind: writeFailed, text: "write tcp: broken pipe"},
		},
		"an update": {
			record: record("sent update", "State", "BGP_FSM_ESTABLISHED", "nlri", []string{"10.0.0.0/32"}),
			want:   report{kind: updateSent},
		},
		"anything else": {
			record: record("Peer Up"),
			not:    true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := interpret(tt.record)
			if ok == tt.not {
				t.Fatalf("is a report: %t", ok)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(report{}, answer{})); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDialErrorsInWords(t *testing.T) {
	t.Parallel()
	const dial = "dial tcp 0.0.0.0:0->192.0.2.2:179: "
	internal := func(c *session.Config) { c.LocalASN = c.PeerASN }
	tests := map[string]struct {
		change func(*session.Config)
		text   string
		want   string
	}{
		"refused":                 {text: dial + "connect: connection refused", want: "connection refused"},
		"reset":                   {text: dial + "connect: connection reset by peer", want: "connection reset by the peer"},
		"timeout":                 {text: dial + "i/o timeout", want: "connect timed out (peer unreachable, or it expects a password)"},
		"timeout with a password": {change: func(c *session.Config) { c.Password = "p" }, text: dial + "i/o timeout", want: "connect timed out (wrong password, or peer unreachable)"},
		"no route, external":      {text: dial + "connect: no route to host", want: "no route to host (an eBGP peer that is not on a connected subnet needs ebgpMultiHop)"},
		"no route, internal":      {change: internal, text: dial + "connect: no route to host", want: "no route to host"},
		"no network, multi-hop":   {change: func(c *session.Config) { c.MultiHop = true }, text: dial + "connect: network is unreachable", want: "network is unreachable"},
		"foreign source":          {change: func(c *session.Config) { c.Source = netip.MustParseAddr("192.0.2.7") }, text: "dial tcp 192.0.2.7:0->192.0.2.2:179: bind: cannot assign requested address", want: "source address 192.0.2.7 is not on this node"},
		"anything else":           {text: dial + "setSockOpt: operation not permitted", want: "operation not permitted"},
		"nothing to shorten":      {text: "odd", want: "odd"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := to("tor", netip.MustParseAddrPort("192.0.2.2:179"))
			if tt.change != nil {
				tt.change(&c)
			}
			if got := dialError(c, tt.text); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestTheEndOfAConnectionInWords(t *testing.T) {
	t.Parallel()
	sent := func(code, subcode uint8) *report {
		return &report{kind: notificationSent, notification: session.Notification{Code: code, Subcode: subcode}}
	}
	received := &report{kind: notificationReceived, notification: session.Notification{Code: 6, Subcode: 4}}
	c := to("tor", netip.MustParseAddrPort("192.0.2.2:179"))
	c.Source = netip.MustParseAddr("192.0.2.7")
	const refused = "peer refused the OPEN with a NOTIFICATION: does it expect ASN 64500, router ID 192.0.2.1, from 192.0.2.7?"

	tests := map[string]struct {
		got, want string
	}{
		"a notification comes": {
			downReason(api.PeerState_DISCONNECT_REASON_NOTIFICATION_RECEIVED, trail{ended: received}, "9s"),
			"peer sent Cease/Administrative Reset",
		},
		"a message is malformed": {
			downReason(api.PeerState_DISCONNECT_REASON_NOTIFICATION_SENT, trail{ended: sent(1, 3), detail: "unknown type"}, "9s"),
			"sent Message Header Error/Bad Message Type: unknown type",
		},
		"a notification is sent": {
			downReason(api.PeerState_DISCONNECT_REASON_NOTIFICATION_SENT, trail{ended: sent(3, 1)}, "9s"),
			"sent UPDATE Message Error/Malformed Attribute List",
		},
		"the hold timer expires": {
			downReason(api.PeerState_DISCONNECT_REASON_HOLD_TIMER_EXPIRED, trail{}, "9s"),
			"hold timer expired: nothing heard from the peer for 9s",
		},
		"the hold timer expires and the peer knows graceful restart": {
			downReason(api.PeerState_DISCONNECT_REASON_GRACEFUL_RESTART, trail{ended: sent(4, 0)}, "9s"),
			"hold timer expired: nothing heard from the peer for 9s",
		},
		"the connection breaks": {
			downReason(api.PeerState_DISCONNECT_REASON_READ_FAILED, trail{}, "9s"),
			"connection lost",
		},
		"the connection breaks while it is written to": {
			downReason(api.PeerState_DISCONNECT_REASON_WRITE_FAILED, trail{detail: "write tcp: broken pipe"}, "9s"),
			"connection lost: broken pipe",
		},
		"the OPEN is refused": {
			confirmError(c, api.PeerState_DISCONNECT_REASON_INVALID_MSG, trail{}), refused,
		},
		"the OPEN is refused in words": {
			confirmError(c, api.PeerState_DISCONNECT_REASON_READ_FAILED, trail{answer: answer{refusal: &session.Notification{Code: 6, Subcode: 5}}}),
			"peer sent Cease/Connection Rejected",
		},
		"the peer's ASN is another": {
			openError(c, session.Notification{Code: 2, Subcode: 2}, trail{answer: answer{asn: 4200000001}}),
			"peer ASN 4200000001, expected 64512 (sent OPEN Message Error/Bad Peer AS)",
		},
		"the peer's ASN is another, and unknown": {
			openError(c, session.Notification{Code: 2, Subcode: 2}, trail{}),
			"peer ASN is not 64512 (sent OPEN Message Error/Bad Peer AS): correct peerASN, or the ASN of the peer",
		},
		"the OPEN is followed by nothing": {
			confirmError(c, api.PeerState_DISCONNECT_REASON_HOLD_TIMER_EXPIRED, trail{ended: sent(4, 0)}),
			"peer sent no KEEPALIVE after its OPEN",
		},
		"the OPEN is followed by what can not be understood": {
			confirmError(c, api.PeerState_DISCONNECT_REASON_INVALID_MSG, trail{ended: sent(1, 2), detail: "too long"}),
			"sent Message Header Error/Bad Message Length: too long",
		},
		"the OPEN is followed by the end of the connection": {
			confirmError(c, api.PeerState_DISCONNECT_REASON_READ_FAILED, trail{}),
			"connection lost before the peer's KEEPALIVE",
		},
		"no OPEN comes": {
			openError(c, session.Notification{Code: 4}, trail{}),
			"peer accepted the connection but sent no OPEN",
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

func TestDoubtfulChangesAreThoseAfterTheReport(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	a, b, c := netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.0.0.2/32"), netip.MustParsePrefix("10.0.0.3/32")

	var d doubtful
	d.withdrew(at(1), []netip.Prefix{a})
	d.announced(at(2))
	d.withdrew(at(100), []netip.Prefix{a})
	if len(d.withdrawn) != 1 {
		t.Errorf("%d old withdrawals are kept", len(d.withdrawn)-1)
	}
	d.withdrew(at(110), []netip.Prefix{b, c})
	announced, withdrawn := d.since(at(105), map[netip.Prefix]struct{}{c: {}})
	if announced || !cmp.Equal(withdrawn, []netip.Prefix{b}, cmp.Comparer(func(x, y netip.Prefix) bool { return x == y })) {
		t.Errorf("announced: %t, withdrawn: %s; want only the withdrawal of %s", announced, withdrawn, b)
	}

	d.announced(at(120))
	if announced, _ := d.since(at(119), nil); !announced {
		t.Error("an announcement after the report is not in doubt")
	}
	if announced, withdrawn := d.since(at(0), nil); announced || len(withdrawn) > 0 {
		t.Error("what was returned is not forgotten")
	}
}
