// SPDX-License-Identifier: Apache-2.0

package sample

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/test/builder"
)

// Size is how much there is in a cluster.
type Size struct{ Peers, Nodes, Services int }

// Namespace is where the load balancer is.
const Namespace = "metallb-system"

// Cluster returns a cluster as it is at that time. In one with a dozen nodes or more some sessions are down, and one node is drained. Of every 40
// services one has no address, and of every 30 one is not announced.
func Cluster(now time.Time, size Size) *cluster.Cluster {
	c := &cluster.Cluster{Namespace: Namespace, Now: now, Namespaces: map[string]labels.Set{}}
	racks := max(1, size.Nodes/20)
	for i := range size.Nodes {
		c.Nodes = append(c.Nodes, node(i, racks))
	}
	pools(c)
	for i := range size.Peers {
		c.Written.Peers = append(c.Written.Peers, peer(i))
		for n := range c.Nodes {
			c.Sessions = append(c.Sessions, session(now, i, n, size))
		}
	}
	for i := range size.Services {
		service(c, i, size)
	}
	slices.SortFunc(c.Nodes, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(c.Sessions, func(a, b v1beta1.BGPSessionState) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(c.Services, func(a, b corev1.Service) int {
		return slices.Compare([]string{a.Namespace, a.Name}, []string{b.Namespace, b.Name})
	})
	Count(c)
	workloads(c)
	for o := range c.Written.All() {
		version, err := active.Make(o)
		if err != nil {
			panic(err) // It is a configuration object.
		}
		c.Active = append(c.Active, *version)
	}
	return c
}

func node(i, racks int) corev1.Node {
	n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i+1), Labels: map[string]string{corev1.LabelTopologyZone: "only"}}}
	if racks > 1 {
		n.Labels[corev1.LabelTopologyZone] = fmt.Sprintf("rack-%02d", i%racks+1)
	}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("192.0.2.%d", i%250+1)}}
	return n
}

func pools(c *cluster.Cluster) {
	c.Written.Pools = []v1beta1.IPAddressPool{
		*builder.MakePool("office", "203.0.113.0/27").Obj(),
		*builder.MakePool("production", "10.64.0.0/16").Obj(),
		*builder.MakePool("six", "2001:db8:64::/64").NoAutoAssign().Obj(),
	}
	c.Written.Advertisements = []v1beta1.BGPAdvertisement{*builder.MakeAdvertisement("all").Obj()}
}

func peer(i int) v1beta2.BGPPeer {
	p := builder.MakePeer(fmt.Sprintf("spine-%d", i+1), fmt.Sprintf("192.0.2.%d", 251+i)).Obj()
	p.Spec.ASN = 64600
	return *p
}

// dozen is from how many nodes on some have trouble.
const dozen = 12

func session(now time.Time, peer, node int, size Size) v1beta1.BGPSessionState {
	s := v1beta1.BGPSessionState{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: fmt.Sprintf("node-%d.spine-%d", node+1, peer+1)}}
	s.Status = v1beta1.BGPSessionStateStatus{
		Node: fmt.Sprintf("node-%d", node+1), Peer: fmt.Sprintf("spine-%d", peer+1), Address: fmt.Sprintf("192.0.2.%d", 251+peer),
		State: v1beta1.SessionEstablished, Since: ago(now, 26*time.Hour), Families: []corev1.IPFamily{corev1.IPv4Protocol},
		AdvertisedIPv4: int64(size.Services), PeerASN: 64600,
	}
	switch {
	case size.Nodes < dozen:
	case node%37 == 6 && peer == 1:
		s.Status.State, s.Status.Since, s.Status.AdvertisedIPv4 = v1beta1.SessionActive, ago(now, 4*time.Minute), 0
		s.Status.LastError, s.Status.LastErrorTime = "hold timer expired: nothing was heard from the peer for 90s", ago(now, 11*time.Minute)
	case node%50 == 9:
		s.Status.Since = ago(now, 23*time.Minute)
	case node == dozen-1:
		s.Status.AdvertisedIPv4 = 0
		s.Status.WithheldFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
		s.Status.Conditions = []metav1.Condition{{
			Type: v1beta1.ConditionDrained, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonDrained, Message: "the node is cordoned",
			LastTransitionTime: *ago(now, 2*time.Hour),
		}}
	}
	return s
}

