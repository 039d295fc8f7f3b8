// SPDX-License-Identifier: Apache-2.0

package rbac

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/freeport"
	"metallb.io/metallb/test/programs"
)

// world is an API server with the roles of config/rbac, and both programs.
type world struct {
	*WithT
	*envtest.Audited
	t *testing.T
	// bin is where the programs are.
	bin string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{WithT: NewWithT(t), Audited: envtest.StartAudited(t), t: t, bin: programs.Product(t)}
	w.SetDefaultEventuallyTimeout(time.Minute)
	w.SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	w.kubectl("", "apply", "--namespace", envtest.Namespace, "--kustomize", "../../config/rbac")
	w.kubectl("", "apply", "--filename", "../../config/service-bgp-status/role.yaml")
	return w
}

// kubectl runs it as an administrator, and returns what it prints.
func (w *world) kubectl(stdin string, args ...string) string {
	w.t.Helper()
	out, err := w.Kubectl(w.t, stdin, args...)
	if err != nil {
		w.t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// apply creates or changes the objects.
func (w *world) apply(objects string) { w.t.Helper(); w.kubectl(objects, "apply", "--filename", "-") }

// refuses returns what is answered to what must be refused.
func (w *world) refuses(args ...string) string {
	w.t.Helper()
	out, err := w.Kubectl(w.t, "", args...)
	if err == nil {
		w.t.Fatalf("kubectl %s is not refused:\n%s", strings.Join(args, " "), out)
	}
	return out
}

// column returns a function that reads a field of an object.
func (w *world) column(path, kind, name string, flags ...string) func() string {
	return func() string {
		out, _ := w.Kubectl(w.t, "", append([]string{"get", kind, name, "--output", "jsonpath=" + path}, flags...)...) // It may not be there yet.
		return out
	}
}

// events returns a function that reads the reasons of all events about objects of the kind, and the times they were repeated.
func (w *world) events(kind string) func() []string {
	return func() []string {
		list := &corev1.EventList{}
		if err := w.Client.List(w.t.Context(), list); err != nil {
			return nil
		}
		var found []string
		for i := range list.Items {
			if e := &list.Items[i]; e.InvolvedObject.Kind == kind {
				text := e.InvolvedObject.Name + " " + e.Reason
				if e.Series != nil {
					text += " repeated"
				}
				found = append(found, text)
			}
		}
		return found
	}
}

// kubeconfig returns the path of one with a token of the ServiceAccount, and with no other right.
func (w *world) kubeconfig(account string) string {
	w.t.Helper()
	request := &authenticationv1.TokenRequest{}
	owner := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: envtest.Namespace, Name: account}}
	if err := w.Client.SubResource("token").Create(w.t.Context(), owner, request); err != nil {
		w.t.Fatalf("asking for a token: %v", err)
	}
	config, err := clientcmd.LoadFromFile(w.Kubeconfig(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	for name := range config.AuthInfos {
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: request.Status.Token}
	}
	path := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// process is a running program.
type process struct {
	w       *world
	cmd     *exec.Cmd
	log     syncBuffer
	metrics string
	probes  string
}

// start runs the program as its ServiceAccount until the end of the test, or until it is stopped.
func (w *world) start(program, account string, environment []string, flags ...string) *process {
	w.t.Helper()
	p := &process{w: w, metrics: freeport.Address(w.t), probes: freeport.Address(w.t)}
	p.cmd = exec.CommandContext(context.WithoutCancel(w.t.Context()), filepath.Join(w.bin, program), append([]string{
		"--metrics-bind-address=" + p.metrics, "--health-probe-bind-address=" + p.probes, "--debug-bind-address=0",
	}, flags...)...)
	p.cmd.Env = append(os.Environ(), append([]string{"KUBECONFIG=" + w.kubeconfig(account), "TMPDIR=" + w.t.TempDir()}, environment...)...)
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill() // It may have ended.
			_ = p.cmd.Wait()
		}
		if w.t.Failed() {
			w.t.Logf("the log of the %s:\n%s", program, p.log.String())
		}
	})
	return p
}

// stop ends the program as Kubernetes does.
func (p *process) stop() {
	p.w.t.Helper()
	p.w.Expect(p.cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())
	p.w.Expect(p.cmd.Wait()).To(Succeed(), p.log.String)
}

// ready returns whether the program says that it is, and else what it says.
func (p *process) ready() error {
	request, err := http.NewRequestWithContext(p.w.t.Context(), http.MethodGet, "http://"+p.probes+"/readyz?verbose", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	return nil
}

// syncBuffer is written by one goroutine and read by others.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// inNamespace is the key of an object of the configuration.
func inNamespace(name string) client.ObjectKey {
	return client.ObjectKey{Namespace: envtest.Namespace, Name: name}
}
