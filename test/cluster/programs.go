// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Versions of what a cluster is made of. Changing one makes [Build] build the programs concerned again.
const (
	KubernetesVersion = "v1.36.3"
	stagingVersion    = "v0.36.3" // of the modules that kubernetes publishes from its own tree
	etcdVersion       = "v3.7.3"
	containerdVersion = "v2.4.2"
	runcVersion       = "v1.5.2"
	cniVersion        = "v1.9.1"
	helmVersion       = "v3.22.0"
)

const (
	kubernetesModule = "k8s.io/kubernetes"
	containerdModule = "github.com/containerd/containerd/v2"
	runcModule       = "github.com/opencontainers/runc"
	cniModule        = "github.com/containernetworking/plugins"
	helmModule       = "helm.sh/helm/v3"
	etcdModule       = "go.etcd.io/etcd/server/v3"
)

const stripped = "-s -w"

// kubernetesFlags are linker flags that make the programs know their version.
const kubernetesFlags = stripped +
	" -X k8s.io/component-base/version.gitVersion=" + KubernetesVersion +
	" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"

//go:embed pause/main.go
var pauseSource []byte

// program is one that Build can build: package pkg of a module at a version, or from source if that is set.
type program struct {
	name    string // of the file, too
	module  string
	version string
	pkg     string
	tags    string
	ldflags string
	cgo     string // CGO_ENABLED, where not left to what the machine has
	source  []byte
}

// programs lists all, in the order in which they are built.
func programs() []program {
	var list []program
	for _, name := range []string{
		"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl",
	} {
		list = append(list, program{
			name: name, module: kubernetesModule, version: KubernetesVersion, pkg: kubernetesModule + "/cmd/" + name, ldflags: kubernetesFlags,
		})
	}
	list = append(list, program{name: "etcd", module: etcdModule, version: etcdVersion, pkg: etcdModule, ldflags: stripped})
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		list = append(list, program{
			name: name, module: containerdModule, version: containerdVersion, pkg: containerdModule + "/cmd/" + name, ldflags: stripped,
		})
	}
	list = append(list, program{
		name: "runc", module: runcModule, version: runcVersion, pkg: runcModule, tags: "seccomp", ldflags: stripped, cgo: "1",
	})
	for _, path := range []string{"main/bridge", "main/loopback", "ipam/host-local", "meta/portmap"} {
		list = append(list, program{
			name: filepath.Base(path), module: cniModule, version: cniVersion, pkg: cniModule + "/plugins/" + path, ldflags: stripped,
		})
	}
	return append(list,
		program{name: "helm", module: helmModule, version: helmVersion, pkg: helmModule + "/cmd/helm", ldflags: stripped},
		program{name: "pause", ldflags: stripped, cgo: "0", source: pauseSource},
	)
}

// clusterPrograms names what a running cluster needs: all but helm.
func clusterPrograms() []string {
	var names []string
	for _, p := range programs() {
		if p.name != "helm" {
			names = append(names, p.name)
		}
	}
	return names
}

// selectPrograms returns the named programs in building order, or all of them if none is named.
func selectPrograms(names []string) ([]program, error) {
	all := programs()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(p program) bool { return p.name == name }) {
			return nil, fmt.Errorf("no program is called %q", name)
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(p program) bool { return !slices.Contains(names, p.name) }), nil
}

// DefaultBin returns the directory in which built programs are kept between clusters: $K8S_BIN, or
// ~/.cache/k8s-from-modules.
func DefaultBin() string {
	if dir := os.Getenv("K8S_BIN"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/root"
	}
	return filepath.Join(home, ".cache", "k8s-from-modules")
}
