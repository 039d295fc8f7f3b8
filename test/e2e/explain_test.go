// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/test/playground"
	"metallb.io/metallb/test/programs"
)

// late has no address, since it requests one of a pool that has none left; lonely has no pods.
const unlucky = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: spare, namespace: metallb-system}
spec: {addresses: [203.0.113.7/32], autoAssign: false}
---
apiVersion: v1
kind: Service
metadata: {name: early, annotations: {metallb.io/address-pool: spare}}
spec: {type: LoadBalancer, selector: {app: nginx}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: lonely}
spec: {type: LoadBalancer, selector: {app: nobody}, ports: [{port: 80}]}
`

const late = `
apiVersion: v1
kind: Service
metadata: {name: late, annotations: {metallb.io/address-pool: spare}}
spec: {type: LoadBalancer, selector: {app: nginx}, ports: [{port: 80}]}
`

// asked is the plugin in a directory that is first in the PATH, next to kubectl.
type asked struct {
	playground *playground.Playground
	bin        string
}

func buildPlugin(t *testing.T, p *playground.Playground) asked {
	t.Helper()
	a := asked{p, t.TempDir()}
	if err := programs.Build(t.Context(), programs.Options{}, filepath.Join(a.bin, "kubectl-metallb"), "./plugin"); err != nil {
		t.Fatal(err)
	}
	kubectl, err := programs.Find("kubectl")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(kubectl, filepath.Join(a.bin, "kubectl")); err != nil {
		t.Fatal(err)
	}
	return a
}

// shell runs a command line as a person types it, and returns what it writes and whether it fails.
func (a asked) shell(t *testing.T, line string) (string, bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+a.playground.Cluster.Kubeconfig(), "PATH="+a.bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), err != nil
}

// show logs what a person sees.
func (a asked) show(t *testing.T, line string) {
	t.Helper()
	out, _ := a.shell(t, line)
	t.Logf("$ %s\n%s", line, out)
}

// first returns what is wrong first with the Service, and whether the command says so by its status.
func (a asked) first(t *testing.T, service string) (explain.Link, bool) {
	t.Helper()
	out, wrong := a.shell(t, "kubectl metallb explain service "+service+" -o json")
	var chain explain.Chain
	if err := json.Unmarshal([]byte(out), &chain); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	link, broken := chain.Verdict()
	if broken != wrong {
		t.Errorf("the status is not what is said: %s", out)
	}
	return link, broken
}

// awaitReason waits until that is wrong first, and returns the command that mends it.
func (a asked) awaitReason(t *testing.T, service, subject, reason string) string {
	t.Helper()
	var found explain.Link
	eventually(t, service+": "+subject+" "+reason, func() string {
		link, broken := a.first(t, service)
		if !broken || link.Subject != subject || link.Reason != reason {
			return link.Subject + " " + link.Reason + ": " + link.Text
		}
		found = link
		return ""
	})
	a.show(t, "kubectl metallb explain service "+service)
	return found.Remedies[0].Command
}

// run runs a command that is to succeed.
func (a asked) run(t *testing.T, line string) {
	t.Helper()
	t.Log("$ " + line)
	if out, failed := a.shell(t, line); failed {
		t.Fatalf("%s fails: %s", line, out)
	}
}

// mend runs the command as it is told, and waits until all is well.
func (a asked) mend(t *testing.T, service, line string) {
	t.Helper()
	a.run(t, line)
	a.awaitWell(t, service)
}

func (a asked) awaitWell(t *testing.T, service string) {
	t.Helper()
	eventually(t, service+" to be well", func() string {
		link, broken := a.first(t, service)
		if broken {
			return link.Subject + ": " + link.Text
		}
		return ""
	})
}

func TestExplanationsNameTheCauseAndTheCommandThatMendsIt(t *testing.T) {
	withTutorial(t, func(p *playground.Playground) {
		a := buildPlugin(t, p)
		a.awaitWell(t, "nginx")
		a.show(t, "kubectl metallb explain service nginx")
		a.show(t, "kubectl metallb explain address 198.51.100.0")
		t.Run("a Service without address", func(t *testing.T) { a.withoutAddress(t) })
		t.Run("nodes that are drained", func(t *testing.T) {
			a.shell(t, "kubectl label nodes --all metallb.io/drain=")
			a.mend(t, "nginx", a.awaitReason(t, "nginx", "nodes", "Drained"))
		})
		t.Run("a router that is down", func(t *testing.T) {
			kubectl(t, p, "-n", "metallb-system", "scale", "deployment/test-bgp-router", "--replicas=0")
			line := a.awaitReason(t, "nginx", "peer test-bgp-router-bird", "SessionsNotEstablished")
			a.show(t, line)
			kubectl(t, p, "-n", "metallb-system", "scale", "deployment/test-bgp-router", "--replicas=1")
			a.awaitWell(t, "nginx")
		})
	})
}

func (a asked) withoutAddress(t *testing.T) {
	t.Helper()
	apply(t, a.playground, unlucky)
	a.awaitWell(t, "early")
	apply(t, a.playground, late)
	line := a.awaitReason(t, "late", "allocation", "PoolExhausted")
	a.show(t, "kubectl metallb explain address 203.0.113.7")
	a.show(t, "kubectl describe service late | sed -n '/^Events/,$p'")
	a.mend(t, "late", line)
	if line := a.awaitReason(t, "lonely", "endpoints", "NoEndpoints"); !strings.HasPrefix(line, "kubectl get pods -n default -l app=nobody") {
		t.Errorf("%s does not look for the pods", line)
	}
	kubectl(t, a.playground, "delete", "service", "early", "late", "lonely")
	kubectl(t, a.playground, "-n", "metallb-system", "delete", "ipaddresspool", "spare")
}
