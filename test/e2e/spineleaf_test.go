// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/router/forward"
	"metallb.io/metallb/test/traffic"
)

const (
	spine = "spine"
	// fabricHold is the hold time of all sessions, the shortest that there is (RFC 4271 section 4.2).
	fabricHold = 3 * time.Second
	// fabricMargin is how much longer requests may fail: until a busy machine has noticed, and changed its routes.
	fabricMargin = 3 * time.Second
	// fabricPatience is how long connecting may take. It is less than what TCP waits until it sends a SYN again, which may go another way.
	fabricPatience = 900 * time.Millisecond
	// fabricRate is how many requests are made to each address each second, fabricWorkers how many may wait for an answer at the same time.
	fabricRate    = 80
	fabricWorkers = 8
	// fabricChanges is how often routes to an address change when a leaf dies and comes back: twice at the spine, and for each node at the leaf.
	fabricChanges = 5
)

// leaves are the routers that each node has a link to, and the node's interface of it.
var leaves = []struct {
	name, port string
	asn        int
}{{"leaf-a", "eth1", 65101}, {"leaf-b", "eth2", 65102}}

// fabricPeers are one peer of every node for each leaf, and fabricConfiguration all else.
const fabricPeers = `
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: leaf-a, namespace: metallb-system}
spec: {myASN: 64500, dynamicASN: external, interface: eth1, holdTime: 3s, keepaliveTime: 1s, connectTime: 1s}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: leaf-b, namespace: metallb-system}
spec: {myASN: 64500, dynamicASN: external, interface: eth2, holdTime: 3s, keepaliveTime: 1s, connectTime: 1s}
`

const fabricConfiguration = `
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: everything, namespace: metallb-system}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: both, namespace: metallb-system}
spec: {addresses: [198.51.100.0/24, "fd00:198:51:100::1-fd00:198:51:100::ff"]}
`

func TestALeafOfASpineLeafNetworkDiesWithItsLinksUp(t *testing.T) {
	p := withNothing(t)
	spineRouter, leafRouters := makeFabric(t, p)
	for _, r := range append(leafRouters, spineRouter) {
		r.start(t)
	}
	install(t, p, "speaker.unnumbered=true", "crds.keep=false")
	apply(t, p, fabricConfiguration)
	kubectl(t, p, "apply", "-f", "config/tutorial/tutorial-2.yaml", "-f", bothFamilies)
	kubectl(t, p, "rollout", "status", "--timeout=2m", "deployment/nginx")
	// Each node has its own pod answer, so the client reaches all only if the leaves spread connections over the nodes.
	kubectl(t, p, "patch", "service", "nginx-dual-stack", "--patch", `{"spec": {"externalTrafficPolicy": "Local"}}`)
	apply(t, p, fabricPeers) // Last, since it takes a while until a change of what a session carries is told.
	awaitFabric(t, p, "leaf-a", "leaf-b")
	awaitSight(t, p, "the sessions of all nodes with both leaves", fabricSight(p, "leaf-a", "leaf-b"))

	stops := map[string]func() traffic.Record{}
	for _, prefix := range dualStackPrefixes {
		stops[prefix.Addr().String()] = startClient(t, prefix.Addr(), traffic.Load{Rate: fabricRate, Workers: fabricWorkers, Patience: fabricPatience})
	}
	servedThrough(t, p, leafRouters)
	died := time.Now()
	leafRouters[0].die(t)
	awaitFabric(t, p, "leaf-b")
	t.Logf("the spine has the other leaf's routes only after %.1f s", time.Since(died).Seconds())
	awaitSight(t, p, "the sessions with the leaf that died", fabricSight(p, "leaf-b"))
	servedThrough(t, p, leafRouters[1:])

	within(t, "leaf-a", "", "nft", "delete", "table", "inet", "dead")
	// A router that boots has no routes in its kernel. Zebra may remove those that it finds only after it has added others to them.
	if err := forward.RemoveRoutes("/run/netns/leaf-a"); err != nil {
		t.Fatal(err)
	}
	leafRouters[0].start(t)
	awaitFabric(t, p, "leaf-a", "leaf-b")
	awaitSight(t, p, "the sessions with both leaves again", fabricSight(p, "leaf-a", "leaf-b"))
	servedThrough(t, p, leafRouters)
	for address, stop := range stops {
		judge(t, address, stop(), died)
	}

	kubectl(t, p, "delete", "--timeout=1m", "-f", bothFamilies)
	uninstall(t, p)
	clearOut(t, p)
}

