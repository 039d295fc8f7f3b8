// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/playground"
)

// manifest is all of config/default in one file.
const manifest = "config/manifests/metallb.yaml"

// Whoever removes the product while services use it must not be kept waiting by its own webhook.
func TestRemovalFinishesByItselfWithServicesAlive(t *testing.T) {
	p := withNothing(t)
	kubectl(t, p, "apply", "-f", "config/tutorial/tutorial-2.yaml")
	kubectl(t, p, "rollout", "status", "--timeout=2m", "deployment/nginx")
	unserved := objects(t, p)
	reinstall(t, p)
	for _, way := range []struct {
		name   string
		remove func(*testing.T, *playground.Playground)
		// leavesKinds is whether the kinds are to be left.
		leavesKinds bool
	}{
		{name: "by deleting the namespace", remove: deleteNamespace, leavesKinds: true},
		{name: "by deleting the manifest", remove: deleteManifest},
		{name: "by deleting everything at once with the configuration first", remove: deleteEverything(false)},
		{name: "by deleting everything at once with the configuration last", remove: deleteEverything(true)},
	} {
		ok := t.Run(way.name, func(t *testing.T) {
			way.remove(t, p)
			eventually(t, "the namespace to be gone", func() string {
				err := clusterClient(t, p).Get(t.Context(), client.ObjectKey{Name: playground.Namespace}, &corev1.Namespace{})
				if apierrors.IsNotFound(err) {
					return ""
				}
				return fmt.Sprintf("it is there, or unknown: %v", err)
			})
			if !way.leavesKinds {
				awaitObjects(t, p, unserved)
			}
			if got := address(t, p, "nginx"); got != nginxAddress {
				t.Errorf("nginx has %q now", got)
			}
			reinstall(t, p)
		})
		if !ok {
			t.FailNow() // the next one starts from what this one has left
		}
	}
	theWorld.hasTutorial = true // for the manifest is all of config/default
}

func deleteNamespace(t *testing.T, p *playground.Playground) {
	t.Helper()
	kubectl(t, p, "delete", "namespace", "metallb-system", "--timeout=1m")
}

func deleteManifest(t *testing.T, p *playground.Playground) {
	t.Helper()
	kubectl(t, p, "delete", "--timeout=1m", "-f", manifest)
}

// deleteEverything deletes in one command what was installed and how it was configured. Some of the configuration may be
// refused to be deleted by itself as long as it is in use; that it goes with its namespace all the same is the point.
func deleteEverything(installedFirst bool) func(*testing.T, *playground.Playground) {
	return func(t *testing.T, p *playground.Playground) {
		t.Helper()
		manifests := make([]string, 0, 1+len(configuration))
		for _, file := range slices.Concat([]string{manifest}, configuration) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			manifests = append(manifests, string(content))
		}
		if !installedFirst {
			slices.Reverse(manifests)
		}
		file := filepath.Join(t.TempDir(), "everything.yaml")
		if err := os.WriteFile(file, []byte(strings.Join(manifests, "\n---\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := p.KubectlOutput(t.Context(), "delete", "--ignore-not-found", "--timeout=1m", "-f", file); err != nil {
			t.Logf("in the meantime: %v", err)
			if text := err.Error(); strings.Contains(text, "timed out") {
				t.Error("the removal did not finish by itself")
			}
		}
	}
}

// reinstall makes the playground as withTutorial does, but from the manifest.
func reinstall(t *testing.T, p *playground.Playground) {
	t.Helper()
	kubectl(t, p, "apply", "-f", manifest)
	for _, workload := range []string{"deployment/controller", "daemonset/speaker"} {
		kubectl(t, p, "-n", "metallb-system", "rollout", "status", "--timeout=2m", workload)
	}
	kubectl(t, p, "apply", "-f", "config/tutorial/test-bgp-router.yaml")
	configure(t, p)
	kubectl(t, p, "-n", "metallb-system", "rollout", "status", "--timeout=2m", "deployment/test-bgp-router")
	awaitRoutes(t, p)
}
