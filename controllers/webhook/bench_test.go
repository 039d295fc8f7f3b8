// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// memory reads as a cache does that does not copy what it holds.
type memory struct {
	client.Reader
	pools          v1beta1.IPAddressPoolList
	peers          v1beta2.BGPPeerList
	advertisements v1beta1.BGPAdvertisementList
	nodes          corev1.NodeList
	active         []v1beta1.ActiveConfiguration
	namespaces     map[string]*corev1.Namespace
	services       map[client.ObjectKey]*corev1.Service
	// err is all that lists have if set.
	err error

	// listing is called before the versions of all services are listed, reading before a service is read, if set.
	listing, reading func()

	// asked is how often it was asked about a service, listed how often about the versions of all.
	asked, listed int
}

func (m *memory) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if m.err != nil {
		return m.err
	}
	switch list := list.(type) {
	case *v1beta1.IPAddressPoolList:
		list.Items = slices.Clone(m.pools.Items)
	case *v1beta2.BGPPeerList:
		list.Items = slices.Clone(m.peers.Items)
	case *v1beta1.BGPAdvertisementList:
		list.Items = slices.Clone(m.advertisements.Items)
	case *v1beta1.ActiveConfigurationList:
		list.Items = slices.Clone(m.active)
	case *v1beta1.CommunityList, *v1beta1.BFDProfileList:
	case *corev1.NodeList:
		list.Items = slices.Clone(m.nodes.Items)
	case *metav1.PartialObjectMetadataList:
		m.listed++
		if m.listing != nil {
			m.listing()
		}
		for _, svc := range m.services {
			list.Items = append(list.Items, metav1.PartialObjectMetadata{ObjectMeta: svc.ObjectMeta})
		}
		slices.SortFunc(list.Items, func(a, b metav1.PartialObjectMetadata) int { return strings.Compare(a.Name, b.Name) })
	default:
		return fmt.Errorf("a %T is not known", list)
	}
	return nil
}

func (m *memory) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	switch into := object.(type) {
	case *corev1.Namespace:
		if found := m.namespaces[key.Name]; found != nil {
			*into = *found
			return nil
		}
	case *corev1.Service:
		m.asked++
		if m.reading != nil {
			m.reading()
		}
		if found := m.services[key]; found != nil {
			*into = *found
			return nil
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

// large is a configuration of 50 pools, whose 10,000 addresses in use are announced from 100 nodes to the peers: each pool by
// an advertisement of its own, or all by one that is called everything.
func large(peers int, everything bool) *observed {
	m := &memory{namespaces: map[string]*corev1.Namespace{}}
	index := assignment.NewIndex("")
	hold := func(svc *corev1.Service) {
		m.serve(svc)
		index.Set(svc)
	}
	for i := range 50 {
		name := fmt.Sprintf("pool-%02d", i)
		m.pools.Items = append(m.pools.Items, *builder.MakePool(name, fmt.Sprintf("10.0.%d.0/24", i)).Obj())
		if !everything {
			m.advertisements.Items = append(m.advertisements.Items, *builder.MakeAdvertisement(name, name).Obj())
		}
		for k := range 200 {
			hold(builder.MakeService(fmt.Sprintf("web-%03d", k)).In(fmt.Sprintf("team-%02d", i)).Label("app", "web").
				Holds(name, fmt.Sprintf("10.0.%d.%d", i, k)).Obj())
		}
		namespace := &corev1.Namespace{}
		namespace.Labels = map[string]string{"team": fmt.Sprint(i)}
		m.namespaces[fmt.Sprintf("team-%02d", i)] = namespace
	}
	if everything {
		m.advertisements.Items = append(m.advertisements.Items, *builder.MakeAdvertisement("everything").Obj())
	}
	for i := range peers {
		m.peers.Items = append(m.peers.Items, *builder.MakePeer(fmt.Sprintf("router-%d", i), fmt.Sprintf("192.0.2.%d", i+1)).Obj())
	}
	for i := range 100 {
		node := corev1.Node{}
		node.Name, node.Labels = fmt.Sprintf("node-%02d", i), map[string]string{"rack": fmt.Sprint(i % 4)}
		node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("203.0.113.%d", i)}}
		m.nodes.Items = append(m.nodes.Items, node)
	}
	o := &observed{namespace: namespace, reader: m, live: m, index: index, fed: func() bool { return true }}
	o.filled.Store(true)
	return o
}

// BenchmarkAdmission measures the answers of the webhook, from the request as it is decoded from the API server's call to
// the response. The 99th of a hundred must stay below 50 ms.
func BenchmarkAdmission(b *testing.B) {
	common, fragile := large(4, false), large(1, true)
	p := func() *builder.Pool { return builder.MakePool("pool-07", "10.0.7.0/24") }
	advertisement := builder.MakeAdvertisement("pool-07", "pool-07").Obj()
	preferred := advertisement.DeepCopy()
	preferred.Spec.LocalPref = 200
	narrowed := advertisement.DeepCopy()
	narrowed.Spec.Peers = []string{"nobody"}
	for _, bc := range []struct {
		name        string
		state       *observed
		was, is     config.Object
		wantAllowed bool
	}{
		{"pool update admitted", common, p().Obj(), builder.MakePool("pool-07", "10.0.7.0/24", "10.1.7.0/24").Obj(), true},
		{"pool update refused", common, p().Obj(), p().AvoidBuggyIPs().Obj(), false},
		{"pool shrunk to nothing", common, p().Obj(), builder.MakePool("pool-07", "10.1.7.0/24").Obj(), false},
		{"pool created", common, nil, builder.MakePool("pool-50", "10.1.7.0/24").Obj(), true},
		{"pool deleted", common, p().Obj(), nil, false},
		{"advertisement update admitted", common, advertisement, preferred, true},
		{"advertisement update refused", common, advertisement, narrowed, false},
		{"advertisement deleted", common, advertisement, nil, false},
		{"peer deleted", common, builder.MakePeer("router-3", "192.0.2.4").Obj(), nil, true},
		{"only peer deleted", fragile, builder.MakePeer("router-0", "192.0.2.1").Obj(), nil, false},
		{"only advertisement deleted", fragile, builder.MakeAdvertisement("everything").Obj(), nil, false},
	} {
		b.Run(bc.name, func(b *testing.B) {
			d := openAny(b, bc.was, bc.is, bc.state)
			request := requestFor(b, bc.was, bc.is)
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				response := d.Handle(b.Context(), request)
				took = append(took, time.Since(start))
				if response.Allowed != bc.wantAllowed {
					b.Fatalf("allowed %t: %v", response.Allowed, response.Result)
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// openAny returns the webhook of the kind of the objects, one of which may be missing.
func openAny(tb testing.TB, was, is config.Object, s state) *door {
	tb.Helper()
	one := was
	if one == nil {
		one = is
	}
	switch one := one.(type) {
	case *v1beta1.IPAddressPool:
		return open(tb, one, s)
	case *v1beta2.BGPPeer:
		return open(tb, one, s)
	case *v1beta1.BGPAdvertisement:
		return open(tb, one, s)
	case *v1beta1.Community:
		return open(tb, one, s)
	}
	tb.Fatalf("a %T has no webhook", one)
	return nil
}
