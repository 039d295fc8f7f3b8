// SPDX-License-Identifier: Apache-2.0

package command_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/command"
	"metallb.io/metallb/test/envtest"
)

// empty returns the shared API server without the objects of other tests.
func empty(t *testing.T) *envtest.Server {
	t.Helper()
	s := server.Get(t)
	s.Clean(t)
	return s
}

// ask runs a command about the server.
func ask(t *testing.T, s *envtest.Server, stdin string, args ...string) result {
	t.Helper()
	return run(t, stdin, append([]string{args[0], "--kubeconfig", s.Kubeconfig(t)}, args[1:]...)...)
}

// createWhole creates objects, with their status.
func createWhole(t *testing.T, s *envtest.Server, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		o.SetNamespace(namespaceOf(o))
		status, _ := o.DeepCopyObject().(client.Object)
		if err := s.Client.Create(t.Context(), o); err != nil {
			t.Fatalf("creating %T %s: %v", o, o.GetName(), err)
		}
		status.SetResourceVersion(o.GetResourceVersion())
		if svc, is := status.(*corev1.Service); is {
			made, _ := o.(*corev1.Service)
			made.Status = svc.Status
			status = made
		}
		if err := s.Client.Status().Update(t.Context(), status); err != nil {
			t.Fatalf("writing the status of %T %s: %v", o, o.GetName(), err)
		}
	}
}

func namespaceOf(o client.Object) string {
	switch o.(type) {
	case *corev1.Service:
		return metav1.NamespaceDefault
	case *corev1.Node:
		return ""
	}
	return envtest.Namespace
}

// session is one of a node, with the reason of its condition Drained; none without a reason.
func session(node, reason string) *v1beta1.BGPSessionState {
	s := &v1beta1.BGPSessionState{ObjectMeta: metav1.ObjectMeta{Name: node + "-router"}}
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
