// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	own   = netip.MustParseAddr("fe80::1")
	a     = netip.MustParseAddr("fe80::a")
	b     = netip.MustParseAddr("fe80::b")
	c     = netip.MustParseAddr("fe80::c")
	began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// table is what the kernel has of eth1.
func table(neighbours, routers, failed []netip.Addr) link {
	return link{name: "eth1", index: 7, address: own, own: []netip.Addr{own}, neighbours: neighbours, routers: routers, failed: failed}
}

func TestTheRouterOnALinkIsChosenByWhatIsKnown(t *testing.T) {
	t.Parallel()
	nobody := table(nil, nil, nil)
	just := func(addresses ...netip.Addr) []netip.Addr { return addresses }
	for name, tc := range map[string]struct {
		happens func(m *memory)
		// want is the router, or a part of the error.
		want string
	}{
		"nothing":                     {func(*memory) {}, "no router found on interface eth1: none sends router advertisements or answers"},
		"one that advertises":         {func(m *memory) { m.hear(a, advertises, began) }, "fe80::a%eth1"},
		"one that answers":            {func(m *memory) { m.hear(a, echoes, began) }, "fe80::a%eth1"},
		"a neighbour":                 {func(m *memory) { m.learn(table(just(a), nil, nil)) }, "fe80::a%eth1"},
		"a router beside a neighbour": {func(m *memory) { m.learn(table(just(a), just(b), nil)) }, "fe80::b%eth1"},
		"one that advertises beside one that answers": {func(m *memory) { m.hear(a, echoes, began); m.hear(b, advertises, began) }, "fe80::b%eth1"},
		"one that advertises, as a neighbour too":     {func(m *memory) { m.hear(a, advertises, began); m.learn(table(just(a), nil, nil)) }, "fe80::a%eth1"},
		"the node itself": {func(m *memory) { m.hear(own, advertises, began) }, "none sends"},
		"two neighbours": {
			func(m *memory) { m.learn(table(just(b, a), nil, nil)) },
			"fe80::a and fe80::b are all neighbours, and none says that it is a router",
		},
		"two that advertise": {
			func(m *memory) { m.hear(b, advertises, began); m.hear(a, advertises, began) }, "fe80::a and fe80::b all send router advertisements",
		},
		"a neighbour that does not answer": {func(m *memory) { m.learn(table(nil, nil, just(a))) }, "none sends"},
		"another that advertises does not take over": {
			func(m *memory) { m.hear(a, advertises, began); m.choose(); m.hear(b, advertises, began) }, "fe80::a%eth1",
		},
		"another that advertises does not take over from one that does not": {
			func(m *memory) { m.hear(a, echoes, began); m.choose(); m.hear(b, advertises, began) }, "fe80::a%eth1",
		},
		"a router takes over from what is only a neighbour": {
			func(m *memory) { m.learn(table(just(a), nil, nil)); m.choose(); m.hear(b, echoes, began) }, "fe80::b%eth1",
		},
		"another takes over when it is silent": {
			func(m *memory) { m.hear(a, advertises, began); m.choose(); m.hear(b, advertises, began); m.lose(a) }, "fe80::b%eth1",
		},
		"another takes over when the kernel has lost it": {
			func(m *memory) { m.learn(table(just(a), nil, nil)); m.choose(); m.learn(table(just(b), nil, just(a))) }, "fe80::b%eth1",
		},
		"one that is silent stays if there is no other": {
			func(m *memory) { m.hear(a, advertises, began); m.choose(); m.lose(a); m.choose() }, "fe80::a%eth1",
		},
		"one of which the kernel knows nothing any more stays": {
			func(m *memory) { m.learn(table(just(a), nil, nil)); m.choose(); m.learn(nobody); m.choose() }, "fe80::a%eth1",
		},
		"one that was silent is heard again": {
			func(m *memory) {
				m.hear(a, advertises, began)
				m.choose()
				m.lose(a)
				m.hear(a, advertises, began)
				m.hear(b, advertises, began)
			},
			"fe80::a%eth1",
		},
		"one that was silent answers again": {
			func(m *memory) {
				m.hear(a, advertises, began)
				m.choose()
				m.lose(a)
				m.confirm(a)
				m.hear(b, advertises, began)
			}, "fe80::a%eth1",
		},
		"one that the kernel had lost is back": {
			func(m *memory) {
				m.learn(table(just(a), nil, nil))
				m.choose()
				m.learn(table(nil, nil, just(a)))
				m.choose()
				m.learn(table(just(a, b), nil, nil))
			}, "fe80::a%eth1",
		},
		"two to choose from when it is silent": {
			func(m *memory) {
				m.hear(a, advertises, began)
				m.choose()
				m.hear(b, advertises, began)
				m.hear(c, advertises, began)
				m.lose(a)
			}, "fe80::b and fe80::c all send",
		},
		"two of which one turns out to be silent": {
			func(m *memory) { m.hear(a, advertises, began); m.hear(b, advertises, began); m.choose(); m.lose(a) }, "fe80::b%eth1",
		},
		"an interface that cannot be used": {func(m *memory) { m.learn(link{name: "eth1", unusable: errors.New("it is down")}) }, "it is down"},
		"an interface that goes down": {
			func(m *memory) {
				m.hear(a, advertises, began)
				m.choose()
				m.learn(link{name: "eth1", unusable: errors.New("it is down")})
			}, "fe80::a%eth1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			m.learn(nobody)
			tc.happens(&m)
			m.choose()
			router, err := m.answer()
			if got := fmt.Sprint(err); err != nil && !strings.Contains(got, tc.want) || err == nil && router.String() != tc.want {
				t.Errorf("router %s, error %v, want %s", router, err, tc.want)
			}
		})
	}
}

