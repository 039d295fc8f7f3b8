// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package e2e_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/traffic"
)

// The names of the labels by which a node is kept from load balancing, and by which it drains.
const (
	excludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers"
	drainLabel   = "metallb.io/drain"
)

// lostEvent is something that leaves, with the peers that it is measured with.
type lostEvent struct {
	name  string
	peers []string
	// short are the routers and peers with which every run of the tests holds the event to what it promises.
	short []string
	do    func(*testing.T, *lostTest) window
	// check holds the outcome to what is promised, if anything is.
	check func(*testing.T, outcome)
}

// lostOpen is how many connections to an address are open at the same time, if each takes 60 ms: a change of routes may cut them all.
const lostOpen = 3

// The names of the peerings.
const (
	byHoldTime = "hold time 3 s"
	gracefully = "graceful restart"
	byBFD100   = "BFD 3 x 100 ms"
	byBFD50    = "BFD 3 x 50 ms"
)

var lostEvents = []lostEvent{
	{"all speakers are updated", []string{byHoldTime}, []string{"FRR"}, updateSpeakers, goneOnce},
	{"all speakers are updated", []string{gracefully}, []string{"FRR"}, updateSpeakers, nothingLost},
	{"a speaker is killed", []string{byHoldTime}, nil, killSpeaker, nil},
	{"a speaker is killed", []string{gracefully}, []string{"BIRD", "FRR"}, killSpeaker, nothingLost},
	{"a node is excluded, and its power goes", []string{byHoldTime}, nil, excludeNode, noneFailed},
	{"a node is drained, and its power goes", []string{gracefully}, []string{"BIRD"}, drainNode, noneFailed},
	{"the power of a node goes", []string{byHoldTime, gracefully, byBFD100}, nil, powerOff, nil},
	{"a link is cut", []string{byHoldTime}, nil, cutting(toNode, fromNode), nil},
	{"a link is cut to the node", []string{byHoldTime}, nil, cutting(toNode), nil},
	{"a link is cut from the node", []string{byHoldTime}, nil, cutting(fromNode), nil},
	{"a link is cut", []string{byBFD100, byBFD50}, []string{"BIRD"}, cutting(toNode, fromNode), soonElsewhere},
	{"a link is cut to the node", []string{byBFD100, byBFD50}, nil, cutting(toNode), soonElsewhere},
	{"a link is cut from the node", []string{byBFD100, byBFD50}, nil, cutting(fromNode), soonElsewhere},
	{"the router's BGP daemon is killed", []string{byHoldTime, gracefully}, nil, crashRouter, nil},
}

// events returns what is measured with a router and these peers: all, if there is to be a table, else what every run of the tests has.
func (p peering) events(software string) []lostEvent {
	var some []lostEvent
	for _, event := range lostEvents {
		if slices.Contains(event.peers, p.name) && (*lostTable != "" || slices.Contains(event.short, software)) {
			some = append(some, event)
		}
	}
	return some
}

// updateSpeakers restarts all speakers as an update does.
func updateSpeakers(t *testing.T, l *lostTest) window {
	t.Helper()
	from := time.Now()
	kubectl(t, l.Playground, "-n", "metallb-system", "rollout", "restart", "daemonset/speaker")
	kubectl(t, l.Playground, "-n", "metallb-system", "rollout", "status", "daemonset/speaker", "--timeout=5m")
	return window{from: from}
}

// killSpeaker kills the speaker of the node.
func killSpeaker(t *testing.T, l *lostTest) window {
	t.Helper()
	pod := speakerOn(t, l.Playground, l.node.Name)
	from := time.Now()
	killProcess(t, &pod)
	awaitRestart(t, l.Playground, &pod)
	return window{from: from}
}

// excludeNode labels the node as one that is not to be used for load balancing, and turns it off when the router does not use it any more.
func excludeNode(t *testing.T, l *lostTest) window {
	t.Helper()
	return leave(t, l, excludeLabel, func() { l.forwards(t, l.others()) })
}

// drainNode labels the node as one that is to be drained, and turns it off when its sessions say that this is safe.
func drainNode(t *testing.T, l *lostTest) window {
	t.Helper()
	return leave(t, l, drainLabel, func() {
		kubectl(t, l.Playground, "-n", "metallb-system", "wait", "--for=condition=Drained", "--timeout=1m", "bgpsessionstates", "-l", "metallb.io/node="+l.node.Name)
	})
}

// leave labels the node, waits until it is safe to turn it off, moves the pods of the services away, turns the node off and on, and takes the label
// from it.
func leave(t *testing.T, l *lostTest, label string, safe func()) window {
	t.Helper()
	from := time.Now()
	kubectl(t, l.Playground, "label", "node", l.node.Name, label+"=")
	safe()
	kubectl(t, l.Playground, "drain", l.node.Name, "--ignore-daemonsets", "--pod-selector=app=lost", "--timeout=1m")
	until := powerOff(t, l).until
	kubectl(t, l.Playground, "label", "node", l.node.Name, label+"-")
	return window{from, until}
}

