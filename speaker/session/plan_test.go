// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/session"
)

func config(peer string, changes ...func(*bgp.Peer)) bgp.Peer {
	c := bgp.Peer{
		Name: peer, LocalASN: 64500, PeerASN: 64512, Address: netip.MustParseAddr("192.0.2.1"), Port: 179,
		RouterID: netip.MustParseAddr("198.51.100.1"),
		HoldTime: 90 * time.Second, KeepaliveTime: 30 * time.Second, ConnectTime: 5 * time.Second, Password: "s3cret",
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func running(configs ...bgp.Peer) map[string]bgp.Peer {
	m := map[string]bgp.Peer{}
	for _, c := range configs {
		m[c.Name] = c
	}
	return m
}

func TestDiff(t *testing.T) {
	t.Parallel()
	retimed := config("a", func(c *bgp.Peer) {
		c.HoldTime, c.KeepaliveTime, c.ConnectTime = 9*time.Second, 3*time.Second, time.Second
	})
	tests := map[string]struct {
		running map[string]bgp.Peer
		wanted  []bgp.Peer
		want    session.Plan
	}{
		"what is as wanted is left alone": {
			running: running(config("a"), config("b")),
			wanted:  []bgp.Peer{config("b"), config("a")},
		},
		"new sessions are started in order": {
			wanted: []bgp.Peer{config("b"), config("a")},
			want:   session.Plan{Start: []bgp.Peer{config("a"), config("b")}},
		},
		"what is not wanted is stopped in order": {
			running: running(config("c"), config("b"), config("a")),
			wanted:  []bgp.Peer{config("b")},
			want:    session.Plan{Stop: []string{"a", "c"}},
		},
		"timers alone do not restart": {
			running: running(config("a")),
			wanted:  []bgp.Peer{retimed},
			want:    session.Plan{Retime: []bgp.Peer{retimed}},
		},
		"the last configuration of a peer counts": {
			wanted: []bgp.Peer{retimed, config("a")},
			want:   session.Plan{Start: []bgp.Peer{config("a")}},
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
	return cmp.Comparer(func(a, b bgp.Peer) bool { return a.Equal(b) })
}
