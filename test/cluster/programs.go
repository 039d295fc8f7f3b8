// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"metallb.io/metallb/test/programs"
)

// Versions of what a cluster is made of. Changing one makes [Build] build the programs concerned again.
const (
	kubernetesVersion = "v1.37.2" // if K8S_VERSION says no other
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

// release is one of Kubernetes, v1.MINOR.PATCH.
type release struct{ minor, patch string }

// chosenRelease is the one that the environment's K8S_VERSION says, with or without the v, or else the one of every day.
func chosenRelease() (release, error) {
	text := cmp.Or(os.Getenv(programs.VersionVariable), kubernetesVersion)
	m := regexp.MustCompile(`^v?1\.(\d+)\.(\d+)$`).FindStringSubmatch(text)
	if m == nil {
		return release{}, fmt.Errorf("%s=%s: is no version such as %s", programs.VersionVariable, text, kubernetesVersion)
	}
	return release{minor: m[1], patch: m[2]}, nil
}

func (r release) String() string { return "v1." + r.minor + "." + r.patch }

// staging is the version of the modules that kubernetes publishes from its own tree.
func (r release) staging() string { return "v0." + r.minor + "." + r.patch }

// flags are linker flags that make the programs know their version.
func (r release) flags() string {
	const version = " -X k8s.io/component-base/version."
	return stripped + version + "gitVersion=" + r.String() + version + "gitMajor=1" + version + "gitMinor=" + r.minor
}

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
	staging string // version of the modules that the module publishes from its own tree, if it does
	cgo     string // CGO_ENABLED, where not left to what the machine has
	source  []byte
}

// allPrograms lists those of a cluster of that release, in the order in which they are built.
func allPrograms(r release) []program {
	var list []program
	for _, name := range []string{
		"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl",
	} {
		list = append(list, program{
			name: name, module: kubernetesModule, version: r.String(), pkg: kubernetesModule + "/cmd/" + name, ldflags: r.flags(),
			staging: r.staging(),
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
	for _, p := range allPrograms(release{}) {
		if p.name != "helm" {
			names = append(names, p.name)
		}
	}
	return names
}

// selectPrograms returns the named programs in building order, or all of them if none is named.
func selectPrograms(names []string) ([]program, error) {
	r, err := chosenRelease()
	if err != nil {
		return nil, err
	}
	all := allPrograms(r)
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
