// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/announcement"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// world is a Tracker, and what it is fed.
type world struct {
	*announcement.Tracker

	tb       testing.TB
	clock    *clocktesting.FakeClock
	index    *assignment.Index
	routes   *routes
	objects  config.Objects
	nodes    []config.Node
	services map[types.NamespacedName]*corev1.Service
	versions int
	// writes are how many times a service was written, flips those of them that changed more than numbers.
	writes, flips int
	// perSecond counts the writes.
	perSecond map[int64]int
	// step is how often it is asked what is due.
	step time.Duration
	// watchFirst is whether the Tracker hears of a write by the watch before it has the answer.
	watchFirst bool
}

// newWorld returns a world with the pools a, IPv4, and six, IPv6, an advertisement of all of them and a peer of each family.
func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{
		tb: tb, clock: clocktesting.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), index: assignment.NewIndex(""), routes: &routes{},
		services: map[types.NamespacedName]*corev1.Service{}, perSecond: map[int64]int{}, step: 100 * time.Millisecond,
	}
	w.objects.Pools = []v1beta1.IPAddressPool{
		*builder.MakePool("a", "198.18.0.0/15").Obj(), *builder.MakePool("six", "2001:db8::/64").Obj(),
	}
	w.advertise(builder.MakeAdvertisement("adv"))
	w.peer(builder.MakePeer("tor-a", "192.0.2.1"), builder.MakePeer("tor-b", "192.0.2.2"), builder.MakePeer("tor-6", "2001:db8:1::1"))
	w.track()
	return w
}

// routes are those of the configuration in use.
type routes struct{ is *config.Routes }

func (r *routes) Routes() *config.Routes { return r.is }

// track makes another Tracker, as when another controller becomes the active one.
func (w *world) track() {
	w.Tracker = announcement.NewTracker(w.routes, w.index, w.clock)
	w.index.Follow(w.SetService)
}

// setService sets a service as the watch says it is.
func (w *world) setService(svc *corev1.Service) { w.index.Set(svc) }

func (w *world) advertise(advertisements ...*builder.Advertisement) {
	w.objects.Advertisements = nil
	for _, a := range advertisements {
		w.objects.Advertisements = append(w.objects.Advertisements, *a.Obj())
	}
}

func (w *world) peer(peers ...*builder.Peer) {
	w.objects.Peers = nil
	for _, p := range peers {
		w.objects.Peers = append(w.objects.Peers, *p.Obj())
	}
}

// node adds nodes without labels.
func (w *world) node(n int) {
	for range n {
		w.nodes = append(w.nodes, config.Node{Name: fmt.Sprintf("node-%04d", len(w.nodes)+1)})
	}
}

// configure brings the configuration into force.
func (w *world) configure() {
	w.routes.is = config.NewRoutes(w.objects, w.nodes)
	w.Configure()
}

// start makes the Tracker ready.
func (w *world) start() {
	w.configure()
	w.Complete()
}

// set sets a service as the API server would.
func (w *world) set(svc *corev1.Service) *corev1.Service {
	w.versions++
	svc.UID, svc.ResourceVersion = types.UID(svc.Name), fmt.Sprint(w.versions)
	w.services[client.ObjectKeyFromObject(svc)] = svc
	w.setService(svc)
	return svc
}

// serve makes nodes have an endpoint of each family of the service that is ready.
func (w *world) serve(name string, nodes ...string) {
	w.serveIn(discoveryv1.AddressTypeIPv4, name, nodes...)
	w.serveIn(discoveryv1.AddressTypeIPv6, name, nodes...)
}

// serveIn makes nodes have an endpoint of the service with that type of address that is ready.
func (w *world) serveIn(kind discoveryv1.AddressType, name string, nodes ...string) {
	slice := &discoveryv1.EndpointSlice{AddressType: kind, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}}
	slice.Namespace, slice.Name = metav1.NamespaceDefault, name+"-"+strings.ToLower(string(kind))
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: name}
	for i := range nodes {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}, NodeName: &nodes[i]})
	}
	w.setSlice(slice)
}

