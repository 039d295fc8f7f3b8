// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/router/frr"
	"metallb.io/metallb/test/router/namespace"
	"metallb.io/metallb/test/router/router"
	"metallb.io/metallb/test/router/vty"
	"metallb.io/metallb/test/traffic"
)

const (
	// weightingPort is where the rack's FRR listens, beside the rack router, which weights nothing.
	weightingPort = 1790
	// weightingID is its router ID.
	weightingID = "172.30.0.208"
	// weightedRequests are so many that the share of a pod which gets a quarter of them strays by one percent or so.
	weightedRequests = 20_000
	// weightedWorkers make them.
	weightedWorkers = 32
	// firstPort is the first source port of requests: each comes from a port of its own, as routers choose the way by it.
	firstPort = 20_000
)

// weightedDeployment is a number of pods on one node. A pod serves on until kube-proxy knows that it is to end.
const weightedDeployment = `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: weighted-%[1]s
spec:
  replicas: %[2]d
  selector:
    matchLabels: {app: weighted, node: %[1]s}
  template:
    metadata:
      labels: {app: weighted, node: %[1]s}
    spec:
      nodeSelector: {kubernetes.io/hostname: %[1]s}
      terminationGracePeriodSeconds: 5
      containers:
      - name: nginx
        image: docker.io/library/nginx:1
        imagePullPolicy: IfNotPresent
        ports: [{name: http, containerPort: 80}]
        lifecycle: {preStop: {sleep: {seconds: 3}}}
        readinessProbe: {periodSeconds: 1, httpGet: {port: http}}
        volumeMounts: [{name: config, mountPath: /etc/nginx/conf.d}]
      volumes: [{name: config, configMap: {name: nginx}}]
`

// weightedService has the pods of all these deployments.
const weightedService = `---
apiVersion: v1
kind: Service
metadata:
  name: weighted
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  ipFamilyPolicy: RequireDualStack
  selector: {app: weighted}
  ports: [{port: 80}]
`

func TestARouterThatWeightsRoutesSendsEachPodAsManyRequests(t *testing.T) {
	withTutorial(t, func(p *playground.Playground) {
		nodes := p.Cluster.Nodes()[:2]
		first, second := "deployment/weighted-"+nodes[0].Name, "deployment/weighted-"+nodes[1].Name
		patch := func(spec, kind string, names ...string) {
			kubectl(t, p, slices.Concat([]string{"-n", "metallb-system", "patch", "--type=merge", "--patch", `{"spec": {` + spec + `}}`, kind}, names)...)
		}
		kubectl(t, p, "apply", "-f", overIPv6)
		defer kubectl(t, p, "delete", "--timeout=1m", "-f", overIPv6)
		r := weightingRouter(t)
		patch(fmt.Sprintf(`"peerPort": %d`, weightingPort), "bgppeer", "rack-router", "rack-router-ipv6")
		defer patch(`"peerPort": null`, "bgppeer", "rack-router", "rack-router-ipv6")
		patch(`"weightByEndpoints": true`, "bgpadvertisement", "everything")
		defer patch(`"weightByEndpoints": null`, "bgpadvertisement", "everything")
		apply(t, p, fmt.Sprintf(weightedDeployment, nodes[0].Name, 3)+fmt.Sprintf(weightedDeployment, nodes[1].Name, 1)+weightedService)
		defer kubectl(t, p, "delete", "--timeout=1m", "service/weighted", first, second)

		awaitWeights(t, nodes, 3, 1)
		spreadByPods(t, firstPort, 4)
		sessions, want := sessionsSince(t, p), receivedFrom(t, r)
		for pods := 2; pods > 0; pods-- {
			kubectl(t, p, "scale", first, fmt.Sprintf("--replicas=%d", pods))
			awaitWeights(t, nodes, pods, 1)
		}
		eventually(t, "the pods to be gone that are to serve no more", func() string {
			var left corev1.PodList
			list(t, p, corev1.NamespaceDefault, &left, client.MatchingLabels{"app": "weighted"})
			if len(left.Items) != 2 {
				return fmt.Sprintf("%d are there", len(left.Items))
			}
			return ""
		})
		spreadByPods(t, firstPort+weightedRequests, 2)
		for _, addr := range nodes[0].Addrs() {
			n := want[addr]
			n.updates += 2 // a pod went, and then another
			want[addr] = n
		}
		if now := receivedFrom(t, r); !maps.Equal(want, now) {
			t.Errorf("the router has received %+v, want %+v", now, want)
		}
		if diff := gocmp.Diff(sessions, sessionsSince(t, p)); diff != "" {
			t.Errorf("sessions before and after (-before +after):\n%s", diff)
		}
	})
}

