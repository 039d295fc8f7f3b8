// SPDX-License-Identifier: Apache-2.0

package debug_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/internal/process"
	"metallb.io/metallb/speaker/debug"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/speaker/policy"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/test/builder"
)

const password = "s3cret"

// routers are sessions of which the first is up.
type routers struct {
	mu      sync.Mutex
	table   *rib.Table
	configs []bgp.Peer
	feeds   map[string]*rib.Feed
}

func (r *routers) Configure(peers []bgp.Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.configs = peers
	for _, p := range peers {
		if r.feeds[p.Name] == nil {
			r.feeds[p.Name] = r.table.Subscribe(p.Name, func() {})
		}
	}
}

// take has the sessions take what has changed.
func (r *routers) take() {
	for _, feed := range r.feeds {
		if _, found := feed.Take(); found {
			feed.Done()
		}
	}
}

func (r *routers) CloseKeepingRoutes(context.Context) (int, error) { return 0, nil }

func (r *routers) Close(context.Context) error { return nil }

func (r *routers) States() []session.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	states := make([]session.State, 0, len(r.configs))
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, c := range r.configs {
		s := session.State{
			Peer: c.Name, Address: c.Address, Port: c.Port, LocalASN: c.LocalASN, PeerASN: c.PeerASN, RouterID: c.RouterID,
			FSM: session.Active, Since: since, LastError: "connection refused", LastErrorTime: since, Pending: 2,
		}
		if i == 0 {
			s.FSM, s.HoldTime, s.KeepaliveTime, s.AdvertisedIPv4, s.Pending, s.Updates = session.Established, 90*time.Second, 30*time.Second, 2, 0, 3
			s.LocalAddress, s.PeerRouterID, s.LastError, s.LastErrorTime = c.Address.Next(), c.Address, "", time.Time{}
			s.BFD, s.BFDDetectionTime, s.BFDProblem = "Up", 150*time.Millisecond, "no echo"
		}
		states = append(states, s)
	}
	return states
}

// scene is a node with two routers and a few services.
type scene struct {
	*node.Speaker

	t       *testing.T
	client  client.Client
	routers *routers
	pages   map[string]process.Page
	policy  *policy.Policy
	// peers are those that are announced to.
	peers []string
	// pending are the families that the node's service proxy does not forward yet.
	pending endpoint.FamilySet
}

func newScene(t *testing.T) *scene {
	t.Helper()
	metrics, err := node.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithIndex(&discoveryv1.EndpointSlice{}, "service", func(o client.Object) []string {
		return []string{o.GetLabels()[discoveryv1.LabelServiceName]}
	}).WithObjects(
		builder.MakeService("web").Holds("gold", "198.51.100.0", "2001:db8::1").Obj(), endpoints("web"), endpointsIPv6("web"),
		builder.MakeService("idle").Holds("gold", "198.51.100.1").Obj(),
		builder.MakeService("silver").Holds("silver", "203.0.113.0").Obj(), endpoints("silver"),
		builder.MakeService("waiting").Obj(),
	).Build()
	s := &scene{t: t, client: c, routers: &routers{table: rib.NewTable(), feeds: map[string]*rib.Feed{}}, pages: map[string]process.Page{}, peers: []string{"one"}}
	s.Speaker = node.NewSpeaker(node.Options{
		Node: "node-1", Client: c, Table: s.routers.table, Sessions: s.routers, Recorder: events.NewFakeRecorder(10000), Metrics: metrics,
	})
	for _, p := range debug.Pages(s.Speaker) {
		s.pages[p.Name] = p
	}
	return s
}

func endpoints(service string) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: service, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.244.0.9"}}},
	}
}

func endpointsIPv6(service string) *discoveryv1.EndpointSlice {
	slice := endpoints(service)
	slice.Name, slice.AddressType = service+"-6", discoveryv1.AddressTypeIPv6
	slice.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{"fd00:10:244::9"}}}
	return slice
}

