// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/envtest"
)

// empty returns the shared API server without the objects of other tests, which do not find those of this one.
func empty(t *testing.T) *envtest.Server {
	t.Helper()
	s := server.Get(t)
	s.Clean(t)
	t.Cleanup(func() { s.Clean(t) })
	return s
}

// ask runs a command about the server.
func ask(t *testing.T, s *envtest.Server, stdin string, args ...string) result {
	t.Helper()
	return run(t, stdin, append([]string{args[0], "--kubeconfig", s.Kubeconfig(t)}, args[1:]...)...)
}

// create creates the objects with their status.
func create(t *testing.T, s *envtest.Server, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		wanted := o.DeepCopyObject()
		if err := s.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		status, ok := wanted.(client.Object)
		if !ok {
			t.Fatalf("%T is no object", wanted)
		}
		status.SetResourceVersion(o.GetResourceVersion())
		status.SetUID(o.GetUID())
		switch x := status.(type) {
		case *corev1.Service:
			x.Spec = o.(*corev1.Service).Spec //nolint:forcetypeassert // It is the same.
		case *corev1.Node, client.Object:
		}
		if err := s.Client.Status().Update(t.Context(), status); client.IgnoreNotFound(err) != nil {
			t.Fatalf("status of %T %s: %v", o, o.GetName(), err)
		}
	}
}

// session is one of a node, with the reason of its condition Drained; none without a reason.
func session(node, reason string) *v1beta1.BGPSessionState {
	s := &v1beta1.BGPSessionState{ObjectMeta: metav1.ObjectMeta{Namespace: envtest.Namespace, Name: node + "-router"}}
	s.Status = v1beta1.BGPSessionStateStatus{Node: node, Peer: "router", State: v1beta1.SessionEstablished}
	if reason != "" {
		c := metav1.Condition{Type: v1beta1.ConditionDrained, Status: metav1.ConditionFalse, Reason: reason, LastTransitionTime: metav1.Now()}
		if reason == v1beta1.ReasonDrained {
			c.Status = metav1.ConditionTrue
		}
		s.Status.Conditions = []metav1.Condition{c}
	}
	return s
}
