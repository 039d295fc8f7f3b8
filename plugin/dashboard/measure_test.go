// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dashboard_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/plugin/dashboard/sample"
	"metallb.io/metallb/test/envtest"
)

// measureVariable asks for what the command costs, for docs/measurements.md:
//
//	DASHBOARD_MEASURE=1 go test ./plugin/dashboard -run Costs -v -timeout 20m
const measureVariable = "DASHBOARD_MEASURE"

func TestWhatTheCommandCosts(t *testing.T) {
	if os.Getenv(measureVariable) == "" {
		t.Skipf("%s is not set", measureVariable)
	}
	server := envtest.Start(t)
	began := time.Now()
	fill(t, server)
	t.Logf("%d services and %d nodes made in %v", large.Services, large.Nodes, time.Since(began).Round(time.Second))

	program := filepath.Join(t.TempDir(), "kubectl-metallb")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "metallb.io/metallb/plugin").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for range 3 {
		began = time.Now()
		command := exec.CommandContext(t.Context(), program, "dashboard", "--kubeconfig", server.Kubeconfig(t))
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		url := strings.TrimSpace(strings.TrimPrefix(line, "The dashboard is at "))
		for browse(t, "GET", url+"api/services", nil).StatusCode != http.StatusOK {
			<-time.After(10 * time.Millisecond)
		}
		first := time.Since(began)
		change(t, server)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", command.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("from the start to the first picture %v; %s", first.Round(10*time.Millisecond), regexp.MustCompile(`VmHWM:.*|VmRSS:.*`).FindAllString(string(status), -1))
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := command.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// change has something change a few times.
func change(t *testing.T, server *envtest.Server) {
	t.Helper()
	for i := range 10 {
		svc := &corev1.Service{}
		if err := server.Client.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "web-1"}, svc); err != nil {
			t.Fatal(err)
		}
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, "example.com/changed", fmt.Sprint(i, time.Now()))
		if err := server.Client.Update(t.Context(), svc); err != nil {
			t.Fatal(err)
		}
		<-time.After(600 * time.Millisecond)
	}
}

// fill makes what a large cluster has.
func fill(t *testing.T, server *envtest.Server) {
	t.Helper()
	c := sample.Cluster(time.Now(), large)
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(16)
	create := func(o client.Object) {
		status, ok := o.DeepCopyObject().(client.Object)
		if !ok {
			t.Fatalf("a copy of %T is of another type", o)
		}
		group.Go(func() error {
			if err := server.Client.Create(ctx, o); err != nil {
				return err
			}
			status.SetResourceVersion(o.GetResourceVersion())
			status.SetUID(o.GetUID())
			if err := server.Client.Status().Update(ctx, status); err != nil {
				return client.IgnoreNotFound(err) // Some kinds have no status.
			}
			return nil
		})
	}
	namespaces := map[string]bool{}
	for i := range c.Services {
		if name := c.Services[i].Namespace; !namespaces[name] {
			namespaces[name] = true
			if err := server.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for o := range c.Written.All() {
		create(o)
	}
	for i := range c.Nodes {
		create(&c.Nodes[i])
	}
	for i := range c.Sessions {
		create(&c.Sessions[i])
	}
	for i := range c.Active {
		create(&c.Active[i])
	}
	for i := range c.Services {
		create(&c.Services[i])
	}
	for _, slices := range c.Slices {
		for i := range slices {
			create(&slices[i])
		}
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
