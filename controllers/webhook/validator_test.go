// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

const inUse = `new config not compatible with assigned IPs: service "default/nginx" cannot own "198.51.100.0" under new config`

// tutorial is the configuration of the tutorial, whose first address the service nginx has.
func tutorial() *known {
	index := assignment.NewIndex("")
	index.Set(builder.MakeService("nginx").Holds("my-ip-space", "198.51.100.0").Obj())
	return &known{
		objects: config.Objects{
			Pools:          []v1beta1.IPAddressPool{*pool().Obj()},
			Advertisements: []v1beta1.BGPAdvertisement{*builder.MakeAdvertisement("my-ip-space", "my-ip-space").Obj()},
		},
		state: config.ClusterState{Holdings: index, NamespaceLabels: func(string) labels.Set { return nil }},
	}
}

func pool() *builder.Pool { return builder.MakePool("my-ip-space", "198.51.100.0/24") }

func TestAnAnswerIsInTheWordsOfAnAPIServer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		was, is *builder.Pool
		// wantReason is why it is refused; empty if it is not.
		wantReason   metav1.StatusReason
		wantMessage  string
		wantCauses   []metav1.StatusCause
		wantWarnings []string
		wantVerdict  string
	}{
		"an update that is in nobody's way": {
			was: pool(), is: builder.MakePool("my-ip-space", "198.51.100.0/24", "192.0.2.0/24"), wantVerdict: "UPDATE admitted",
		},
		"an update that takes an address": {
			was: pool(), is: pool().AvoidBuggyIPs(), wantReason: metav1.StatusReasonInvalid,
			wantMessage: `IPAddressPool.metallb.io "my-ip-space" is invalid: spec.avoidBuggyIPs: Forbidden: ` + inUse,
			wantCauses:  []metav1.StatusCause{{Type: "FieldValueForbidden", Message: "Forbidden: " + inUse, Field: "spec.avoidBuggyIPs"}},
			wantVerdict: "UPDATE refused",
		},
		"a pool that nobody advertises": {
			is: builder.MakePool("other", "192.0.2.0/24"), wantVerdict: "CREATE admitted", wantWarnings: []string{
				`IPAddressPool "other" is selected by no BGPAdvertisement, so its addresses are not announced; create one that selects it`,
			},
		},
		"a deletion that takes an address": {
			was: pool(), wantReason: metav1.StatusReasonForbidden,
			wantMessage: `ipaddresspools.metallb.io "my-ip-space" is forbidden: ` + inUse,
			wantVerdict: "DELETE refused",
		},
		"a deletion that takes nothing": {was: builder.MakePool("other", "192.0.2.0/24"), wantVerdict: "DELETE admitted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, &v1beta1.IPAddressPool{}, tutorial())
			response := ask(t, d, object(tc.was), object(tc.is))
			if response.UID != "1" || response.Allowed != (tc.wantReason == "") || response.Result.Reason != tc.wantReason || response.Result.Message != tc.wantMessage {
				t.Errorf("allowed %t, %+v", response.Allowed, response.Result)
			}
			if response.Result.Details != nil && tc.wantCauses != nil {
				if diff := cmp.Diff(tc.wantCauses, response.Result.Details.Causes); diff != "" {
					t.Errorf("causes (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(tc.wantWarnings, response.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			operation, verdict, _ := strings.Cut(tc.wantVerdict, " ")
			expectVerdict(t, d, operation, verdict)
			wantLines := 0
			if verdict == refused {
				wantLines = 1
			}
			if n := len(d.logs.all()); n != wantLines {
				t.Errorf("%d lines are logged, want %d: %s", n, wantLines, &d.logs)
			}
		})
	}
}

// object returns the pool, or nil if there is none.
func object(p *builder.Pool) config.Object {
	if p == nil {
		return nil
	}
	return p.Obj()
}

func expectVerdict(t *testing.T, d *door, operation, verdict string) {
	t.Helper()
	want := `
		# HELP metallb_webhook_verdicts_total Number of configuration changes that the webhook checked, by verdict: admitted, refused or unchecked.
		# TYPE metallb_webhook_verdicts_total counter
		metallb_webhook_verdicts_total{kind="IPAddressPool",operation="` + operation + `",verdict="` + verdict + `"} 1
	`
	if err := testutil.GatherAndCompare(d.registry, strings.NewReader(want), "metallb_webhook_verdicts_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(d.registry, "metallb_webhook_duration_seconds"); n != 1 || err != nil {
		t.Errorf("%d series of durations, %v", n, err)
	}
}

func TestARefusalIsOneLineThatSaysWhoWantedWhat(t *testing.T) {
	t.Parallel()
	d := open(t, &v1beta1.IPAddressPool{}, tutorial())
	request := requestFor(t, pool().Obj(), pool().AvoidBuggyIPs().Obj())
	request.DryRun = new(true)
	d.Handle(t.Context(), request)
	want := []string{`{"logger":"","level":0,"msg":"refusing a change","kind":"IPAddressPool","object":"metallb-system/my-ip-space",` +
		`"operation":"UPDATE","user":"alice","dryRun":true,"reason":"IPAddressPool.metallb.io \"my-ip-space\" is invalid: ` +
		`spec.avoidBuggyIPs: Forbidden: ` + strings.ReplaceAll(inUse, `"`, `\"`) + `"}`}
	if diff := cmp.Diff(want, d.logs.all()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Where the API server deletes a collection, it does not name the objects.
func TestTheObjectIsNamedThoughTheRequestDoesNotNameIt(t *testing.T) {
	t.Parallel()
	d := open(t, &v1beta1.IPAddressPool{}, tutorial())
	request := requestFor(t, pool().Obj(), nil)
	request.Name = ""
	want := `ipaddresspools.metallb.io "my-ip-space" is forbidden: ` + inUse
	if got := d.Handle(t.Context(), request).Result.Message; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if log := d.logs.String(); !strings.Contains(log, `"object":"metallb-system/my-ip-space"`) {
		t.Errorf("log: %s", log)
	}
}

func TestADeletionIsWarnedOfByAllThatNameTheObject(t *testing.T) {
	t.Parallel()
	s := tutorial()
	for _, name := range []string{"a", "b"} {
		s.objects.Advertisements = append(s.objects.Advertisements, *builder.MakeAdvertisement(name).Communities("web").Obj())
	}
	community := builder.MakeCommunity("names").Alias("web", "64512:80").Obj()
	s.objects.Communities = append(s.objects.Communities, *community)
	const detail = `BGPAdvertisement %q uses alias "web" in spec.communities, which no Community defines any more; ` +
		`the advertisement is not in use until one does`
	request := requestFor(t, community, nil)
	request.Resource.Resource = "communities"
	got := open(t, community, s).Handle(t.Context(), request)
	if want := []string{fmt.Sprintf(detail, "a"), fmt.Sprintf(detail, "b")}; !got.Allowed || !slices.Equal(got.Warnings, want) {
		t.Errorf("allowed %t, warnings %q; want %q", got.Allowed, got.Warnings, want)
	}
}

func TestABFDProfileThatPeersNameIsNotDeleted(t *testing.T) {
	t.Parallel()
	s := tutorial()
	s.objects.Peers = append(s.objects.Peers, *builder.MakePeer("tor", "192.0.2.9").BFDProfile("fast").Obj())
	profile := builder.MakeBFDProfile("fast").Obj()
	s.objects.BFDProfiles = append(s.objects.BFDProfiles, *profile)
	request := requestFor(t, profile, nil)
	request.Resource.Resource = "bfdprofiles"
	got := open(t, profile, s).Handle(t.Context(), request)
	const want = `bfdprofiles.metallb.io "fast" is forbidden: failed to delete BFDProfile "fast", used by BGPPeer "tor"; change or remove spec.bfdProfile there first`
	if got.Allowed || got.Result.Message != want {
		t.Errorf("allowed %t, %q; want %q", got.Allowed, got.Result.Message, want)
	}
}

// What is stored may be of a time when the schema was another one.
func TestAnOldObjectThatNobodyCanReadIsNotInTheWay(t *testing.T) {
	t.Parallel()
	p := builder.MakePeer("router", "192.0.2.1").Obj()
	const unreadable = `{"metadata":{"name":"router","namespace":"metallb-system"},"spec":{"holdTime":"banana"}}`
	for name, tc := range map[string]struct {
		is, raw      string
		wantAllowed  bool
		wantWarnings []string
	}{
		"a deletion": {wantAllowed: true, wantWarnings: []string{
			`it was not checked whether BGPPeer "router" is in use, since what is stored of it cannot be read: time: invalid duration "banana"`,
		}},
		"an update that puts it right":  {is: "192.0.2.1", wantAllowed: true},
		"an update that does not parse": {is: "nonsense"},
		"an update that is no better":   {raw: unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := requestFor(t, p, nil)
			if tc.is != "" {
				request = requestFor(t, p, builder.MakePeer("router", tc.is).Obj())
			}
			if tc.raw != "" {
				request.Operation, request.Object.Raw = admissionv1.Update, []byte(tc.raw)
			}
			request.OldObject.Raw = []byte(unreadable)
			response := open(t, p, tutorial()).Handle(t.Context(), request)
			if response.Allowed != tc.wantAllowed {
				t.Errorf("allowed %t, %+v", response.Allowed, response.Result)
			}
			if diff := cmp.Diff(tc.wantWarnings, response.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestADeletionIsAdmittedWhileTheNamespaceGoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cached, live namespaces
		wantAllowed  bool
		// wantAsked is how often the API server itself is asked.
		wantAsked int
	}{
		"it stays":                         {wantAsked: 1},
		"it goes, as the cache knows":      {cached: namespaces{terminating: true}, wantAllowed: true},
		"it is gone, as the cache knows":   {cached: namespaces{gone: true}, wantAllowed: true},
		"it goes, as the cache knows not":  {live: namespaces{terminating: true}, wantAllowed: true, wantAsked: 1},
		"it is gone, though the cache":     {live: namespaces{gone: true}, wantAllowed: true, wantAsked: 1},
		"the API server does not tell":     {live: namespaces{err: errors.New("no answer")}, wantAsked: 1},
		"the cache does not tell, it goes": {cached: namespaces{err: errors.New("no answer")}, live: namespaces{terminating: true}, wantAllowed: true, wantAsked: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, &v1beta1.IPAddressPool{}, tutorial())
			d.cached, d.live = tc.cached, tc.live
			if got := ask(t, d, pool().Obj(), nil).Allowed; got != tc.wantAllowed || d.live.asked != tc.wantAsked {
				t.Errorf("admitted %t, want %t; the API server is asked %d times, want %d", got, tc.wantAllowed, d.live.asked, tc.wantAsked)
			}
		})
	}
}

func TestNobodyIsAskedAboutTheNamespaceWhereNothingIsRefused(t *testing.T) {
	t.Parallel()
	d := open(t, &v1beta1.IPAddressPool{}, tutorial())
	ask(t, d, builder.MakePool("other", "192.0.2.0/24").Obj(), nil)
	ask(t, d, pool().Obj(), pool().AvoidBuggyIPs().Obj())
	if d.cached.asked+d.live.asked > 0 {
		t.Errorf("the cache is asked %d times, the API server %d times", d.cached.asked, d.live.asked)
	}
}

// The way out stays open; nothing else gets through unseen.
func TestWhatCannotBeJudgedIsRefusedUnlessItIsADeletion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		state       known
		wantCode    int32
		wantMessage string
	}{
		"not everything is read": {known{err: errStarting}, http.StatusServiceUnavailable, errStarting.Error()},
		"reading fails":          {known{err: errors.New("no luck")}, http.StatusInternalServerError, "Internal error occurred: no luck"},
		"checking panics":        {known{panics: "oops"}, http.StatusInternalServerError, "Internal error occurred: checking it panicked: oops"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, &v1beta1.IPAddressPool{}, &tc.state)
			response := ask(t, d, pool().Obj(), pool().AvoidBuggyIPs().Obj())
			if response.Allowed || response.Result.Code != tc.wantCode || response.Result.Message != tc.wantMessage {
				t.Errorf("update: allowed %t, %+v", response.Allowed, response.Result)
			}
			expectVerdict(t, d, "UPDATE", "unchecked")
			response = ask(t, d, pool().Obj(), nil)
			if !response.Allowed || len(response.Warnings) != 1 || !strings.HasPrefix(response.Warnings[0], `it was not checked whether IPAddressPool "my-ip-space" is in use: `) {
				t.Errorf("deletion: allowed %t, warnings %q", response.Allowed, response.Warnings)
			}
			if log := d.logs.String(); !strings.Contains(log, "refusing a change that could not be checked") || !strings.Contains(log, "admitting a deletion unchecked") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// Objects are read from the cache as they are there.
func TestRequestsAtOnceModifyNothing(t *testing.T) {
	t.Parallel()
	o := large(4, false)
	objects, state, err := o.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before, err := json.Marshal(objects)
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, &v1beta1.IPAddressPool{}, o)
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() {
			is := builder.MakePool("pool-07", "10.0.7.0/24", fmt.Sprintf("10.1.%d.0/24", i)).Obj()
			if response := ask(t, d, builder.MakePool("pool-07", "10.0.7.0/24").Obj(), is); !response.Allowed {
				t.Errorf("refused: %v", response.Result)
			}
		})
	}
	asking.Wait()
	if after, err := json.Marshal(objects); err != nil || !bytes.Equal(before, after) {
		t.Errorf("%v; the objects were\n%s\nand are\n%s", err, before, after)
	}
	if len(state.Nodes) != 100 || state.NamespaceLabels("team-07")["team"] != "7" || state.NamespaceLabels("unknown") != nil {
		t.Errorf("%d nodes; labels of a namespace: %v", len(state.Nodes), state.NamespaceLabels("team-07"))
	}
}
