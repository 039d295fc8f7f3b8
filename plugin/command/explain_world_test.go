// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/command"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/programs"
)

// system is an API server with the controller, for which the tests do what speakers and Kubernetes' own controllers do.
type system struct {
	*envtest.Server

	kubeconfig string
	// path has kubectl first.
	path string
}

// newSystem starts it, for as long as the test lasts.
func newSystem(t *testing.T) *system {
	t.Helper()
	server := envtest.Start(t)
	s := &system{Server: server, kubeconfig: server.Kubeconfig(t)}
	kubectl, err := programs.Find("kubectl")
	if err != nil {
		t.Fatal(err)
	}
	s.path = filepath.Dir(kubectl) + string(os.PathListSeparator) + os.Getenv("PATH")
	controller := exec.Command(filepath.Join(programs.Product(t), "controllers"), "--metrics-bind-address=0", "--health-probe-bind-address=0",
		"--debug-bind-address=0", "--leader-elect=false", "--webhook-mode=disabled")
	controller.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig, "METALLB_NAMESPACE="+envtest.Namespace)
	if err := controller.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = controller.Process.Kill()
		_ = controller.Wait()
	})
	return s
}

// clean deletes what an earlier case has left, once the controller uses none of its pools.
func (s *system) clean(t *testing.T) {
	t.Helper()
	services := &corev1.ServiceList{}
	if err := s.Client.List(t.Context(), services, client.InNamespace(metav1.NamespaceDefault)); err != nil {
		t.Fatal(err)
	}
	for i := range services.Items {
		if services.Items[i].Spec.Type != corev1.ServiceTypeLoadBalancer {
			continue
		}
		if err := s.Client.Delete(t.Context(), &services.Items[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Client.DeleteAllOf(t.Context(), &v1beta1.IPAddressPool{}, client.InNamespace(envtest.Namespace)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the controller to use no pool", func() string {
		used := &v1beta1.ActiveConfigurationList{}
		if err := s.Client.List(t.Context(), used, client.InNamespace(envtest.Namespace)); err != nil {
			return err.Error()
		}
		for _, a := range used.Items {
			if a.Spec.Kind == "IPAddressPool" {
				return a.Name
			}
		}
		return ""
	})
	s.Clean(t)
}

func (s *system) create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := s.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if pool, isPool := o.(*v1beta1.IPAddressPool); isPool {
			s.awaitPool(t, pool.Name)
		}
	}
}

// awaitPool waits until the controller uses the pool, in place of the one of that name that an earlier case may have had.
func (s *system) awaitPool(t *testing.T, name string) {
	t.Helper()
	eventually(t, "the controller to use pool "+name, func() string {
		pool := &v1beta1.IPAddressPool{}
		if err := s.Client.Get(t.Context(), client.ObjectKey{Namespace: envtest.Namespace, Name: name}, pool); err != nil {
			return err.Error()
		}
		if meta.FindStatusCondition(pool.Status.Conditions, v1beta1.ConditionValid) == nil {
			return "it has no condition Valid"
		}
		return ""
	})
}

// eventually waits until the function returns nothing that is missing.
func eventually(t *testing.T, what string, missing func() string) {
	t.Helper()
	var last string
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		last = missing()
		return last == "", nil
	})
	if err != nil {
		t.Fatalf("waiting for %s: %s", what, last)
	}
}

// awaitCondition waits until the controller has said something of a Service, and that it is so if a status is given.
func (s *system) awaitCondition(t *testing.T, name, kind string, status ...metav1.ConditionStatus) {
	t.Helper()
	eventually(t, kind+" of "+name, func() string {
		svc := &corev1.Service{}
		if err := s.Client.Get(t.Context(), client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: name}, svc); err != nil {
			return err.Error()
		}
		for _, c := range svc.Status.Conditions {
			if c.Type == kind && (len(status) == 0 || c.Status == status[0]) {
				return ""
			}
		}
		return "no such condition"
	})
}

// run runs the plugin, and returns what it writes and whether it says that something is wrong.
func (s *system) run(t *testing.T, args ...string) (out string, wrong bool) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := command.Main(t.Context(), append([]string{"--kubeconfig", s.kubeconfig}, args...), func(string) string { return "" },
		genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
	if stderr.Len() > 0 {
		t.Fatalf("%v: %s", args, &stderr)
	}
	return stdout.String(), status != 0
}

// explain returns the explanation of a Service.
func (s *system) explain(t *testing.T, name string) (explain.Chain, bool) {
	t.Helper()
	out, wrong := s.run(t, "explain", "service", name, "-o", "json")
	var chain explain.Chain
	if err := json.Unmarshal([]byte(out), &chain); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return chain, wrong
}

// shell runs a command line as a person pastes it.
func (s *system) shell(t *testing.T, line string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig, "PATH="+s.path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// tell says how a session fares, as the node's speaker does.
func (s *system) tell(t *testing.T, node, peer string, state v1beta1.SessionState, lastError string) {
	t.Helper()
	session := &v1beta1.BGPSessionState{ObjectMeta: metav1.ObjectMeta{Namespace: envtest.Namespace, Name: node + "-" + peer}}
	err := s.Client.Create(t.Context(), session)
	if err == nil || client.IgnoreAlreadyExists(err) == nil {
		err = s.Client.Get(t.Context(), client.ObjectKeyFromObject(session), session)
	}
	session.Status = v1beta1.BGPSessionStateStatus{Node: node, Peer: peer, State: state, LastError: lastError}
	if err = errors.Join(err, s.Client.Status().Update(t.Context(), session)); err != nil {
		t.Fatal(err)
	}
}

// endpoints has a ready endpoint of the Service on each of the nodes.
func endpoints(service string, kind discoveryv1.AddressType, nodes ...string) *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{AddressType: kind, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}}
	slice.Namespace, slice.Name = metav1.NamespaceDefault, service
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: service}
	address := "10.0.0.1"
	if kind == discoveryv1.AddressTypeIPv6 {
		address = "fd00::1"
	}
	for i := range nodes {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{address}, NodeName: &nodes[i]})
	}
	return slice
}

func node(name string, labels map[string]string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}
