// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package e2e_test

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/traffic"
)

// lostTable is where the table goes of what is lost in all events, with all peers and both routers. Without it the test is short: each promise
// is held to once.
var lostTable = flag.String("lost.table", "", "`file` to which the table of what is lost is added, for which all events are measured")

const (
	// lostRate is how many connections are opened to each address of the services each second, lostWorkers how many may wait for an answer.
	lostRate    = 50
	lostWorkers = 64
	// lostLong is how many long connections there are to all addresses.
	lostLong = 50
	// lostBefore is how many requests are made to each address before an event, and after it.
	lostBefore = 75
)

// lostServices are one of each traffic policy, with addresses of their own, and the same pods, one on each node. A pod serves on for six
// seconds after it is told to end.
const lostServices = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: lost, namespace: metallb-system}
spec: {addresses: [203.0.113.0/28, "fd00:203:0:113::/124"], autoAssign: false}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: lost}
data:
  default.conf: |
    server {
      listen 80;
      listen [::]:80;
      keepalive_requests 1000000;
      location / { return 200 "served"; }
    }
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: lost}
spec:
  replicas: 3
  selector: {matchLabels: {app: lost}}
  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}
  template:
    metadata: {labels: {app: lost}}
    spec:
      terminationGracePeriodSeconds: 20
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
          - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: lost}}}
      containers:
      - name: nginx
        image: docker.io/library/nginx:1
        imagePullPolicy: IfNotPresent
        ports: [{name: http, containerPort: 80}]
        lifecycle: {preStop: {sleep: {seconds: 6}}}
        readinessProbe: {periodSeconds: 1, httpGet: {port: http}}
        volumeMounts: [{name: config, mountPath: /etc/nginx/conf.d}]
      volumes: [{name: config, configMap: {name: lost}}]
