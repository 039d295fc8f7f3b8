// SPDX-License-Identifier: Apache-2.0

package overview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/plugin/cluster"
)

// Overview is how all fare. Lists are sorted by name and are never nil.
type Overview struct {
	Namespace string `json:"namespace"`
	// Controller serves the webhook as well. Both are nil if they are not installed, or may not be read.
	Controller *Workload `json:"controller,omitempty"`
	Speakers   *Workload `json:"speakers,omitempty"`
	Peers      []Peer    `json:"peers"`
	Pools      []Pool    `json:"pools"`
	Services   Services  `json:"services"`
	// Draining are the nodes that are taken out of service, or whose service proxy fails.
	Draining []DrainingNode `json:"drainingNodes"`
	// Invalid are the objects that are not used as written, and Held the versions that are used instead.
	Invalid []Object `json:"invalid"`
	Held    []Object `json:"held"`
	// Unknown is what may not be read, and is neither counted nor judged.
	Unknown []cluster.Part `json:"unknown,omitempty"`
	// Problems are what is wrong, a sentence each; none if all is well.
	Problems []string `json:"problems"`
}

// Workload is a program in its pods.
type Workload struct {
	// Versions are those of the pods' images, by how many pods have them, most first. More than one is normal only during an update.
	Versions []Version `json:"versions"`
	Desired  int32     `json:"desired"`
	Ready    int32     `json:"ready"`
	// NotReady are the pods that are not ready, with the reason.
	NotReady []Object `json:"notReady"`
}

// Version is the tag of an image.
type Version struct {
	Tag  string `json:"tag"`
	Pods int    `json:"pods"`
}

// Peer is how the sessions with a BGPPeer fare.
type Peer struct {
	Name        string `json:"name"`
	Address     string `json:"address,omitempty"`
	Established int32  `json:"established"`
	Desired     int32  `json:"desired"`
	// Error is why a session is not established.
	Error string `json:"error,omitempty"`
}

// Pool is how many addresses of an IPAddressPool are used.
type Pool struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	IPv4      *Usage   `json:"ipv4,omitempty"`
	IPv6      *Usage   `json:"ipv6,omitempty"`
}

// Usage is how many addresses of a family are used.
type Usage struct {
	Assigned  int64 `json:"assigned"`
	Available int64 `json:"available"`
}

// Share is the part that is used, from 0 to 1.
func (u Usage) Share() float64 {
	if u.Assigned == 0 {
		return 0
	}
	return float64(u.Assigned) / (float64(u.Assigned) + float64(u.Available))
}

// Services are how many Services fare how. Each is counted once.
type Services struct {
	Total int `json:"total"`
	// Announced have every address announced, Partly some, Unannounced none. Pending have no address, or not all that they request.
	Announced   int `json:"announced"`
	Partly      int `json:"partlyAnnounced"`
	Unannounced int `json:"notAnnounced"`
	Pending     int `json:"pending"`
	// Elsewhere are of another loadBalancerClass, and not counted above.
	Elsewhere int `json:"ofOtherClasses"`
	// Troubled are those of which something is to be said.
	Troubled []Object `json:"troubled"`
}

// Object is an object and what is to be said of it.
type Object struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Reason    string `json:"reason,omitempty"`
	Message   string `json:"message,omitempty"`
}

