// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/speaker/policy"
)

// reporting is a speaker with the sessions "good" and "hung", and what it reports of the service default/web.
type reporting struct {
	*testing.T

	speaker  *node.Speaker
	sessions *fakeSessions
	client   client.Client
	events   *events.FakeRecorder
	registry *prometheus.Registry
	// mu guards the peers that the observer was told, and how often it was told anything.
	mu    sync.Mutex
	peers map[types.NamespacedName]map[string]bgp.Families
	calls int
}

// Announce implements node.AnnouncementObserver.
func (r *reporting) Announce(peers map[types.NamespacedName]map[string]bgp.Families) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	maps.Copy(r.peers, peers)
}

func (r *reporting) called() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

var web = types.NamespacedName{Namespace: "default", Name: "web"}

func newReporting(t *testing.T, objects ...client.Object) *reporting {
	t.Helper()
	r := &reporting{
		T: t, sessions: newFakeSessions(), client: fakeCluster(t, append(objects, slice("web", "node-1"))...).Build(),
		events: events.NewFakeRecorder(10), registry: prometheus.NewRegistry(), peers: map[types.NamespacedName]map[string]bgp.Families{},
	}
	metrics, err := node.NewMetrics(r.registry)
	if err != nil {
		t.Fatal(err)
	}
	r.speaker = node.NewSpeaker(node.Options{
		Node: "node-1", Client: r.client, Table: r.sessions.table, Sessions: r.sessions, Recorder: r.events, Metrics: metrics, Announcements: r,
	})
	return r
}

// reconfigure has sessions with the peers.
func (r *reporting) reconfigure(names ...string) {
	r.Helper()
	in := policy.Input{Node: policy.NodeOf(thisNode()), Objects: active.Objects{
		Pools:          []v1beta1.IPAddressPool{*pool("pool", "198.51.100.0/24")},
		Advertisements: []v1beta1.BGPAdvertisement{*advertisement("everything")},
	}}
	for _, name := range names {
		in.Peers = append(in.Peers, *peer(name, map[string]string{"good": "192.0.2.1", "hung": "192.0.2.2"}[name]))
	}
	p, rejections := policy.Compile(in, r.speaker.Policy())
	if len(rejections) > 0 {
		r.Fatal(rejections)
	}
	if err := r.speaker.Reconfigure(r.Context(), p); err != nil {
		r.Fatal(err)
	}
	r.sessions.settle()
}

// update updates the speaker with the service as it is now, which must not take any time.
func (r *reporting) update(addresses ...string) {
	r.Helper()
	svc := &corev1.Service{}
	if err := r.client.Get(r.Context(), web, svc); err != nil {
		r.Fatal(err)
	}
	svc.Status = service("web", addresses...).Status
	if err := r.client.Status().Update(r.Context(), svc); err != nil {
		r.Fatal(err)
	}
	began := time.Now()
	if err := r.speaker.Update(r.Context(), web); err != nil {
		r.Fatal(err)
	}
	if took := time.Since(began); took > 0 {
		r.Errorf("a session that hangs holds up the speaker for %s", took)
	}
	r.sessions.settle()
}

// expect checks what is reported now: events since it was last called, the number of addresses, and the peers.
func (r *reporting) expect(step string, wantEvents []string, addresses int, peers ...string) {
	r.Helper()
	r.sessions.settle()
	synctest.Wait()
	if diff := cmp.Diff(wantEvents, told(r.events), cmpopts.EquateEmpty()); diff != "" {
		r.Errorf("%s: events (-want +got):\n%s", step, diff)
	}
	if n, err := testutil.GatherAndCount(r.registry, "metallb_speaker_announced"); n != addresses || err != nil {
		r.Errorf("%s: %d addresses are announced, want %d (%v)", step, n, addresses, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(peers, slices.Sorted(maps.Keys(r.peers[web])), cmpopts.EquateEmpty()); diff != "" {
		r.Errorf("%s: peers (-want +got):\n%s", step, diff)
	}
}

const assigned, unassigned = `Normal nodeAssigned announcing from node "node-1" with protocol "bgp"`,
	`Normal nodeUnassigned no longer announcing from node "node-1" with protocol "bgp": the service has no address (noIPAllocated)`

func TestAServiceIsReportedWhenTheSessionsHaveIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReporting(t, service("web"))
		r.reconfigure("good", "hung")
		r.sessions.setHung("hung", true)
		r.update("198.51.100.1")
		r.expect("while one session does not have it", nil, 0)
		r.sessions.setHung("hung", false)
		r.expect("when all have it", []string{assigned + ` to "good", "hung"`}, 1, "good", "hung")

		r.sessions.setHung("hung", true)
		r.update()
		r.expect("while one session still has it", nil, 1, "good", "hung")
		r.sessions.setHung("hung", false)
		r.expect("when none has it", []string{unassigned}, 0)
	})
}

