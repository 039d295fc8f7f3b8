// SPDX-License-Identifier: Apache-2.0

package routers

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"k8s.io/utils/clock"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/speaker/gobgp"
	bgptest "metallb.io/metallb/test/bgp"
)

func TestARouterOfThePageWatchesANodeByBFD(t *testing.T) {
	bgptest.Require(t)
	filters, _, _ := strings.Cut(firstBlock(t, "bird"), "protocol bgp")
	bfdd, bgpd, _ := strings.Cut(blockWith(t, "frr", "bfd profile"), "router bgp")
	routers := map[string]func(node *bgptest.Node, at func(string) string) bgptest.BFDRouter{
		"bird": func(node *bgptest.Node, at func(string) string) bgptest.BFDRouter {
			return bgptest.BIRDWithBFD(t, node, at(filters+blockWith(t, "bird", "protocol bfd")))
		},
		"frr": func(node *bgptest.Node, at func(string) string) bgptest.BFDRouter {
			return bgptest.FRRWithBFD(t, node, at(firstBlock(t, "frr")+"router bgp"+bgpd), bfdd)
		},
	}
	sessions, err := gobgp.New(gobgp.Options{Logger: testr.New(t), Clock: clock.RealClock{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := sessions.Close(ctx); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	running := map[string]bgptest.BFDRouter{}
	peers := make([]bgp.Peer, 0, len(routers))
	for name, with := range routers {
		node := lab.NewNode(t)
		subnet := strings.TrimSuffix(node.Test4.String(), "1")
		running[name] = with(node, func(text string) string { return strings.ReplaceAll(text, nodesOfThePage, subnet) })
		running[name].Start(t)
		peers = append(peers, bgp.Peer{
			Name: name, LocalASN: clusterASN, PeerASN: routerASN, Address: node.Addr4, Port: 179, Families: bgp.Families{IPv4: true}, RouterID: node.Test4,
			HoldTime: 90 * time.Second, KeepaliveTime: 30 * time.Second, ConnectTime: 2 * time.Second, Password: passwordOfThePage,
			BFD: bgp.BFDProfile{Name: "fast", TransmitInterval: 100 * time.Millisecond, ReceiveInterval: 100 * time.Millisecond, DetectMultiplier: 3, MinimumTTL: 254},
		})
	}
	sessions.Configure(peers)
	late := time.After(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		up := 0
		for _, s := range sessions.States() {
			if s.Up() && s.BFD == "Up" && s.BFDDetectionTime == 300*time.Millisecond && running[s.Peer].BFD(t).State == "Up" {
				up++
			}
		}
		if up == len(running) {
			return
		}
		select {
		case <-late:
			t.Fatalf("the sessions are %+v", sessions.States())
		case <-tick.C:
		}
	}
}