// DrainingNode is a node that is not to be used, or less than others.
type DrainingNode struct {
	Name string `json:"name"`
	// Drained is whether it announces nothing any more, so that it is safe to switch off.
	Drained bool   `json:"drained"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Of returns the overview of a cluster, of which Configuration, Services, Sessions and Workloads are read.
func Of(c *cluster.Cluster) Overview {
	o := Overview{Namespace: c.Namespace, Problems: []string{}}
	for _, u := range c.Unread {
		o.Unknown = append(o.Unknown, u.Part)
	}
	o.workloads(c)
	o.peers(c)
	o.pools(c)
	o.services(c)
	o.draining(c)
	o.configuration(c)
	o.judge()
	return o
}

func (o *Overview) workloads(c *cluster.Cluster) {
	if d := c.Controller; d != nil {
		o.Controller = workload(c, cluster.IsController, cmp.Or(ptr(d.Spec.Replicas), 1), d.Status.ReadyReplicas)
	}
	if d := c.Speakers; d != nil {
		o.Speakers = workload(c, cluster.IsSpeaker, d.Status.DesiredNumberScheduled, ready(d))
	}
}

func ptr(n *int32) int32 {
	if n == nil {
		return 0
	}
	return *n
}

func ready(d *appsv1.DaemonSet) int32 { return d.Status.NumberReady }

func workload(c *cluster.Cluster, is func(*corev1.Pod) bool, desired, ready int32) *Workload {
	w := &Workload{Desired: desired, Ready: ready, NotReady: []Object{}}
	tags := map[string]int{}
	for i := range c.Pods {
		p := &c.Pods[i]
		if !is(p) || p.DeletionTimestamp != nil {
			continue
		}
		for _, container := range p.Spec.Containers {
			tags[tagOf(container.Image)]++
			break
		}
		if reason, message := cluster.Fault(p); reason != "" {
			w.NotReady = append(w.NotReady, Object{Kind: "Pod", Namespace: p.Namespace, Name: p.Name, Reason: reason, Message: message})
		}
	}
	w.Versions = make([]Version, 0, len(tags))
	for tag, pods := range tags {
		w.Versions = append(w.Versions, Version{tag, pods})
	}
	slices.SortFunc(w.Versions, func(a, b Version) int { return cmp.Or(cmp.Compare(b.Pods, a.Pods), strings.Compare(a.Tag, b.Tag)) })
	return w
}

// tagOf returns the tag of an image's name, or its digest if it has no tag.
func tagOf(image string) string {
	name, digest, _ := strings.Cut(image, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		return name[i+1:]
	}
	return cmp.Or(digest, "latest")
}

func (o *Overview) peers(c *cluster.Cluster) {
	o.Peers = make([]Peer, 0, len(c.Written.Peers))
	for i := range c.Written.Peers {
		p := &c.Written.Peers[i]
		o.Peers = append(o.Peers, Peer{
			Name: p.Name, Address: AddressOf(p), Established: p.Status.EstablishedSessions, Desired: p.Status.DesiredSessions, Error: p.Status.LastError,
		})
	}
	slices.SortFunc(o.Peers, func(a, b Peer) int { return strings.Compare(a.Name, b.Name) })
}

// AddressOf returns where the peer is: its address, or how nodes find it.
func AddressOf(p *v1beta2.BGPPeer) string {
	switch {
	case p.Spec.Address != "":
		return p.Spec.Address
	case p.Spec.Interface != "":
		return "on " + p.Spec.Interface
	case p.Spec.DefaultGateway != "":
		return "default gateway"
	}
	return ""
}

func (o *Overview) pools(c *cluster.Cluster) {
	o.Pools = make([]Pool, 0, len(c.Written.Pools))
	for i := range c.Written.Pools {
		p := &c.Written.Pools[i]
		one := Pool{Name: p.Name, Addresses: p.Spec.Addresses}
		if s := p.Status; s.AssignedIPv4+s.AvailableIPv4 > 0 {
			one.IPv4 = &Usage{s.AssignedIPv4, s.AvailableIPv4}
		}
		if s := p.Status; s.AssignedIPv6 > 0 || s.AvailableIPv6 > 0 {
			one.IPv6 = &Usage{s.AssignedIPv6, s.AvailableIPv6}
		}
		o.Pools = append(o.Pools, one)
	}
	slices.SortFunc(o.Pools, func(a, b Pool) int { return strings.Compare(a.Name, b.Name) })
}

func (o *Overview) services(c *cluster.Cluster) {
	o.Services.Troubled = []Object{}
	for i := range c.Services {
		s := &c.Services[i]
		if !assignment.Served(s, c.Class) {
			o.Services.Elsewhere++
			continue
		}
		o.Services.add(s)
	}
}

// add counts the Service.
func (s *Services) add(svc *corev1.Service) {
	s.Total++
	state, said := StateOf(svc)
	switch state {
	case assignment.Pending:
		s.Pending++
	case assignment.Unannounced:
		s.Unannounced++
	case assignment.PartlyAnnounced:
		s.Partly++
	case assignment.Announced:
		s.Announced++
		return
	}
	s.Troubled = append(s.Troubled, Object{Kind: "Service", Namespace: svc.Namespace, Name: svc.Name, Reason: said.Reason, Message: said.Message})
}

// StateOf returns how far a Service has come, and the condition that says it.
func StateOf(svc *corev1.Service) (assignment.State, metav1.Condition) {
	allocated := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAllocated)
	announced := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAnnounced)
	state := assignment.StateOf(allocated, announced)
	said, silence := announced, "whether it is announced is not known yet"
	if state == assignment.Pending {
		said, silence = allocated, "the controller has not looked at it yet"
	}
	if said == nil {
		said = &metav1.Condition{Reason: "Pending", Message: silence}
	}
	return state, *said
}

// Words returns the state for people.
func Words(s assignment.State) string {
	return [assignment.States]string{
		assignment.Pending: "without the addresses requested", assignment.Unannounced: "not announced", assignment.PartlyAnnounced: "announced in part",
		assignment.Announced: "announced",
	}[s]
}

// draining lists each node once: all its sessions say the same.
func (o *Overview) draining(c *cluster.Cluster) {
	o.Draining = []DrainingNode{}
	seen := map[string]bool{}
	for i := range c.Sessions {
		s := &c.Sessions[i].Status
		condition := meta.FindStatusCondition(s.Conditions, v1beta1.ConditionDrained)
		if condition == nil || seen[s.Node] {
			continue
		}
		seen[s.Node] = true
		o.Draining = append(o.Draining, DrainingNode{s.Node, condition.Status == metav1.ConditionTrue, condition.Reason, condition.Message})
	}
	slices.SortFunc(o.Draining, func(a, b DrainingNode) int { return strings.Compare(a.Name, b.Name) })
}

func (o *Overview) configuration(c *cluster.Cluster) {
	o.Invalid, o.Held = []Object{}, []Object{}
	for object := range c.Written.All() {
		valid := meta.FindStatusCondition(conditionsOf(object), v1beta1.ConditionValid)
		if valid != nil && valid.Status == metav1.ConditionFalse {
			o.Invalid = append(o.Invalid, Object{Kind: active.KeyOf(object).Kind, Name: object.GetName(), Reason: valid.Reason, Message: valid.Message})
		}
	}
	for i := range c.Active {
		if a := &c.Active[i]; a.Status.Held {
			o.Held = append(o.Held, Object{Kind: a.Spec.Kind, Name: a.Spec.Name, Reason: a.Status.Reason, Message: a.Status.Message})
		}
	}
	for _, list := range [][]Object{o.Invalid, o.Held} {
		slices.SortFunc(list, func(a, b Object) int { return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name)) })
	}
}

func conditionsOf(o active.Object) []metav1.Condition {
	switch o := o.(type) {
	case *v1beta1.IPAddressPool:
		return o.Status.Conditions
	case *v1beta1.BGPAdvertisement:
		return o.Status.Conditions
	case *v1beta2.BGPPeer:
		return o.Status.Conditions
	case *v1beta1.Community:
		return o.Status.Conditions
	case *v1beta1.BFDProfile:
		return o.Status.Conditions
	}
	return nil
}

// judge says what is wrong. Nodes that drain are not: somebody wants it.
func (o *Overview) judge() {
	say := func(format string, args ...any) { o.Problems = append(o.Problems, fmt.Sprintf(format, args...)) }
	for _, w := range []struct {
		name string
		*Workload
	}{{"controller", o.Controller}, {"speakers", o.Speakers}} {
		if w.Workload != nil && w.Ready < w.Desired {
			say("%s: %d of %d pods ready", w.name, w.Ready, w.Desired)
		}
	}
	for _, p := range o.Peers {
		if p.Established < p.Desired || p.Desired == 0 {
			say("peer %s: %d of %d sessions established: %s", p.Name, p.Established, p.Desired, cmp.Or(p.Error, "not reported yet"))
		}
	}
	for _, n := range []struct {
		count int
		state assignment.State
	}{
		{o.Services.Pending, assignment.Pending}, {o.Services.Unannounced, assignment.Unannounced}, {o.Services.Partly, assignment.PartlyAnnounced},
	} {
		if n.count > 0 {
			say("%s %s", count(n.count, "service"), Words(n.state))
		}
	}
	if len(o.Invalid) > 0 {
		say("%s not in use as written", count(len(o.Invalid), "configuration object"))
	}
	if len(o.Held) > 0 {
		say("%s held in an earlier version", count(len(o.Held), "configuration object"))
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
