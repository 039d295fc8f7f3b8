// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
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

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/speaker/policy"
)

// newSpeaker returns a speaker over objects that are there already, and what it tells sessions and users.
func newSpeaker(t *testing.T, objects ...client.Object) (*node.Speaker, *fakeSessions, *events.FakeRecorder) {
	t.Helper()
	return newSpeakerOf(t, fake.NewClientBuilder().WithObjects(objects...).WithIndex(&discoveryv1.EndpointSlice{}, "service", func(o client.Object) []string {
		return []string{o.GetLabels()[discoveryv1.LabelServiceName]}
	}).Build())
}

// newSpeakerOf is newSpeaker for the objects that the reader has.
func newSpeakerOf(t *testing.T, reader client.Reader) (*node.Speaker, *fakeSessions, *events.FakeRecorder) {
	t.Helper()
	metrics, err := node.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	sessions, recorder := newFakeSessions(), events.NewFakeRecorder(10)
	return node.NewSpeaker(node.Options{
		Node: "node-1", Client: reader, Table: sessions.table, Sessions: sessions, Recorder: recorder, Metrics: metrics,
	}), sessions, recorder
}

// compiled returns the policy of the tutorial's objects with these advertisements.
func compiled(t *testing.T, advertisements ...v1beta1.BGPAdvertisement) *policy.Policy {
	t.Helper()
	p, rejections := policy.Compile(policy.Input{
		Node: policy.NodeOf(thisNode()),
		Objects: active.Objects{
			Peers:          []v1beta2.BGPPeer{*peer("router", "192.0.2.1")},
			Pools:          []v1beta1.IPAddressPool{*pool("my-ip-space", "198.51.100.0/24")},
			Advertisements: advertisements,
		},
	}, nil)
	if len(rejections) > 0 {
		t.Fatalf("rejections: %v", rejections)
	}
	return p
}

func TestNothingIsAnnouncedBeforeTheFirstPolicy(t *testing.T) {
	t.Parallel()
	s, sessions, _ := newSpeaker(t, service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	if err := s.Update(t.Context(), types.NamespacedName{Namespace: "default", Name: "nginx"}); err != nil {
		t.Fatal(err)
	}
	if _, applied, _ := sessions.counts(); applied > 0 || s.Ready() {
		t.Errorf("applied %d changes, ready %t", applied, s.Ready())
	}
}

// A rolling update goes on to the next node when this one is ready, which must not be before its routes are there.
func TestASpeakerIsReadyWhenItsSessionsAreUpOrHaveHadTimeToBe(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, down bool) (*node.Speaker, *fakeSessions) {
		t.Helper()
		s, sessions, _ := newSpeaker(t)
		sessions.down = down
		if s.Ready() {
			t.Error("ready before the first policy")
		}
		if err := s.Reconfigure(t.Context(), compiled(t, *advertisement("everything"))); err != nil {
			t.Fatal(err)
		}
		return s, sessions
	}
	t.Run("when they are up", func(t *testing.T) {
		t.Parallel()
		s, sessions := start(t, true)
		if s.Ready() {
			t.Error("ready while its session is down")
		}
		sessions.setDown(false)
		if !s.Ready() {
			t.Error("not ready, though its session is up")
		}
		sessions.setDown(true)
		if !s.Ready() {
			t.Error("not ready any more when its session is lost")
		}
	})
	t.Run("when they have had time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s, _ := start(t, true)
			<-time.After(9 * time.Second)
			if s.Ready() {
				t.Error("ready, though the session has had little time")
			}
			<-time.After(time.Second)
			if !s.Ready() {
				t.Error("a peer that is not there keeps the speaker from ever being ready")
			}
		})
	})
}

