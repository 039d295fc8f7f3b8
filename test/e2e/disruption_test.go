// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"metallb.io/metallb/test/playground"
)

const (
	nginxAddress = "198.51.100.0"
	routerCount  = 3 // the test routers BIRD and FRR, and the rack router
)

var nginxPrefix = netip.MustParsePrefix(nginxAddress + "/32")

func TestWhatPartsOfTheProductEndingDoesToRoutesAndTraffic(t *testing.T) {
	withTutorial(t, func(p *playground.Playground) {
		t.Run("a speaker that ends moves no other node's routes and loses no request", func(t *testing.T) { speakerEnds(t, p) })
		t.Run("a controller that ends changes no address", func(t *testing.T) { controllerEnds(t, p) })
		t.Run("a peer with a wrong ASN says so and disturbs no other", func(t *testing.T) { wrongPeer(t, p) })
		t.Run("a service that cannot be served says why", func(t *testing.T) { unservable(t, p) })
		t.Run("a node that is not to be used for load balancing withdraws its routes", func(t *testing.T) { excludedNode(t, p) })
		t.Run("rollouts lose no connection", func(t *testing.T) { rollouts(t, p) })
	})
}

// others returns the paths that are not by way of the node.
func others(all map[path]time.Time, node string) map[path]time.Time {
	rest := maps.Clone(all)
	maps.DeleteFunc(rest, func(p path, _ time.Time) bool { return p.node == node })
	return rest
}

func speakerEnds(t *testing.T, p *playground.Playground) {
	t.Helper()
	node := p.Cluster.Nodes()[0]
	before := others(paths(t, nginxPrefix), node.Addr.String())
	stop := requests(t)
	kubectl(t, p, "-n", "metallb-system", "delete", "pod", speakerOn(t, p, node.Name).Name)
	kubectl(t, p, "-n", "metallb-system", "rollout", "status", "--timeout=2m", "daemonset/speaker")
	awaitRoutes(t, p)
	intact(t, stop(), 2) // the route went and came
	unmoved(t, before, others(paths(t, nginxPrefix), node.Addr.String()))
}

// unmoved checks that the sessions and paths are the same as before: none came up anew. Routers tell times to the
// second or so.
func unmoved(t *testing.T, before, after map[path]time.Time) {
	t.Helper()
	if len(before) != len(after) {
		t.Errorf("%d paths before, %d after", len(before), len(after))
	}
	for p, since := range before {
		if now, found := after[p]; !found || now.Sub(since).Abs() > 3*time.Second {
			t.Errorf("the session of %v came up at %v before and at %v now", p, since, now)
		}
	}
}

func controllerEnds(t *testing.T, p *playground.Playground) {
	t.Helper()
	before := paths(t, nginxPrefix)
	kubectl(t, p, "-n", "metallb-system", "delete", "pods", "-l", "component=controller", "--grace-period=0", "--force")
	newService(t, p)
	if got := address(t, p, "nginx"); got != nginxAddress {
		t.Errorf("nginx has %q now", got)
	}
	unmoved(t, before, paths(t, nginxPrefix))
	// An active controller may give addresses before a kubelet has seen that its webhook answers, and what follows changes configuration.
	kubectl(t, p, "-n", "metallb-system", "rollout", "status", "deployment/controller", "--timeout=2m")
}

// newService checks that the controller that is active now gives a new service the address after nginx's.
func newService(t *testing.T, p *playground.Playground) {
	t.Helper()
	kubectl(t, p, "create", "service", "loadbalancer", "late", "--tcp=80")
	defer kubectl(t, p, "delete", "service", "late")
	eventually(t, "the new controller's first address", func() string {
		if got := address(t, p, "late"); got != "198.51.100.1" {
			return fmt.Sprintf("it is %q", got)
		}
		return ""
	})
}

// setRackASN changes the ASN that the nodes expect of the rack router.
func setRackASN(t *testing.T, p *playground.Playground, asn int) {
	t.Helper()
	kubectl(t, p, "-n", "metallb-system", "patch", "bgppeer", "rack-router", "--type=merge", "--patch", fmt.Sprintf(`{"spec":{"peerASN":%d}}`, asn))
}

func wrongPeer(t *testing.T, p *playground.Playground) {
	t.Helper()
	onTestRouters := func() map[path]time.Time {
		all := paths(t, nginxPrefix)
		maps.DeleteFunc(all, func(p path, _ time.Time) bool { return strings.HasPrefix(p.router, playground.RackRouterPage) })
		return all
	}
	before := onTestRouters()
	setRackASN(t, p, 64999)
	eventually(t, "the speakers' logs to say what is wrong", func() string {
		logs := kubectl(t, p, "-n", "metallb-system", "logs", "-l", "component=speaker", "--tail=50")
		if !strings.Contains(logs, "peer ASN 64513, expected 64999") {
			return logs
		}
		return ""
	})
	unmoved(t, before, onTestRouters())
	setRackASN(t, p, playground.RackASN)
	awaitRoutes(t, p)
	unmoved(t, before, onTestRouters())
}

func unservable(t *testing.T, p *playground.Playground) {
	t.Helper()
	kubectl(t, p, "create", "service", "loadbalancer", "unservable", "--tcp=80")
	defer kubectl(t, p, "delete", "service", "unservable")
	kubectl(t, p, "patch", "service", "unservable", "--patch", `{"spec":{"loadBalancerIP":"203.0.113.1"}}`)
	eventually(t, "an event that says why", func() string {
		events := kubectl(t, p, "events", "--for", "service/unservable")
		if !strings.Contains(events, "AllocationFailed") || !strings.Contains(events, "203.0.113.1") {
			return events
		}
		return ""
	})
}

func excludedNode(t *testing.T, p *playground.Playground) {
	t.Helper()
	const label = "node.kubernetes.io/exclude-from-external-load-balancers"
	node := p.Cluster.Nodes()[1]
	awaitRoutes(t, p)
	before := others(paths(t, nginxPrefix), node.Addr.String())
	kubectl(t, p, "label", "node", node.Name, label+"=true")
	eventually(t, "the node's routes to go", func() string {
		all := paths(t, nginxPrefix)
		if rest := others(all, node.Addr.String()); len(rest) < len(all) {
			return fmt.Sprint(all)
		}
		return ""
	})
	unmoved(t, before, others(paths(t, nginxPrefix), node.Addr.String()))
	kubectl(t, p, "label", "node", node.Name, label+"-")
	awaitRoutes(t, p)
}
