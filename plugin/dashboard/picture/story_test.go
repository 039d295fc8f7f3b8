// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/dashboard/sample"
)

func TestWhatHasChangedBetweenTwoPictures(t *testing.T) {
	later := moment.Add(time.Minute)
	for name, test := range map[string]struct {
		size   sample.Size
		change func(c *cluster.Cluster)
		want   []Change
	}{
		"nothing": {small, func(*cluster.Cluster) {}, []Change{}},
		"a session is lost": {small, func(c *cluster.Cluster) {
			c.Sessions[0].Status.State, c.Sessions[0].Status.LastError = v1beta1.SessionActive, "the peer closed the connection"
		}, []Change{
			{later, "Session", "", "node-1 ↔ spine-1", Bad, "is down: Active: the peer closed the connection"},
		}},
		"a service loses its endpoints": {small, func(c *cluster.Cluster) {
			announced := &c.Services[0].Status.Conditions[1]
			announced.Status, announced.Reason = metav1.ConditionFalse, v1beta1.ReasonNoEndpoints
		}, []Change{{later, "Service", "billing", "api-1", Bad, "is not announced: NoEndpoints"}}},
		"a service moves": {small, func(c *cluster.Cluster) { c.Services[0].Status.LoadBalancer.Ingress[0].IP = "10.64.9.9" }, []Change{
			{later, "Service", "billing", "api-1", OK, "has now 10.64.9.9"},
		}},
		"a service is deleted": {small, func(c *cluster.Cluster) { c.Services = c.Services[1:] }, []Change{{later, "Service", "billing", "api-1", Idle, "is gone"}}},
		"a service is made":    {small, func(c *cluster.Cluster) { c.Services[1].Name = "web-2" }, []Change{{later, "Service", "shop", "web-2", OK, "is announced"}, {later, "Service", "shop", "web-1", Idle, "is gone"}}},
		"a node fails":         {small, func(c *cluster.Cluster) { c.Nodes[0].Status.Conditions[0].Status = "Unknown" }, []Change{{later, "Node", "", "node-1", Bad, "is not ready"}}},
		"a node is back": {mid, func(c *cluster.Cluster) {
			for i := range c.Sessions {
				c.Sessions[i].Status.Conditions = nil
			}
		}, []Change{
			{later, "Node", "", "node-12", OK, "no longer: drained"},
			{later, "Session", "", "node-12 ↔ spine-1", OK, "is established"}, {later, "Session", "", "node-12 ↔ spine-2", OK, "is established"},
		}},
		"speakers are replaced": {small, func(c *cluster.Cluster) { c.Speakers.Status.NumberReady-- }, []Change{{later, "Pods", "", "speakers", Warn, "1 of 2 ready"}}},
		"a pool is exhausted": {small, func(c *cluster.Cluster) {
			c.Written.Pools[0].Status.AssignedIPv4, c.Written.Pools[0].Status.AvailableIPv4 = 32, 0
		}, []Change{{later, "Pool", "", "office", Warn, "has no free address"}}},
		"a session was lost and is back": {small, func(c *cluster.Cluster) {
			c.Sessions[0].Status.Since = &metav1.Time{Time: later.Add(-10 * time.Second)}
		}, []Change{
			{later, "Session", "", "node-1 ↔ spine-1", OK, "was lost and is established again"},
		}},
		"an object is held": {small, func(c *cluster.Cluster) {
			c.Active[0].Status.Held, c.Active[0].Status.Message = true, "services would lose their addresses"
		}, []Change{{later, "IPAddressPool", "", "office", Bad, "is not in use as written: services would lose their addresses"}}},
		"many alike": {mid, func(c *cluster.Cluster) {
			for i := range c.Sessions {
				c.Sessions[i].Status.State, c.Sessions[i].Status.LastError = v1beta1.SessionIdle, "no route to host"
			}
		}, []Change{{later, "Session", "", "", Bad, "23 sessions: each is down: Idle: no route to host"}}},
	} {
		t.Run(name, func(t *testing.T) {
			before := of(test.size)
			c := sample.Cluster(moment, test.size)
			c.Now = later
			test.change(c)
			after := Of(c, nil, before)
			got := after.Front.Changes[:len(after.Front.Changes)-len(before.Front.Changes)]
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheTimelineOfASession(t *testing.T) {
	at := func(minutes int) time.Time { return moment.Add(-time.Duration(minutes) * time.Minute) }
	since := at(20)
	up := Session{Node: "node-1", Peer: "spine-1", Level: OK, State: "Established", Since: &since}
	down := Session{Node: "node-1", Peer: "spine-1", Level: Bad, State: "Active", Since: &since, Error: "hold timer expired", failed: at(30)}
	for name, test := range map[string]struct {
		session Session
		turns   []turn
		notices []Mark
		spans   []Span
		marks   []Mark
	}{
		"up for longer": {up, []turn{{at(90), OK, "Established"}}, nil, []Span{{at(60), at(0), OK, "Established"}}, []Mark{}},
		"what was before is not known": {
			up, []turn{{at(20), OK, "Established"}}, nil, []Span{{at(60), at(20), "", notKnown}, {at(20), at(0), OK, "Established"}}, []Mark{},
		},
		"down, with the error and what was seen before": {
			down, []turn{{at(40), OK, "Established"}, {at(30), Bad, "Active"}}, nil,
			[]Span{{at(60), at(40), "", notKnown}, {at(40), at(30), OK, "Established"}, {at(30), at(0), Bad, "Active"}}, []Mark{{at(30), "hold timer expired"}},
		},
		"events of the hour": {
			up, []turn{{at(90), OK, "Established"}}, []Mark{{at(70), "long ago"}, {at(5), "lately"}}, []Span{{at(60), at(0), OK, "Established"}}, []Mark{{at(5), "lately"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := timeline(test.session, test.turns, test.notices, moment)
			if diff := cmp.Diff(test.spans, got.Spans); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.marks, got.Marks); diff != "" {
				t.Errorf("marks (-want +got):\n%s", diff)
			}
		})
	}
}

// The speaker writes a session no more often than every ten seconds. Of one that was lost in between it tells only since when it is up.
func TestASessionThatWasLostBetweenTwoPicturesIsMarked(t *testing.T) {
	lost := moment.Add(5 * time.Minute)
	c := sample.Cluster(moment, small)
	c.Now, c.Sessions[0].Status.Since = lost.Add(time.Second), &metav1.Time{Time: lost}
	p := Of(c, nil, of(small))
	for range 2 { // Nothing has changed since.
		p = Of(c, nil, p)
	}
	got := p.Sessions(SessionQuery{Node: "node-1", Page: Page{Limit: 1}}, c.Now).Rows[0].Marks
	if diff := cmp.Diff([]Mark{{lost, "was lost and is established again"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOnlyAnObjectThatIsThereIsSaidToBeInUse(t *testing.T) {
	later := moment.Add(time.Minute)
	for name, test := range map[string]struct {
		mend func(c *cluster.Cluster)
		want []Change
	}{
		"mended":  {func(*cluster.Cluster) {}, []Change{{later, "BGPPeer", "", "spine-2", OK, "is in use as written"}}},
		"deleted": {func(c *cluster.Cluster) { c.Written.Peers = c.Written.Peers[:1] }, []Change{}},
	} {
		c := sample.Cluster(moment, mid)
		c.Written.Peers[1].Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionValid, Status: metav1.ConditionFalse, Message: "spec.peerASN: Required value"}}
		before := Of(c, nil, nil)
		c = sample.Cluster(moment, mid)
		c.Now = later
		test.mend(c)
		after := Of(c, nil, before)
		if diff := cmp.Diff(test.want, after.Front.Changes[:len(after.Front.Changes)-len(before.Front.Changes)]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestAPoolThatIsNotDrawnIsNotGone(t *testing.T) {
	with := func(now time.Time, full string) *cluster.Cluster {
		c := sample.Cluster(moment, small)
		c.Now = now
		for i := range maxPools {
			one := *c.Written.Pools[0].DeepCopy()
			one.Name = fmt.Sprintf("pool-%02d", i)
			one.Status.AssignedIPv4, one.Status.AvailableIPv4 = 1, 31
			if one.Name == full {
				one.Status.AssignedIPv4 = 2
			}
			c.Written.Pools = append(c.Written.Pools, one)
		}
		for i := range c.Written.Pools[:3] { // They are fuller than most.
			c.Written.Pools[i].Status.AssignedIPv4, c.Written.Pools[i].Status.AvailableIPv4 = 2, 30
		}
		return c
	}
	before := Of(with(moment, "pool-00"), nil, nil)
	after := Of(with(moment.Add(time.Minute), "pool-39"), nil, before)
	if diff := cmp.Diff(before.Front.Changes, after.Front.Changes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestASessionThatFlapsIsFollowed(t *testing.T) {
	p := of(small)
	for i := range 3 {
		c := sample.Cluster(moment, small)
		c.Now = moment.Add(time.Duration(i+1) * time.Minute)
		c.Sessions[0].Status.Since = &metav1.Time{Time: c.Now}
		if i%2 == 0 {
			c.Sessions[0].Status.State = v1beta1.SessionActive
		}
		p = Of(c, nil, p)
	}
	got := make([]Level, 0, 4)
	for _, s := range p.Sessions(SessionQuery{Node: "node-1", Page: Page{Limit: 1}}, moment.Add(3*time.Minute+time.Second)).Rows[0].Spans {
		got = append(got, s.Level)
	}
	if diff := cmp.Diff([]Level{OK, Bad, OK, Bad}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSessionsAreAskedFor(t *testing.T) {
	p := of(mid)
	for name, test := range map[string]struct {
		query SessionQuery
		first string
		total int
	}{
		"what is wrong comes first": {SessionQuery{Page: Page{Limit: 1}}, "node-7 spine-2", 24},
		"of a peer":                 {SessionQuery{Peer: "spine-1", Page: Page{Limit: 1}}, "node-1 spine-1", 12},
		"of a node":                 {SessionQuery{Node: "node-3", Page: Page{Limit: 1}}, "node-3 spine-1", 2},
		"that are down":             {SessionQuery{Level: Bad, Page: Page{Limit: 1}}, "node-7 spine-2", 1},
	} {
		got := p.Sessions(test.query, moment)
		if first := got.Rows[0].Node + " " + got.Rows[0].Peer; first != test.first || got.Total != test.total {
			t.Errorf("%s: %s first of %d, want %s of %d", name, first, got.Total, test.first, test.total)
		}
	}
}

func TestEventsAboutPeersAreMarked(t *testing.T) {
	event := corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: "BGPPeer", Name: "spine-1"}, Reason: "SessionsNotEstablished", Message: "1 of 2"}
	event.EventTime = metav1.NewMicroTime(moment.Add(-10 * time.Minute))
	p := Of(sample.Cluster(moment, small), []corev1.Event{event}, nil)
	want := []Mark{{moment.Add(-10 * time.Minute), "peer spine-1: SessionsNotEstablished: 1 of 2"}}
	if diff := cmp.Diff(want, p.Sessions(SessionQuery{Page: Page{Limit: 1}}, moment).Rows[0].Marks); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDetails(t *testing.T) {
	p := of(mid)
	for name, test := range map[string]struct {
		kind, namespace, name string
		state                 string
		nodes, peers          int
		links                 bool
	}{
		"a service that is announced":     {KindService, "shop", "web-1", "announced", 11, 2, true},
		"a service that is not announced": {KindService, "intranet", "grpc-3", "not announced", 0, 0, true},
		"a node":                          {KindNode, "", "node-7", "1 of 2 sessions up", 1, 2, true},
		"a peer":                          {KindPeer, "", "spine-2", "11 of 12 sessions up", 12, 1, false},
		"a pool":                          {KindPool, "", "office", "2 used, 30 free", 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			d, found := p.Details(test.kind, test.namespace, test.name)
			if !found || d.State != test.state || len(d.Nodes) != test.nodes || len(d.Peers) != test.peers || len(d.Links) > 0 != test.links || len(d.Commands) == 0 {
				t.Errorf("found %t: %+v", found, d)
			}
		})
	}
	for _, kind := range []string{KindService, KindNode, KindPeer, KindPool, "Secret"} {
		if _, found := p.Details(kind, "default", "nobody"); found {
			t.Errorf("there are details of a %s that is not there", kind)
		}
	}
}
