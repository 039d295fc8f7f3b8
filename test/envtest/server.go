// SPDX-License-Identifier: Apache-2.0

package envtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"metallb.io/metallb/internal/scheme"
	"metallb.io/metallb/test/programs"
)

// Namespace is where this project's objects live. It exists on every server.
const Namespace = "metallb-system"

// errNoPrograms is the reason to skip.
var errNoPrograms = errors.New("no etcd, kube-apiserver and kubectl; build them with 'make test-programs' or set KUBEBUILDER_ASSETS")

// Server is a running API server with the CRDs installed.
type Server struct {
	// Config to connect as an administrator, without a client-side rate limit.
	Config *rest.Config
	// Client for Kubernetes' and this project's kinds, without a cache.
	Client client.Client
	// Scheme that Client uses.
	Scheme *runtime.Scheme

	env   *envtest.Environment
	guard *guard
}

// Start starts a server that is stopped at the end of the test. It skips the test if the programs are missing.
func Start(tb testing.TB) *Server {
	tb.Helper()
	return startWith(tb)
}

// startWith starts a server with arguments of its own that is stopped at the end of the test.
func startWith(tb testing.TB, arguments ...argument) *Server {
	tb.Helper()
	s, err := start(tb.Context(), arguments...)
	if err != nil {
		skipOrFail(tb, err)
	}
	tb.Cleanup(func() {
		if err := s.stop(); err != nil {
			tb.Errorf("stopping the API server: %v", err)
		}
	})
	return s
}

func skipOrFail(tb testing.TB, err error) {
	tb.Helper()
	if errors.Is(err, errNoPrograms) && os.Getenv("CI") != "true" {
		tb.Skip(err)
	}
	tb.Fatal(err)
}

// argument is one of kube-apiserver's, without dashes, and its value.
type argument struct{ name, value string }

func start(ctx context.Context, arguments ...argument) (*Server, error) {
	bin, err := programDirectory()
	if err != nil {
		return nil, err
	}
	crds, err := crdDirectory()
	if err != nil {
		return nil, err
	}
	types, err := scheme.New()
	if err != nil {
		return nil, err
	}
	g, err := newGuard(ctx, bin)
	if err != nil {
		return nil, err
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory: g.dir,
		CRDDirectoryPaths:     []string{crds},
		ErrorIfCRDPathMissing: true,
		Scheme:                types,
		// On a busy machine.
		ControlPlaneStartTimeout: 2 * time.Minute,
	}
	env.ControlPlane.Etcd = &envtest.Etcd{DataDir: g.data()}
	env.ControlPlane.KubectlPath = filepath.Join(bin, "kubectl")
	apiServer := env.ControlPlane.GetAPIServer()
	apiServer.CertDir = g.certs()
	// Both families, and room for thousands of services.
	apiServer.Configure().Set("service-cluster-ip-range", "10.96.0.0/16,fd00:10:96::/112")
	// It would share out requests among users who are all one test, and take a tenth of the server's processor time.
	apiServer.Configure().Set("enable-priority-and-fairness", "false")
	for _, a := range arguments {
		apiServer.Configure().Set(a.name, a.value)
	}

	s := &Server{Scheme: types, env: env, guard: g}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting an API server with %s: %w", bin, err), s.stop())
	}
	return s, nil
}

func (s *Server) stop() error { return errors.Join(s.env.Stop(), s.guard.release()) }

func (s *Server) prepare(ctx context.Context) error {
	config, err := s.env.Start()
	if err != nil {
		return err
	}
	config.QPS = -1
	s.Config = config
	c, err := client.New(s.Config, client.Options{Scheme: s.Scheme})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	s.Client = c
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}
	if err := c.Create(ctx, namespace); err != nil {
		return fmt.Errorf("creating namespace %s: %w", Namespace, err)
	}
	return nil
}

// programDirectory returns the first directory that has all the programs.
func programDirectory() (string, error) {
	for _, dir := range []string{os.Getenv("KUBEBUILDER_ASSETS"), programs.Dir()} {
		missing := func(name string) bool { return !programs.Executable(filepath.Join(dir, name)) }
		if dir != "" && !slices.ContainsFunc([]string{"etcd", "kube-apiserver", "kubectl"}, missing) {
			return dir, nil
		}
	}
	return "", errNoPrograms
}

// crdDirectory finds the CRDs from wherever in the module the test runs.
func crdDirectory() (string, error) {
	root, err := programs.Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "config", "crd", "bases"), nil
}

// Kubeconfig returns the path of a kubeconfig file for the server, removed at the end of the test.
func (s *Server) Kubeconfig(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, s.env.KubeConfig, 0o600); err != nil {
		tb.Fatalf("writing a kubeconfig: %v", err)
	}
	return path
}

// Kubectl runs kubectl with stdin and returns all that it prints; the error is its exit status.
func (s *Server) Kubectl(tb testing.TB, stdin string, args ...string) (string, error) {
	tb.Helper()
	args = append([]string{"--kubeconfig", s.Kubeconfig(tb)}, args...)
	cmd := exec.CommandContext(tb.Context(), s.env.ControlPlane.KubectlPath, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
