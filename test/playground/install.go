// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"metallb.io/metallb/test/image"
	"metallb.io/metallb/test/programs"
)

// Method is how the product is installed.
type Method string

// The methods.
const (
	Kustomize Method = "kustomize" // kubectl apply -k config/default
	Helm      Method = "helm"      // helm install of charts/metallb
	Nothing   Method = "nothing"   // not at all: the caller does it
)

// check refuses a method that there is not.
func (m Method) check() error {
	if methods := []Method{Kustomize, Helm, Nothing}; !slices.Contains(methods, m) {
		return fmt.Errorf("the product can be installed by %v, and not by %q", methods, m)
	}
	return nil
}

// Release is the name of the release that Helm installs, Namespace where the product is.
const (
	Release   = "metallb"
	Namespace = "metallb-system"
)

// Install installs the product as a person would, and returns when it is ready. Values are those of the chart, as
// helm's --set takes them; only Helm has any.
func (p *Playground) Install(ctx context.Context, method Method, values ...string) error {
	switch method {
	case Helm:
		return p.Helm(ctx, slices.Concat([]string{"install", Release, Chart, "--create-namespace"}, releaseFlags(values))...)
	case Kustomize:
		if err := p.Kubectl(ctx, "apply", "-k", "config/default"); err != nil {
			return err
		}
		for _, workload := range []string{"deployment/controller", "daemonset/speaker"} {
			if err := p.Kubectl(ctx, "--namespace", Namespace, "rollout", "status", "--timeout=2m", workload); err != nil {
				return err
			}
		}
	case Nothing:
	}
	return nil
}

// Chart is where the chart is in the source tree.
const Chart = "./charts/metallb"

// Upgrade upgrades what Install installed with Helm to other values.
func (p *Playground) Upgrade(ctx context.Context, values ...string) error {
	return p.Helm(ctx, slices.Concat([]string{"upgrade", Release, Chart}, releaseFlags(values))...)
}

// releaseFlags are the flags of an installation and an upgrade alike.
func releaseFlags(values []string) []string {
	flags := []string{"--wait", "--timeout=2m"}
	if len(values) > 0 {
		flags = append(flags, "--set", strings.Join(values, ","))
	}
	return flags
}

// Reload builds controller, speaker and the plugin of kubectl from the source tree in the current directory, and restarts the two in the
// cluster with what was built.
func (p *Playground) Reload(ctx context.Context, progress io.Writer) error {
	if err := p.buildPlugin(ctx); err != nil {
		return err
	}
	images, err := image.All(ctx, image.Options{
		Out: p.path("images"), Local: true, Progress: progress, Only: []string{image.ControllerImage, image.SpeakerImage},
	})
	if err != nil {
		return err
	}
	if err := p.Cluster.Load(ctx, images...); err != nil {
		return err
	}
	if err := p.Kubectl(ctx, "-n", Namespace, "rollout", "restart", "deployment,daemonset", "-l", "app=metallb"); err != nil {
		return err
	}
	for _, kind := range []string{"deployment", "daemonset"} {
		if err := p.Kubectl(ctx, "-n", Namespace, "rollout", "status", kind, "-l", "app=metallb", "--timeout=1m"); err != nil {
			return err
		}
	}
	return nil
}

// Helm runs helm in the product's namespace. The error has what it printed.
func (p *Playground) Helm(ctx context.Context, args ...string) error {
	_, err := p.HelmOutput(ctx, args...)
	return err
}

// HelmOutput runs helm in the product's namespace and returns what it printed on standard output. Its files are the
// playground's.
func (p *Playground) HelmOutput(ctx context.Context, args ...string) (string, error) {
	args = append([]string{"--kubeconfig", p.Cluster.Kubeconfig(), "--namespace", Namespace}, args...)
	command := exec.CommandContext(ctx, filepath.Join(p.Cluster.Bin(), "helm"), args...)
	command.Env = os.Environ()
	for _, kind := range []string{"CACHE", "CONFIG", "DATA"} {
		command.Env = append(command.Env, "HELM_"+kind+"_HOME="+p.path("helm", strings.ToLower(kind)))
	}
	return programs.Output(command)
}

// Kubectl runs kubectl on the cluster. The error has what it printed.
func (p *Playground) Kubectl(ctx context.Context, args ...string) error {
	_, err := p.KubectlOutput(ctx, args...)
	return err
}

// KubectlOutput runs kubectl on the cluster and returns what it printed on standard output.
func (p *Playground) KubectlOutput(ctx context.Context, args ...string) (string, error) {
	args = append([]string{"--kubeconfig", p.Cluster.Kubeconfig()}, args...)
	command := exec.CommandContext(ctx, filepath.Join(p.Cluster.Bin(), "kubectl"), args...)
	command.Env = append(os.Environ(), "KUBECACHEDIR="+p.path("kubectl"))
	return programs.Output(command)
}
