// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"metallb.io/metallb/test/bench/wire"
)

// pair returns the two ends of a TCP connection.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err = net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err = listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

func TestTwoEndsEstablishASession(t *testing.T) {
	t.Parallel()
	near, far := pair(t)
	result := make(chan error, 1)
	go func() {
		result <- wire.NewConn(far).Establish(wire.Open{ASN: 4200000000, ID: netip.MustParseAddr("192.0.2.2")})
	}()
	if err := wire.NewConn(near).Establish(wire.Open{ASN: 64512, ID: netip.MustParseAddr("192.0.2.1")}); err != nil {
		t.Errorf("Establish() at the near end = %v", err)
	}
	if err := <-result; err != nil {
		t.Errorf("Establish() at the far end = %v", err)
	}
}

func TestOpenTellsWhatIsTaken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		open wire.Open
		want []string // capabilities beside those of all: ASNs of four octets, and graceful restart
	}{
		"nothing said": {wire.Open{}, []string{"ipv4-unicast"}},
		"IPv6":         {wire.Open{Families: []bgp.Family{bgp.RF_IPv6_UC}}, []string{"ipv6-unicast"}},
		"both":         {wire.Open{Families: []bgp.Family{bgp.RF_IPv4_UC, bgp.RF_IPv6_UC}}, []string{"ipv4-unicast", "ipv6-unicast"}},
		"IPv4 unicast over an IPv6 next hop, too": {wire.Open{IPv6NextHop: true}, []string{"ipv4-unicast", "ipv4-unicast over 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := pair(t)
			tc.open.ASN, tc.open.ID = 64512, netip.MustParseAddr("192.0.2.1")
			go func() { _ = wire.NewConn(near).Establish(tc.open) }()
			m, _, err := wire.NewConn(far).Read()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, taken(m.Body.(*bgp.BGPOpen))); diff != "" {
				t.Errorf("capabilities (-want +got):\n%s", diff)
			}
		})
	}
}

// taken returns the families in an OPEN, and those whose routes may have a next hop of another address family, by its number.
func taken(open *bgp.BGPOpen) []string {
	var list []string
	for _, parameter := range open.OptParams {
		for _, c := range parameter.(*bgp.OptionParameterCapability).Capability {
			switch c := c.(type) {
			case *bgp.CapMultiProtocol:
				list = append(list, c.CapValue.String())
			case *bgp.CapExtendedNexthop:
				for _, t := range c.Tuples {
					list = append(list, fmt.Sprintf("%s over %d", bgp.NewFamily(t.NLRIAFI, uint8(t.NLRISAFI)), t.NexthopAFI))
				}
			}
		}
	}
	return list
}

func TestEstablishSaysWhatThePeerSentInPlaceOfOpen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		message *bgp.BGPMessage
		want    string
	}{
		"a NOTIFICATION": {bgp.NewBGPNotificationMessage(2, 2, nil), "the peer sent NOTIFICATION 2/2"},
		"a KEEPALIVE":    {bgp.NewBGPKeepAliveMessage(), "the peer sent a message of type 4 in place of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := pair(t)
			if err := wire.NewConn(far).Write(tc.message); err != nil {
				t.Fatal(err)
			}
			err := wire.NewConn(near).Establish(wire.Open{ASN: 64512, ID: netip.MustParseAddr("192.0.2.1")})
			if err == nil || err.Error() != tc.want {
				t.Errorf("Establish() = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestReadRefusesALengthOutOfBounds(t *testing.T) {
	t.Parallel()
	near, far := pair(t)
	header := append(bytes.Repeat([]byte{0xff}, 16), 0x10, 0x01, 2) // 4097 octets
	if _, err := far.Write(header); err != nil {
		t.Fatal(err)
	}
	_, _, err := wire.NewConn(near).Read()
	if err == nil || !strings.Contains(err.Error(), "message length 4097") {
		t.Errorf("Read() = %v, want one that names the length 4097", err)
	}
}