func TestAServiceIsReportedWithoutASessionThatHangsForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReporting(t, service("web"))
		r.reconfigure("good", "hung")
		r.sessions.setHung("hung", true)
		r.update("198.51.100.1")
		<-time.After(time.Second)
		r.expect("one has it", []string{assigned + ` to "good", once the session is established, to "hung"`}, 1, "good")
		r.sessions.setHung("hung", false)
		r.expect("both have it", nil, 1, "good", "hung")

		r.sessions.setHung("hung", true)
		r.update()
		<-time.After(time.Second)
		r.expect("one has it still", nil, 1, "hung")
		r.update("198.51.100.2", "198.51.100.3")
		<-time.After(time.Second)
		r.expect("one has what was, the other what is", nil, 2, "good", "hung")
		r.update()
		<-time.After(time.Second)
		r.expect("one has what was still", nil, 2, "hung")
		r.reconfigure("good")
		r.expect("that session is not wanted any more", []string{unassigned}, 0)
	})
}

func TestAServiceThatNoSessionHasIsNotReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReporting(t, service("web"))
		r.reconfigure("hung")
		r.sessions.setHung("hung", true)
		r.update("198.51.100.1")
		<-time.After(time.Minute)
		r.expect("a session that hangs", nil, 0)
		r.update()
		r.sessions.setHung("hung", false)
		r.expect("a service that came and went meanwhile", nil, 0)
	})
}

func TestWhatASpeakerBeginsWithIsReportedWhenTheSessionsHaveItWithoutEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReporting(t, service("web", "198.51.100.1"))
		r.sessions.setHung("hung", true)
		r.reconfigure("good", "hung")
		r.expect("while one session does not have it", nil, 0)
		if r.called() > 0 {
			t.Error("the observer is told before all that there is was reported")
		}
		<-time.After(time.Second)
		r.expect("one hangs for long", nil, 1, "good")
		if n := r.called(); n != 1 {
			t.Errorf("the observer is told %d times", n)
		}

		t.Log("from then on there are transitions")
		r.update()
		<-time.After(time.Second)
		r.expect("the one that hangs never had it", []string{unassigned}, 0)
		r.update("198.51.100.1")
		r.sessions.setHung("hung", false)
		r.expect("all have it", []string{assigned + ` to "good", "hung"`}, 1, "good", "hung")
	})
}

func TestAServiceThatChangesAgainAndAgainIsReportedWithoutASessionThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReporting(t, service("web"))
		r.reconfigure("good", "hung")
		r.sessions.setHung("hung", true)
		for i := range 4 {
			if i > 0 {
				<-time.After(300 * time.Millisecond)
			}
			r.update(fmt.Sprintf("198.51.100.%d", i))
			r.expect("within a second", nil, 0)
		}
		<-time.After(100 * time.Millisecond)
		r.expect("a second after the first", []string{assigned + ` to "good", once the session is established, to "hung"`}, 1, "good")
		r.update("198.51.100.1", "198.51.100.2")
		<-time.After(time.Second - 1)
		r.expect("within a second after the next", nil, 1, "good")
		<-time.After(1)
		r.expect("then", nil, 2, "good")
	})
}