// setSlice sets a slice as the cache has it.
func (w *world) setSlice(slice *discoveryv1.EndpointSlice) {
	stripped, err := announcement.EndpointSlices().Transform(slice)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.SetEndpointSlice(stripped.(*discoveryv1.EndpointSlice))
}

// report makes a node report its session.
func (w *world) report(node, peer string, state v1beta1.SessionState, lastError string, families ...corev1.IPFamily) {
	w.SetSession(node+"-"+peer, &v1beta1.BGPSessionStateStatus{Node: node, Peer: peer, State: state, LastError: lastError, Families: families})
}

// up makes all sessions of the node established.
func (w *world) up(node string) {
	for i := range w.objects.Peers {
		w.report(node, w.objects.Peers[i].Name, v1beta1.SessionEstablished, "")
	}
}

// withhold makes all sessions of the node established, and has it announce nothing of the families.
func (w *world) withhold(node string, families ...corev1.IPFamily) {
	for i := range w.objects.Peers {
		peer := w.objects.Peers[i].Name
		w.SetSession(node+"-"+peer, &v1beta1.BGPSessionStateStatus{
			Node: node, Peer: peer, State: v1beta1.SessionEstablished, WithheldFamilies: families,
		})
	}
}

// drain makes all sessions of the node established, and has it drain or be drained.
func (w *world) drain(node, reason string) {
	for i := range w.objects.Peers {
		peer := w.objects.Peers[i].Name
		s := &v1beta1.BGPSessionStateStatus{
			Node: node, Peer: peer, State: v1beta1.SessionEstablished,
			Conditions: []metav1.Condition{{Type: v1beta1.ConditionDrained, Status: metav1.ConditionFalse, Reason: reason}},
		}
		if reason == v1beta1.ReasonDrained {
			s.WithheldFamilies, s.Conditions[0].Status = []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}, metav1.ConditionTrue
		}
		w.SetSession(node+"-"+peer, s)
	}
}

// down ends all sessions of the node.
func (w *world) down(node string) {
	for i := range w.objects.Peers {
		w.report(node, w.objects.Peers[i].Name, v1beta1.SessionIdle, "connection lost")
	}
}

// pass lets time pass, and has written what is due.
func (w *world) pass(d time.Duration) {
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		w.clock.Step(w.step)
		due, _ := w.Turn(w.clock.Now())
		for _, name := range due {
			w.write(name)
		}
	}
}

// write writes what the service is to be told, as the Reconciler does.
func (w *world) write(name types.NamespacedName) {
	_, c, wanted := w.Wanted(name)
	if !wanted {
		return
	}
	svc := w.services[name].DeepCopy()
	before := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAnnounced)
	w.writes++
	w.perSecond[w.clock.Now().Unix()]++
	if before == nil || c == nil || before.Status != c.Status || before.Reason != c.Reason {
		w.flips++
	}
	if c == nil {
		meta.RemoveStatusCondition(&svc.Status.Conditions, v1beta1.ConditionAnnounced)
	} else {
		meta.SetStatusCondition(&svc.Status.Conditions, *c)
	}
	w.versions++
	svc.ResourceVersion = fmt.Sprint(w.versions)
	w.services[name] = svc
	for range 2 { // The watch may be faster than the answer.
		if w.watchFirst {
			w.setService(svc)
		} else {
			w.Wrote(assignment.RecordOf(svc, ""))
		}
		w.watchFirst = !w.watchFirst
	}
}

// busiest returns how many writes there were in the second with most.
func (w *world) busiest() (most int) {
	for _, n := range w.perSecond {
		most = max(most, n)
	}
	return most
}

// told returns what the service is told, as "status reason: message".
func (w *world) reported(name string) string {
	svc := w.services[types.NamespacedName{Namespace: metav1.NamespaceDefault, Name: name}]
	c := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAnnounced)
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
}
