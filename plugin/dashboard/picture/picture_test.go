// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/dashboard/sample"
)

var moment = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

var (
	small = sample.Size{Peers: 1, Nodes: 2, Services: 2}
	mid   = sample.Size{Peers: 2, Nodes: 12, Services: 22}
	large = sample.Size{Peers: 2, Nodes: 60, Services: 600}
)

func of(size sample.Size) *Picture { return Of(sample.Cluster(moment, size), nil, nil) }

func TestWhatIsDrawnOfASmallCluster(t *testing.T) {
	want := Front{
		Namespace: sample.Namespace, Problems: []string{}, Unread: []string{}, Unwatched: []string{}, Objects: []Object{}, Changes: []Change{}, Began: moment,
		Workloads: map[string]Workload{
			"controller": {OK, 1, 1, []string{"v1.0.0"}}, "speakers": {OK, 2, 2, []string{"v1.0.0"}},
		},
		Peers: map[string]Peer{"spine-1": {Level: OK, Address: "192.0.2.251", ASN: 64600, Up: 2, Desired: 2}},
		Nodes: map[string]Node{
			"node-1": {Level: OK, Group: "all sessions up", Announces: true, Sessions: map[string]Level{"spine-1": OK}},
			"node-2": {Level: OK, Group: "all sessions up", Announces: true, Sessions: map[string]Level{"spine-1": OK}},
		},
		Services: Counts{OK: 2}, Namespaces: map[string]Counts{"billing": {OK: 1}, "shop": {OK: 1}},
		Each: map[string]Service{
			"billing/api-1": {
				Namespace: "billing", Name: "api-1", Level: OK, State: "announced", Addresses: []string{"10.64.0.1"}, Nodes: []string{"node-1", "node-2"},
			},
			"shop/web-1": {
				Namespace: "shop", Name: "web-1", Level: OK, State: "announced", Addresses: []string{"10.64.0.0"}, Nodes: []string{"node-1", "node-2"},
			},
		},
		Pools: map[string]Pool{
			"office":     {Level: OK, Available: 32, Ranges: []Range{{"203.0.113.0/27", strings.Repeat("0", 32), "1", false}}},
			"production": {OK, 2, 65534, 2.0 / 65536, []Range{{"10.64.0.0/16", "99" + strings.Repeat("0", 62), "1", true}}, 0},
			"six":        {Level: OK, Available: 1<<63 - 1, Ranges: []Range{{"2001:db8:64::/64", strings.Repeat("0", 64), "1", true}}},
		},
	}
	unexported := cmpopts.IgnoreUnexported(Service{}, Node{})
	if diff := cmp.Diff(want, of(small).Front, unexported); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestManyServicesAreDrawnByNamespace(t *testing.T) {
	front := of(large).Front
	if len(front.Each) != 0 {
		t.Errorf("%d services are drawn each", len(front.Each))
	}
	total := 0
	for _, c := range front.Namespaces {
		total += c.Total()
	}
	if total != large.Services || front.Services.Total() != large.Services {
		t.Errorf("%d services in namespaces, %d in all, of %d", total, front.Services.Total(), large.Services)
	}
}

func TestOfManyNamespacesThoseWithMostTroubleAreDrawn(t *testing.T) {
	c := sample.Cluster(moment, large)
	for i := range c.Services {
		c.Services[i].Namespace = c.Services[i].Namespace + "-" + c.Services[i].Name
	}
	front := Of(c, nil, nil).Front
	if len(front.Namespaces) != maxNamespaces || front.Hidden == 0 {
		t.Errorf("%d namespaces are drawn, and %d are not", len(front.Namespaces), front.Hidden)
	}
	wrong := 0
	for _, counts := range front.Namespaces {
		wrong += counts.Bad
	}
	if want := min(front.Services.Bad, maxNamespaces); wrong != want {
		t.Errorf("%d services with trouble are in namespaces that are drawn, want %d", wrong, want)
	}
}

func TestManyNodesAreGroupedByTheirRack(t *testing.T) {
	front := of(large).Front
	if front.GroupedBy != corev1.LabelTopologyZone {
		t.Errorf("grouped by %q", front.GroupedBy)
	}
	got := map[string]Node{"node-7": front.Nodes["node-7"], "node-12": front.Nodes["node-12"], "node-13": front.Nodes["node-13"]}
	want := map[string]Node{
		"node-7":  {Level: Warn, Group: "rack-01", Note: "1 of 2 sessions up", Announces: true, Sessions: map[string]Level{"spine-1": OK, "spine-2": Bad}},
		"node-12": {Level: Idle, Group: "rack-03", Note: "drained", Sessions: map[string]Level{"spine-1": Idle, "spine-2": Idle}},
		"node-13": {Level: OK, Group: "rack-01", Announces: true, Sessions: map[string]Level{"spine-1": OK, "spine-2": OK}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Node{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestANodeThatIsNotReadyIsSaidToBeSo(t *testing.T) {
	c := sample.Cluster(moment, small)
	c.Nodes[0].Status.Conditions[0].Status = corev1.ConditionUnknown
	if n := Of(c, nil, nil).Front.Nodes["node-1"]; n.Level != Bad || n.Note != "not ready" {
		t.Errorf("level %s, note %q", n.Level, n.Note)
	}
}

func TestASessionThatNobodyReportsIsDrawnAsDown(t *testing.T) {
	c := sample.Cluster(moment, small)
	c.Sessions = slices.DeleteFunc(c.Sessions, func(s v1beta1.BGPSessionState) bool { return s.Status.Node == "node-1" })
	p := Of(c, nil, nil)
	if n := p.Front.Nodes["node-1"]; n.Level != Bad || n.Sessions["spine-1"] != Bad || n.Note != "0 of 1 sessions up" {
		t.Errorf("the node is drawn as %+v", n)
	}
	rows := p.Sessions(SessionQuery{Level: Bad, Page: Page{Limit: 10}}, moment).Rows
	if len(rows) != 1 || rows[0].Node != "node-1" || rows[0].Error != "no report from its speaker" {
		t.Errorf("sessions that are down: %+v", rows)
	}

	c.Active = nil // What is written is used.
	c.Nodes[0].Labels["role"] = "storage"
	c.Written.Peers[0].Spec.NodeSelectors = []metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: "role", Operator: metav1.LabelSelectorOpDoesNotExist},
	}}}
	if n := Of(c, nil, nil).Front.Nodes["node-1"]; len(n.Sessions) != 0 {
		t.Errorf("the node, which is to have no session, is drawn with %v", n.Sessions)
	}

	c.Written.Peers[0].Spec.NodeSelectors, c.Unread = nil, []cluster.Unread{{Part: cluster.Sessions}}
	if n := Of(c, nil, nil).Front.Nodes["node-1"]; len(n.Sessions) != 0 {
		t.Errorf("sessions may not be read, and are drawn: %v", n.Sessions)
	}
}

func TestWhatMayNotBeReadIsSaid(t *testing.T) {
	c := sample.Cluster(moment, small)
	c.Nodes, c.Unread = nil, []cluster.Unread{{Part: cluster.Nodes}}
	front := Of(c, nil, nil).Front
	if diff := cmp.Diff([]string{"nodes"}, front.Unread); diff != "" {
		t.Error(diff)
	}
	if _, drawn := front.Nodes["node-1"]; !drawn {
		t.Error("a node whose sessions are known is not drawn")
	}
}

func TestWhatMayNotBeWatchedIsSaid(t *testing.T) {
	c := sample.Cluster(moment, small)
	c.Unwatched = []cluster.Part{cluster.Services, cluster.Workloads}
	if diff := cmp.Diff([]string{"services", "the load balancer's own pods"}, Of(c, nil, nil).Front.Unwatched); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsSaidOfWhatMayNotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		part             cluster.Part
		hide             func(c *cluster.Cluster)
		kind, namespace  string
		of               string
		unknown          string
		links, announced bool
	}{
		"a service without endpointslices": {
			part: cluster.Endpoints, hide: func(c *cluster.Cluster) { c.Slices = nil }, kind: KindService, namespace: "shop", of: "web-1",
			unknown: "What it depends on is not known: you may not list endpointslices.",
		},
		"a service without nodes": {
			part: cluster.Nodes, hide: func(c *cluster.Cluster) { c.Nodes = nil }, kind: KindService, namespace: "shop", of: "web-1",
			unknown: "What it depends on is not known: you may not list nodes.",
		},
		"a service without sessions": {
			part: cluster.Sessions, hide: func(c *cluster.Cluster) { c.Sessions = nil }, kind: KindService, namespace: "shop", of: "web-1",
			unknown: "What it depends on is not known: you may not list bgpsessionstates.",
		},
		"a service without namespaces": {
			part: cluster.Namespaces, hide: func(c *cluster.Cluster) { c.Namespaces = nil }, kind: KindService, namespace: "shop", of: "web-1",
			unknown: "What it depends on is not known: you may not list namespaces.", announced: true,
		},
		"a node without services": {
			part: cluster.Services, hide: func(c *cluster.Cluster) { c.Services = nil }, kind: KindNode, of: "node-1",
			unknown: "What it depends on is not known: you may not list services.",
		},
		"a node without sessions": {
			part: cluster.Sessions, hide: func(c *cluster.Cluster) { c.Sessions = nil }, kind: KindNode, of: "node-1",
			unknown: "What it depends on is not known: you may not list bgpsessionstates.",
		},
		"a peer without sessions": {
			part: cluster.Sessions, hide: func(c *cluster.Cluster) { c.Sessions = nil }, kind: KindPeer, of: "spine-1",
			unknown: "What it depends on is not known: you may not list bgpsessionstates.",
		},
		"a pool without services": {
			part: cluster.Services, hide: func(c *cluster.Cluster) { c.Services = nil }, kind: KindPool, of: "office",
			unknown: "What it depends on is not known: you may not list services.",
		},
		"a service without pods": {
			part: cluster.Workloads, hide: func(c *cluster.Cluster) { c.Controller, c.Speakers, c.Pods = nil, nil, nil }, kind: KindService, namespace: "shop", of: "web-1",
			links: true, announced: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := sample.Cluster(moment, small)
			test.hide(c)
			c.Unread = []cluster.Unread{{Part: test.part}}
			p := Of(c, nil, nil)
			d, found := p.Details(test.kind, test.namespace, test.of)
			if !found || d.Unknown != test.unknown || len(d.Links) > 0 != test.links || len(d.Maps) > 0 {
				t.Errorf("found %t: %+v", found, d)
			}
			if test.kind == KindService && len(d.Nodes) > 0 != test.announced {
				t.Errorf("it is said to be announced by %q", d.Nodes)
			}
			if n := p.Front.Nodes["node-1"]; n.Note == "no session" {
				t.Error("a node is said to have no session")
			}
			if r := p.Front.Pools["office"].Ranges; len(r) > 0 && test.part == cluster.Services {
				t.Errorf("the addresses %+v are drawn as free", r)
			}
		})
	}
}

