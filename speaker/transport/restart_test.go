// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"slices"
	"testing"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
)

// restarting is an OPEN with graceful restart for the families, with the flags of the capability and of each family, a time of 300 s, and more
// capabilities around it.
func restarting(flags byte, ofFamily ...byte) message {
	value := append(make([]byte, 0, restartSize+restartFamilySize*len(ofFamily)), flags|300>>8, 300&0xff)
	for i, f := range ofFamily {
		value = append(value, 0, byte(i+1), 1, f)
	}
	capabilities := slices.Concat([]byte{2, 0, 64, byte(len(value))}, value, []byte{6, 0})
	return openMessage(64500, slices.Concat([]byte{byte(len(capabilities) + 2), 2, byte(len(capabilities))}, capabilities)...)
}

func TestTheFlagsOfGracefulRestartAreSetInPlace(t *testing.T) {
	t.Parallel()
	both := bgp.Families{IPv4: true, IPv6: true}
	tests := map[string]struct {
		restart  Restart
		from, to message
	}{
		"nothing is left":                {Restart{}, restarting(0x80, 0x80, 0x80), restarting(0, 0, 0)},
		"a restart, all is preserved":    {Restart{true, both}, restarting(0, 0, 0), restarting(0x80, 0x80, 0x80)},
		"a connection that was lost":     {Restart{false, both}, restarting(0, 0, 0), restarting(0, 0x80, 0x80)},
		"IPv4 alone is preserved":        {Restart{true, bgp.Families{IPv4: true}}, restarting(0, 0, 0), restarting(0x80, 0x80, 0)},
		"IPv6 alone is preserved":        {Restart{true, bgp.Families{IPv6: true}}, restarting(0, 0, 0), restarting(0x80, 0, 0x80)},
		"what NOTIFICATIONs do stays":    {Restart{true, both}, restarting(0x40, 0), restarting(0xc0, 0x80)},
		"other flags of a family stay":   {Restart{true, both}, restarting(0, 0x01), restarting(0x80, 0x81)},
		"a family that nobody speaks of": {Restart{true, both}, restarting(0, 0, 0, 0), restarting(0x80, 0x80, 0x80, 0)},
		"who keeps only others' routes":  {Restart{true, both}, restarting(0), restarting(0)},
		"no graceful restart":            {Restart{true, both}, openMessage(64500, 4, 2, 2, 6, 0), openMessage(64500, 4, 2, 2, 6, 0)},
		"capabilities that break off":    {Restart{true, both}, openMessage(64500, 8, 2, 6, 64, 9, 0, 120, 0, 1), openMessage(64500, 8, 2, 6, 64, 9, 0, 120, 0, 1)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			markRestart(tt.from, tt.restart)
			if !slices.Equal(tt.from, tt.to) {
				t.Errorf("is %x, want %x", tt.from, tt.to)
			}
		})
	}
}

func TestAnOpenIsMarkedOnItsWay(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.conn.restart = func() Restart { return Restart{Restarted: true, Preserved: bgp.Families{IPv6: true}} }
		written := restarting(0, 0, 0)
		r.write(slices.Concat(written, newMessage(keepalive)))
		r.expect("what the router gets", drain(r.answered), []message{restarting(0x80, 0, 0x80), newMessage(keepalive)})
		r.expect("what the speaker has written", written, restarting(0, 0, 0))
	})
}

func TestACeaseIsAHardResetWhereNotificationsKeepRoutes(t *testing.T) {
	t.Parallel()
	const n = 0x40
	plain := newMessage(notification, 6, 2)
	tests := map[string]struct {
		own, peers message
		want       message
	}{
		"both sides keep routes":       {restarting(n, 0), restarting(n), newMessage(notification, 6, 9, 6, 2)},
		"the peer alone does":          {restarting(0, 0), restarting(n), plain},
		"this side alone does":         {restarting(n, 0), restarting(0), plain},
		"nobody restarts gracefully":   {openMessage(64500), openMessage(64512), plain},
		"neither does, but gracefully": {restarting(0, 0), restarting(0, 0), plain},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(r *rig) {
				r.write(tt.own)
				r.say(tt.peers...)
				r.write(newMessage(keepalive))
				drain(r.answered)
				r.conn.Cease(2)
				r.expect("what the router gets", drain(r.answered), []message{tt.want})
			})
		})
	}
}

// The hold timer is an error, not an end: the peer is to keep the routes if it does on a NOTIFICATION (RFC 8538 section 4).
func TestAnExpiredHoldTimerIsNoHardReset(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.write(restarting(0x40, 0))
		r.say(restarting(0x40)...)
		r.write(newMessage(keepalive))
		r.say(newMessage(keepalive)...)
		r.conn.Release()
		drain(r.answered)
		<-r.conn.Resting()
		r.expect("how it ended", *r.conn.End().Sent, session.Notification{Code: 4})
		r.expect("what the router gets last", drain(r.answered), []message{newMessage(notification, 4, 0)})
	})
}

func TestAConnectionIsAbandonedWithoutAWord(t *testing.T) {
	t.Parallel()
	inBubble(t, func(r *rig) {
		r.establish(openMessage(64512))
		r.conn.Abandon()
		r.conn.Cease(2)
		r.expect("stages", drain(r.stages), []Stage{Ended})
		r.expect("what the router gets", drain(r.answered), []message(nil))
		r.expect("how it ended", r.conn.End(), End{})
	})
}

func TestWhatIsInAHardResetIsRead(t *testing.T) {
	t.Parallel()
	shutdown := []byte{6, 2, 3, 'b', 'y', 'e'}
	tests := map[string]struct {
		message       message
		want          session.Notification
		communication string
	}{
		"a reason":             {newMessage(notification, 6, 9, 4, 0), session.Notification{Code: 4}, ""},
		"a reason in words":    {newMessage(notification, slices.Concat([]byte{6, 9}, shutdown)...), session.Notification{Code: 6, Subcode: 2}, "bye"},
		"no reason":            {newMessage(notification, 6, 9), session.Notification{Code: 6, Subcode: 9}, ""},
		"half a reason":        {newMessage(notification, 6, 9, 6), session.Notification{Code: 6, Subcode: 9}, ""},
		"another notification": {newMessage(notification, 3, 9, 6, 2), session.Notification{Code: 3, Subcode: 9}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if n, communication := parseNotification(tt.message); n != tt.want || communication != tt.communication {
				t.Errorf("is %s with %q, want %s with %q", n, communication, tt.want, tt.communication)
			}
		})
	}
}