// configure compiles a policy of two peers and two pools, of which gold is announced if there is an advertisement for it.
func (s *scene) configure(advertised ...string) {
	s.t.Helper()
	peer := func(name, address string) v1beta2.BGPPeer {
		return v1beta2.BGPPeer{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1beta2.BGPPeerSpec{
			MyASN: 64500, ASN: 64501, Address: address, RouterID: "10.0.0.1", Password: password,
		}}
	}
	in := policy.Input{
		Node: policy.Node{Name: "node-1", ProxyPending: s.pending},
		Objects: active.Objects{
			Peers: []v1beta2.BGPPeer{peer("one", "192.0.2.1"), peer("two", "192.0.2.2")},
			Pools: []v1beta1.IPAddressPool{
				*builder.MakePool("gold", "198.51.100.0/24", "2001:db8::/120").Obj(), *builder.MakePool("silver", "203.0.113.0/24").Obj(),
			},
		},
	}
	for _, pool := range advertised {
		in.Advertisements = append(in.Advertisements,
			*builder.MakeAdvertisement("for-"+pool, pool).Peers(s.peers...).Communities("64500:7", "large:1:2:3").LocalPref(7).ASPathPrepend(3).MED(0).WeightByEndpoints().Obj())
	}
	p, rejections := policy.Compile(in, s.policy)
	if len(rejections) > 0 {
		s.t.Fatal(rejections)
	}
	s.policy = p
	if err := s.Reconfigure(s.t.Context(), p); err != nil {
		s.t.Fatal(err)
	}
	s.routers.take()
}

// ask returns the answer of a page, in JSON of one line.
func (s *scene) ask(page, filters string) string {
	s.t.Helper()
	values, err := url.ParseQuery(filters)
	if err != nil {
		s.t.Fatal(err)
	}
	p := s.pages[page]
	answer, err := p.Answer(s.t.Context(), values)
	if err != nil {
		return err.Error()
	}
	text, err := json.Marshal(answer)
	if err != nil {
		s.t.Fatal(err)
	}
	if bytes.Contains(text, []byte(password)) {
		s.t.Errorf("the page %s has a password: %s", page, text)
	}
	return string(text)
}

func (s *scene) expect(page, filters, want string) {
	s.t.Helper()
	want = strings.ReplaceAll(strings.ReplaceAll(want, "\n", ""), "\t", "")
	if diff := cmp.Diff(want, s.ask(page, filters)); diff != "" {
		s.t.Errorf("%s?%s (-want +got):\n%s", page, filters, diff)
	}
}

func TestThePolicyIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, page := range []string{"policy", "rib", "sessions"} {
		if _, err := s.pages[page].Answer(t.Context(), nil); !errors.Is(err, process.ErrNotYet) || !errors.Is(err, node.ErrNotConfigured) {
			t.Errorf("%s before there is a configuration: %v", page, err)
		}
	}
	s.configure("gold")
	s.expect("policy", "peer=one&pool=gold", `{"node":"node-1","networkUnavailable":false,"draining":false,"drained":false,"sessions":[
		{"peer":"one","address":"192.0.2.1:179","localASN":64500,"peerASN":"64501","routerID":"10.0.0.1","holdTime":"1m30s",
		"keepaliveTime":"30s","connectTime":"2s","families":"IPv4","ttl":1,"hasPassword":true}],"pools":[
		{"name":"gold","exists":true,"ranges":["198.51.100.0-198.51.100.255","2001:db8::-2001:db8::ff"],"advertisements":[
		{"name":"for-gold","aggregationLength":32,"aggregationLengthV6":128,"localPref":7,"asPathPrepend":3,"med":0,"weightByEndpoints":true,"communities":["64500:7","large:1:2:3"],
		"peersIPv4":["one"],"peersIPv6":[]}]}],"rejections":[]}`)
	for filters, want := range map[string]int{"": 2, "pool=gold": 2, "peer=two": 1} {
		if got := strings.Count(s.ask("policy", filters), `"hasPassword":true`); got != want {
			t.Errorf("%d sessions for %q, want %d", got, filters, want)
		}
	}
	s.expect("policy", "peer=nobody", `no BGPPeer "nobody" on this node: nothing matches`)
	s.expect("policy", "pool=tin", `no IPAddressPool "tin" on this node: nothing matches`)
}