func TestWhoCouldChangeTheChoiceIsAsked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hear func(m *memory)
		want []netip.Addr
	}{
		"nobody where there is one router":       {func(m *memory) { m.hear(a, advertises, began); m.choose() }, nil},
		"the router when another one is heard":   {func(m *memory) { m.hear(a, advertises, began); m.choose(); m.hear(b, advertises, began) }, []netip.Addr{a}},
		"the router when a neighbour turns up":   {func(m *memory) { m.hear(a, echoes, began); m.choose(); m.learn(table([]netip.Addr{b}, nil, nil)) }, []netip.Addr{a}},
		"all where there are two":                {func(m *memory) { m.hear(a, advertises, began); m.hear(b, advertises, began) }, []netip.Addr{a, b}},
		"nobody when the router alone is silent": {func(m *memory) { m.hear(a, advertises, began); m.choose(); m.lose(a) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			m.learn(table(nil, nil, nil))
			tc.hear(&m)
			if got := m.choose(); fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("to be asked: %v, want %v", got, tc.want)
			}
		})
	}
}

func TestAHostThatPlaysManyRoutersIsRememberedWithinBounds(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.learn(table(nil, nil, nil))
	m.hear(a, advertises, began)
	m.choose()
	fake := func(i int) netip.Addr {
		return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: 1, 14: byte(i >> 8), 15: byte(i)})
	}
	for i := range 10_000 {
		m.hear(fake(i), advertises, began.Add(time.Duration(i)*time.Millisecond))
		m.choose()
		if router, err := m.answer(); router.WithZone("") != a || len(m.seen) > maxSeen {
			t.Fatalf("after %d: router %s, %v, and %d addresses", i, router, err, len(m.seen))
		}
	}
	m.hear(b, advertises, began.Add(10*time.Second).Add(oldAfter))
	if _, isSeen := m.seen[b]; !isSeen {
		t.Error("one that comes when the others are gone is not remembered")
	}
}

func TestAnErrorNamesTheFirstAddressesOfMany(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.learn(table([]netip.Addr{a, b, c, own.Next(), own.Next().Next()}, nil, nil))
	m.choose()
	if _, err := m.answer(); err == nil || !strings.Contains(err.Error(), "fe80::2, fe80::3, fe80::a and 2 more are all neighbours") {
		t.Errorf("error %v", err)
	}
}
