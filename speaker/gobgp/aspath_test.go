// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/speaker/rib"
)

func TestAnASPathIsPrependedToWithTheASNThatThePeerKnows(t *testing.T) {
	t.Parallel()
	path := rib.Path{Prefix: netip.MustParsePrefix("198.51.100.0/32"), ASPathPrepend: 2}
	const four = 4200000002
	tests := map[string]struct {
		peer                  behaviour
		localASN              uint32
		wantASPath, wantOwn32 []uint32
	}{
		"a peer that knows four octets": {
			localASN: four, wantASPath: slices.Repeat([]uint32{four}, 3),
		},
		"a peer that knows two octets": {
			peer: behaviour{twoOctets: true}, localASN: speakerASN, wantASPath: slices.Repeat([]uint32{speakerASN}, 3),
		},
		"a peer that knows two octets of an ASN of four": {
			peer: behaviour{twoOctets: true}, localASN: four,
			wantASPath: slices.Repeat([]uint32{bgp.AS_TRANS}, 3), wantOwn32: slices.Repeat([]uint32{four}, 3),
		},
		"a peer of the same ASN": {
			localASN: sinkASN,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			k := newSink(t, tt.peer)
			s, _ := newSessions(t, Options{})
			c := to("tor", k.addrPort())
			c.LocalASN = tt.localASN
			configure(t, s, always(path), c)
			awaitUp(t, s, "tor")
			var got route
			eventually(t, 10*time.Second, func() (bool, string) {
				heard := k.heard()
				var there bool
				got, there = heard.routes[path.Prefix]
				return there, fmt.Sprintf("heard %+v", heard)
			})
			if diff := cmp.Diff([][]uint32{tt.wantASPath, tt.wantOwn32}, [][]uint32{got.asPath, got.as4Path}); diff != "" {
				t.Errorf("AS_PATH and AS4_PATH (-want +got):\n%s", diff)
			}
		})
	}
}

// What a peer that knows no ASNs of four octets gets besides, AS4_PATH (RFC 6793), must fit into a message too.
func TestAPeerThatKnowsNoASNsOfFourOctetsGetsEveryRoute(t *testing.T) {
	t.Parallel()
	const n = 2000
	for _, times := range []uint8{0, 1, 10} {
		t.Run(fmt.Sprintf("prepended %d times", times), func(t *testing.T) {
			t.Parallel()
			if elsewhere(t) {
				return
			}
			paths := hosts(n)
			six := netip.MustParseAddr("2001:db8::")
			for i := range paths {
				six = six.Next()
				paths[i].ASPathPrepend = times
				paths = append(paths, rib.Path{Prefix: netip.PrefixFrom(six, 128), ASPathPrepend: times})
			}
			k := newSink(t, behaviour{twoOctets: true})
			c := to("tor", k.addrPort())
			c.LocalASN = 4200000002
			c.Families.IPv6 = true
			c.OwnAddresses.IPv6 = netip.MustParseAddr("fd99::1")
			s, _ := newSessions(t, Options{})
			configure(t, s, always(paths...), c)
			awaitUp(t, s, "tor")
			awaitRoutes(t, k, 2*n)

			t.Log("what it has is not sent again")
			before := k.heard().updates
			s.peerings()["tor"].feed.Restart()
			s.peerings()["tor"].await()
			apply(t, s, announcing("tor", "192.0.2.99/32"))
			awaitRoutes(t, k, 2*n+1)
			if sent := k.heard().updates - before; sent != 1 {
				t.Errorf("%d UPDATE messages were sent for one new prefix", sent)
			}
		})
	}
}