func TestServicesAreAskedFor(t *testing.T) {
	p := of(mid)
	all := Page{Limit: 100}
	for name, test := range map[string]struct {
		query ServiceQuery
		want  []string
		total int
	}{
		"what is wrong comes first":      {ServiceQuery{Page: Page{Limit: 3}}, []string{"intranet/grpc-3", "search/api-5", "billing/api-1"}, 22},
		"a page":                         {ServiceQuery{Page: Page{Offset: 2, Limit: 1}}, []string{"billing/api-1"}, 22},
		"a page behind the end":          {ServiceQuery{Page: Page{Offset: 50, Limit: 1}}, nil, 22},
		"a page before the beginning":    {ServiceQuery{Page: Page{Offset: -5, Limit: 1}}, []string{"intranet/grpc-3"}, 22},
		"by namespace":                   {ServiceQuery{Namespace: "billing", Page: all}, []string{"billing/api-1", "billing/web-3"}, 2},
		"by level":                       {ServiceQuery{Level: Bad, Page: all}, []string{"intranet/grpc-3", "search/api-5"}, 2},
		"by a part of the name":          {ServiceQuery{Text: " PI-5", Page: all}, []string{"search/api-5"}, 1},
		"by namespace and name":          {ServiceQuery{Text: "billing/w", Page: all}, []string{"billing/web-3"}, 1},
		"by address":                     {ServiceQuery{Text: "10.64.0.1", Page: all}, []string{"billing/api-1"}, 1},
		"by the beginning of an address": {ServiceQuery{Text: "203.0.", Page: all}, []string{"mail/web-2", "monitoring/api-4"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			found := p.Services(test.query)
			var got []string
			for _, s := range found.Rows {
				got = append(got, s.Namespace+"/"+s.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" || found.Total != test.total {
				t.Errorf("total %d, want %d (-want +got):\n%s", found.Total, test.total, diff)
			}
		})
	}
}

func TestASearchFindsObjectsOfEachKind(t *testing.T) {
	p := of(mid)
	for text, want := range map[string][]string{
		"":            {},
		"NODE-1":      {"Node node-1", "Node node-10", "Node node-11", "Node node-12"},
		"spine-2":     {"Peer spine-2"},
		"192.0.2.251": {"Peer spine-1"},
		"office":      {"Pool office"},
		"10.64.0.12":  {"Service web-4"},
		"drained":     {"Node node-12"},
		"nobody":      {},
	} {
		got := []string{}
		for _, f := range p.Search(text) {
			got = append(got, f.Kind+" "+f.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}
