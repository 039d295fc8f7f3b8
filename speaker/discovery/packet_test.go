// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"net/netip"
	"testing"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"
)

const ourID = 7

func ndpMessage(tb testing.TB, m ndp.Message) []byte {
	tb.Helper()
	content, err := ndp.MarshalMessage(m)
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

func echoReply(tb testing.TB, id int) []byte {
	tb.Helper()
	content, err := (&icmp.Message{Type: ipv6.ICMPTypeEchoReply, Body: &icmp.Echo{ID: id}}).Marshal(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

func with(content []byte, at int, value byte) []byte {
	content[at] = value
	return content
}

func TestOnlyMessagesFromTheLinkThatAreValidAreHeard(t *testing.T) {
	t.Parallel()
	source := []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: []byte{2, 0, 0, 0, 0, 1}}}
	advert := func() []byte { return ndpMessage(t, &ndp.RouterAdvertisement{Options: source}) }
	neighbour := func(target string) []byte {
		return ndpMessage(t, &ndp.NeighborAdvertisement{Solicited: true, TargetAddress: netip.MustParseAddr(target)})
	}
	const optionLength = 16 + 1 // in a router advertisement
	for name, tc := range map[string]struct {
		content []byte
		hops    int
		from    string
		want    packet
	}{
		"a router advertisement":                  {advert(), 255, "fe80::a%eth1", packet{advertisement, a}},
		"one without options":                     {ndpMessage(t, &ndp.RouterAdvertisement{}), 255, "fe80::a", packet{advertisement, a}},
		"one that was forwarded":                  {advert(), 254, "fe80::a", packet{}},
		"one from a global address":               {advert(), 255, "2001:db8::a", packet{}},
		"one with another code":                   {with(advert(), 1, 1), 255, "fe80::a", packet{}},
		"one that is too short":                   {advert()[:15], 255, "fe80::a", packet{}},
		"one with an option without length":       {with(advert(), optionLength, 0), 255, "fe80::a", packet{}},
		"one with an option beyond its end":       {with(advert(), optionLength, 2), 255, "fe80::a", packet{}},
		"a router solicitation":                   {ndpMessage(t, &ndp.RouterSolicitation{Options: source}), 255, "fe80::a", packet{solicitation, a}},
		"one from no address":                     {ndpMessage(t, &ndp.RouterSolicitation{}), 255, "::", packet{}},
		"a neighbour advertisement":               {neighbour("fe80::b"), 255, "fe80::a", packet{confirmation, b}},
		"one of a global address":                 {neighbour("2001:db8::a"), 255, "fe80::a", packet{}},
		"one that was forwarded to us":            {neighbour("fe80::b"), 64, "fe80::a", packet{}},
		"an answer to our echo":                   {echoReply(t, ourID), 64, "fe80::a", packet{echo, a}},
		"an answer to another's echo":             {echoReply(t, ourID+1), 64, "fe80::a", packet{}},
		"a neighbour solicitation, not asked for": {ndpMessage(t, &ndp.NeighborSolicitation{TargetAddress: b}), 255, "fe80::a", packet{}},
		"nothing":                                     {nil, 255, "fe80::a", packet{}},
		"an answer to an echo that is cut":            {echoReply(t, ourID)[:6], 64, "fe80::a", packet{}},
		"an IPv4 address mapped into IPv6":            {advert(), 255, "::ffff:169.254.0.1", packet{}},
		"an advertisement from an address of 169.254": {advert(), 255, "169.254.0.1", packet{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := parse(tc.content, tc.hops, netip.MustParseAddr(tc.from), ourID)
			if want := tc.want != (packet{}); ok != want || ok && got != tc.want {
				t.Errorf("heard %v: %+v, want %+v", ok, got, tc.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(ndpMessage(f, &ndp.RouterAdvertisement{Options: []ndp.Option{ndp.NewMTU(1500)}}), 255)
	f.Add(ndpMessage(f, &ndp.NeighborAdvertisement{TargetAddress: b}), 255)
	f.Add(echoReply(f, ourID), 64)
	f.Fuzz(func(t *testing.T, content []byte, hops int) {
		if p, ok := parse(content, hops, a, ourID); ok && (!p.from.IsLinkLocalUnicast() || p.kind != echo && hops != 255) {
			t.Errorf("heard %+v with hop limit %d", p, hops)
		}
	})
}