// weightingRouter runs an FRR in the rack that forwards what it learns, until the test ends, and returns its directory.
func weightingRouter(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "weighting") //nolint:usetesting // A socket's path must be short.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r, err := frr.Start(t.Context(), logr.Discard(), router.Config{
		Dir: dir, ASN: playground.RackASN, Peers: router.External, RouterID: netip.MustParseAddr(weightingID),
		Port: weightingPort, Forward: true, NetNS: "/run/netns/" + playground.RackNamespace,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	return dir
}

// awaitWeights waits until the rack's kernel spreads connections to both of the service's addresses over the nodes in proportion to their pods.
func awaitWeights(t *testing.T, nodes []cluster.Node, pods ...int) {
	t.Helper()
	for _, prefix := range dualStackPrefixes {
		want := map[string]int{}
		for i, hop := range nextHops(prefix, nodes) {
			want[hop] = pods[i]
		}
		eventually(t, fmt.Sprintf("weights %v towards %s", want, prefix), func() string {
			weights, err := forwarding(t.Context(), playground.RackNamespace, prefix)
			if err != nil {
				return err.Error()
			}
			got, least := map[string]int{}, slices.Min(append(slices.Collect(maps.Values(weights)), math.MaxInt))
			for hop, weight := range weights {
				got[hop] = weight / least
			}
			if !maps.Equal(want, got) {
				return fmt.Sprintf("the kernel has %v", weights)
			}
			t.Logf("%s: the kernel has %v", prefix, weights)
			return ""
		})
	}
}

// spreadByPods checks that each pod answers as many of many requests to each of the service's addresses as any other, to five percent.
func spreadByPods(t *testing.T, firstPort, pods int) {
	t.Helper()
	for _, prefix := range dualStackPrefixes {
		began, answers := time.Now(), answersByPod(t, prefix.Addr(), firstPort)
		t.Logf("%s: %d requests in %s: %v", prefix.Addr(), weightedRequests, time.Since(began).Round(time.Millisecond), answers)
		if len(answers) != pods {
			t.Errorf("%d pods answered at %s, want %d", len(answers), prefix.Addr(), pods)
		}
		share := float64(weightedRequests) / float64(pods)
		for pod, n := range answers {
			if math.Abs(float64(n)-share) > share/20 {
				t.Errorf("%s answered %d requests at %s, want %.0f to five percent", pod, n, prefix.Addr(), share)
			}
		}
	}
}

// answersByPod makes requests from the client, each over a connection of its own, and counts the answers by what names the pod.
func answersByPod(t *testing.T, address netip.Addr, firstPort int) map[string]int {
	t.Helper()
	var mu sync.Mutex
	var done sync.WaitGroup
	answers := map[string]int{}
	for worker := range weightedWorkers {
		done.Go(func() {
			err := namespace.Run("/run/netns/"+playground.ClientNamespace, func() error {
				for i := worker; i < weightedRequests; i += weightedWorkers {
					dialer := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{Port: firstPort + i}}
					page, err := traffic.Fetch(t.Context(), dialer, netip.AddrPortFrom(address, 80))
					if err != nil {
						return err
					}
					mu.Lock()
					answers[strings.TrimSpace(page)]++
					mu.Unlock()
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	return answers
}

// sessionsSince waits until all sessions are told to be up, those of the rack with its FRR, and returns since when each has been.
func sessionsSince(t *testing.T, p *playground.Playground) (lines []string) {
	t.Helper()
	nodes := len(p.Cluster.Nodes())
	eventually(t, "all sessions", func() string {
		lines = nil
		for _, s := range sessionStates(t, p) {
			lines = append(lines, fmt.Sprintf("%s %s since %s with %s", s.Name, s.Status.State, s.Status.Since, s.Status.PeerRouterID))
		}
		text := strings.Join(lines, "\n") + "\n"
		if strings.Count(text, " Established since ") != 2*routerCount*nodes || strings.Count(text, " with "+weightingID+"\n") != 2*nodes {
			return text
		}
		return ""
	})
	return lines
}

// received is what a router has had from a neighbour.
type received struct{ sessions, updates int }

// receivedFrom asks the FRR with this directory what it has had from each node.
func receivedFrom(t *testing.T, dir string) map[netip.Addr]received {
	t.Helper()
	text, err := vty.Ask(t.Context(), filepath.Join(dir, "bgpd.vty"), "show bgp neighbors json")
	if err != nil {
		t.Fatal(err)
	}
	var neighbors map[netip.Addr]struct {
		ConnectionsEstablished int
		MessageStats           struct{ UpdatesRecv int }
	}
	if err := json.Unmarshal([]byte(text), &neighbors); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	all := map[netip.Addr]received{}
	for address, n := range neighbors {
		all[address] = received{n.ConnectionsEstablished, n.MessageStats.UpdatesRecv}
	}
	t.Logf("sessions and UPDATE messages of each node: %v", all)
	return all
}