// powerOff turns the node off without a word, and on again when its traffic has had the time to go elsewhere.
func powerOff(t *testing.T, l *lostTest) window {
	t.Helper()
	from := time.Now()
	if err := l.Cluster.PowerOff(t.Context(), l.node); err != nil {
		t.Fatal(err)
	}
	l.forwards(t, l.others())
	l.askOn(t)
	until := time.Now()
	connected := func() error {
		wayToECMP(t, l.node)
		return nil
	}
	if err := l.PowerOn(t.Context(), l.node, connected); err != nil {
		t.Fatal(err)
	}
	kubectl(t, l.Playground, "uncordon", l.node.Name)
	kubectl(t, l.Playground, "rollout", "status", "deployment/lost", "--timeout=2m")
	eventually(t, "all pods to answer", func() string { return l.silentPods(t) })
	return window{from, until}
}

// silentPods tells which addresses of pods do not answer. A node that was off for a moment is not known to have been, and its pods are told to be
// ready at their former addresses until it has started them again.
func (l *lostTest) silentPods(t *testing.T) string {
	t.Helper()
	var silent []string
	var pods corev1.PodList
	list(t, l.Playground, corev1.NamespaceDefault, &pods, client.MatchingLabels{"app": "lost"})
	for i := range pods.Items {
		for _, address := range pods.Items[i].Status.PodIPs {
			target := netip.AddrPortFrom(netip.MustParseAddr(address.IP), 80)
			if _, err := traffic.Fetch(t.Context(), net.Dialer{Timeout: time.Second}, target); err != nil {
				silent = append(silent, err.Error())
			}
		}
	}
	return strings.Join(silent, "\n")
}

// cutting cuts the link between the router and the node until the router has found out and its traffic has gone elsewhere.
func cutting(directions ...direction) func(*testing.T, *lostTest) window {
	return func(t *testing.T, l *lostTest) window {
		t.Helper()
		from := time.Now()
		mend := cutLink(t, l.node, directions...)
		l.forwards(t, l.others())
		l.askOn(t)
		until := time.Now()
		mend()
		return window{from, until}
	}
}

// crashRouter kills the router's BGP daemon, which is started again after a second.
func crashRouter(t *testing.T, l *lostTest) window {
	t.Helper()
	from := time.Now()
	l.router.crash(t)
	eventually(t, "the router's sessions", func() string {
		if up := l.router.established(t); up < 2*len(l.router.Nodes) {
			return fmt.Sprintf("%d are established", up)
		}
		return ""
	})
	l.forwards(t, l.Cluster.Nodes())
	return window{from, time.Now()}
}

// noneFailed checks that every new connection had its answer but those that changes of routes cut, until what had left came back.
func noneFailed(t *testing.T, o outcome) {
	t.Helper()
	for i, record := range o.records {
		changes := 0
		for path, times := range o.paths {
			if path.Prefix.Addr() == lostAddresses[i] {
				changes += 2 * len(times) // it went and came back
			}
		}
		if until := o.window.until; !until.IsZero() {
			record = record.Until(until)
		}
		unharmed(t, record, changes*lostOpen)
	}
}

// goneOnce checks that no new connection failed, and that each path to each address was missing once.
func goneOnce(t *testing.T, o outcome) {
	t.Helper()
	noneFailed(t, o)
	for path, times := range o.paths {
		if len(times) != 1 {
			t.Errorf("%s over %s was missing %d times", path.Prefix, path.Gateway, len(times))
		}
	}
	if want := 3 * len(lostAddresses); len(o.paths) != want {
		t.Errorf("%d paths were missing, want %d", len(o.paths), want)
	}
}

// nothingLost checks that neither new connections nor long ones were lost, and that no path was ever missing.
func nothingLost(t *testing.T, o outcome) {
	t.Helper()
	all := traffic.Merge(o.records...)
	if all.Lost() > 0 || len(all.Cuts) > 0 || len(o.paths) > 0 {
		t.Errorf("%d new connections were lost, %d long ones cut, and paths were missing:\n%s", all.Lost(), len(all.Cuts), o.paths)
	}
}

// soon is how long requests may be in trouble if BFD finds out, on a machine that has other things to do. The hold time is thirty times as long.
const soon = 3 * time.Second

// soonElsewhere checks that traffic went elsewhere as soon as only BFD sees to.
func soonElsewhere(t *testing.T, o outcome) {
	t.Helper()
	if outage := traffic.Merge(o.records...).Outage(o.window.from, o.window.until); outage > soon {
		t.Errorf("requests were in trouble for %s", outage)
	}
}
