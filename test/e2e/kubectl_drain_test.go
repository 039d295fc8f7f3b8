// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/plugin/command"
	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/playground"
)

// kubectlMetalLB runs a command of the plugin, and returns what it says and its exit status.
func kubectlMetalLB(t *testing.T, p *playground.Playground, args ...string) (out string, status int) {
	t.Helper()
	log.SetLogger(logr.Discard()) // without one it says so
	var text bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &text, ErrOut: &text}
	status = command.Main(t.Context(), append([]string{"--kubeconfig", p.Cluster.Kubeconfig()}, args...), os.Getenv, streams)
	t.Logf("$ kubectl metallb %s\n%s(exit status %d)", strings.Join(args, " "), text.String(), status)
	return text.String(), status
}

func TestANodeIsDrainedBySafeSteps(t *testing.T) {
	withTutorial(t, func(p *playground.Playground) {
		nodes := p.Cluster.Nodes()
		node := nodes[0].Name
		others := slices.DeleteFunc(slices.Clone(nodes), func(n cluster.Node) bool { return n.Name == node })

		out, status := kubectlMetalLB(t, p, "drain", nodes[0].Name, nodes[1].Name, nodes[2].Name)
		if status != 1 || !strings.Contains(out, "default/nginx; nothing is done") {
			t.Errorf("all nodes are drained, though nginx would lose its last route:\n%s", out)
		}
		awaitPaths(t, nginxPrefix, nodes)

		out, status = kubectlMetalLB(t, p, "drain", node)
		for _, want := range []string{
			"all services that are announced by " + node + " are announced by other nodes too: 1\n", "node/" + node + " labeled metallb.io/drain\n",
			"· node/" + node + " draining: ", "✓ node/" + node + " drained: ",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("without %q:\n%s", want, out)
			}
		}
		if status != 0 {
			t.Errorf("exit status %d", status)
		}
		awaitPaths(t, nginxPrefix, others) // At once: the node is safe to switch off.

		if out, status = kubectlMetalLB(t, p, "drain", node, "--timeout=10s"); status != 0 || !strings.Contains(out, "is labeled metallb.io/drain already") {
			t.Errorf("a second drain ends with %d:\n%s", status, out)
		}
		kubectl(t, p, "label", "node", node, "node.kubernetes.io/exclude-from-external-load-balancers=")
		out, status = kubectlMetalLB(t, p, "undrain", node)
		kubectl(t, p, "label", "node", node, "node.kubernetes.io/exclude-from-external-load-balancers-")
		if status != 0 || !strings.Contains(out, "it drains still: the node is labeled node.kubernetes.io/exclude-from-external-load-balancers") {
			t.Errorf("undrain does not say what else drains the node:\n%s", out)
		}
		awaitPaths(t, nginxPrefix, nodes)
	})
}
