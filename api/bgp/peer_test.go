// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/v1beta2"
)

// bgpPeer returns a valid BGPPeer, changed.
func bgpPeer(change func(*v1beta2.BGPPeerSpec)) *v1beta2.BGPPeer {
	p := &v1beta2.BGPPeer{
		ObjectMeta: metav1.ObjectMeta{Name: "rack", Namespace: "metallb-system"},
		Spec:       v1beta2.BGPPeerSpec{MyASN: 64500, ASN: 64512, Address: "10.96.0.100"},
	}
	if change != nil {
		change(&p.Spec)
	}
	return p
}

func duration(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func selecting(value string) metav1.LabelSelector {
	return metav1.LabelSelector{MatchLabels: map[string]string{"a": value}}
}

func TestParsePeerReturnsWhatTheObjectMeans(t *testing.T) {
	t.Parallel()
	type values map[string]any
	defaults := values{
		"name": "rack", "asns": [2]uint32{64500, 64512}, "address": "10.96.0.100", "port": uint16(179), "source": "invalid IP", "routerID": "invalid IP",
		"hold": "1m30s", "keepalive": "30s", "connect": "2s", "selectors": []string{}, "password": "", "secret": "/", "ttl": [2]int{1, 0}, "families": "IPv4", "vrf": "", "where": "10.96.0.100", "bfd": "",
		"restart": "0s", "onNotification": false,
	}
	tests := map[string]struct {
		change func(*v1beta2.BGPPeerSpec)
		want   values // beside the defaults
	}{
		"defaults": {},
		"everything set": {
			change: func(s *v1beta2.BGPPeerSpec) {
				s.MyASN, s.ASN, s.Address, s.SrcAddress, s.RouterID = 4200000000, 1, "10.0.0.1", "10.0.0.2", "1.1.1.1"
				s.Port, s.HoldTime, s.KeepaliveTime, s.ConnectTime = 65535, duration(9*time.Second), duration(2*time.Second), duration(time.Second)
				s.NodeSelectors, s.EBGPMultiHop, s.Password = []metav1.LabelSelector{selecting("x"), {}}, true, "secret"
			},
			want: values{
				"asns": [2]uint32{4200000000, 1}, "address": "10.0.0.1", "source": "10.0.0.2", "routerID": "1.1.1.1", "port": uint16(65535),
				"hold": "9s", "keepalive": "2s", "connect": "1s", "selectors": []string{"a=x", ""}, "ttl": [2]int{255, 0}, "password": "secret", "where": "10.0.0.1",
			},
		},
		"an IPv6 peer":            {change: func(s *v1beta2.BGPPeerSpec) { s.Address, s.SrcAddress = "2001:DB8::1", "2001:db8::2" }, want: values{"address": "2001:db8::1", "source": "2001:db8::2", "families": "IPv6", "where": "2001:db8::1"}},
		"a peer on the node":      {change: func(s *v1beta2.BGPPeerSpec) { s.Address = "127.0.0.1" }, want: values{"address": "127.0.0.1", "where": "127.0.0.1"}},
		"an IPv4 link-local peer": {change: func(s *v1beta2.BGPPeerSpec) { s.Address = "169.254.0.1" }, want: values{"address": "169.254.0.1", "where": "169.254.0.1"}},
		"an internal peer":        {change: func(s *v1beta2.BGPPeerSpec) { s.ASN = 64500 }, want: values{"asns": [2]uint32{64500, 64500}, "ttl": [2]int{0, 0}}},
		"a dynamic internal ASN":  {change: func(s *v1beta2.BGPPeerSpec) { s.ASN, s.DynamicASN = 0, v1beta2.InternalASN }, want: values{"asns": [2]uint32{64500, 64500}, "ttl": [2]int{0, 0}}},
		"a dynamic external ASN":  {change: func(s *v1beta2.BGPPeerSpec) { s.ASN, s.DynamicASN = 0, v1beta2.ExternalASN }, want: values{"asns": [2]uint32{64500, 0}}},
		"a local ASN":             {change: func(s *v1beta2.BGPPeerSpec) { s.LocalASN = 4200000001 }, want: values{"asns": [2]uint32{4200000001, 64512}}},
		"a local ASN that is the peer's makes an internal session": {change: func(s *v1beta2.BGPPeerSpec) { s.LocalASN = 64512 }, want: values{"asns": [2]uint32{64512, 64512}, "ttl": [2]int{0, 0}}},
		"an internal peer of the local ASN, whatever that is": {change: func(s *v1beta2.BGPPeerSpec) {
			s.LocalASN, s.ASN, s.DynamicASN = 64999, 0, v1beta2.InternalASN
		}, want: values{"asns": [2]uint32{64999, 64999}, "ttl": [2]int{0, 0}}},
		"so many hops away":                  {change: func(s *v1beta2.BGPPeerSpec) { s.EBGPMultiHop, s.EBGPMultiHopTTL = true, new(int32(5)) }, want: values{"ttl": [2]int{5, 0}}},
		"TTL security with a connected peer": {change: func(s *v1beta2.BGPPeerSpec) { s.TTLSecurityHops = new(int32(1)) }, want: values{"ttl": [2]int{255, 255}}},
		"TTL security with an internal peer": {change: func(s *v1beta2.BGPPeerSpec) { s.ASN, s.TTLSecurityHops = 64500, new(int32(254)) }, want: values{"asns": [2]uint32{64500, 64500}, "ttl": [2]int{255, 2}}},
		"both families":                      {change: func(s *v1beta2.BGPPeerSpec) { s.DualStackAddressFamily = true }, want: values{"families": "IPv4 and IPv6"}},
		"a BFD profile":                      {change: func(s *v1beta2.BGPPeerSpec) { s.BFDProfile = "fast" }, want: values{"bfd": "fast"}},
		"a VRF":                              {change: func(s *v1beta2.BGPPeerSpec) { s.VRFName = "red" }, want: values{"vrf": "red"}},
		"an interface":                       {change: func(s *v1beta2.BGPPeerSpec) { s.Address, s.Interface = "", "eth1.100" }, want: values{"address": "invalid IP", "families": "IPv4 and IPv6", "where": "on interface eth1.100"}},
		"the default gateway":                {change: func(s *v1beta2.BGPPeerSpec) { s.Address, s.DefaultGateway = "", v1beta2.IPv6Gateway }, want: values{"address": "invalid IP", "families": "IPv6", "where": "at the IPv6 default gateway"}},
		"both families to the default gateway": {change: func(s *v1beta2.BGPPeerSpec) {
			s.Address, s.DefaultGateway, s.DualStackAddressFamily, s.SrcAddress = "", v1beta2.IPv4Gateway, true, "10.0.0.2"
		}, want: values{"address": "invalid IP", "families": "IPv4 and IPv6", "where": "at the IPv4 default gateway", "source": "10.0.0.2"}},
		"the peer's ASN per node": {change: func(s *v1beta2.BGPPeerSpec) { s.ASN, s.PerNode = 0, &v1beta2.PerNode{ASN: "6451{label:rack}"} }, want: values{"asns": [2]uint32{64500, 0}}},
		"no hold time":            {change: func(s *v1beta2.BGPPeerSpec) { s.HoldTime = duration(0) }, want: values{"hold": "0s", "keepalive": "0s"}},
		"the shortest hold time":  {change: func(s *v1beta2.BGPPeerSpec) { s.HoldTime = duration(3 * time.Second) }, want: values{"hold": "3s", "keepalive": "1s"}},
		"keepalive is a third of the hold time, in whole seconds": {change: func(s *v1beta2.BGPPeerSpec) { s.HoldTime = duration(20 * time.Second) }, want: values{"hold": "20s", "keepalive": "6s"}},
		"keepalive 0 is as unset":                                 {change: func(s *v1beta2.BGPPeerSpec) { s.KeepaliveTime = duration(0) }},
		"the longest timers": {change: func(s *v1beta2.BGPPeerSpec) {
			s.HoldTime, s.ConnectTime = duration(65535*time.Second), duration(65535*time.Second)
		}, want: values{"hold": "18h12m15s", "keepalive": "6h4m5s", "connect": "18h12m15s"}},
		"graceful restart": {change: func(s *v1beta2.BGPPeerSpec) { s.EnableGracefulRestart = true }, want: values{"restart": "2m0s"}},
		"the longest graceful restart, on notifications too": {change: func(s *v1beta2.BGPPeerSpec) {
			s.EnableGracefulRestart, s.GracefulRestartTime, s.GracefulRestartOnNotification = true, duration(4095*time.Second), true
		}, want: values{"restart": "1h8m15s", "onNotification": true}},
		"a secret in the peer's namespace": {change: func(s *v1beta2.BGPPeerSpec) { s.PasswordSecret.Name = "md5" }, want: values{"secret": "metallb-system/md5"}},
		"a secret in the peer's namespace, by name": {change: func(s *v1beta2.BGPPeerSpec) {
			s.PasswordSecret = corev1.SecretReference{Name: "md5", Namespace: "metallb-system"}
		}, want: values{"secret": "metallb-system/md5"}},
		"a secret in another namespace, which is not looked at": {change: func(s *v1beta2.BGPPeerSpec) {
			s.PasswordSecret = corev1.SecretReference{Name: "md5", Namespace: "net"}
		}, want: values{"secret": "metallb-system/md5"}},
		"a secret's namespace alone names no secret": {change: func(s *v1beta2.BGPPeerSpec) { s.PasswordSecret.Namespace = "net" }},
		"a deprecated field without effect":          {change: func(s *v1beta2.BGPPeerSpec) { s.DisableMP = true }},
		"the longest password":                       {change: func(s *v1beta2.BGPPeerSpec) { s.Password = strings.Repeat("p", 80) }, want: values{"password": strings.Repeat("p", 80)}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, errs := ParsePeer(bgpPeer(tc.change))
			if len(errs) > 0 {
				t.Fatal(errs.ToAggregate())
			}
			if p.BFD.IsSet() {
				t.Errorf("BFD profile %+v, which only a policy knows", p.BFD)
			}
			selectors := make([]string, 0, len(p.NodeSelectors))
			for _, s := range p.NodeSelectors {
				selectors = append(selectors, s.String())
			}
			got := values{
				"name": p.Name, "asns": [2]uint32{p.LocalASN, p.PeerASN}, "address": p.Address.String(), "port": p.Port, "source": p.Source.String(), "routerID": p.RouterID.String(),
				"hold": p.HoldTime.String(), "keepalive": p.KeepaliveTime.String(), "connect": p.ConnectTime.String(), "selectors": selectors,
				"password": p.Password, "secret": p.PasswordSecret.String(), "ttl": [2]int{p.TTL(), p.MinTTL()}, "families": p.Families.String(), "vrf": p.VRF, "where": p.where(), "bfd": p.BFDProfileName,
				"restart": p.RestartTime.String(), "onNotification": p.RestartOnNotification,
			}
			want := values{}
			for _, from := range []values{defaults, tc.want} {
				maps.Copy(want, from)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("peer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePeerErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*v1beta2.BGPPeerSpec)
		want   []string
	}{
		"no local ASN":           {func(s *v1beta2.BGPPeerSpec) { s.MyASN = 0 }, []string{`spec.myASN: Required value: missing local ASN; set it to a number from 1 to 4294967295`}},
		"no peer ASN":            {func(s *v1beta2.BGPPeerSpec) { s.ASN = 0 }, []string{`spec.peerASN: Required value: missing peer ASN and dynamicASN; set peerASN to a number from 1 to 4294967295, or dynamicASN to internal or external`}},
		"an unknown dynamic ASN": {func(s *v1beta2.BGPPeerSpec) { s.ASN, s.DynamicASN = 0, "any" }, []string{`spec.dynamicASN: Invalid value: "any": invalid dynamicASN; set it to internal or external`}},
		"both kinds of ASN": {func(s *v1beta2.BGPPeerSpec) { s.DynamicASN = v1beta2.ExternalASN },
			[]string{`spec.dynamicASN: Invalid value: "external": both peer ASN and dynamicASN specified; remove one`}},
		"multihop to a dynamic internal peer": {func(s *v1beta2.BGPPeerSpec) { s.ASN, s.DynamicASN, s.EBGPMultiHop = 0, v1beta2.InternalASN, true },
			[]string{`spec.ebgpMultiHop: Invalid value: true: invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away`}},
		"a multihop TTL without multihop": {func(s *v1beta2.BGPPeerSpec) { s.EBGPMultiHopTTL = new(int32(5)) },
			[]string{`spec.ebgpMultiHopTTL: Invalid value: 5: is the time to live with ebgpMultiHop; set that to true or remove this`}},
		"a multihop TTL of one hop": {func(s *v1beta2.BGPPeerSpec) { s.EBGPMultiHop, s.EBGPMultiHopTTL = true, new(int32(1)) },
			[]string{`spec.ebgpMultiHopTTL: Invalid value: 1: must be from 2 to 255`}},
		"TTL security of no hops": {func(s *v1beta2.BGPPeerSpec) { s.TTLSecurityHops = new(int32(0)) },
			[]string{`spec.ttlSecurityHops: Invalid value: 0: must be from 1 to 254`}},
		"TTL security and multihop": {func(s *v1beta2.BGPPeerSpec) { s.EBGPMultiHop, s.TTLSecurityHops = true, new(int32(3)) },
			[]string{`spec.ttlSecurityHops: Invalid value: 3: both say how many hops away the peer may be; remove ebgpMultiHop`}},
		"multihop to an internal peer": {func(s *v1beta2.BGPPeerSpec) { s.ASN, s.EBGPMultiHop = 64500, true },
			[]string{`spec.ebgpMultiHop: Invalid value: true: invalid ebgp-multihop parameter set for an ibgp peer; remove it, since peers of one ASN may be any number of hops away`}},
		"no address": {func(s *v1beta2.BGPPeerSpec) { s.Address = "" },
			[]string{`spec.peerAddress: Required value: peer has no Address or Interface specified; set it to the peer's IPv4 or IPv6 address, or set interface or defaultGateway`}},
		"a name that no interface has": {func(s *v1beta2.BGPPeerSpec) { s.Address, s.Interface = "", "eth0/1" },
			[]string{`spec.interface: Invalid value: "eth0/1": must be the name of a network device, of up to 15 characters without space, /, : and %`}},
		"a name that no VRF has": {func(s *v1beta2.BGPPeerSpec) { s.VRFName = "much-too-long-a-name" },
			[]string{`spec.vrf: Invalid value: "much-too-long-a-name": must be the name of a network device, of up to 15 characters without space, /, : and %`}},
		"a source for an interface": {func(s *v1beta2.BGPPeerSpec) { s.Address, s.Interface, s.SrcAddress = "", "eth0", "2001:db8::1" },
			[]string{`spec.sourceAddress: Invalid value: "2001:db8::1": a session on an interface is between link-local addresses; remove sourceAddress`}},
		"the default gateway at an address": {func(s *v1beta2.BGPPeerSpec) { s.DefaultGateway = v1beta2.IPv4Gateway },
			[]string{`spec.defaultGateway: Invalid value: "IPv4": the peer is the default gateway, so it has no peerAddress or interface; remove them or defaultGateway`}},
		"the default gateway of no family": {func(s *v1beta2.BGPPeerSpec) { s.Address, s.DefaultGateway = "", "ipv4" },
			[]string{`spec.defaultGateway: Invalid value: "ipv4": must be IPv4 or IPv6`}},
		"a source of another family than the default gateway": {func(s *v1beta2.BGPPeerSpec) {
			s.Address, s.DefaultGateway, s.SrcAddress = "", v1beta2.IPv4Gateway, "2001:db8::1"
		},
			[]string{`spec.sourceAddress: Invalid value: "2001:db8::1": invalid source IP: must be of the same address family as the default gateway, IPv4`}},
		"a value per node that names nothing of the node": {func(s *v1beta2.BGPPeerSpec) { s.PerNode = &v1beta2.PerNode{MyASN: "64513"} },
			[]string{`spec.perNode.myASN: Invalid value: "64513": "64513" names no label or annotation, as in {label:KEY} or {annotation:KEY}`}},
		"a value per node that has no effect": {func(s *v1beta2.BGPPeerSpec) { s.LocalASN, s.PerNode = 64513, &v1beta2.PerNode{MyASN: "{label:asn}"} },
			[]string{`spec.perNode.myASN: Invalid value: "{label:asn}": has no effect with localASN; remove one`}},
		"address and interface": {func(s *v1beta2.BGPPeerSpec) { s.Interface = "eth0" },
			[]string{`spec.interface: Invalid value: "eth0": peer has both Address and Interface specified; remove one`}},
		"a name as address":      {func(s *v1beta2.BGPPeerSpec) { s.Address = "router" }, []string{`spec.peerAddress: Invalid value: "router": invalid BGPPeer address: "router" is not an IP address`}},
		"a prefix as address":    {func(s *v1beta2.BGPPeerSpec) { s.Address = "10.0.0.1/32" }, []string{`spec.peerAddress: Invalid value: "10.0.0.1/32": invalid BGPPeer address: "10.0.0.1/32" is not an IP address`}},
		"an address with a zone": {func(s *v1beta2.BGPPeerSpec) { s.Address = "fe80::1%eth0" }, []string{`spec.peerAddress: Invalid value: "fe80::1%eth0": invalid BGPPeer address: "fe80::1%eth0" has a zone; write the address without "%eth0"`}},
		"a link-local address":   {func(s *v1beta2.BGPPeerSpec) { s.Address = "fe80::1" }, []string{`spec.peerAddress: Invalid value: "fe80::1": invalid BGPPeer address: "fe80::1" is a link-local address, which means nothing without an interface; set interface instead, or use a global or unique local address`}},
		"an unspecified address": {func(s *v1beta2.BGPPeerSpec) { s.Address = "0.0.0.0" }, []string{`spec.peerAddress: Invalid value: "0.0.0.0": invalid BGPPeer address: "0.0.0.0" is the unspecified address`}},
		"a multicast address":    {func(s *v1beta2.BGPPeerSpec) { s.Address = "ff02::2" }, []string{`spec.peerAddress: Invalid value: "ff02::2": invalid BGPPeer address: "ff02::2" is a multicast address`}},
		"the broadcast address":  {func(s *v1beta2.BGPPeerSpec) { s.Address = "255.255.255.255" }, []string{`spec.peerAddress: Invalid value: "255.255.255.255": invalid BGPPeer address: "255.255.255.255" is the broadcast address`}},
		"IPv4 written as IPv6":   {func(s *v1beta2.BGPPeerSpec) { s.Address = "::ffff:10.0.0.1" }, []string{`spec.peerAddress: Invalid value: "::ffff:10.0.0.1": invalid BGPPeer address: "::ffff:10.0.0.1" is an IPv4 address written as IPv6; write "10.0.0.1"`}},
		"a malformed source":     {func(s *v1beta2.BGPPeerSpec) { s.SrcAddress = "eth0" }, []string{`spec.sourceAddress: Invalid value: "eth0": invalid source IP: "eth0" is not an IP address`}},
		"a source of the other family": {func(s *v1beta2.BGPPeerSpec) { s.SrcAddress = "2001:db8::1" },
			[]string{`spec.sourceAddress: Invalid value: "2001:db8::1": invalid source IP: must be of the same address family as peerAddress "10.96.0.100"`}},
		"a negative port":       {func(s *v1beta2.BGPPeerSpec) { s.Port = -1 }, []string{`spec.peerPort: Invalid value: -1: must be from 1 to 65535`}},
		"a port too large":      {func(s *v1beta2.BGPPeerSpec) { s.Port = 65536 }, []string{`spec.peerPort: Invalid value: 65536: must be from 1 to 65535`}},
		"a hold time too short": {func(s *v1beta2.BGPPeerSpec) { s.HoldTime = duration(2 * time.Second) }, []string{`spec.holdTime: Invalid value: "2s": invalid hold time "2s": must be 0 or >=3s, in whole seconds up to 65535s`}},
		"a hold time too long":  {func(s *v1beta2.BGPPeerSpec) { s.HoldTime = duration(65536 * time.Second) }, []string{`spec.holdTime: Invalid value: "18h12m16s": invalid hold time "18h12m16s": must be 0 or >=3s, in whole seconds up to 65535s`}},
		"a negative hold time":  {func(s *v1beta2.BGPPeerSpec) { s.HoldTime = duration(-9 * time.Second) }, []string{`spec.holdTime: Invalid value: "-9s": invalid hold time "-9s": must be 0 or >=3s, in whole seconds up to 65535s`}},
		"a hold time with a fraction": {func(s *v1beta2.BGPPeerSpec) { s.HoldTime = duration(3500 * time.Millisecond) },
			[]string{`spec.holdTime: Invalid value: "3.5s": invalid hold time "3.5s": must be 0 or >=3s, in whole seconds up to 65535s`}},
		"a keepalive as long as the hold time": {func(s *v1beta2.BGPPeerSpec) {
			s.HoldTime, s.KeepaliveTime = duration(9*time.Second), duration(9*time.Second)
		},
			[]string{`spec.keepaliveTime: Invalid value: "9s": invalid keepaliveTime "9s", must be lower than holdTime "9s"`}},
		"a keepalive longer than the default hold time": {func(s *v1beta2.BGPPeerSpec) { s.KeepaliveTime = duration(2 * time.Minute) },
			[]string{`spec.keepaliveTime: Invalid value: "2m0s": invalid keepaliveTime "2m0s", must be lower than holdTime "1m30s"`}},
		"a keepalive without hold time": {func(s *v1beta2.BGPPeerSpec) { s.HoldTime, s.KeepaliveTime = duration(0), duration(time.Second) },
			[]string{`spec.keepaliveTime: Invalid value: "1s": invalid keepaliveTime "1s", must be lower than holdTime "0s"`}},
		"a negative keepalive": {func(s *v1beta2.BGPPeerSpec) { s.KeepaliveTime = duration(-time.Second) },
			[]string{`spec.keepaliveTime: Invalid value: "-1s": invalid keepaliveTime "-1s": must be in whole seconds, 0 or more`}},
		"a keepalive with a fraction": {func(s *v1beta2.BGPPeerSpec) { s.KeepaliveTime = duration(1500 * time.Millisecond) },
			[]string{`spec.keepaliveTime: Invalid value: "1.5s": invalid keepaliveTime "1.5s": must be in whole seconds, 0 or more`}},
		"a connect time of 0": {func(s *v1beta2.BGPPeerSpec) { s.ConnectTime = duration(0) },
			[]string{`spec.connectTime: Invalid value: "0s": invalid connect time "0s": must be from 1s to 65535s, in whole seconds`}},
		"a connect time too long": {func(s *v1beta2.BGPPeerSpec) { s.ConnectTime = duration(65536 * time.Second) },
			[]string{`spec.connectTime: Invalid value: "18h12m16s": invalid connect time "18h12m16s": must be from 1s to 65535s, in whole seconds`}},
		"a connect time with a fraction": {func(s *v1beta2.BGPPeerSpec) { s.ConnectTime = duration(1500 * time.Millisecond) },
			[]string{`spec.connectTime: Invalid value: "1.5s": invalid connect time "1.5s": must be from 1s to 65535s, in whole seconds`}},
		"an IPv6 router ID":     {func(s *v1beta2.BGPPeerSpec) { s.RouterID = "2001:db8::1" }, []string{`spec.routerID: Invalid value: "2001:db8::1": invalid router ID "2001:db8::1": must be written as an IPv4 address other than 0.0.0.0`}},
		"the router ID 0":       {func(s *v1beta2.BGPPeerSpec) { s.RouterID = "0.0.0.0" }, []string{`spec.routerID: Invalid value: "0.0.0.0": invalid router ID "0.0.0.0": must be written as an IPv4 address other than 0.0.0.0`}},
		"a number as router ID": {func(s *v1beta2.BGPPeerSpec) { s.RouterID = "7" }, []string{`spec.routerID: Invalid value: "7": invalid router ID "7": must be written as an IPv4 address other than 0.0.0.0`}},
		"a node selector twice": {func(s *v1beta2.BGPPeerSpec) { s.NodeSelectors = []metav1.LabelSelector{selecting("x"), selecting("x")} }, []string{`spec.nodeSelectors[1]: Duplicate value: "a=x": duplicate definition of nodeSelectors "a=x"; remove one`}},
		"a malformed node selector": {func(s *v1beta2.BGPPeerSpec) {
			s.NodeSelectors = []metav1.LabelSelector{{MatchLabels: map[string]string{"a b": "x"}}}
		}, []string{`spec.nodeSelectors[0]: Invalid value: "{\"matchLabels\":{\"a b\":\"x\"}}": invalid label selector: key: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`}},
		"password and secret": {func(s *v1beta2.BGPPeerSpec) { s.Password, s.PasswordSecret.Name = "p", "s" },
			[]string{`spec.password: Forbidden: can not have both password and secret ref set; remove password`}},
		"a password too long, which is not shown": {func(s *v1beta2.BGPPeerSpec) { s.Password = strings.Repeat("hush", 21) },
			[]string{`spec.password: Too long: may not be more than 80 bytes`}},
		"a restart time of 0": {func(s *v1beta2.BGPPeerSpec) { s.EnableGracefulRestart, s.GracefulRestartTime = true, duration(0) },
			[]string{`spec.gracefulRestartTime: Invalid value: "0s": invalid graceful restart time "0s": must be from 1s to 4095s, in whole seconds`}},
		"a restart time too long": {func(s *v1beta2.BGPPeerSpec) {
			s.EnableGracefulRestart, s.GracefulRestartTime = true, duration(4096*time.Second)
		}, []string{`spec.gracefulRestartTime: Invalid value: "1h8m16s": invalid graceful restart time "1h8m16s": must be from 1s to 4095s, in whole seconds`}},
		"a restart time with a fraction": {func(s *v1beta2.BGPPeerSpec) {
			s.EnableGracefulRestart, s.GracefulRestartTime = true, duration(1500*time.Millisecond)
		}, []string{`spec.gracefulRestartTime: Invalid value: "1.5s": invalid graceful restart time "1.5s": must be from 1s to 4095s, in whole seconds`}},
		"a restart time without graceful restart": {func(s *v1beta2.BGPPeerSpec) { s.GracefulRestartTime = duration(time.Minute) },
			[]string{`spec.gracefulRestartTime: Invalid value: "1m0s": is the time with enableGracefulRestart; set that to true or remove this`}},
		"notifications without graceful restart": {func(s *v1beta2.BGPPeerSpec) { s.GracefulRestartOnNotification = true },
			[]string{`spec.gracefulRestartOnNotification: Invalid value: true: extends enableGracefulRestart; set that to true or remove this`}},
		"several errors at once": {func(s *v1beta2.BGPPeerSpec) {
			s.MyASN, s.Address, s.Port, s.GracefulRestartOnNotification = 0, "x", 70000, true
		},
			[]string{
				`spec.peerPort: Invalid value: 70000: must be from 1 to 65535`,
				`spec.myASN: Required value: missing local ASN; set it to a number from 1 to 4294967295`,
				`spec.peerAddress: Invalid value: "x": invalid BGPPeer address: "x" is not an IP address`,
				`spec.gracefulRestartOnNotification: Invalid value: true: extends enableGracefulRestart; set that to true or remove this`,
			}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, errs := ParsePeer(bgpPeer(tc.change))
			if diff := cmp.Diff(tc.want, errorTexts(errs)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if p.Name != "" || p.Address.IsValid() {
				t.Errorf("got peer %v beside errors, want none", p.Name)
			}
		})
	}
}

func TestPeerSelectsNode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		selectors []metav1.LabelSelector
		want      bool
	}{
		"without selectors every node":  {nil, true},
		"the first selector":            {[]metav1.LabelSelector{selecting("x"), selecting("y")}, true},
		"the second selector":           {[]metav1.LabelSelector{selecting("y"), selecting("x")}, true},
		"an empty selector, every node": {[]metav1.LabelSelector{{}}, true},
		"none of the selectors":         {[]metav1.LabelSelector{selecting("y"), selecting("z")}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, errs := ParsePeer(bgpPeer(func(s *v1beta2.BGPPeerSpec) { s.NodeSelectors = tc.selectors }))
			if len(errs) > 0 {
				t.Fatal(errs.ToAggregate())
			}
			if got := p.SelectsNode(labels.Set{"a": "x"}); got != tc.want {
				t.Errorf("got %t, want %t", got, tc.want)
			}
		})
	}
}

// FuzzParsePeer holds that a peer that parses can be connected to, as soon as a node knows where it is, and that every error names field and
// remedy.
func FuzzParsePeer(f *testing.F) {
	f.Add(uint32(64500), uint32(64512), "10.0.0.1", "10.0.0.2", "1.1.1.1", int32(179), int64(90e9), int64(30e9), int64(5e9), "p")
	f.Add(uint32(0), uint32(0), "fe80::1%eth0", "::", "", int32(-1), int64(-1), int64(-1), int64(0), "")
	f.Add(uint32(1), uint32(1), "2001:db8::1", "", "0.0.0.0", int32(0), int64(0), int64(0), int64(1e9), "\x00")
	f.Fuzz(func(t *testing.T, mine, theirs uint32, address, source, id string, port int32, hold, keepalive, connect int64, password string) {
		parsesWell(t, bgpPeer(func(s *v1beta2.BGPPeerSpec) {
			s.MyASN, s.ASN, s.Address, s.SrcAddress, s.RouterID, s.Port, s.Password = mine, theirs, address, source, id, port, password
			s.HoldTime, s.KeepaliveTime, s.ConnectTime = duration(time.Duration(hold)), duration(time.Duration(keepalive)), duration(time.Duration(connect))
		}))
	})
}

// FuzzParsePeerOfAnyKind holds the same of peers that nodes find, and of what else is beyond an address and an ASN.
func FuzzParsePeerOfAnyKind(f *testing.F) {
	f.Add(uint32(0), uint32(0), "external", "", "eth1", "", "red", int32(0), int32(1), false, true, "", "")
	f.Add(uint32(64999), uint32(64512), "", "10.0.0.1", "", "", "", int32(2), int32(0), true, false, "{label:rack}", "")
	f.Add(uint32(64500), uint32(64500), "internal", "", "", "IPv6", "a b", int32(1), int32(255), true, true, "6451{label:rack}", "{annotation:example.com/asn}")
	f.Fuzz(func(t *testing.T, local, theirs uint32, dynamic, address, device, gateway, vrf string, ttl, hops int32, multiHop, both bool, perNodeMine, perNodeTheirs string) {
		parsesWell(t, bgpPeer(func(s *v1beta2.BGPPeerSpec) {
			s.LocalASN, s.ASN, s.DynamicASN, s.Address, s.Interface = local, theirs, v1beta2.DynamicASNMode(dynamic), address, device
			s.DefaultGateway, s.VRFName, s.EBGPMultiHop, s.DualStackAddressFamily = v1beta2.GatewayFamily(gateway), vrf, multiHop, both
			if ttl != 0 {
				s.EBGPMultiHopTTL = &ttl
			}
			if hops != 0 {
				s.TTLSecurityHops = &hops
			}
			s.PerNode = &v1beta2.PerNode{MyASN: perNodeMine, ASN: perNodeTheirs}
		}))
	})
}

// parsesWell checks what is true of every object.
func parsesWell(t *testing.T, o *v1beta2.BGPPeer) {
	t.Helper()
	p, errs := ParsePeer(o)
	if len(errs) > 0 {
		if slices.ContainsFunc(errs, func(err *field.Error) bool { return err.Field == "" || err.ErrorBody() == string(err.Type) }) {
			t.Errorf("errors without field or remedy: %v", errs)
		}
		return
	}
	anyASN := o.Spec.DynamicASN == v1beta2.ExternalASN || p.PerNode.peerASN.IsSet()
	if p.LocalASN == 0 || p.PeerASN == 0 && !anyASN || p.Port == 0 || !p.Families.Any() || !reachable(p) {
		t.Errorf("accepted %+v", p)
	}
	checkTimes(t, p)
}

// checkTimes checks timers and times to live.
func checkTimes(t *testing.T, p Peer) {
	t.Helper()
	if !holds(p.HoldTime, p.KeepaliveTime) || p.ConnectTime < time.Second || p.ConnectTime > maxTime {
		t.Errorf("accepted timers %s, %s and %s", p.HoldTime, p.KeepaliveTime, p.ConnectTime)
	}
	internal := p.IBGP() && !p.PerNode.Any()
	if p.MultiHopTTL > 0 && (internal || p.MultiHopTTL == 1 || p.SecurityHops > 0) {
		t.Errorf("accepted times to live of %+v", p)
	}
}

// holds reports whether a session could live with these times.
func holds(hold, keepalive time.Duration) bool {
	if hold == 0 {
		return keepalive == 0
	}
	return hold >= 3*time.Second && hold <= maxTime && keepalive >= time.Second && keepalive < hold
}

// reachable reports whether a TCP connection could have the peer's addresses at its ends.
func reachable(p Peer) bool {
	if p.Interface != "" || p.Gateway != "" {
		return !p.Address.IsValid()
	}
	if !p.Address.IsValid() || p.Address.IsMulticast() || p.Address.IsUnspecified() {
		return false
	}
	return (!p.Source.IsValid() || p.Source.Is4() == p.Address.Is4()) && (!p.RouterID.IsValid() || p.RouterID.Is4())
}
