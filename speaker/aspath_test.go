// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	. "github.com/onsi/gomega"

	bgptest "metallb.io/metallb/test/bgp"
)

// shorter is an advertisement that contradicts goldOnly where that prepends, about the services that both are for.
const shorter = `
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: shorter, namespace: metallb-system}
spec: {asPathPrepend: 1, serviceSelectors: [{}]}
`

// expectASPath waits until both routers show the route with the speaker's ASN so many times in its AS path.
func (s *scene) expectASPath(times int) {
	s.t.Helper()
	for _, r := range s.routers {
		s.Eventually(func() []uint32 {
			return r.Routes(s.t)[netip.MustParsePrefix("198.51.100.0/32")].ASPath
		}).Should(Equal(slices.Repeat([]uint32{64500}, times)), r.Name())
	}
}

func TestRealRoutersSeeTheASPathThatAnAdvertisementWantsAndEachChangeOfItOnOneSession(t *testing.T) {
	bgptest.Require(t)
	s := newScene(t)
	s.expectASPath(1)
	var bird, frr bgptest.Session
	s.Eventually(func() bool {
		bird, frr = s.sessions()
		return frr.Updates == 2 // the route and End-of-RIB
	}).Should(BeTrue())
	patch := func(spec string) {
		s.change("patch", "bgpadvertisement", "first", "--type=merge", "--patch", `{"spec":`+spec+`}`)
	}

	patch(`{"asPathPrepend":2}`)
	s.expectASPath(3)
	patch(`{"asPathPrepend":4}`)
	s.expectASPath(5)
	var rib strings.Builder
	s.Expect(s.speaker.get("/debug/rib", &rib)).To(Succeed())
	s.Expect(rib.String()).To(MatchRegexp(`"asPathPrepend": ?4`))

	t.Log("another advertisement contradicts it about the service")
	patch(`{"serviceSelectors":[{}]}`)
	s.kube.Apply(t, shorter)
	s.expectASPath(2)
	s.Eventually(s.kube.notes(t)).Should(ContainElement(
		ContainSubstring(`set different values of asPathPrepend for one prefix and peer; node "node-1" announces the lowest`)))
	s.change("delete", "bgpadvertisement", "shorter")
	s.expectASPath(5)

	patch(`{"asPathPrepend":null}`)
	s.expectASPath(1)
	birdNow, frrNow := s.sessions()
	const changes = 5
	bird.Updates, frr.Updates = bird.Updates+changes, frr.Updates+changes
	s.Expect(birdNow).To(Equal(bird), "BIRD's session, with one update for each change and no withdrawal")
	s.Expect(frrNow).To(Equal(frr), "FRR's session, with one update for each change")
	s.Expect(s.speaker.kill(t, syscall.SIGTERM)).To(Succeed())
}
