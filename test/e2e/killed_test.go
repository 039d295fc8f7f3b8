// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/playground"
)

func speakerKilled(t *testing.T, p *playground.Playground) {
	t.Helper()
	node := p.Cluster.Nodes()[0]
	stop := undisturbed(t, p)
	pod := speakerOn(t, p, node.Name)
	killProcess(t, &pod)
	awaitRestart(t, p, &pod)
	awaitRoutes(t, p)
	record := stop()
	record.onePass(t)
	record.onlyFrom(t, node.Addr)
}

func controllerKilled(t *testing.T, p *playground.Playground) {
	t.Helper()
	stop := undisturbed(t, p)
	pod := leader(t, p)
	killProcess(t, &pod)
	newService(t, p)
	awaitRestart(t, p, &pod)
	stop().onlyFrom(t)
}

// burst is how many services are created at once. They fit into the tutorial's pool.
const burst = 120

// kubeletStopped stops the kubelet of a node, on which neither pods nor network care, and meanwhile kills the active controller
// amid a burst of new services.
func kubeletStopped(t *testing.T, p *playground.Playground) {
	t.Helper()
	node := withoutTestRouters(t, p)
	stop := undisturbed(t, p)
	resume := stopKubelet(t, p, node)
	t.Run("the leader is killed during a burst of services", func(t *testing.T) { leaderKilledInBurst(t, p) })
	awaitSessions(t, p, node, "False", "Unknown", "2/3")
	resume()
	awaitSessions(t, p, node, "True", "Established", "3/3")
	stop().onlyFrom(t)
}

// withoutTestRouters returns a node on which the test routers do not run: the page of those on a node that is not ready does not
// answer.
func withoutTestRouters(t *testing.T, p *playground.Playground) cluster.Node {
	t.Helper()
	var theirs corev1.PodList
	list(t, p, playground.Namespace, &theirs, client.MatchingLabels{"app": "test-bgp-router"})
	nodes := p.Cluster.Nodes()
	i := slices.IndexFunc(nodes, func(n cluster.Node) bool {
		return !slices.ContainsFunc(theirs.Items, func(pod corev1.Pod) bool { return pod.Spec.NodeName == n.Name })
	})
	if i < 0 {
		t.Fatal("the test routers run on every node")
	}
	return nodes[i]
}

// stopKubelet stops the kubelet of a node until resume, or until the test ends.
func stopKubelet(t *testing.T, p *playground.Playground, node cluster.Node) (resume func()) {
	t.Helper()
	kubelet := kubeletOf(t, p, node.Name)
	signalTo(t, kubelet, syscall.SIGSTOP)
	return func() { signalTo(t, kubelet, syscall.SIGCONT) }
}

// awaitSessions waits until the node is as ready as said, its sessions have the state, and each BGPPeer has so many sessions.
func awaitSessions(t *testing.T, p *playground.Playground, node cluster.Node, ready, state, sessions string) {
	t.Helper()
	eventually(t, fmt.Sprintf("node %s to be ready or not: %s", node.Name, ready), func() string {
		var n corev1.Node
		read(t, p, "", node.Name, &n)
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && (c.Status == corev1.ConditionTrue) != (ready == "True") {
				return "it is " + string(c.Status)
			}
		}
		return ""
	})
	eventually(t, "its sessions to be "+state, func() string {
		var got []string
		for _, s := range sessionStates(t, p) {
			if s.Status.Node == node.Name {
				got = append(got, string(s.Status.State))
			}
		}
		return gocmp.Diff(slices.Repeat([]string{state}, routerCount), got)
	})
	eventually(t, "each peer to have sessions "+sessions, func() string {
		var peers v1beta2.BGPPeerList
		list(t, p, playground.Namespace, &peers)
		got := make([]string, 0, len(peers.Items))
		for i := range peers.Items {
			got = append(got, peers.Items[i].Status.Sessions)
		}
		return gocmp.Diff(slices.Repeat([]string{sessions}, routerCount), got)
	})
}

func leaderKilledInBurst(t *testing.T, p *playground.Playground) {
	t.Helper()
	addresses := recordAddresses(t, p)
	created := make(chan error, 1)
	c := clusterClient(t, p)
	go func() { created <- createServices(t, c) }()
	eventually(t, "the first services to have addresses", func() string {
		if n := served(t, c); n < burst/10 {
			return fmt.Sprintf("%d have", n)
		}
		return ""
	})
	pod := leader(t, p)
	had := served(t, c)
	killProcess(t, &pod)
	if err := <-created; err != nil {
		t.Fatal(err)
	}
	eventually(t, "all services to have addresses", func() string {
		if n := served(t, c); n < burst {
			return fmt.Sprintf("%d have", n)
		}
		return ""
	})
	t.Logf("%d of %d services had their address when the leader was killed", had, burst)
	if had == burst {
		t.Error("the leader was killed too late for this test to mean anything")
	}
	awaitPrefixes(t, burst+1, len(p.Cluster.Nodes()))
	addresses().unchanged(t)
	if err := c.DeleteAllOf(t.Context(), &corev1.Service{}, client.InNamespace("default"), client.MatchingLabels{"app": "burst"}); err != nil {
		t.Fatal(err)
	}
	awaitPrefixes(t, 1, len(p.Cluster.Nodes()))
}

// createServices creates many services that nginx serves.
func createServices(t *testing.T, c client.Client) error {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for i := range burst {
		group.Go(func() error {
			return c.Create(ctx, &corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("burst-%d", i), Labels: map[string]string{"app": "burst"}},
				Spec: corev1.ServiceSpec{
					Type: corev1.ServiceTypeLoadBalancer, AllocateLoadBalancerNodePorts: new(bool),
					Selector: map[string]string{"app": "nginx"}, Ports: []corev1.ServicePort{{Port: 80}},
				},
			})
		})
	}
	return group.Wait()
}

// served counts the services of the burst that have an address.
func served(t *testing.T, c client.Client) int {
	t.Helper()
	var services corev1.ServiceList
	if err := c.List(t.Context(), &services, client.MatchingLabels{"app": "burst"}); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range services.Items {
		if len(services.Items[i].Status.LoadBalancer.Ingress) > 0 {
			n++
		}
	}
	return n
}

// awaitPrefixes waits until every router has so many prefixes, each from so many nodes.
func awaitPrefixes(t *testing.T, prefixes, nodes int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d prefixes from %d nodes on every router", prefixes, nodes), func() string {
		for _, page := range []string{playground.TestRoutersPage, playground.RackRouterPage} {
			for _, r := range routers(t, page).Routers {
				complete := 0
				for _, route := range r.Routes {
					if len(route.Paths) == nodes {
						complete++
					}
				}
				if len(r.Routes) != prefixes || complete != prefixes {
					return fmt.Sprintf("%s of %s has %d prefixes, %d of them from all nodes", r.Name, page, len(r.Routes), complete)
				}
			}
		}
		return ""
	})
}