// makeFabric makes the spine with the client behind it, and two leaves beneath it with a link to every node. The routers are not started.
// Nodes answer over the network that they have besides: what a node sends is no matter of a speaker, which takes no routes.
func makeFabric(t *testing.T, p *playground.Playground) (spineRouter *fabricRouter, leafRouters []*fabricRouter) {
	t.Helper()
	spineRouter = &fabricRouter{Name: spine, ID: "10.0.0.1", ASN: 65000}
	spineRouter.make(t)
	link(t, playground.ClientNamespace, spine, spine, "client")
	ip(t, "-n", spine, "address", "add", "fe80::1/64", "dev", "client", "nodad")
	within(t, playground.ClientNamespace, "", "sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=2") // Answers come from where nothing is sent to.
	for i, l := range leaves {
		leaf := &fabricRouter{Name: l.name, ID: fmt.Sprintf("10.0.0.%d", 11+i), ASN: l.asn, Above: []string{spine}}
		leaf.make(t)
		within(t, leaf.Name, seenConnections, "nft", "-f", "-")
		// All but the destination port. If leaves took the same as the spine, from one kernel, each would use some of the nodes only.
		within(t, leaf.Name, "", "sysctl", "-qw", "net.ipv4.fib_multipath_hash_policy=3", "net.ipv4.fib_multipath_hash_fields=0x17",
			"net.ipv6.fib_multipath_hash_policy=3", "net.ipv6.fib_multipath_hash_fields=0x17")
		link(t, spine, leaf.Name, leaf.Name, spine)
		for _, n := range p.Cluster.Nodes() {
			link(t, n.Name, l.port, leaf.Name, n.Name)
			leaf.Below = append(leaf.Below, n.Name)
		}
		spineRouter.Below = append(spineRouter.Below, leaf.Name)
		leafRouters = append(leafRouters, leaf)
	}
	for _, network := range []string{"198.51.100.0/24", "fd00:198:51:100::/64"} {
		ip(t, "-n", playground.ClientNamespace, "route", "add", network, "via", "inet6", "fe80::1", "dev", spine)
	}
	return spineRouter, leafRouters
}

// awaitFabric waits until the spine forwards to each address of the Service over these leaves, and each of them over all nodes.
func awaitFabric(t *testing.T, p *playground.Playground, over ...string) {
	t.Helper()
	want := map[string][]string{spine: over}
	for _, leaf := range over {
		for _, n := range p.Cluster.Nodes() {
			want[leaf] = append(want[leaf], n.Name)
		}
	}
	for _, prefix := range dualStackPrefixes {
		eventually(t, fmt.Sprintf("routes to %s over %v", prefix, over), func() string {
			got := map[string][]string{}
			for router := range want {
				got[router] = ports(t, router, prefix)
			}
			return gocmp.Diff(want, got)
		})
	}
}

// ports returns the ports by which a router's kernel forwards to the prefix. There are no addresses, so next hops are link-local ones.
func ports(t *testing.T, router string, prefix netip.Prefix) []string {
	t.Helper()
	family := "-4"
	if prefix.Addr().Is6() {
		family = "-6"
	}
	type hop struct{ Dev string }
	var routes []struct {
		hop
		NextHops []hop
	}
	text := ip(t, family, "-json", "-n", router, "route", "show", prefix.String())
	if err := json.Unmarshal([]byte(text), &routes); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	var found []string
	for _, route := range routes {
		for _, h := range append(route.NextHops, route.hop) {
			if h.Dev != "" {
				found = append(found, h.Dev)
			}
		}
	}
	slices.Sort(found)
	return found
}

// fabricSight is what is to be seen of the sessions: those with these leaves carry both families, and those with the others are down.
func fabricSight(p *playground.Playground, up ...string) sight {
	var s sight
	for _, l := range leaves {
		session, peer := `.*(Idle|Connect|Active|OpenSent) \S+ 0 0\b`, `.* 0/3 False `+l.port
		if slices.Contains(up, l.name) {
			session, peer = `fe80::\S+ Established \S+ 2 1\b`, `.* 3/3 True `+l.port
		}
		s.peers = append(s.peers, l.name+peer)
		for _, n := range p.Cluster.Nodes() {
			s.states = append(s.states, n.Name+"-"+l.name+" "+n.Name+" "+l.name+" "+session)
		}
	}
	return s
}

// servedThrough waits until the client has reached every pod by each address, and through each of the leaves.
func servedThrough(t *testing.T, p *playground.Playground, through []*fabricRouter) {
	t.Helper()
	for _, r := range through {
		within(t, r.Name, "", "nft", "reset", "counters")
	}
	for _, prefix := range dualStackPrefixes {
		family := "ipv6"
		if prefix.Addr().Is4() {
			family = "ipv4"
		}
		pages := map[string]int{}
		eventually(t, "pages of all pods through all leaves at "+prefix.Addr().String(), func() string {
			if page, err := fetchFrom(t.Context(), prefix.Addr()); err == nil {
				pages[page]++
			}
			for _, r := range through {
				if strings.Contains(within(t, r.Name, "", "nft", "list", "counter", "inet", "seen", family), "packets 0 ") {
					return r.Name + " has forwarded no connection"
				}
			}
			if len(pages) < len(p.Cluster.Nodes()) {
				return fmt.Sprint(pages)
			}
			return ""
		})
	}
}

// judge tells how long requests to the address failed after a leaf had died, and checks that only those did that its neighbours sent to it before
// its hold time had passed. Besides, changes of routes may cut connections that are open.
func judge(t *testing.T, address string, record traffic.Record, died time.Time) {
	t.Helper()
	failed := append(record.Of(traffic.Failed), record.Of(traffic.Refused)...)
	for _, r := range failed {
		if after := r.Began.Sub(died); after < -fabricPatience || after > fabricHold+fabricMargin {
			t.Errorf("a request to %s failed that began %s after the leaf had died: %v", address, after, r.Err)
		}
	}
	t.Logf("%s, in trouble for %.1f s after the leaf had died: %s", address, record.Outage(died, died.Add(fabricHold+fabricMargin)).Seconds(), record)
	if len(failed) == 0 {
		t.Errorf("no request to %s failed: none went by way of the leaf that died", address)
	}
	cut := len(record.Of(traffic.Reset))
	if most := fabricChanges * fabricWorkers; cut > most {
		t.Errorf("%d requests to %s were cut, of at most %d that changes of routes explain", cut, address, most)
	}
}
