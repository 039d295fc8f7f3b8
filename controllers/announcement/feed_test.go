// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	cachetesting "k8s.io/client-go/tools/cache/testing"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/announcement"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/test/builder"
)

// watched are informers of what the sources have, by type.
type watched struct {
	cache.Informers

	sources   map[reflect.Type]*cachetesting.FakeControllerSource
	informers map[reflect.Type]toolscache.SharedIndexInformer
}

func watch(objects ...client.Object) *watched {
	w := &watched{
		sources:   map[reflect.Type]*cachetesting.FakeControllerSource{},
		informers: map[reflect.Type]toolscache.SharedIndexInformer{},
	}
	for _, o := range objects {
		source := cachetesting.NewFakeControllerSource()
		w.sources[reflect.TypeOf(o)] = source
		w.informers[reflect.TypeOf(o)] = toolscache.NewSharedIndexInformer(source, o, 0, nil)
	}
	return w
}

func (w *watched) GetInformer(_ context.Context, o client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	return w.informers[reflect.TypeOf(o)], nil
}

func (w *watched) of(o client.Object) *cachetesting.FakeControllerSource {
	return w.sources[reflect.TypeOf(o)]
}

func sliceOf(name, service string) *discoveryv1.EndpointSlice {
	node := "node-0001"
	return &discoveryv1.EndpointSlice{
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Port: new(int32(80))}},
		ObjectMeta:  builder.MakeService(name).Label(discoveryv1.LabelServiceName, service).Obj().ObjectMeta,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}, NodeName: &node}},
	}
}

func TestTheFeedFollowsTheClusterUntilItIsStopped(t *testing.T) {
	defer goleak.VerifyNone(t)
	g := NewWithT(t)
	cluster := watch(&corev1.Node{}, &v1beta1.BGPSessionState{}, &discoveryv1.EndpointSlice{}, &corev1.Service{})
	web := builder.MakeService("web").Holds("a", "198.18.0.1").Obj()
	web.UID = "web"
	cluster.of(web).Add(web)
	session := &v1beta1.BGPSessionState{Status: v1beta1.BGPSessionStateStatus{Node: "node-0001", Peer: "tor-a", State: v1beta1.SessionEstablished}}
	session.Name = "node-0001-tor-a"
	cluster.of(session).Add(session)
	slice := sliceOf("web-1", "web")
	cluster.of(slice).Add(slice)

	w := newWorld(t)
	w.node(1)
	w.configure()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	for kind, informer := range cluster.informers {
		running.Go(func() { informer.RunWithContext(ctx) })
		defer cluster.sources[kind].Shutdown()
	}
	defer cancel()
	services := &trigger.Queue{}
	assignments := assignment.NewFeed(w.index, cluster)
	running.Go(func() { _ = assignments.Start(ctx) })
	feed := &announcement.Feed{
		Tracker: w.Tracker, Assignments: assignments, Cache: cluster, Clock: w.clock, Services: services, Advertisements: &trigger.Queue{},
	}
	done := make(chan error, 1)
	running.Go(func() { done <- feed.Start(ctx) })

	says := func() string {
		_, c, wanted := w.Wanted(types.NamespacedName{Namespace: "default", Name: "web"})
		if !wanted {
			return ""
		}
		return c.Reason
	}
	g.Eventually(says).Should(Equal(v1beta1.ReasonAnnounced))
	cluster.of(slice).Modify(sliceOf("web-1", "another"))
	g.Eventually(says).Should(Equal(v1beta1.ReasonNoEndpoints))
	cluster.of(slice).Modify(sliceOf("web-1", "web"))
	g.Eventually(says).Should(Equal(v1beta1.ReasonAnnounced))
	cluster.of(slice).Delete(sliceOf("web-1", "web"))
	g.Eventually(says).Should(Equal(v1beta1.ReasonNoEndpoints))
	cluster.of(slice).Add(sliceOf("web-2", "web"))
	g.Eventually(says).Should(Equal(v1beta1.ReasonAnnounced))

	offline := &corev1.Node{}
	offline.Name = "node-0001"
	offline.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionTrue}}
	cluster.of(offline).Add(offline)
	g.Eventually(func() string { w.clock.Step(time.Second); return says() }).Should(Equal(v1beta1.ReasonNoNodes))
	cluster.of(offline).Delete(offline)
	g.Eventually(func() string { w.clock.Step(time.Second); return says() }).Should(Equal(v1beta1.ReasonAnnounced))
	cluster.of(session).Delete(session)
	g.Eventually(func() string { w.clock.Step(time.Second); return says() }).Should(Equal(v1beta1.ReasonSessionsNotEstablished))
	cluster.of(web).Delete(web)
	g.Eventually(says).Should(BeEmpty())

	cancel()
	g.Eventually(done).Should(Receive(BeNil()))
}
