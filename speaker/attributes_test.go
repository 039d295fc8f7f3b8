// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/builder"
)

// toFRR is what only FRR is told of the prefixes that goldOnly is for.
const toFRR = `
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: to-frr, namespace: metallb-system}
spec: {peers: [frr], med: 20, asPathPrepend: 1, communities: [colour, "rt:64500:1"]}
---
apiVersion: metallb.io/v1beta1
kind: Community
metadata: {name: colours, namespace: metallb-system}
spec: {communities: [{name: colour, value: graceful-shutdown}]}
`

// route returns what the router has of the one service.
func (s *scene) route(r bgptest.Router) bgptest.Route {
	s.t.Helper()
	route := r.Routes(s.t)[netip.MustParsePrefix("198.51.100.0/32")]
	route.NextHop, route.LocalPref = netip.Addr{}, 0
	return route
}

func TestRealRoutersGetDifferentAttributesOfOnePrefix(t *testing.T) {
	bgptest.Require(t)
	s := newScene(t)
	s.change("patch", "bgpadvertisement", "first", "--type=merge", "--patch", `{"spec":{"peers":["bird"],"med":10,"communities":["no-export"]}}`)
	s.kube.Apply(t, toFRR)
	prefix := netip.MustParsePrefix("198.51.100.0/32")
	want := map[string]bgptest.Route{
		"BIRD": {Prefix: prefix, ASPath: []uint32{64500}, MED: new(uint32(10)), Communities: []string{"65535:65281"}},
		"FRR": {
			Prefix: prefix, ASPath: []uint32{64500, 64500}, MED: new(uint32(20)), Communities: []string{"65535:0"},
			ExtendedCommunities: []string{"RT:64500:1"},
		},
	}
	for _, r := range s.routers {
		s.Eventually(func() bgptest.Route { return s.route(r) }).Should(Equal(want[r.Name()]), r.Name())
	}
	s.Expect(s.speaker.kill(t, syscall.SIGTERM)).To(Succeed())
}

func TestRealRoutersAreToldOfEachNumberOfEndpointsInOneUpdate(t *testing.T) {
	bgptest.Require(t)
	s := newScene(t)
	s.change("patch", "bgpadvertisement", "first", "--type=merge", "--patch", `{"spec":{"weightByEndpoints":true}}`)
	s.kube.Patch(t, builder.MakeService("nginx").Obj(), `{"spec":{"externalTrafficPolicy":"Local"}}`)
	expect := func(endpoints int) {
		t.Helper()
		bandwidth := endpoints * 125_000 // bytes per second, which BIRD shows as the bits of a floating-point number
		s.Eventually(func() []string { return s.route(s.routers[0]).ExtendedCommunities }).Should(
			Equal([]string{fmt.Sprintf("0x4:64500:%d", math.Float32bits(float32(bandwidth)))}), "BIRD")
		s.Eventually(func() []string { return s.route(s.routers[1]).ExtendedCommunities }).Should(Equal([]string{fmt.Sprintf("LB:64500:%d", bandwidth)}), "FRR")
	}
	have := func(endpoints int) {
		t.Helper()
		var list strings.Builder
		for i := range endpoints {
			fmt.Fprintf(&list, `{"addresses":["10.244.0.%d"],"nodeName":"node-1"},`, i+1)
		}
		s.kube.run(t, "patch", "endpointslice", "nginx-1", "--type=merge", "--patch",
			`{"endpoints":[`+list.String()+`{"addresses":["10.244.1.1"],"nodeName":"node-2"}]}`)
	}
	expect(1)
	bird, frr := s.sessions()
	have(3)
	expect(3)
	have(2)
	expect(2)
	birdNow, frrNow := s.sessions()
	bird.Updates, frr.Updates = bird.Updates+2, frr.Updates+2
	s.Expect(birdNow).To(Equal(bird), "BIRD's session, with one update for each change and no withdrawal")
	s.Expect(frrNow).To(Equal(frr), "FRR's session, with one update for each change")
	s.Expect(s.speaker.kill(t, syscall.SIGTERM)).To(Succeed())
}
