// SPDX-License-Identifier: Apache-2.0

package gobgp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	bgptest "metallb.io/metallb/test/bgp"
)

// restartingBIRD installs routes in its kernel, where they stay when it is killed, and restarts gracefully.
const restartingBIRD = `
router id 203.0.113.1;
protocol device {}
protocol kernel { persist; graceful restart; ipv4 { export all; }; }
protocol bgp speaker {
  local %s as 64512;
  neighbor %s as 64500;
  passive;
  graceful restart on;
  ipv4 { import all; export none; };
}
`

// A router that has restarted waits for the routes of those who have not restarted too, before it removes from its kernel what nobody has sent.
func TestARouterThatRestartsGracefullyWaitsForTheRoutes(t *testing.T) {
	t.Parallel()
	bgptest.Require(t)
	if elsewhere(t) {
		return
	}
	node := lab.NewNode(t)
	_, c := neighbors(node)
	bird := bgptest.BIRDWith(t, node, fmt.Sprintf(restartingBIRD, node.Addr4, node.Test4))
	bird.Start(t)
	s, _ := newSessions(t, Options{})
	paths := hosts(20000)
	configure(t, s, always(paths...), restarting(c, false))
	inKernel := func() {
		t.Helper()
		eventually(t, time.Minute, func() (bool, string) { n := bgpRoutes(t, node); return n == len(paths), fmt.Sprintf("%d routes", n) })
	}
	inKernel()

	updates, done := make(chan netlink.RouteUpdate, 100000), make(chan struct{})
	node.Run(t, func() error { return netlink.RouteSubscribe(updates, done) })
	bird.Kill(t)
	eventually(t, time.Minute, func() (bool, string) { return !stateOf(s, "tor").Up(), "the session is still up" })
	bird.Start(t)
	awaitUp(t, s, "tor")
	eventually(t, time.Minute, func() (bool, string) {
		status := bird.Ask(t, "show status")
		return !strings.Contains(status, "recovery in progress") && strings.Contains(bird.Ask(t, "show route count"), "20000 of 20000 routes"), status
	})
	inKernel()
	close(done)
	removed := 0
	for u := range updates {
		if u.Type == unix.RTM_DELROUTE {
			removed++
		}
	}
	if removed > 0 {
		t.Errorf("%d routes were removed from the router's kernel", removed)
	}
}

// bgpRoutes counts the routes that BIRD has in its kernel.
func bgpRoutes(t *testing.T, node *bgptest.Node) int {
	t.Helper()
	const ofBIRD = 12 // RTPROT_BIRD
	n := 0
	node.Inside(t, func(there *netlink.Handle, _ netlink.Link) error {
		routes, err := there.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Protocol: ofBIRD}, netlink.RT_FILTER_PROTOCOL)
		n = len(routes)
		return err
	})
	return n
}
