// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

// controllerProcess is a running controller.
type controllerProcess struct {
	cmd *exec.Cmd
	// log is what it has logged.
	log *gbytes.Buffer
	// temporary is where it puts files, if any.
	temporary string
	// ended is closed when it has.
	ended chan struct{}
}

// startController runs the controller until the end of the spec, or until it is stopped.
func startController(flags ...string) *controllerProcess {
	GinkgoHelper()
	return startControllerWith(server.Kubeconfig(GinkgoTB()), flags...)
}

// startControllerWith does so with that kubeconfig.
func startControllerWith(kubeconfig string, flags ...string) *controllerProcess {
	GinkgoHelper()
	return startControllerIn(envtest.Namespace, kubeconfig, flags...)
}

// startControllerIn does so for the configuration in that namespace.
func startControllerIn(namespace, kubeconfig string, flags ...string) *controllerProcess {
	GinkgoHelper()
	args := append([]string{
		"--metrics-bind-address=0", "--health-probe-bind-address=0", "--debug-bind-address=0", "--leader-elect=false", "--webhook-mode=disabled",
	}, flags...)
	p := &controllerProcess{cmd: exec.Command(program, args...), log: gbytes.NewBuffer(), temporary: GinkgoT().TempDir(), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "METALLB_NAMESPACE="+namespace, "TMPDIR="+p.temporary)
	p.cmd.Stderr = io.MultiWriter(GinkgoWriter, p.log)
	Expect(p.cmd.Start()).To(Succeed())
	go func() {
		_ = p.cmd.Wait() // Its state tells how it ended.
		close(p.ended)
	}()
	DeferCleanup(func() { p.stop(syscall.SIGKILL) })
	return p
}

// stop ends the controller by the signal and waits for its end.
func (p *controllerProcess) stop(signal syscall.Signal) {
	GinkgoHelper()
	p.signal(signal)
	Eventually(p.ended).Should(BeClosed())
}

func (p *controllerProcess) signal(signal syscall.Signal) {
	_ = p.cmd.Process.Signal(signal) // It may have ended already.
}

// create creates the objects and returns when they exist.
func create(ctx context.Context, objects ...client.Object) {
	GinkgoHelper()
	for _, o := range objects {
		Expect(server.Client.Create(ctx, o)).To(Succeed())
	}
}

func remove(ctx context.Context, objects ...client.Object) {
	GinkgoHelper()
	for _, o := range objects {
		Expect(server.Client.Delete(ctx, o)).To(Succeed())
	}
}

// change reads the object, changes it and writes it back.
func change[T client.Object](ctx context.Context, object T, edit func(T)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := server.Client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return err
		}
		edit(object)
		return server.Client.Update(ctx, object)
	}).Should(Succeed())
}

// read returns the Service as it is now.
func read(ctx context.Context, namespace, name string) *corev1.Service {
	svc := &corev1.Service{}
	if err := server.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, svc); err != nil {
		return nil
	}
	return svc
}

// addresses returns a function that reads the addresses of a Service in namespace default.
func addresses(ctx context.Context, name string) func() []string {
	return func() []string {
		svc := read(ctx, metav1.NamespaceDefault, name)
		if svc == nil {
			return nil
		}
		var found []string
		for _, i := range svc.Status.LoadBalancer.Ingress {
			found = append(found, i.IP)
		}
		return found
	}
}

// holds matches a function that reads addresses.
func holds(want ...string) types.GomegaMatcher { return Equal(want) }

// allocated returns a function that reads the condition of a Service, as "status reason: message".
func allocated(ctx context.Context, name string) func() string {
	return func() string {
		svc := read(ctx, metav1.NamespaceDefault, name)
		if svc == nil {
			return ""
		}
		return summary(svc.Status.Conditions, v1beta1.ConditionAllocated)
	}
}

// valid returns a function that reads the condition of a pool, as "status reason: message".
func valid(ctx context.Context, name string) func() string {
	return func() string {
		p := &v1beta1.IPAddressPool{}
		if err := server.Client.Get(ctx, client.ObjectKey{Namespace: "metallb-system", Name: name}, p); err != nil {
			return err.Error()
		}
		return summary(p.Status.Conditions, v1beta1.ConditionValid)
	}
}

func summary(conditions []metav1.Condition, kind string) string {
	c := meta.FindStatusCondition(conditions, kind)
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
}

// counts returns a function that reads the counts of a pool: assigned and available, IPv4 and IPv6.
func counts(ctx context.Context, name string) func() []int64 {
	return func() []int64 {
		p := &v1beta1.IPAddressPool{}
		if err := server.Client.Get(ctx, client.ObjectKey{Namespace: "metallb-system", Name: name}, p); err != nil {
			return nil
		}
		s := p.Status
		return []int64{s.AssignedIPv4, s.AvailableIPv4, s.AssignedIPv6, s.AvailableIPv6}
	}
}

// apiServersAllocator reports what the API server finds wrong with cluster IPs, such as one that it is about to note down.
const apiServersAllocator = "ipallocator-repair-controller"

// isAbout reports whether the event tells of the object what somebody else than the API server's allocator has to say.
func isAbout(e *corev1.Event, kind, name string) bool {
	return e.InvolvedObject.Kind == kind && e.InvolvedObject.Name == name &&
		e.Source.Component != apiServersAllocator && e.ReportingController != apiServersAllocator
}

// events returns a function that reads the events about an object, as "type reason: message", in order of their text.
func events(ctx context.Context, kind, name string) func() []string {
	return func() []string {
		list := &corev1.EventList{}
		if err := server.Client.List(ctx, list); err != nil {
			return []string{err.Error()}
		}
		var found []string
		for _, e := range list.Items {
			if isAbout(&e, kind, name) {
				found = append(found, fmt.Sprintf("%s %s: %s", e.Type, e.Reason, e.Message))
			}
		}
		slices.Sort(found)
		return found
	}
}

func tutorialPool() *v1beta1.IPAddressPool {
	return builder.MakePool("my-ip-space", "198.51.100.0/24").Obj()
}
