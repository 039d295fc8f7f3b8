// SPDX-License-Identifier: Apache-2.0

//go:build !windows

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

var shared envtest.Shared

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	os.Exit(shared.Main(m))
}

// empty returns the shared API server without the objects of other tests.
func empty(t *testing.T) *envtest.Server {
	t.Helper()
	s := shared.Get(t)
	s.Clean(t)
	return s
}

// result is what a command has said.
type result struct {
	out, err string
	status   int
}

// ask runs a command.
func ask(t *testing.T, s *envtest.Server, stdin string, args ...string) result {
	t.Helper()
	var out, errOut bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &out, ErrOut: &errOut}
	args = append([]string{args[0], "--kubeconfig", s.Kubeconfig(t)}, args[1:]...)
	status := command.Main(t.Context(), args, func(string) string { return "" }, streams)
	return result{out.String(), errOut.String(), status}
}

// create creates objects, with their status.
func create(t *testing.T, s *envtest.Server, objects ...client.Object) {
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

// node is a Node of this name.
func node(name string) *corev1.Node { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }

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
