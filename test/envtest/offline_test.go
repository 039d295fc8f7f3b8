// SPDX-License-Identifier: Apache-2.0

package envtest_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/plugin/command"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

func TestWhatIsMigratedIsAppliedWithoutAWarning(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	paths, err := filepath.Glob("../../plugin/migrate/testdata/*/config.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no configurations: %v", err)
	}
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			var resources bytes.Buffer
			streams := genericiooptions.IOStreams{Out: &resources, ErrOut: io.Discard}
			if status := command.Main(t.Context(), []string{"migrate", "-f", path}, os.Getenv, streams); status == 2 {
				t.Fatal("nothing is carried over")
			}
			out, err := s.Kubectl(t, resources.String(), "apply", "--dry-run=server", "--validate=strict", "-f", "-")
			if err != nil {
				t.Fatalf("kubectl: %v\n%s", err, out)
			}
			count := strings.Count(resources.String(), "\nkind: ")
			if created := strings.Count(out, " created (server dry run)\n"); created != count || strings.Count(out, "\n") != count {
				t.Errorf("%d of %d objects created:\n%s", created, count, out)
			}
		})
	}
}

func TestFilesAreValidatedAgainstAnAPIServer(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	const namespace = "validated"
	nginx := builder.MakeService("nginx").In(namespace).Holds("my-ip-space", "198.51.100.0").Obj()
	status := nginx.Status
	for _, o := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, nginx,
		builder.MakePeer("router", "10.96.0.100").Obj(), builder.MakeAdvertisement("everything").Obj(),
		builder.MakePool("my-ip-space", "198.51.100.0/24").Obj(),
	} {
		if o.GetNamespace() == envtest.Namespace {
			o.SetNamespace(namespace)
		}
		if err := s.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	nginx.Status = status
	if err := s.Client.Status().Update(t.Context(), nginx); err != nil {
		t.Fatal(err)
	}
	tutorial, err := os.ReadFile("../../config/tutorial/tutorial-3.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := s.Kubeconfig(t)
	for name, tc := range map[string]struct {
		manifest string
		want     string
	}{
		"the tutorial's step 6": {
			manifest: string(tutorial),
			want: `-:2: IPAddressPool validated/my-ip-space: spec.avoidBuggyIPs: Forbidden: ` +
				`new config not compatible with assigned IPs: service "validated/nginx" cannot own "198.51.100.0" under new config` + "\n",
		},
		"what takes nothing away": {manifest: strings.Replace(string(tutorial), "avoidBuggyIPs: true", "- 203.0.113.0/24", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			manifest := strings.NewReader(strings.Replace(tc.manifest, "namespace: "+envtest.Namespace, "namespace: "+namespace, 1))
			args := []string{"validate", "-f", "-", "--against-cluster", "--kubeconfig", kubeconfig, "--system-namespace", namespace}
			status := command.Main(t.Context(), args, os.Getenv, genericiooptions.IOStreams{In: manifest, Out: &stdout, ErrOut: &stderr})
			if diff := cmp.Diff(tc.want, stdout.String()); diff != "" || stderr.Len() > 0 || status != min(len(tc.want), 1) {
				t.Errorf("exit status %d, standard error %q, findings (-want +got):\n%s", status, stderr.String(), diff)
			}
		})
	}
}
