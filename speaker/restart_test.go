// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/drain"
	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

// ofDaemonSet are what a speaker is run by. The pod is kept by its finalizer when it is deleted, since no kubelet is there.
const ofDaemonSet = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: speaker, namespace: metallb-system}
spec:
  selector: {matchLabels: {app: metallb}}
  template:
    metadata: {labels: {app: metallb}}
    spec: {hostNetwork: true, containers: [{name: speaker, image: speaker}]}
`

const ownPod = `
apiVersion: v1
kind: Pod
metadata:
  name: speaker-abcde
  namespace: metallb-system
  finalizers: [example.com/test]
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: speaker, uid: UID, controller: true}]
spec: {nodeName: node-1, hostNetwork: true, containers: [{name: speaker, image: speaker}]}
`

// inNamespace are kubectl's arguments for the objects of the speaker.
func inNamespace(args ...string) []string {
	return append([]string{"--namespace", "metallb-system"}, args...)
}

// makePod makes the DaemonSet and the pod anew, and the node ready.
func (k kubectl) makePod(t *testing.T) {
	t.Helper()
	// There may be none.
	_, _ = k.Kubectl(t, "", inNamespace("patch", "pod", "speaker-abcde", "--type=merge", "--patch", `{"metadata":{"finalizers":null}}`)...)
	k.run(t, inNamespace("delete", "--ignore-not-found", "--force", "--grace-period=0", "pod/speaker-abcde", "daemonset/speaker")...)
	k.Apply(t, ofDaemonSet)
	d := &appsv1.DaemonSet{}
	if err := k.Client.Get(t.Context(), client.ObjectKey{Namespace: envtest.Namespace, Name: "speaker"}, d); err != nil {
		t.Fatal(err)
	}
	k.Apply(t, strings.Replace(ownPod, "UID", string(d.UID), 1))
	k.setReady(t, "True")
	k.Patch(t, builder.MakeNode("node-1").Obj(), `{"spec":{"taints":null}}`) // A new node has one until it is found ready.
}

func (k kubectl) setReady(t *testing.T, status string) {
	t.Helper()
	k.PatchStatus(t, builder.MakeNode("node-1").Obj(), `{"status":{"conditions":[{"type":"Ready","status":"`+status+`"}]}}`)
}

// deletePod is what the controller of DaemonSets does for an update.
func (k kubectl) deletePod(t *testing.T) {
	t.Helper()
	k.run(t, inNamespace("delete", "pod", "speaker-abcde", "--wait=false")...)
}

func TestARouterKeepsTheRoutesOfASpeakerThatIsUpdatedAndOfNoOther(t *testing.T) {
	bgptest.Require(t)
	route := netip.MustParsePrefix("198.51.100.0/32")
	tests := map[string]struct {
		// stop has the speaker stop, by SIGTERM unless it was killed already.
		stop func(*testing.T, kubectl, *speakerProcess)
		keep bool
		// says is part of the reason in the log.
		says string
	}{
		"a rolling update": {stop: func(t *testing.T, k kubectl, _ *speakerProcess) { t.Helper(); k.deletePod(t) }, keep: true, says: "DaemonSet speaker runs another one"},
		"kill -9": {stop: func(t *testing.T, _ kubectl, s *speakerProcess) {
			t.Helper()
			_ = s.kill(t, syscall.SIGKILL)
		}, keep: true},
		"a container that is restarted, or a machine that goes down": {stop: func(*testing.T, kubectl, *speakerProcess) {}, says: "the pod is not being deleted"},
		"the DaemonSet is deleted": {stop: func(t *testing.T, k kubectl, _ *speakerProcess) {
			t.Helper()
			k.run(t, inNamespace("delete", "daemonset", "speaker")...)
			k.deletePod(t)
		}, says: "DaemonSet speaker, which the pod is of, does not exist any more"},
		"the DaemonSet leaves the node": {stop: func(t *testing.T, k kubectl, _ *speakerProcess) {
			t.Helper()
			k.run(t, inNamespace("patch", "daemonset", "speaker", "--type=merge", "--patch", `{"spec":{"template":{"spec":{"nodeSelector":{"edge":""}}}}}`)...)
			k.deletePod(t)
		}, says: "does not select the node any more"},
		"the node shuts down": {stop: func(t *testing.T, k kubectl, _ *speakerProcess) {
			t.Helper()
			k.setReady(t, "False")
			k.deletePod(t)
		}, says: "the Node is not ready"},
		"the speaker may not ask": {stop: func(t *testing.T, k kubectl, _ *speakerProcess) {
			t.Helper()
			k.deletePod(t)
			k.run(t, inNamespace("delete", "rolebinding", "metallb-speaker")...)
		}, says: "it is not known whether another speaker takes over"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv(podNameVariable, "speaker-abcde")
			g := newGomega(t)
			kube, _, bird := startTutorial(t)
			kube.makePod(t)
			kube.run(t, inNamespace("patch", "bgppeer", "router", "--type=merge", "--patch", `{"spec":{"enableGracefulRestart":true}}`)...)
			kube.assign(t, "198.51.100.0")
			s := startSpeaker(t, kube)
			g.Eventually(func() map[netip.Prefix]bool { return bird.Prefixes(t) }).Should(Equal(map[netip.Prefix]bool{route: false}), s.log)
			g.Eventually(kube.stateOf(t)).Should(Equal("Established "), s.log)

			tc.stop(t, kube, s)
			if s.cmd.ProcessState == nil {
				g.Expect(s.kill(t, syscall.SIGTERM)).To(Succeed(), s.log)
			}
			g.Expect(s.log()).To(ContainSubstring(tc.says))
			if !tc.keep {
				g.Eventually(func() map[netip.Prefix]bool { return bird.Prefixes(t) }).Should(BeEmpty())
				return
			}
			g.Eventually(func() map[netip.Prefix]bool { return bird.Prefixes(t) }).Should(Equal(map[netip.Prefix]bool{route: true}))
			if tc.says != "" {
				g.Expect(kube.stateOf(t)()).To(Equal("Idle the node's speaker is restarting"))
			}
			s = startSpeaker(t, kube)
			g.Eventually(func() map[netip.Prefix]bool { return bird.Prefixes(t) }).Should(Equal(map[netip.Prefix]bool{route: false}), s.log)
		})
	}
}

// stateOf returns a function that reads state and last error of the session with the router.
func (k kubectl) stateOf(t *testing.T) func() string {
	t.Helper()
	return func() string {
		s := &v1beta1.BGPSessionState{}
		_ = k.Client.Get(t.Context(), client.ObjectKey{Namespace: envtest.Namespace, Name: "node-1-router"}, s) // It may not be there yet.
		return fmt.Sprintf("%s %s", s.Status.State, s.Status.LastError)
	}
}

// What cannot be known within a second is an end.
func TestASpeakerThatCannotAskWithdrawsItsRoutes(t *testing.T) {
	t.Parallel()
	objects := func() []client.Object {
		return []client.Object{
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "metallb-system"}},
			&corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: "node-1"},
				Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
			},
			&appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "speaker", Namespace: "metallb-system", UID: "one"}},
			&corev1.Pod{ObjectMeta: metav1.ObjectMeta{
				Name: "speaker-abcde", Namespace: "metallb-system", DeletionTimestamp: new(metav1.Now()), Finalizers: []string{"example.com/test"},
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "speaker", UID: "one", Controller: new(true)}},
			}},
		}
	}
	tests := map[string]struct {
		pod string
		// get is what is answered to a question; nil is the object.
		get  func(ctx context.Context, object client.Object) error
		want string
	}{
		"all can be asked": {pod: "speaker-abcde"},
		"no pod is known":  {want: "METALLB_POD_NAME is not set"},
		"it is forbidden to read pods": {pod: "speaker-abcde", get: func(_ context.Context, o client.Object) error {
			if _, isPod := o.(*corev1.Pod); isPod {
				return errors.New("forbidden")
			}
			return nil
		}, want: "reading *v1.Pod speaker-abcde: forbidden"},
		"nobody answers": {pod: "speaker-abcde", get: func(ctx context.Context, _ client.Object) error { <-ctx.Done(); return ctx.Err() }, want: "deadline exceeded"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				reader := fake.NewClientBuilder().WithObjects(objects()...).WithInterceptorFuncs(interceptor.Funcs{
					Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, _ ...client.GetOption) error {
						if tc.get != nil {
							if err := tc.get(ctx, o); err != nil {
								return err
							}
						}
						return c.Get(ctx, key, o)
					},
				}).Build()
				d := departing{reader, "metallb-system", tc.pod, "node-1", drain.Rules{}}.decide(t.Context())
				if d.KeepRoutes != (tc.want == "") || !strings.Contains(d.Reason, tc.want) {
					t.Errorf("keeps routes: %t, since %q; want %q", d.KeepRoutes, d.Reason, tc.want)
				}
			})
		})
	}
}
