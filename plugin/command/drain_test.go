// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

// announced has a Service announced by the nodes.
func announced(t *testing.T, s *envtest.Server, nodes ...string) {
	t.Helper()
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: "web-1", Labels: map[string]string{discoveryv1.LabelServiceName: "web"}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}}},
	}
	if err := s.Client.Create(t.Context(), slice); err != nil {
		t.Fatal(err)
	}
	create(t, s, builder.MakePool("pool", "198.51.100.0/30").Obj(), builder.MakePeer("router", "192.0.2.1").Obj(), builder.MakeAdvertisement("all").Obj(),
		builder.MakeService("web").Holds("pool", "198.51.100.1").Obj())
	for _, name := range nodes {
		create(t, s, node(name, nil), session(name, ""))
	}
}

// report writes what a speaker reports.
func report(t *testing.T, s *envtest.Server, node, reason string) {
	t.Helper()
	is := &v1beta1.BGPSessionState{}
	if err := s.Client.Get(t.Context(), client.ObjectKey{Namespace: envtest.Namespace, Name: node + "-router"}, is); err != nil {
		t.Error(err)
		return
	}
	is.Status = session(node, reason).Status
	if err := s.Client.Status().Update(t.Context(), is); err != nil {
		t.Error(err)
	}
}

func isLabeled(t *testing.T, s *envtest.Server, name string) bool {
	t.Helper()
	n := &corev1.Node{}
	if err := s.Client.Get(t.Context(), client.ObjectKey{Name: name}, n); err != nil {
		t.Fatal(err)
	}
	_, labeled := n.Labels[v1beta1.LabelDrain]
	return labeled
}

func TestADrainIsFollowedToItsEnd(t *testing.T) {
	s := empty(t)
	announced(t, s, "a", "b")
	done := make(chan result, 1)
	go func() { done <- ask(t, s, "", "drain", "a", "--timeout", "1m") }()
	// In place of the speaker: it sees the label, and goes through the phases.
	watched, err := client.NewWithWatch(s.Config, client.Options{Scheme: s.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := watched.Watch(t.Context(), &corev1.NodeList{})
	if err != nil {
		t.Fatal(err)
	}
	defer seen.Stop()
	for event := range seen.ResultChan() {
		if n, is := event.Object.(*corev1.Node); is && n.Name == "a" {
			if _, labeled := n.Labels[v1beta1.LabelDrain]; labeled {
				break
			}
		}
	}
	report(t, s, "a", v1beta1.ReasonDraining)
	report(t, s, "a", v1beta1.ReasonDrained)
	got := <-done
	for _, want := range []string{
		"all services that are announced by a are announced by other nodes too: 1\nnode/a labeled metallb.io/drain\n",
		"✓ node/a drained: it announces nothing on any of its 1 sessions, and is safe to switch off\n",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("without %q: %+v", want, got)
		}
	}
	if got.status != 0 || got.stderr != "" {
		t.Errorf("%+v", got)
	}
	want := result{stdout: "node/a unlabeled metallb.io/drain\n"}
	if diff := cmp.Diff(want, ask(t, s, "", "undrain", "a"), cmp.AllowUnexported(result{})); diff != "" || isLabeled(t, s, "a") {
		t.Errorf("undrain (-want +got):\n%s", diff)
	}
}

func TestADrainThatTakesTheLastRouteIsRefused(t *testing.T) {
	s := empty(t)
	announced(t, s, "a")
	want := result{
		stderr: "error: 1 of 1 services that are announced by a would lose their last route, since no other node announces them: default/web; nothing is done; " +
			"use --force to drain nevertheless\n",
		status: 1,
	}
	if diff := cmp.Diff(want, ask(t, s, "", "drain", "a"), cmp.AllowUnexported(result{})); diff != "" || isLabeled(t, s, "a") {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = result{
		stdout: "node/a labeled metallb.io/drain\n",
		stderr: "warning: 1 of 1 services that are announced by a would lose their last route, since no other node announces them: default/web\n",
	}
	if diff := cmp.Diff(want, ask(t, s, "", "drain", "a", "--force", "--wait=false"), cmp.AllowUnexported(result{})); diff != "" || !isLabeled(t, s, "a") {
		t.Errorf("forced (-want +got):\n%s", diff)
	}
}

func TestADrainThatDoesNotEndSaysWhatIsMissing(t *testing.T) {
	s := empty(t)
	announced(t, s, "a", "b")
	want := result{
		stdout: "all services that are announced by a are announced by other nodes too: 1\nnode/a labeled metallb.io/drain\n· node/a waiting for its speaker\n",
		stderr: "✗ node/a is not drained after 1s: session with router: its speaker does not say that the node drains\n",
		status: 1,
	}
	if diff := cmp.Diff(want, ask(t, s, "", "drain", "a", "--timeout", "1s"), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNodesThatAnnounceNothingAreNotWaitedFor(t *testing.T) {
	s := empty(t)
	kept := node("kept", nil)
	kept.Labels = map[string]string{v1beta1.LabelDrain: "repair", corev1.LabelNodeExcludeBalancers: ""}
	create(t, s, node("idle", nil), kept)
	want := result{stdout: `no service is announced by idle
node/idle labeled metallb.io/drain
node/kept is labeled metallb.io/drain already
✓ node/idle no BGPPeer selects it: it has no sessions, announces nothing, and is safe to switch off
✓ node/kept no BGPPeer selects it: it has no sessions, announces nothing, and is safe to switch off
`}
	if diff := cmp.Diff(want, ask(t, s, "", "drain", "kept", "idle"), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want = result{stdout: `node/kept unlabeled metallb.io/drain
  ! it drains still: the node is labeled node.kubernetes.io/exclude-from-external-load-balancers; to end that, run ` +
		"kubectl label node kept node.kubernetes.io/exclude-from-external-load-balancers-\n"}
	if diff := cmp.Diff(want, ask(t, s, "", "undrain", "kept"), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("undrain (-want +got):\n%s", diff)
	}
	want = result{stderr: "error: Node \"idl\" not found; did you mean \"idle\"?\n", status: 1}
	if diff := cmp.Diff(want, ask(t, s, "", "drain", "idl"), cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("a node that does not exist (-want +got):\n%s", diff)
	}
	if got := ask(t, s, "", "__complete", "drain", "idle", ""); got.stdout != "kept\n:4\n" {
		t.Errorf("completion: %+v", got)
	}
}
