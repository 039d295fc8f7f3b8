// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/speaker/session"
)

func config(peer string, changes ...func(*session.Config)) session.Config {
	c := session.Config{
		Peer: peer, LocalASN: 64500, PeerASN: 64512, Address: netip.MustParseAddr("192.0.2.1"), Port: 179,
		RouterID: netip.MustParseAddr("198.51.100.1"),
		HoldTime: 90 * time.Second, KeepaliveTime: 30 * time.Second, ConnectTime: 5 * time.Second, Password: "s3cret",
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func running(configs ...session.Config) map[string]session.Config {
	m := map[string]session.Config{}
	for _, c := range configs {
		m[c.Peer] = c
	}
	return m
}

func TestDiff(t *testing.T) {
	t.Parallel()
	retimed := config("a", func(c *session.Config) {
		c.HoldTime, c.KeepaliveTime, c.ConnectTime = 9*time.Second, 3*time.Second, time.Second
	})
	tests := map[string]struct {
		running map[string]session.Config
		wanted  []session.Config
		want    session.Plan
	}{
		"what is as wanted is left alone": {
			running: running(config("a"), config("b")),
			wanted:  []session.Config{config("b"), config("a")},
		},
		"new sessions are started in order": {
			wanted: []session.Config{config("b"), config("a")},
			want:   session.Plan{Start: []session.Config{config("a"), config("b")}},
		},
		"what is not wanted is stopped in order": {
			running: running(config("c"), config("b"), config("a")),
			wanted:  []session.Config{config("b")},
			want:    session.Plan{Stop: []string{"a", "c"}},
		},
		"timers alone do not restart": {
			running: running(config("a")),
			wanted:  []session.Config{retimed},
			want:    session.Plan{Retime: []session.Config{retimed}},
		},
		"the last configuration of a peer counts": {
			wanted: []session.Config{retimed, config("a")},
			want:   session.Plan{Start: []session.Config{config("a")}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := session.Diff(tt.running, tt.wanted)
			if diff := cmp.Diff(tt.want, got, equal(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func equal() cmp.Option {
	return cmp.Comparer(func(a, b session.Config) bool { return a == b })
}

func TestEveryChangeButTimersRestarts(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*session.Config){
		"local ASN":  func(c *session.Config) { c.LocalASN++ },
		"peer ASN":   func(c *session.Config) { c.PeerASN++ },
		"address":    func(c *session.Config) { c.Address = c.Address.Next() },
		"port":       func(c *session.Config) { c.Port++ },
		"source":     func(c *session.Config) { c.Source = netip.MustParseAddr("192.0.2.9") },
		"router ID":  func(c *session.Config) { c.RouterID = c.RouterID.Next() },
		"password":   func(c *session.Config) { c.Password = "" },
		"multi-hop":  func(c *session.Config) { c.MultiHop = true },
		"and timers": func(c *session.Config) { c.Port++; c.HoldTime = 0 },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := config("a", change)
			want := session.Plan{Restart: []session.Config{changed}}
			if diff := cmp.Diff(want, session.Diff(running(config("a")), []session.Config{changed}), equal()); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoWayToPrintAConfigShowsThePassword(t *testing.T) {
	t.Parallel()
	c := config("a")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, c); strings.Contains(text, "s3cret") || !strings.Contains(text, "192.0.2.1:179") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if text := fmt.Sprint(c.MarshalLog()); strings.Contains(text, "s3cret") {
		t.Errorf("a logger prints %s", text)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	six := netip.MustParseAddr("2001:db8::1")
	tests := map[string]struct {
		change func(*session.Config)
		error  string
	}{
		"a usual configuration":         {change: func(*session.Config) {}},
		"no hold time":                  {change: func(c *session.Config) { c.HoldTime, c.KeepaliveTime = 0, 0 }},
		"an IPv6 peer and source":       {change: func(c *session.Config) { c.Address, c.Source = six, six.Next() }},
		"no name":                       {change: func(c *session.Config) { c.Peer = "" }, error: "has no name"},
		"no address":                    {change: func(c *session.Config) { c.Address = netip.Addr{} }, error: "must be the peer's address"},
		"an unspecified address":        {change: func(c *session.Config) { c.Address = netip.IPv6Unspecified() }, error: "must be the peer's address"},
		"no port":                       {change: func(c *session.Config) { c.Port = 0 }, error: "port 0"},
		"no peer ASN":                   {change: func(c *session.Config) { c.PeerASN = 0 }, error: "ASN 0"},
		"no local ASN":                  {change: func(c *session.Config) { c.LocalASN = 0 }, error: "ASN 0"},
		"no router ID":                  {change: func(c *session.Config) { c.RouterID = netip.Addr{} }, error: "router ID"},
		"an IPv6 router ID":             {change: func(c *session.Config) { c.RouterID = six }, error: "must be an IPv4 address"},
		"a source of another family":    {change: func(c *session.Config) { c.Source = six }, error: "must be of the same family"},
		"a hold time that is too short": {change: func(c *session.Config) { c.HoldTime = 2 * time.Second }, error: "must be 0 or from 3s"},
		"a hold time that is too long":  {change: func(c *session.Config) { c.HoldTime = 20 * time.Hour }, error: "hold time 20h"},
		"a keepalive above hold time":   {change: func(c *session.Config) { c.KeepaliveTime = 91 * time.Second }, error: "must not exceed the hold time"},
		"a negative connect time":       {change: func(c *session.Config) { c.ConnectTime = -1 }, error: "connect time"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := config("a", tt.change).Validate()
			switch {
			case tt.error == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.error != "" && (err == nil || !strings.Contains(err.Error(), tt.error)):
				t.Errorf("error is %v, want %q", err, tt.error)
			case err != nil && strings.Contains(err.Error(), "s3cret"):
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestASessionCarriesTheFamilyOfItsAddress(t *testing.T) {
	t.Parallel()
	four, six := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")
	c := config("a")
	if !c.Carries(four) || c.Carries(six) {
		t.Errorf("a session with %s carries %s: %t, %s: %t", c.Address, four, c.Carries(four), six, c.Carries(six))
	}
	c.Address = netip.MustParseAddr("2001:db8::1")
	if c.Carries(four) || !c.Carries(six) {
		t.Errorf("a session with %s carries %s: %t, %s: %t", c.Address, four, c.Carries(four), six, c.Carries(six))
	}
}

func TestNotificationsAreNamedAsInTheRFCs(t *testing.T) {
	t.Parallel()
	tests := map[session.Notification]string{
		{Code: 1, Subcode: 3}:   "Message Header Error/Bad Message Type",
		{Code: 2, Subcode: 2}:   "OPEN Message Error/Bad Peer AS",
		{Code: 2, Subcode: 5}:   "OPEN Message Error/subcode 5",
		{Code: 2, Subcode: 11}:  "OPEN Message Error/Role Mismatch",
		{Code: 3, Subcode: 11}:  "UPDATE Message Error/Malformed AS_PATH",
		{Code: 4}:               "Hold Timer Expired",
		{Code: 5, Subcode: 1}:   "Finite State Machine Error/Unexpected Message in OpenSent",
		{Code: 6}:               "Cease",
		{Code: 6, Subcode: 2}:   "Cease/Administrative Shutdown",
		{Code: 6, Subcode: 10}:  "Cease/BFD Down",
		{Code: 6, Subcode: 99}:  "Cease/subcode 99",
		{Code: 7, Subcode: 1}:   "ROUTE-REFRESH Message Error/Invalid Message Length",
		{Code: 77, Subcode: 12}: "code 77/subcode 12",
	}
	for n, want := range tests {
		if got := n.String(); got != want {
			t.Errorf("%d/%d is %q, want %q", n.Code, n.Subcode, got, want)
		}
	}
}