func TestAContradictionIsReportedAndTheServiceStaysAnnounced(t *testing.T) {
	t.Parallel()
	forService := func(name string, localPref uint32, asPathPrepend uint8) v1beta1.BGPAdvertisement {
		a := advertisement(name)
		a.Spec.LocalPref, a.Spec.ASPathPrepend, a.Spec.ServiceSelectors = localPref, asPathPrepend, []metav1.LabelSelector{{}}
		return *a
	}
	event := func(fields, announced string) string {
		return fmt.Sprintf(`Warning InvalidConfig BGPAdvertisements that select the service set different values of %s for one prefix `+
			`and peer; node "node-1" announces %s, until their selectors or values are corrected`, fields, announced)
	}
	const both, ofBoth = "localPref and asPathPrepend", "the highest localPref and the lowest asPathPrepend"
	tests := map[string]struct {
		// others join the advertisement with local preference 1 and AS path prepend 1 one after the other.
		others            []v1beta1.BGPAdvertisement
		wantLocalPref     uint32
		wantASPathPrepend uint8
		want              []string
	}{
		"about the local preference": {
			others:        []v1beta1.BGPAdvertisement{forService("b", 2, 1)},
			wantLocalPref: 2, wantASPathPrepend: 1, want: []string{event("localPref", "the highest localPref")},
		},
		"about the AS path": {
			others:        []v1beta1.BGPAdvertisement{forService("b", 1, 3)},
			wantLocalPref: 1, wantASPathPrepend: 1, want: []string{event("asPathPrepend", "the lowest asPathPrepend")},
		},
		"about both": {
			others:        []v1beta1.BGPAdvertisement{forService("b", 2, 0)},
			wantLocalPref: 2, wantASPathPrepend: 0, want: []string{event(both, ofBoth)},
		},
		"about everything": {
			others: func() []v1beta1.BGPAdvertisement {
				b := forService("b", 2, 0)
				b.Spec.MED, b.Spec.WeightByEndpoints = new(uint32(7)), true
				return []v1beta1.BGPAdvertisement{b}
			}(),
			wantLocalPref: 2, wantASPathPrepend: 0,
			want: []string{event("localPref, asPathPrepend and med", "the highest localPref, the lowest asPathPrepend and the lowest med, if all set one")},
		},
		"about one, then about the other too": {
			others:        []v1beta1.BGPAdvertisement{forService("b", 1, 3), forService("c", 2, 2)},
			wantLocalPref: 2, wantASPathPrepend: 1, want: []string{event("asPathPrepend", "the lowest asPathPrepend"), event(both, ofBoth)},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := service("nginx", "198.51.100.0")
			s, sessions, recorder := newSpeaker(t, svc, slice("nginx", "node-1"))
			all := slices.Concat([]v1beta1.BGPAdvertisement{forService("a", 1, 1)}, tc.others)
			for i := range all {
				p := compiled(t, all[:i+1]...)
				for range 2 {
					if err := s.Reconfigure(t.Context(), p); err != nil {
						t.Fatal(err)
					}
					sessions.settle()
					if err := s.Update(t.Context(), client.ObjectKeyFromObject(svc)); err != nil {
						t.Fatal(err)
					}
					sessions.settle()
				}
			}
			if path, _ := sessions.path("198.51.100.0/32"); path.LocalPref != tc.wantLocalPref || path.ASPathPrepend != tc.wantASPathPrepend {
				t.Errorf("announced %v with %+v", sessions.routes("router"), path)
			}
			if diff := cmp.Diff(tc.want, told(recorder)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShutdownAsksRoutersToUseOtherPathsBeforeSessionsEnd(t *testing.T) {
	t.Parallel()
	s, sessions, _ := newSpeaker(t, service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	prepending := advertisement("everything")
	prepending.Spec.ASPathPrepend = 2
	if err := s.Reconfigure(t.Context(), compiled(t, *prepending)); err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(t.Context(), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	p, found := sessions.path("198.51.100.0/32")
	if !found || !p.Draining || p.ASPathPrepend != 2 {
		t.Errorf("announced %+v, want a path that drains, with its attributes as they were", p)
	}
	if !sessions.closed || s.Ready() {
		t.Errorf("closed %t, ready %t", sessions.closed, s.Ready())
	}
}

func TestShutdownEndsSessionsAndGivesRoutersTheDrainTimeWhateverPeersDo(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*fakeSessions){
		"they take the news":         func(*fakeSessions) {},
		"one hangs while it is told": func(f *fakeSessions) { f.setHung("router", true) },
	}
	for name, misbehave := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, sessions, _ := newSpeaker(t, service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
				if err := s.Reconfigure(t.Context(), compiled(t, *advertisement("everything"))); err != nil {
					t.Fatal(err)
				}
				misbehave(sessions)
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel()
				if err := s.Shutdown(ctx, time.Second); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != time.Second || !sessions.closed {
					t.Errorf("took %s, closed %t", took, sessions.closed)
				}
			})
		})
	}
}

func TestShutdownIsBoundedByItsContext(t *testing.T) {
	t.Parallel()
	s, _, _ := newSpeaker(t, service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	if err := s.Reconfigure(t.Context(), compiled(t, *advertisement("everything"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx, time.Hour); err != nil {
		t.Fatal(err)
	}
}

// stripped returns the object as the caches hold it.
func stripped(t *testing.T, o client.Object) client.Object {
	t.Helper()
	for kind, options := range node.CacheOptions("node-1", "metallb-system", drain.Rules{Taints: drain.DefaultTaints()}).ByObject {
		if reflect.TypeOf(kind) != reflect.TypeOf(o) {
			continue
		}
		for range 2 { // a cache may transform an object again
			held, err := options.Transform(o)
			if err != nil {
				t.Fatal(err)
			}
			o, _ = held.(client.Object)
		}
		return o
	}
	t.Fatalf("no cache options for %T", o)
	return nil
}

func TestCachesHoldWhatMattersAndNoMore(t *testing.T) {
	t.Parallel()
	strip := func(o client.Object) client.Object { return stripped(t, o) }

	t.Run("an endpoint slice says where endpoints can serve, however many there are", func(t *testing.T) {
		t.Parallel()
		nodes := make([]string, 1000, 1001)
		for i := range nodes {
			nodes[i] = "node-2"
		}
		elsewhere, here, nowhere := slice("a", nodes...), slice("a", append(nodes, "node-1")...), slice("a")
		for want, s := range map[int]*discoveryv1.EndpointSlice{0: nowhere, 1: elsewhere} {
			if got, _ := strip(s).(*discoveryv1.EndpointSlice); len(got.Endpoints) != want || want == 1 && got.Endpoints[0].NodeName != nil {
				t.Errorf("endpoints %+v", got.Endpoints)
			}
		}
		if got, _ := strip(here).(*discoveryv1.EndpointSlice); len(got.Endpoints) != 1 || *got.Endpoints[0].NodeName != "node-1" {
			t.Errorf("endpoints %+v", got.Endpoints)
		}
	})
	t.Run("an endpoint slice whose endpoints come and go where others serve is as it was", func(t *testing.T) {
		t.Parallel()
		before, after := slice("a", "node-1"), slice("a", "node-1", "node-2")
		before.Generation, after.Generation = 1, 2
		if diff := cmp.Diff(strip(before), strip(after)); diff != "" {
			t.Errorf("before and after differ:\n%s", diff)
		}
	})
	t.Run("a secret has a password only if it is of the type that a peer may use", func(t *testing.T) {
		t.Parallel()
		data := func(kind corev1.SecretType) map[string][]byte {
			s, _ := strip(&corev1.Secret{Type: kind, Data: map[string][]byte{"password": []byte("p"), "tls.key": []byte("k")}}).(*corev1.Secret)
			return s.Data
		}
		if diff := cmp.Diff(map[string][]byte{"password": []byte("p")}, data(corev1.SecretTypeBasicAuth)); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
		if got := data(corev1.SecretTypeTLS); len(got) > 0 {
			t.Errorf("data %v", got)
		}
	})
	t.Run("a secret whose password is empty has one", func(t *testing.T) {
		t.Parallel()
		for want, data := range map[bool]map[string][]byte{true: {"password": {}}, false: {"username": {}}} {
			s, _ := strip(&corev1.Secret{Type: corev1.SecretTypeBasicAuth, Data: data}).(*corev1.Secret)
			if _, found := s.Data["password"]; found != want {
				t.Errorf("data %v of %v", s.Data, data)
			}
		}
	})
	t.Run("a service keeps what is read of it", func(t *testing.T) {
		t.Parallel()
		s := service("nginx", "198.51.100.0")
		s.Annotations = map[string]string{"metallb.io/ip-allocated-from-pool": "p", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
		s.Labels = map[string]string{"app": "nginx"}
		got, _ := strip(s).(*corev1.Service)
		want := service("nginx", "198.51.100.0")
		want.Annotations, want.Labels, want.Spec.Ports = map[string]string{"metallb.io/ip-allocated-from-pool": "p"}, s.Labels, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("service (-want +got):\n%s", diff)
		}
	})
}

func TestCachesHoldLabelsAndSpecsOfConfiguration(t *testing.T) {
	t.Parallel()
	t.Run("configuration has its labels and spec", func(t *testing.T) {
		t.Parallel()
		want := advertisement("everything")
		want.Labels = map[string]string{"rack": "a"}
		a := want.DeepCopy()
		a.Generation, a.Annotations = 2, map[string]string{v1beta1.AnnotationAllowDisruption: "true"}
		a.Status = v1beta1.BGPAdvertisementStatus{ObservedGeneration: 2, NodesIPv4: 17}
		if diff := cmp.Diff(client.Object(want), stripped(t, a)); diff != "" {
			t.Errorf("advertisement (-want +got):\n%s", diff)
		}
	})
	t.Run("an ActiveConfiguration has what is in use", func(t *testing.T) {
		t.Parallel()
		o := pool("p", "198.51.100.0/24")
		o.UID, o.Labels = "uid", map[string]string{"rack": "a"}
		want, err := active.Make(o)
		if err != nil {
			t.Fatal(err)
		}
		a := want.DeepCopy()
		a.Spec.Generation, a.Spec.AllowDisruption = 7, true
		a.Status = v1beta1.ActiveConfigurationStatus{Held: true, Reason: "InUse", Message: "x"}
		if diff := cmp.Diff(client.Object(want), stripped(t, a)); diff != "" {
			t.Errorf("ActiveConfiguration (-want +got):\n%s", diff)
		}
	})
}
