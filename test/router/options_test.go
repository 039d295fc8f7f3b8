// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"metallb.io/metallb/test/router/router"
)

func TestBadFlagsAreRefusedWithTheirNameAndARemedy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"two daemons on one port":           {nil, "give both an address"},
		"two daemons on one address":        {[]string{"--bird-address=192.0.2.1", "--frr-address=192.0.2.1"}, "both listen on 192.0.2.1 port 179"},
		"an unknown daemon":                 {[]string{"--routers=quagga"}, "--routers quagga: want bird, frr or both"},
		"a daemon named twice":              {[]string{"--routers=bird,bird"}, "want bird, frr or both"},
		"forwarding by one that is not run": {[]string{"--routers=bird", "--forward=frr"}, "--forward frr: must be one of --routers bird"},
		"an AS that is none":                {[]string{"--routers=bird", "--asn=0"}, "--asn 0: must be between 1 and 4294967295"},
		"a peer AS that is none":            {[]string{"--routers=bird", "--peer-asn=any"}, "want internal, external or a number"},
		"a port that is none":               {[]string{"--routers=bird", "--bird-port=65536"}, "--bird-port 65536: must be between 1 and 65535"},
		"an address that is none":           {[]string{"--routers=bird", "--bird-address=here"}, "--bird-address"},
		"a node without a name":             {[]string{"--routers=bird", "--node=192.0.2.1"}, "want NAME=ADDRESS"},
		"something that is not a flag":      {[]string{"bird"}, "there are only flags"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parse(tt.args); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestFlagsBecomeConfigurations(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{
		"--netns=rack", "--asn=64513", "--peer-asn=external", "--forward=bird", "--bird-address=192.0.2.1,fd00::1", "--frr-address=192.0.2.2", "--zebra=false",
		"--node=node-1=192.0.2.11", "--bfd=50ms",
	})
	if err != nil {
		t.Fatal(err)
	}
	bird, frr := o.configs["bird"], o.configs["frr"]
	if !bird.Forward || frr.Forward || bird.NoZebra || !frr.NoZebra || bird.ASN != 64513 || frr.Peers != router.External || bird.NetNS != "/run/netns/rack" {
		t.Errorf("bird %+v\nfrr %+v", bird, frr)
	}
	if bird.BFD != 50*time.Millisecond || frr.BFD != 0 {
		t.Errorf("BFD at %s and %s", bird.BFD, frr.BFD)
	}
	if bird.RouterID != netip.MustParseAddr("192.0.2.1") || frr.RouterID != netip.MustParseAddr("192.0.2.2") || len(bird.Addresses) != 2 {
		t.Errorf("router IDs %s and %s", bird.RouterID, frr.RouterID)
	}
	if o.names[netip.MustParseAddr("192.0.2.11")] != "node-1" {
		t.Errorf("names %v", o.names)
	}
}
