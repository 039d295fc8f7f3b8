// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/test/envtest"
)

var server envtest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// world is an API server with objects in it, and a speaker of node-1 that may run.
type world struct {
	*WithT
	t        *testing.T
	client   client.Client
	sessions *fakeSessions
	events   *events.FakeRecorder
	registry *prometheus.Registry
	speaker  *node.Speaker
	wire     *wire
	stop     func()
	// cached is what the speaker has in memory.
	cached client.Reader
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	s := server.Get(t)
	w := &world{WithT: NewWithT(t), t: t, client: s.Client}
	w.SetDefaultEventuallyTimeout(time.Minute)
	w.SetDefaultEventuallyPollingInterval(10 * time.Millisecond)
	w.create(thisNode())
	w.create(objects...)
	return w
}

// newManager makes a speaker of node-1 and returns the manager that is to run it.
func (w *world) newManager() ctrl.Manager {
	w.t.Helper()
	w.sessions = newFakeSessions()
	w.events = events.NewFakeRecorder(1000)
	w.registry = prometheus.NewRegistry()
	metrics, err := node.NewMetrics(w.registry)
	w.Expect(err).NotTo(HaveOccurred())

	s, skip := server.Get(w.t), true
	w.wire = &wire{}
	restConfig := rest.CopyConfig(s.Config)
	restConfig.Dial = w.wire.dial
	mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
		Scheme:                 s.Scheme,
		Cache:                  node.CacheOptions("node-1", envtest.Namespace, drain.Rules{Taints: drain.DefaultTaints()}),
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		Controller:             config.Controller{SkipNameValidation: &skip},
	})
	w.Expect(err).NotTo(HaveOccurred())
	w.cached = mgr.GetClient()
	w.speaker = node.NewSpeaker(node.Options{
		Node: "node-1", Client: mgr.GetClient(), Table: w.sessions.table, Sessions: w.sessions, Recorder: w.events, Metrics: metrics,
		DrainRules: drain.Rules{Taints: drain.DefaultTaints()}, DrainDelay: time.Second,
	})
	w.Expect(w.speaker.SetupWithManager(mgr)).To(Succeed())
	return mgr
}

// start runs a speaker of node-1, until the test ends or the speaker is stopped.
func (w *world) start() {
	w.t.Helper()
	leaks := goleak.IgnoreCurrent()
	mgr := w.newManager()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()

	w.stop = func() {
		if ctx.Err() != nil {
			return
		}
		cancel()
		w.Expect(<-done).To(Succeed())
		// What http keeps open to the API server is not the speaker's.
		goleak.VerifyNone(w.t, leaks, goleak.IgnoreAnyFunction("net/http.(*http2ClientConn).readLoop"),
			goleak.IgnoreAnyFunction("golang.org/x/net/http2.(*ClientConn).readLoop"),
			goleak.IgnoreAnyFunction("golang.org/x/net/internal/http2.(*ClientConn).readLoop"))
	}
	w.t.Cleanup(w.stop)
	w.Eventually(w.speaker.Ready).Should(BeTrue())
}

// create creates the objects, and their status if they have one, and deletes them when the test ends.
func (w *world) create(objects ...client.Object) {
	w.t.Helper()
	for _, o := range objects {
		o, _ := o.DeepCopyObject().(client.Object)
		withStatus, _ := o.DeepCopyObject().(client.Object)
		w.Expect(w.client.Create(w.t.Context(), o)).To(Succeed())
		w.t.Cleanup(func() {
			// The test's context has ended.
			err := w.client.Delete(context.Background(), o, client.GracePeriodSeconds(0))
			w.Expect(client.IgnoreNotFound(err)).To(Succeed())
		})
		switch withStatus.(type) {
		case *corev1.Service, *corev1.Node:
			withStatus.SetResourceVersion(o.GetResourceVersion())
			withStatus.SetUID(o.GetUID())
			if s, ok := withStatus.(*corev1.Service); ok {
				created, _ := o.(*corev1.Service)
				s.Spec = created.Spec
			}
			w.Expect(w.client.Status().Update(w.t.Context(), withStatus)).To(Succeed())
		}
	}
}

func (w *world) delete(o client.Object) {
	w.t.Helper()
	w.Expect(w.client.Delete(w.t.Context(), o)).To(Succeed())
}

// change changes an object as it is now.
func change[T client.Object](w *world, o T, mutate func(T)) {
	w.t.Helper()
	w.modify(o, func() error { mutate(o); return w.client.Update(w.t.Context(), o) })
}

// changeStatus changes an object's status as it is now.
func changeStatus[T client.Object](w *world, o T, mutate func(T)) {
	w.t.Helper()
	w.modify(o, func() error { mutate(o); return w.client.Status().Update(w.t.Context(), o) })
}

func (w *world) modify(o client.Object, update func() error) {
	w.t.Helper()
	w.Eventually(func() error {
		if err := w.client.Get(w.t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		return update()
	}).Should(Succeed())
}

// expectRoutes waits until the peer is told of exactly these prefixes.
func (w *world) expectRoutes(peer string, prefixes ...string) {
	w.t.Helper()
	w.Eventually(func() []string { return w.sessions.routes(peer) }).Should(And(Not(BeNil()), ConsistOf(prefixes)))
	w.speaker.Policy() // Waits until the speaker is done with what it was about.
}

// settle waits until everything that was written before has been seen, by making a service be announced.
func (w *world) settle() {
	w.t.Helper()
	marker := service("marker", "192.0.2.255")
	w.create(pool("marker", "192.0.2.0/24"), marker, slice("marker", "node-1"))
	w.Eventually(func() []string { return w.sessions.routes("router") }).Should(ContainElement(HavePrefix("192.0.2.")))
}

// told returns the events that were emitted since it was last called.
func (w *world) reported() []string { return told(w.events) }

func told(recorder *events.FakeRecorder) []string {
	var all []string
	for {
		select {
		case e := <-recorder.Events:
			all = append(all, e)
		default:
			return all
		}
	}
}

// metric returns the lines of the metric's value by labels.
func (w *world) metric(name string) map[string]float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	w.Expect(err).NotTo(HaveOccurred())
	values := map[string]float64{}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := make([]string, 0, len(m.GetLabel()))
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			values[strings.Join(labels, ",")] = m.GetGauge().GetValue()
		}
	}
	return values
}

func inNamespace(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: envtest.Namespace, Name: name}
}

func thisNode() *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{"rack": "a"}},
		Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}}},
	}
}

func peer(name, address string) *v1beta2.BGPPeer {
	return &v1beta2.BGPPeer{ObjectMeta: inNamespace(name), Spec: v1beta2.BGPPeerSpec{MyASN: 64512, ASN: 64513, Address: address}}
}

func pool(name string, addresses ...string) *v1beta1.IPAddressPool {
	return &v1beta1.IPAddressPool{ObjectMeta: inNamespace(name), Spec: v1beta1.IPAddressPoolSpec{Addresses: addresses}}
}

func advertisement(name string) *v1beta1.BGPAdvertisement {
	return &v1beta1.BGPAdvertisement{ObjectMeta: inNamespace(name)}
}

// service returns a service of the default namespace that has the addresses.
func service(name string, addresses ...string) *corev1.Service {
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
	}
	for _, a := range addresses {
		svc.Status.LoadBalancer.Ingress = append(svc.Status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{IP: a})
	}
	return svc
}

// slice returns endpoints of the service, one ready on each of the nodes.
func slice(service string, nodes ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: service + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: service},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Port: new(int32(8080))}},
	}
	for i := range nodes {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.244.0.5"}, NodeName: &nodes[i]})
	}
	return s
}
