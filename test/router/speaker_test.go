// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	api "github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/server"

	"metallb.io/metallb/test/router/child"
)

// speakerVariable makes the test binary a speaker: a process of its own, so that it can live in a network namespace
// and be killed.
const speakerVariable = "ROUTER_TEST_SPEAKER"

// speaker is a node's BGP speaker.
type speaker struct {
	ASN         uint32         `json:"asn"`
	PeerASN     uint32         `json:"peerASN"`
	Peers       []netip.Addr   `json:"peers"`
	RouterID    netip.Addr     `json:"routerID"`
	Prefixes    []netip.Prefix `json:"prefixes"`
	NextHop6    netip.Addr     `json:"nextHop6"`
	Communities []uint32       `json:"communities"`
}

func TestMain(m *testing.M) {
	if text := os.Getenv(speakerVariable); text != "" {
		var s speaker
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := s.run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// start runs the speaker as a process in a network namespace.
func (s speaker) start(t *testing.T, netNS string) *child.Child {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := child.Start(child.Config{
		Name:         "speaker " + s.RouterID.String(),
		Args:         []string{"env", speakerVariable + "=" + string(text), os.Args[0]},
		NetNS:        netNSPath(netNS),
		RestartDelay: time.Hour, // one that a test kills stays dead
		Log:          testr.New(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

// run speaks until SIGTERM, one server for each peer, the routes complete before the session starts.
func (s speaker) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for _, peer := range s.Peers {
		b := server.NewBgpServer()
		go b.Serve()
		global := &api.Global{Asn: s.ASN, RouterId: s.RouterID.String(), ListenPort: -1, Families: []uint32{0, 1}}
		if err := b.StartBgp(ctx, &api.StartBgpRequest{Global: global}); err != nil {
			return err
		}
		defer b.Stop()
		paths, err := s.paths()
		if err != nil {
			return err
		}
		if len(paths) > 0 {
			if _, err := b.AddPath(apiutil.AddPathRequest{Paths: paths}); err != nil {
				return err
			}
		}
		if err := b.AddPeer(ctx, &api.AddPeerRequest{Peer: s.peer(peer)}); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

func (s speaker) peer(address netip.Addr) *api.Peer {
	family := func(afi api.Family_Afi) *api.AfiSafi {
		return &api.AfiSafi{
			Config:            &api.AfiSafiConfig{Family: &api.Family{Afi: afi, Safi: api.Family_SAFI_UNICAST}, Enabled: true},
			MpGracefulRestart: &api.MpGracefulRestart{Config: &api.MpGracefulRestartConfig{Enabled: true}},
		}
	}
	return &api.Peer{
		Conf:            &api.PeerConf{NeighborAddress: address.String(), PeerAsn: s.PeerASN},
		Transport:       &api.Transport{RemotePort: 179},
		Timers:          &api.Timers{Config: &api.TimersConfig{ConnectRetry: 2, HoldTime: 9, KeepaliveInterval: 3}},
		EbgpMultihop:    &api.EbgpMultihop{Enabled: s.ASN != s.PeerASN, MultihopTtl: 64},
		GracefulRestart: &api.GracefulRestart{Enabled: true, RestartTime: 120, DeferralTime: 1, LocalRestarting: true},
		AfiSafis:        []*api.AfiSafi{family(api.Family_AFI_IP), family(api.Family_AFI_IP6)},
	}
}

func (s speaker) paths() ([]*apiutil.Path, error) {
	paths := make([]*apiutil.Path, 0, len(s.Prefixes))
	for _, prefix := range s.Prefixes {
		nlri, err := bgp.NewIPAddrPrefix(prefix)
		if err != nil {
			return nil, err
		}
		attrs := []bgp.PathAttributeInterface{bgp.NewPathAttributeOrigin(0)}
		if len(s.Communities) > 0 {
			attrs = append(attrs, bgp.NewPathAttributeCommunities(s.Communities),
				bgp.NewPathAttributeLargeCommunities([]*bgp.LargeCommunity{bgp.NewLargeCommunity(64512, 1, 2)}))
		}
		if s.ASN == s.PeerASN {
			attrs = append(attrs, bgp.NewPathAttributeLocalPref(150))
		}
		p := &apiutil.Path{Family: bgp.RF_IPv4_UC, Nlri: nlri, Age: time.Now().Unix(), Attrs: attrs}
		if prefix.Addr().Is4() {
			hop, err := bgp.NewPathAttributeNextHop(netip.IPv4Unspecified())
			if err != nil {
				return nil, err
			}
			p.Attrs = append(p.Attrs, hop)
		} else {
			hop, err := bgp.NewPathAttributeMpReachNLRI(bgp.RF_IPv6_UC, []bgp.PathNLRI{{NLRI: nlri}}, s.NextHop6)
			if err != nil {
				return nil, err
			}
			p.Family, p.Attrs = bgp.RF_IPv6_UC, append(p.Attrs, hop)
		}
		paths = append(paths, p)
	}
	return paths, nil
}
