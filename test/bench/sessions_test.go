// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/test/bench/sink"
)

// update is a message with n routes of the kind, as an encoder that is not ours makes it.
func (k kind) update(t *testing.T, c routeChange, n int) *bgp.BGPMessage {
	t.Helper()
	family, hop := bgp.RF_IPv4_UC, k.at
	if k.six {
		family = bgp.RF_IPv6_UC
	}
	nlri := make([]bgp.PathNLRI, 0, n)
	for i := range n {
		address := netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)})
		if k.six {
			address = netip.AddrFrom16([16]byte{0x20, 0x01, 0x00, 0x02, 14: byte(i >> 8), 15: byte(i)})
		}
		one, err := bgp.NewIPAddrPrefix(netip.PrefixFrom(address, address.BitLen()))
		if err != nil {
			t.Fatal(err)
		}
		nlri = append(nlri, bgp.PathNLRI{NLRI: one})
	}
	attributes := []bgp.PathAttributeInterface{bgp.NewPathAttributeOrigin(0), bgp.NewPathAttributeAsPath(nil), bgp.NewPathAttributeLocalPref(100)}
	if c.communities > 0 {
		attributes = append(attributes, bgp.NewPathAttributeCommunities([]uint32{uint32(bgp.COMMUNITY_PLANNED_SHUT)}))
	}
	var last bgp.PathAttributeInterface
	var err error
	switch {
	case c.each.withdrawn > 0 && k.six:
		last, err = bgp.NewPathAttributeMpUnreachNLRI(family, nlri)
		attributes, nlri = nil, nil
	case c.each.withdrawn > 0:
		return bgp.NewBGPUpdateMessage(nlri, nil, nil)
	case k.at.Is6():
		last, err = bgp.NewPathAttributeMpReachNLRI(family, nlri, hop)
		nlri = nil
	default:
		last, err = bgp.NewPathAttributeNextHop(hop)
	}
	if err != nil {
		t.Fatal(err)
	}
	return bgp.NewBGPUpdateMessage(nil, append(attributes, last), nlri)
}

func TestTheFloorIsAsManyRoutesInEachMessageAsFit(t *testing.T) {
	t.Parallel()
	all, draining, withdrawn := routeChange{}, routeChange{communities: communityOctets}, routeChange{}
	all.each.repeated, draining.each.repeated, withdrawn.each.withdrawn = 10_000, 10_000, 10_000
	for _, k := range kinds() {
		for name, tc := range map[string]struct {
			change routeChange
			most   map[string]int // routes in a message
		}{
			"announced": {all, map[string]int{"IPv4": 810, "IPv6": 237, "RFC 8950": 806}},
			"draining":  {draining, map[string]int{"IPv4": 809, "IPv6": 236, "RFC 8950": 805}},
			"withdrawn": {withdrawn, map[string]int{"IPv4": 814, "IPv6": 239, "RFC 8950": 814}},
		} {
			t.Run(k.name+", "+name, func(t *testing.T) {
				t.Parallel()
				most := tc.most[k.name]
				want := sink.Counters{Updates: 10_000 / most, Bytes: 10_000 / most * lengthOf(t, k.update(t, tc.change, most))}
				if rest := 10_000 % most; rest > 0 {
					want.Updates++
					want.Bytes += lengthOf(t, k.update(t, tc.change, rest))
				}
				if diff := cmp.Diff(want, k.densest(tc.change)); diff != "" {
					t.Errorf("densest() (-want +got):\n%s", diff)
				}
				if _, err := k.update(t, tc.change, most+1).Serialize(); err == nil {
					t.Errorf("a message has room for %d routes", most+1)
				}
			})
		}
	}
}

func TestTheFloorOfOneRouteIsOneMessage(t *testing.T) {
	t.Parallel()
	for _, k := range kinds() {
		for _, c := range routeChanges(10_000)[1:4] {
			want := sink.Counters{Updates: 1, Bytes: lengthOf(t, k.update(t, c, 1))}
			if diff := cmp.Diff(want, k.densest(c)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", k.name, c.name, diff)
			}
		}
	}
}

func lengthOf(t *testing.T, m *bgp.BGPMessage) int {
	t.Helper()
	data, err := m.Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return len(data)
}

func TestSessionsAreToldByChangeAndOfOnePeer(t *testing.T) {
	t.Parallel()
	r := newReport(nil, 1, 0)
	for _, peers := range []int{1, 4} {
		for _, change := range []string{changeStart, changeDrain} {
			m := &sessionsMeasurement{
				measurement: newMeasurement(10_000, fanoutName, change, 10_000), Routes: "IPv6", Peers: peers,
				Floor: sink.Counters{Updates: 43, Bytes: 100}, RSS: 50 << 20,
			}
			m.Times[timeRoutes], m.CPU[fanoutName], m.PeakRSS[fanoutName] = 1234*time.Millisecond, 70*time.Millisecond, 60<<20
			m.BGP = sink.Counters{Updates: peers * 44, Bytes: peers * 150}
			r.Sessions = append(r.Sessions, m)
		}
	}
	r.Sessions[2].OtherLoad = 1.5
	r.Sessions[3].find("%d prefixes were withdrawn, %d at most were needed", 2, 0)
	var out strings.Builder
	if err := r.write(&out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		text := strings.Join(strings.Fields(line), " ")
		if strings.HasPrefix(text, "The machine") || strings.HasPrefix(text, changeStart) || strings.HasPrefix(text, changeDrain) {
			got = append(got, text)
		}
	}
	want := []string{
		"sessions come up IPv6 1 1.234 70 44 43 150 100 1.50 50 60",
		"sessions come up IPv6 4 1.234 70 44 43 150 100 1.50 50 60",
		"draining IPv6 1 1.234 70 44 43 150 100 1.50 50 60",
		"draining IPv6 4 1.234 70 44 43 150 100 1.50 50 60",
		"The machine was not quiet, so that times say little: up to 1.50 processors were busy with others.",
		"draining, IPv6, 4 peers: 2 prefixes were withdrawn, 0 at most were needed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
