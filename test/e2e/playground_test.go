// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/router/router"
)

// patience is how long the world may take to become as expected.
const patience = 60 * time.Second

// deployNginx applies the tutorial's routers and its web server.
func deployNginx(t *testing.T, p *playground.Playground) {
	t.Helper()
	kubectl(t, p, "apply", "-f", "config/tutorial/test-bgp-router.yaml", "-f", "config/tutorial/tutorial-2.yaml")
	kubectl(t, p, "-n", "metallb-system", "rollout", "status", "--timeout=2m", "deployment/test-bgp-router")
	kubectl(t, p, "rollout", "status", "--timeout=2m", "deployment/nginx")
}

// configuration is what a user of the playground has applied, apart from the test routers.
var configuration = []string{"config/tutorial/tutorial-1.yaml", "config/tutorial/rack-router.yaml"}

// configure applies the configuration.
func configure(t *testing.T, p *playground.Playground) {
	t.Helper()
	for _, file := range configuration {
		kubectl(t, p, "apply", "-f", file)
	}
}

func kubectl(t *testing.T, p *playground.Playground, args ...string) string {
	t.Helper()
	text, err := p.KubectlOutput(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

// apply applies a manifest.
func apply(t *testing.T, p *playground.Playground, manifest string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, p, "apply", "-f", file)
}

// eventually waits until the condition returns nothing that is wrong.
func eventually(t *testing.T, what string, condition func() (wrong string)) {
	t.Helper()
	if wrong := await(t.Context(), condition); wrong != "" {
		t.Fatalf("waiting for %s: %s", what, wrong)
	}
}

// await waits until the condition returns nothing that is wrong. What is wrong after all patience it returns.
func await(ctx context.Context, condition func() (wrong string)) string {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		began := time.Now()
		wrong := condition()
		if wrong == "" {
			return ""
		}
		// What is waited for needs the processors, too: commands take turns with it.
		pause := max(200*time.Millisecond, 2*time.Since(began))
		select {
		case <-ctx.Done():
			return wrong
		case <-time.After(pause):
		}
	}
}

// routers returns what the routers of a page say.
func routers(t *testing.T, page string) router.Snapshot {
	t.Helper()
	snapshot, err := readRouters(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func readRouters(ctx context.Context, page string) (snapshot router.Snapshot, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+page+"/api/routers", http.NoBody)
	if err != nil {
		return snapshot, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return snapshot, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return snapshot, fmt.Errorf("%s: %s", request.URL, response.Status)
	}
	return snapshot, json.NewDecoder(response.Body).Decode(&snapshot)
}

// path is a path that one router has.
type path struct {
	router string
	node   string
}

// paths returns, of every router of both pages, the paths to the prefix with the moment their sessions came up.
func paths(t *testing.T, prefix netip.Prefix) map[path]time.Time {
	t.Helper()
	found, err := readPaths(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func readPaths(ctx context.Context, prefix netip.Prefix) (map[path]time.Time, error) {
	found := map[path]time.Time{}
	for _, page := range []string{playground.TestRoutersPage, playground.RackRouterPage} {
		snapshot, err := readRouters(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, r := range snapshot.Routers {
			since := map[netip.Addr]time.Time{}
			for _, neighbor := range r.Established() {
				since[neighbor.Address] = neighbor.Since
			}
			route, _ := r.Find(prefix)
			for _, p := range route.Paths {
				found[path{router: page + " " + r.Name, node: p.NextHop.String()}] = since[p.Neighbor]
			}
		}
	}
	return found, nil
}

// Whoever has a playground running must not lose it to the tests.
func TestTheTestsRefuseToRunBesideAPlayground(t *testing.T) {
	p := theWorld.shared(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self, "-test.run", "^TestTheTutorialWorksAsWritten$")
	command.Dir = "test/e2e"
	text, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(text), "there is a playground already, in "+playground.DefaultState) {
		t.Errorf("%v: %s", err, text)
	}
	kubectl(t, p, "get", "nodes")
}
