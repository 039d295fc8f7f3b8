// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/playground"
)

const (
	// overIPv6 has peers over IPv6 and a pool of IPv6 addresses.
	overIPv6 = "config/tutorial/tutorial-4.yaml"
	// bothFamilies is a second Service for nginx, with an address of each family.
	bothFamilies = "config/tutorial/tutorial-5.yaml"
)

// dualStackPrefixes are what is announced of the Service of both families: an address of each pool, after nginx's own.
var dualStackPrefixes = []netip.Prefix{netip.MustParsePrefix("198.51.100.1/32"), netip.MustParsePrefix("fd00:198:51:100::1/128")}

func TestAServiceOfBothFamiliesIsServedOverBoth(t *testing.T) {
	withTutorial(t, func(p *playground.Playground) {
		kubectl(t, p, "apply", "-f", overIPv6, "-f", bothFamilies)
		defer kubectl(t, p, "delete", "--timeout=1m", "-f", bothFamilies, "-f", overIPv6)
		eventually(t, "an address of each family", func() string {
			want := dualStackPrefixes[0].Addr().String() + " " + dualStackPrefixes[1].Addr().String()
			if got := address(t, p, "nginx-dual-stack"); got != want {
				return fmt.Sprintf("it has %q, want %q", got, want)
			}
			return ""
		})
		servedOverBoth(t, p)
		// Now each node has its own pod answer, so the client reaches all only if the rack router spreads connections over the nodes.
		kubectl(t, p, "patch", "service", "nginx-dual-stack", "--patch", `{"spec": {"externalTrafficPolicy": "Local"}}`)
		servedOverBoth(t, p)
		awaitSight(t, p, "what each session carries", carriesItsFamily(p.Cluster.Nodes()))

		kubectl(t, p, "scale", "deployment/nginx", "--replicas=0")
		for _, prefix := range dualStackPrefixes {
			awaitPaths(t, prefix, nil)
			awaitForwarding(t, prefix, nil)
		}
		kubectl(t, p, "scale", "deployment/nginx", "--replicas=3")
		kubectl(t, p, "rollout", "status", "--timeout=2m", "deployment/nginx")
		servedOverBoth(t, p)
	})
}

// servedOverBoth waits until each node's routes are on every router and in the rack's kernel, and the client has reached every pod
// by each address.
func servedOverBoth(t *testing.T, p *playground.Playground) {
	t.Helper()
	nodes := p.Cluster.Nodes()
	for _, prefix := range dualStackPrefixes {
		awaitPaths(t, prefix, nodes)
		awaitForwarding(t, prefix, nodes)
		pages := map[string]int{}
		eventually(t, "the pages of all pods at "+prefix.Addr().String(), func() string {
			page, err := fetchFrom(t.Context(), prefix.Addr())
			if err != nil {
				return fmt.Sprintf("%v: %s", err, page)
			}
			if pages[page]++; len(pages) < len(nodes) {
				return fmt.Sprint(pages)
			}
			return ""
		})
		for page := range pages {
			if !strings.HasPrefix(page, "Welcome to nginx, served by pod ") {
				t.Errorf("a page at %s is %q", prefix.Addr(), page)
			}
		}
	}
}

// carriesItsFamily is what is to be seen of the sessions: those over IPv4 carry two prefixes, nginx's own among them, those over IPv6
// one, and none carries any of the other family.
func carriesItsFamily(nodes []cluster.Node) sight {
	var s sight
	for _, router := range []struct{ peer, address, address6 string }{
		{"test-bgp-router-bird", "10.96.0.100", "fd00:10:96::100"},
		{"test-bgp-router-frr", "10.96.0.101", "fd00:10:96::101"},
		{"rack-router", playground.RackAddress, playground.RackAddress6},
	} {
		for _, n := range nodes {
			session := n.Name + "-%[2]s " + n.Name + " %[2]s %[1]s Established "
			s.states = append(s.states, fmt.Sprintf(session, router.address, router.peer)+`\S+ 2 0\s*$`,
				fmt.Sprintf(session, router.address6, router.peer+"-ipv6")+`\S+ 0 1\s*$`)
		}
		s.peers = append(s.peers, router.peer+` \S+ 6451[23] 3/3 True`, router.peer+`-ipv6 \S+ 6451[23] 3/3 True`)
	}
	return s
}