func TestThePolicySaysWhatWaitsForTheServiceProxy(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.pending[endpoint.IPv6] = true
	s.configure("gold")
	if got := s.ask("policy", ""); !strings.Contains(got, `"drained":false,"proxyPending":["IPv6"],"sessions"`) {
		t.Errorf("the policy: %s", got)
	}
}

func TestTheSessionsAreTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.configure("gold")
	s.expect("sessions", "", `{"node":"node-1","sessions":[
		{"peer":"one","address":"192.0.2.1:179","localASN":64500,"peerASN":64501,"state":"Established","since":"2026-01-02T03:04:05Z",
		"holdTime":"1m30s","keepaliveTime":"30s","localAddress":"192.0.2.2","routerID":"10.0.0.1","peerRouterID":"192.0.2.1",
		"bfd":"Up","bfdDetectionTime":"150ms","bfdProblem":"no echo",
		"advertised":2,"pending":0,"updates":3,"received":0},
		{"peer":"two","address":"192.0.2.2:179","localASN":64500,"peerASN":64501,"state":"Active","since":"2026-01-02T03:04:05Z",
		"lastError":"connection refused","lastErrorTime":"2026-01-02T03:04:05Z","routerID":"10.0.0.1","advertised":0,"pending":2,"updates":0,"received":0}]}`)
	if got := s.ask("sessions", "peer=two"); strings.Contains(got, `"one"`) || !strings.Contains(got, `"two"`) {
		t.Errorf("the session of one peer: %s", got)
	}
	s.expect("sessions", "peer=nobody", `no session with BGPPeer "nobody" on this node: nothing matches`)
}

func TestTheRIBIsToldWithTheReasonsForWhatIsNotInIt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.configure("gold")
	const (
		path   = `{"prefix":"198.51.100.0/32","localPref":7,"asPathPrepend":3,"med":0,"communities":["64500:7","large:1:2:3"]}`
		idle   = `{"service":"default/idle","addresses":[{"address":"198.51.100.1","pool":"gold","announced":false,"reason":"noEndpoints","message":"no endpoint is ready"}]}`
		silver = `{"service":"default/silver","addresses":[{"address":"203.0.113.0","pool":"silver","announced":false,"reason":"notOwner","message":"no BGPAdvertisement for the address selects the node"}]}`
		waits  = `{"service":"default/waiting","reason":"noIPAllocated","message":"the service has no address","addresses":[]}`
		web    = `{"service":"default/web","addresses":[{"address":"198.51.100.0","pool":"gold","announced":true,"peers":["one"]},
			{"address":"2001:db8::1","pool":"gold","announced":false,"reason":"noPeer","message":"no BGPPeer of the address's family selects the node"}]}`
		one     = `{"node":"node-1","peers":[{"peer":"one","state":"Established","prefixes":[` + path + `]}`
		two     = `,{"peer":"two","state":"Active","prefixes":[]}],"services":[`
		nothing = `{"node":"node-1","peers":[{"peer":"one","state":"Established","prefixes":[]}`
	)
	s.expect("rib", "", one+two+idle+","+silver+","+waits+","+web+"]}")
	s.expect("rib", "service=default/web", one+two+web+"]}")
	s.expect("rib", "service=default/idle", nothing+two+idle+"]}")
	s.expect("rib", "service=default/idle&pool=silver", nothing+two+"]}")
	s.expect("rib", "pool=silver", nothing+two+silver+"]}")
	s.expect("rib", "pool=gold&peer=one", one+`],"services":[`+web+"]}")
	s.expect("rib", "peer=two", `{"node":"node-1","peers":[{"peer":"two","state":"Active","prefixes":[]}],"services":[]}`)
	s.expect("rib", "service=default/nobody", `no Service of type LoadBalancer "default/nobody" on this node: nothing matches`)
	s.expect("rib", "service=web", `service "web": write NAMESPACE/NAME: nothing matches`)
	s.expect("rib", "peer=nobody", `no BGPPeer "nobody" on this node: nothing matches`)
}