func ago(now time.Time, d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(-d)} }

func service(c *cluster.Cluster, i int, size Size) {
	namespaces := []string{"shop", "billing", "search", "media", "intranet", "monitoring", "mail", "games"}
	b := builder.MakeService(fmt.Sprintf("%s-%d", []string{"web", "api", "edge", "grpc"}[i%4], i/4+1)).In(namespaces[(i*i/7+i)%len(namespaces)]).
		Families(corev1.IPFamilyPolicySingleStack, corev1.IPv4Protocol)
	since := c.Now.Add(-5*time.Hour + time.Duration(i%7)*time.Minute)
	condition := func(kind, status, reason, message string) {
		b.Status.Conditions = append(b.Status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionStatus(status), Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(since),
		})
	}
	defer func() { c.Services = append(c.Services, *b.Obj()) }()
	if i%40 == 17 {
		since = c.Now.Add(-time.Duration(i%50+2) * time.Minute)
		condition(v1beta1.ConditionAllocated, "False", v1beta1.ReasonAllocationFailed, `no pool gives an address: pool "office" has no free address`)
		return
	}
	if i%9 == 4 && i < 270 {
		b.Holds("office", fmt.Sprintf("203.0.113.%d", i/9))
	} else {
		b.Holds("production", fmt.Sprintf("10.64.%d.%d", i>>8, i&255))
	}
	condition(v1beta1.ConditionAllocated, "True", v1beta1.ReasonIPAllocated, "")
	if i%30 == 11 {
		since = c.Now.Add(-time.Duration(i%45+1) * time.Minute)
		condition(v1beta1.ConditionAnnounced, "False", v1beta1.ReasonNoEndpoints, "the service has no ready endpoint")
		return
	}
	condition(v1beta1.ConditionAnnounced, "True", v1beta1.ReasonAnnounced, fmt.Sprintf("from %d nodes to %d peers", size.Nodes, size.Peers))
	slice(c, b, i, size)
}

func slice(c *cluster.Cluster, s *builder.Service, i int, size Size) {
	ready, name := true, fmt.Sprintf("node-%d", i%max(1, size.Nodes)+1)
	c.AddSlice(&discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name + "-x", Labels: map[string]string{discoveryv1.LabelServiceName: s.Name}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Port: new(int32(8080))}},
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{fmt.Sprintf("10.1.%d.%d", i>>8&255, i&255)}, NodeName: &name, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
		}},
	})
}

// Count fills in what the controller counts: the status of peers and pools.
func Count(c *cluster.Cluster) {
	for i := range c.Written.Peers {
		p := &c.Written.Peers[i]
		p.Status = v1beta2.BGPPeerStatus{}
		for j := range c.Sessions {
			if s := &c.Sessions[j].Status; s.Peer == p.Name {
				p.Status.DesiredSessions++
				if s.State == v1beta1.SessionEstablished {
					p.Status.EstablishedSessions++
				} else {
					p.Status.LastError = fmt.Sprintf("node %q: %s", s.Node, s.Fault())
				}
			}
		}
	}
	used := map[string]int64{}
	for i := range c.Services {
		used[c.Services[i].Annotations[v1beta1.AnnotationIPAllocatedFromPool]]++
	}
	c.Written.Pools[0].Status = v1beta1.IPAddressPoolStatus{AssignedIPv4: used["office"], AvailableIPv4: 32 - used["office"]}
	c.Written.Pools[1].Status = v1beta1.IPAddressPoolStatus{AssignedIPv4: used["production"], AvailableIPv4: 65536 - used["production"]}
	c.Written.Pools[2].Status = v1beta1.IPAddressPoolStatus{AvailableIPv6: 1<<63 - 1}
}

func workloads(c *cluster.Cluster) {
	one := int32(1)
	n := int32(min(len(c.Nodes), 1<<20))
	c.Controller = &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &one}, Status: appsv1.DeploymentStatus{ReadyReplicas: 1}}
	c.Speakers = &appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: n, NumberReady: n}}
	pod := func(component string) corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: component, Labels: map[string]string{"component": component}}}
		p.Spec.Containers = []corev1.Container{{Image: "metallb/" + component + ":v1.0.0"}}
		p.Status.Phase = corev1.PodRunning
		return p
	}
	c.Pods = []corev1.Pod{pod("controller"), pod("speaker")}
}