---
apiVersion: v1
kind: Service
metadata: {name: lost-cluster, annotations: {metallb.io/loadBalancerIPs: "203.0.113.1,fd00:203:0:113::1"}}
spec: {type: LoadBalancer, ipFamilyPolicy: RequireDualStack, selector: {app: lost}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: lost-local, annotations: {metallb.io/loadBalancerIPs: "203.0.113.2,fd00:203:0:113::2"}}
spec: {type: LoadBalancer, externalTrafficPolicy: Local, ipFamilyPolicy: RequireDualStack, selector: {app: lost}, ports: [{port: 80}]}
`

// lostAddresses are those of the services: policy Cluster, IPv4 and IPv6, then Local.
var lostAddresses = []netip.Addr{
	netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("fd00:203:0:113::1"),
	netip.MustParseAddr("203.0.113.2"), netip.MustParseAddr("fd00:203:0:113::2"),
}

// peering is how nodes and router find out that the other is gone.
type peering struct {
	name, fields string
	// profile is the interval of BFD, in milliseconds; 0 means no BFD.
	profile  int
	graceful bool
}

const lostPeers = `apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: ecmp, namespace: metallb-system}
spec: {myASN: 64512, peerASN: %[1]d, peerAddress: %[2]s, connectTime: 1s, %[4]s}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: ecmp-ipv6, namespace: metallb-system}
spec: {myASN: 64512, peerASN: %[1]d, peerAddress: %[3]s, connectTime: 1s, %[4]s}
`

const lostProfile = `apiVersion: metallb.io/v1beta1
kind: BFDProfile
metadata: {name: ecmp, namespace: metallb-system}
spec: {receiveInterval: %[1]d, transmitInterval: %[1]d, detectMultiplier: 3}
---
`

// With BFD, the hold time is so long that only BFD can be what ends a session.
var peerings = []peering{
	{name: byHoldTime, fields: "holdTime: 3s, keepaliveTime: 1s"},
	{name: gracefully, fields: "holdTime: 3s, keepaliveTime: 1s, enableGracefulRestart: true", graceful: true},
	{name: byBFD100, fields: "holdTime: 90s, bfdProfile: ecmp", profile: 100},
	{name: byBFD50, fields: "holdTime: 90s, bfdProfile: ecmp", profile: 50},
}

// lostTest is a playground with a router of its own between the client and the nodes.
type lostTest struct {
	*playground.Playground
	router *ecmpRouter
	node   cluster.Node // what happens, happens to it
	// clients ask each of lostAddresses while something happens.
	clients []*traffic.Client
}

// outcome is what was seen of an event.
type outcome struct {
	records []traffic.Record // by address, as lostAddresses
	paths   traffic.Paths
	window  window
}

// window is the time in which requests were in trouble because of what happened. Until is zero if that cannot be told apart from what came later.
type window struct{ from, until time.Time }

func TestWhatIsLostWhenSomethingLeaves(t *testing.T) {
	withTutorial(t, func(p *playground.Playground) {
		makeECMP(t, p)
		apply(t, p, lostServices)
		// Peers and pools that services need are not deleted before these.
		defer kubectl(t, p, "-n", "metallb-system", "delete", "--ignore-not-found", "--timeout=1m", "bgppeer/ecmp", "bgppeer/ecmp-ipv6", "bfdprofile/ecmp", "ipaddresspool/lost")
		defer kubectl(t, p, "delete", "--timeout=1m", "service/lost-cluster", "service/lost-local", "deployment/lost", "configmap/lost")
		kubectl(t, p, "rollout", "status", "deployment/lost", "--timeout=2m")
		l := &lostTest{Playground: p, node: withoutTestRouters(t, p)}
		for _, software := range []string{"BIRD", "FRR"} {
			t.Run(software, func(t *testing.T) {
				for _, peers := range peerings {
					if events := peers.events(software); len(events) > 0 {
						t.Run(peers.name, func(t *testing.T) { l.eachEvent(t, software, peers, events) })
					}
				}
			})
		}
		awaitRoutes(t, p) // A node that was away had other pods as well.
	})
}

// eachEvent measures events with a router and its peers.
func (l *lostTest) eachEvent(t *testing.T, software string, peers peering, events []lostEvent) {
	t.Helper()
	l.router = &ecmpRouter{Software: software, Nodes: l.Cluster.Nodes(), BFD: peers.profile > 0, Graceful: peers.graceful}
	manifest := fmt.Sprintf(lostPeers, ecmpASN, ecmpAddress, address6(ecmpAddress), peers.fields)
	if peers.profile > 0 {
		manifest = fmt.Sprintf(lostProfile, peers.profile) + manifest
	}
	// Speakers have the configuration when the router starts: a session that had another one would be reset amid an event.
	l.configure(t, manifest)
	l.router.start(t)
	l.whole(t)
	for _, event := range events {
		t.Run(event.name, func(t *testing.T) {
			began := time.Now()
			o := l.measure(t, event.do)
			o.log(t)
			o.tell(t, event.name, peers.name, software)
			if event.check != nil {
				event.check(t, o)
			}
			t.Logf("%.1f s", time.Since(began).Seconds())
		})
	}
}

// configure applies the manifest as soon as the webhook answers, which may be on a node that was off a moment ago.
func (l *lostTest) configure(t *testing.T, manifest string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the peers of the router", func() string {
		if err := l.Kubectl(t.Context(), "apply", "-f", file); err != nil {
			return err.Error()
		}
		return ""
	})
}

// measure has something happen while clients ask each address, and waits until all is as it was.
func (l *lostTest) measure(t *testing.T, do func(*testing.T, *lostTest) window) outcome {
	t.Helper()
	prefixes := make([]netip.Prefix, 0, len(lostAddresses))
	for _, address := range lostAddresses {
		prefixes = append(prefixes, prefixOf(address))
	}
	forgetConnections(t, l.Cluster.Nodes())
	watch, err := traffic.StartWatch(ecmpNetNS, prefixes...)
	if err != nil {
		t.Fatal(err)
	}
	l.clients = nil
	for i, address := range lostAddresses {
		client := traffic.Start(traffic.Load{
			Namespace: clientNetNS, Target: netip.AddrPortFrom(address, 80), Rate: lostRate, Workers: lostWorkers,
			Long: (lostLong + i) / len(lostAddresses), // together lostLong, or one or two more
		})
		l.clients = append(l.clients, client)
		t.Cleanup(func() { _, _ = client.Stop() })
	}
	l.askOn(t)
	o := outcome{window: do(t, l)}
	l.whole(t)
	l.askOn(t)
	for _, client := range l.clients {
		record, err := client.Stop()
		if err != nil {
			t.Fatal(err)
		}
		o.records = append(o.records, record)
	}
	if o.paths, err = watch.Stop(); err != nil {
		t.Fatal(err)
	}
	return o
}

// askOn waits until clients have made some more requests to each address.
func (l *lostTest) askOn(t *testing.T) {
	t.Helper()
	before := make([]int, len(l.clients))
	for i, client := range l.clients {
		before[i], _ = client.Ended()
	}
	for i, client := range l.clients {
		eventually(t, "more requests to "+lostAddresses[i].String(), func() string {
			if now, _ := client.Ended(); now < before[i]+lostBefore {
				return fmt.Sprintf("%d have ended", now-before[i])
			}
			return ""
		})
	}
}

// whole waits until the router forwards to each address over all nodes, and BFD watches them if it is to.
func (l *lostTest) whole(t *testing.T) {
	t.Helper()
	l.forwards(t, l.Cluster.Nodes())
	if l.router.BFD {
		eventually(t, "sessions of BFD", func() string {
			if up := l.router.watched(t); up != 2*len(l.router.Nodes) {
				return fmt.Sprintf("%d are up", up)
			}
			return ""
		})
	}
}

// forwards waits until the router forwards to each address over these nodes.
func (l *lostTest) forwards(t *testing.T, nodes []cluster.Node) {
	t.Helper()
	for _, address := range lostAddresses {
		want := map[string]int{}
		for _, hop := range nextHops(prefixOf(address), nodes) {
			want[hop] = 1
		}
		eventually(t, fmt.Sprintf("%s to be forwarded to over %d nodes", address, len(nodes)), func() string {
			got, err := forwarding(t.Context(), ecmp, prefixOf(address))
			if err != nil {
				return err.Error()
			}
			return gocmp.Diff(want, got)
		})
	}
}

// others returns the nodes that nothing happens to.
func (l *lostTest) others() []cluster.Node {
	return slices.DeleteFunc(l.Cluster.Nodes(), func(n cluster.Node) bool { return n.Name == l.node.Name })
}

// log writes all that was seen.
func (o outcome) log(t *testing.T) {
	t.Helper()
	for i, address := range lostAddresses {
		t.Logf("%s: %s", address, o.records[i])
	}
	t.Logf("paths:\n%s", o.paths)
}

// lostHeader is the head of the table of [outcome.row].
const lostHeader = "| what leaves | peers | router | lost: Cluster IPv4, IPv6, Local IPv4, IPv6 | of these reset | slow | in trouble, ms | long ones cut | a path was missing, times | s |\n" +
	"|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n"

// row is the outcome in one line of the table.
func (o outcome) row(event, peers, router string) string {
	all, lost := traffic.Merge(o.records...), make([]string, 0, len(o.records))
	for _, record := range o.records {
		lost = append(lost, fmt.Sprint(record.Lost()))
	}
	trouble := ""
	if !o.window.until.IsZero() {
		trouble = fmt.Sprint(all.Outage(o.window.from, o.window.until).Milliseconds())
	}
	return fmt.Sprintf("| %s | %s | %s | %s of %d | %d | %d | %s | %d | %d | %.1f |\n", event, peers, router, strings.Join(lost, ", "), len(all.Requests),
		len(all.Of(traffic.Reset)), len(all.Of(traffic.Slow)), trouble, len(all.Cuts), o.paths.Most(), o.paths.Longest().Seconds())
}

// tell logs the row, and adds it to the table if there is one.
func (o outcome) tell(t *testing.T, event, peers, router string) {
	t.Helper()
	row := o.row(event, peers, router)
	t.Log("\n" + lostHeader + row)
	if *lostTable == "" {
		return
	}
	if _, err := os.Stat(*lostTable); os.IsNotExist(err) {
		row = lostHeader + row
	}
	file, err := os.OpenFile(*lostTable, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(row); err != nil {
		t.Fatal(err)
	}
}
