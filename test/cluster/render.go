// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// pauseImage is the image of the container that holds the namespaces of a pod.
const pauseImage = "localhost/pause:1"

// podNetworks are the networks of all pods, of each family.
const podNetworks = PodNetwork + "," + PodNetwork6

// cgroupTree is the control group of all of a cluster's processes, below the mount of control groups.
const cgroupTree = "metallb-cluster"

//go:embed templates
var templates embed.FS

// nodeConfig is what the configuration files of a node's programs depend on.
type nodeConfig struct {
	Node        Node
	Bin         string
	State       string
	PKI         string
	PauseImage  string
	PodNetworks string // of each family, with a comma between them
	CgroupRoot  string // of the node's pods, below the mount of control groups
}

// writeNodeConfig writes the configuration files of a node's programs.
func (c *Cluster) writeNodeConfig(n Node) error {
	config := nodeConfig{
		Node: n, Bin: c.Bin(), State: c.State(), PKI: c.path("pki"), PauseImage: pauseImage, PodNetworks: podNetworks,
		CgroupRoot: "/" + cgroupTree + "/" + n.Name,
	}
	for name, path := range map[string]string{
		"containerd.toml": n.file("containerd.toml"),
		"cni.conflist":    filepath.Join(n.dir, "etc-cni", "net.d", "10-bridge.conflist"),
		"kubelet.yaml":    n.file("kubelet.yaml"),
		"kube-proxy.yaml": n.file("kube-proxy.yaml"),
	} {
		text, err := config.render(name)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// render fills in the template of a configuration file.
func (c nodeConfig) render(name string) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, fmt.Errorf("reading the template of %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, c); err != nil {
		return nil, fmt.Errorf("writing the %s of %s: %w", name, c.Node.Name, err)
	}
	return out.Bytes(), nil
}

// file is the path of a file of the node.
func (n Node) file(name string) string { return filepath.Join(n.dir, name) }
