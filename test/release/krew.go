// SPDX-License-Identifier: Apache-2.0

package release

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// krewPlugin is a manifest of krew, https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/.
type krewPlugin struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec krewSpec `json:"spec"`
}

type krewSpec struct {
	Version          string         `json:"version"`
	Homepage         string         `json:"homepage"`
	ShortDescription string         `json:"shortDescription"`
	Description      string         `json:"description"`
	Platforms        []krewPlatform `json:"platforms"`
}

type krewPlatform struct {
	Selector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	} `json:"selector"`
	URI    string `json:"uri"`
	SHA256 string `json:"sha256"`
	Bin    string `json:"bin"`
}

const krewDescription = `Tells how MetalLB fares in the cluster and why, from the Kubernetes API alone and with your own rights:
its pods, BGP peers, address pools and Services, and what of the configuration is not in use.
Checks configuration files before they are applied, and converts the ConfigMap of MetalLB up to 0.12.
`

// krew writes the manifest by which krew installs the plugin, of the archives that are there. In an index of krew it is plugins/metallb.yaml; here
// metallb.yaml is what installs the load balancer.
func (o Options) krew(out string) error {
	files, err := digests(out)
	if err != nil {
		return err
	}
	sums := make(map[string]string, len(files))
	for _, file := range files {
		sums[file.name] = file.sum
	}
	m := krewPlugin{APIVersion: "krew.googlecontainertools.github.com/v1alpha2", Kind: "Plugin", Spec: krewSpec{
		Version: o.Version, Homepage: o.Repository, ShortDescription: "Ask MetalLB how it fares, and why", Description: krewDescription,
	}}
	m.Metadata.Name = "metallb"
	for _, p := range pluginPlatforms() {
		sum, there := sums[p.archive()]
		if !there {
			return fmt.Errorf("there is no %s for the manifest of krew", p.archive())
		}
		platform := krewPlatform{URI: o.Repository + "/releases/download/" + o.Version + "/" + p.archive(), SHA256: sum, Bin: p.program()}
		platform.Selector.MatchLabels = map[string]string{"os": p.system, "arch": p.architecture}
		m.Spec.Platforms = append(m.Spec.Platforms, platform)
	}
	text, err := yaml.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "krew-metallb.yaml"), text, 0o644)
}
