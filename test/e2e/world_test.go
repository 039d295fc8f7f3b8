// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/programs"
)

// world is the machine. It has one playground at most: tests share it, each leaves it as it found it, and the few that
// need a machine without one say so.
//
// Go runs tests in the order of the names of their files. These are such that those with the tutorial come first and those that need the
// machine for themselves last, so that little is installed or removed between them.
type world struct {
	// before is how the machine was when the tests began.
	before string
	// playground is the one that is shared, if it is up.
	playground *playground.Playground
	// hasTutorial is whether the product is in it, and the tutorial's routers, configuration and web server.
	hasTutorial bool
	// client is that of a cluster.
	client   client.WithWatch
	clientOf *cluster.Cluster
	// empty is what the cluster has with neither the product nor nginx.
	empty []string
}

var theWorld world

func TestMain(m *testing.M) { os.Exit(theWorld.run(m)) }

// run runs the tests in the top directory of the source tree, of which playgrounds are made. A playground that is there
// already is somebody's: then nothing is run, and nothing removed.
func (w *world) run(m *testing.M) int {
	ctx := context.Background()
	err := errors.Join(os.Chdir("../.."), playground.Vacant(playground.DefaultState))
	if err == nil {
		w.before, err = machine(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error: end-to-end tests make playgrounds of their own, and remove them:", err)
		return 1
	}
	code := programs.WithDiscoveryCache(m)
	if w.playground == nil {
		return code
	}
	if err := w.remove(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return code
}

// remove removes the playground, and waits until the machine is as it was.
func (w *world) remove(ctx context.Context) error {
	w.playground, w.hasTutorial = nil, false
	if err := playground.Down(ctx, playground.DefaultState); err != nil {
		return err
	}
	return w.sameMachine(ctx)
}

// alone sees to it that there is no playground, and that the test leaves nothing of one.
func alone(t *testing.T) {
	t.Helper()
	remove := func() {
		// After a test, its own context has ended.
		if err := theWorld.remove(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if theWorld.playground != nil {
		remove()
	}
	if err := playground.Vacant(playground.DefaultState); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
}

// shared returns the shared playground, as the test before left it. What a failed test leaves is not used further.
func (w *world) shared(t *testing.T) *playground.Playground {
	t.Helper()
	if w.playground == nil {
		p, err := playground.Up(t.Context(), playground.Config{Install: playground.Nothing, Progress: os.Stdout})
		if err != nil {
			t.Fatal(err)
		}
		w.playground, w.empty = p, objects(t, p)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		if err := w.remove(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return w.playground
}

// withTutorial returns the playground in which the tutorial has been followed: test routers, rack router, nginx at 198.51.100.0.
// The test is to leave all objects as they are.
func withTutorial(t *testing.T, test func(*playground.Playground)) {
	t.Helper()
	w := &theWorld
	p := w.shared(t)
	if !w.hasTutorial {
		if err := p.Install(t.Context(), playground.Kustomize); err != nil {
			t.Fatal(err)
		}
		configure(t, p)
		deployNginx(t, p)
		w.hasTutorial = true
	}
	awaitRoutes(t, p)
	awaitSessionStates(t, p)
	before := objects(t, p)
	test(p)
	awaitObjects(t, p, before)
}

// awaitRoutes waits until every router has nginx's route from every node.
func awaitRoutes(t *testing.T, p *playground.Playground) {
	t.Helper()
	awaitPaths(t, nginxPrefix, p.Cluster.Nodes())
}

// awaitPaths waits until every router has the route by way of each of these nodes, by its address of the route's family, and of no other.
func awaitPaths(t *testing.T, prefix netip.Prefix, nodes []cluster.Node) {
	t.Helper()
	want := map[string]int{}
	for _, hop := range nextHops(prefix, nodes) {
		want[hop] = routerCount
	}
	eventually(t, fmt.Sprintf("every router to have the route to %s from %d nodes", prefix, len(nodes)), func() string {
		got := map[string]int{}
		found, err := readPaths(t.Context(), prefix) // A page that has just started may not know its routers yet.
		if err != nil {
			return err.Error()
		}
		for path := range found {
			got[path.node]++
		}
		if !maps.Equal(want, got) {
			return fmt.Sprintf("so many routers have each node's path: %v, want %v", got, want)
		}
		return ""
	})
}

// nextHops returns the addresses of the nodes of the prefix's family.
func nextHops(prefix netip.Prefix, nodes []cluster.Node) []string {
	hops := make([]string, 0, len(nodes))
	for _, n := range nodes {
		for _, addr := range n.Addrs() {
			if addr.Is4() == prefix.Addr().Is4() {
				hops = append(hops, addr.String())
			}
		}
	}
	return hops
}

// awaitForwarding waits until the rack router's kernel forwards to the prefix over these nodes, in equal shares.
func awaitForwarding(t *testing.T, prefix netip.Prefix, nodes []cluster.Node) {
	t.Helper()
	want := map[string]int{}
	for _, hop := range nextHops(prefix, nodes) {
		want[hop] = 1
	}
	eventually(t, fmt.Sprintf("the rack to forward to %s over %d nodes", prefix, len(nodes)), func() string {
		got, err := forwarding(t.Context(), playground.RackNamespace, prefix)
		if err != nil {
			return err.Error()
		}
		return gocmp.Diff(want, got)
	})
}

// forwarding returns the gateways by which a router's kernel forwards to the prefix, each with its weight.
func forwarding(ctx context.Context, router string, prefix netip.Prefix) (map[string]int, error) {
	family := "-4"
	if prefix.Addr().Is6() {
		family = "-6"
	}
	text, err := programs.Run(ctx, "", "ip", family, "-json", "-n", router, "route", "show", prefix.String())
	if err != nil {
		return nil, err
	}
	var routes []struct {
		Gateway  string // of a route with one
		NextHops []struct {
			Gateway string
			Weight  int
		}
	}
	if err := json.Unmarshal([]byte(text), &routes); err != nil {
		return nil, fmt.Errorf("%w in %q", err, text)
	}
	gateways := map[string]int{}
	for _, route := range routes {
		if route.Gateway != "" {
			gateways[route.Gateway] = 1
		}
		for _, hop := range route.NextHops {
			gateways[hop.Gateway] = hop.Weight
		}
	}
	return gateways, nil
}

// awaitSessionStates waits until every session has its BGPSessionState: speakers write them some time after the routes.
func awaitSessionStates(t *testing.T, p *playground.Playground) {
	t.Helper()
	want := routerCount * len(p.Cluster.Nodes())
	eventually(t, "a BGPSessionState of each session", func() string {
		if got := len(sessionStates(t, p)); got != want {
			return fmt.Sprintf("%d of %d", got, want)
		}
		return ""
	})
}

// withNothing returns the playground with neither the product nor nginx.
func withNothing(t *testing.T) *playground.Playground {
	t.Helper()
	w := &theWorld
	p := w.shared(t)
	if w.hasTutorial {
		clearOut(t, p)
		w.hasTutorial = false
	}
	awaitObjects(t, p, w.empty)
	return p
}

// clearOut deletes what withTutorial makes, and what events tell of it.
func clearOut(t *testing.T, p *playground.Playground) {
	t.Helper()
	kubectl(t, p, "delete", "--ignore-not-found", "--timeout=1m",
		"-f", manifest, "-f", "config/tutorial/test-bgp-router.yaml", "-f", "config/tutorial/tutorial-2.yaml")
	awaitObjects(t, p, theWorld.empty)
	forgetEvents(t, p)
}

// forgetEvents deletes all events, which tell of other tests. kubectl would delete thousands one after the other.
func forgetEvents(t *testing.T, p *playground.Playground) {
	t.Helper()
	c := clusterClient(t, p)
	for _, namespace := range []string{corev1.NamespaceDefault, playground.Namespace} {
		if err := c.DeleteAllOf(t.Context(), &corev1.Event{}, client.InNamespace(namespace)); err != nil {
			t.Fatal(err)
		}
	}
}