func TestAPeerWhoseSessionIsDownIsNotCountedAsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.peers = []string{"one", "two"}
	s.configure("gold")
	if got := s.ask("rib", "service=default/web"); !strings.Contains(got, `"announced":true,"peers":["one"],"pendingPeers":["two"]`) {
		t.Errorf("the page is %s", got)
	}
}

func TestWhatIsUnderWayIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.configure("gold")
	web := types.NamespacedName{Namespace: "default", Name: "web"}

	slice := endpoints("idle")
	if err := s.client.Create(t.Context(), slice); err != nil {
		t.Fatal(err)
	}
	soon := `{"service":"default/idle","addresses":[{"address":"198.51.100.1","pool":"gold","announced":false}]}`
	if got := s.ask("rib", "service=default/idle"); !strings.Contains(got, soon) {
		t.Errorf("not announced yet: %s", got)
	}
	if err := s.Update(t.Context(), types.NamespacedName{Namespace: "default", Name: "idle"}); err != nil {
		t.Fatal(err)
	}
	if got := s.ask("rib", "peer=one"); !strings.Contains(got, `"unsettled":["198.51.100.1/32"]`) {
		t.Errorf("unsettled: %s", got)
	}

	svc := &corev1.Service{}
	if err := s.client.Get(t.Context(), web, svc); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Delete(t.Context(), svc); err != nil {
		t.Fatal(err)
	}
	gone := `{"address":"198.51.100.0","announced":true,"peers":["one"],"reason":"notLoadBalancer","message":"the service is not of type LoadBalancer"}`
	for _, filters := range []string{"service=default/web", ""} {
		if got := s.ask("rib", filters); !strings.Contains(got, gone) {
			t.Errorf("gone, with %q: %s", filters, got)
		}
	}
	if err := s.Update(t.Context(), web); err != nil {
		t.Fatal(err)
	}
	s.routers.take()
	s.expect("rib", "service=default/web", `no Service of type LoadBalancer "default/web" on this node: nothing matches`)
}

func TestPagesAreAnsweredDuringChurn(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.configure("gold", "silver")
	var churn sync.WaitGroup
	churn.Go(func() {
		for i := range 200 {
			svc := builder.MakeService(fmt.Sprintf("s%d", i%20)).Holds("gold", netip.AddrFrom4([4]byte{198, 51, 100, byte(20 + i%20)}).String()).Obj()
			if i%40 < 20 {
				_ = s.client.Create(t.Context(), svc)
			} else {
				_ = s.client.Delete(t.Context(), svc)
			}
			if err := s.Update(t.Context(), client.ObjectKeyFromObject(svc)); err != nil {
				t.Error(err)
			}
		}
	})
	churn.Go(func() {
		for i := range 20 {
			s.configure([]string{"gold", "silver"}[i%2:]...)
		}
	})
	asked := 0
	done := make(chan struct{})
	go func() { churn.Wait(); close(done) }()
	for running := true; running; asked++ {
		select {
		case <-done:
			running = false
		default:
		}
		for page := range s.pages {
			if got := s.ask(page, ""); !strings.HasPrefix(got, `{"node":"node-1"`) {
				t.Errorf("%s: %s", page, got)
			}
		}
	}
	t.Logf("asked %d times", asked)
}
