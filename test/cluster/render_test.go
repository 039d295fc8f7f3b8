// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// secondNode writes the files of the second of three nodes and returns it.
func secondNode(t *testing.T) Node {
	t.Helper()
	c := &Cluster{record: record{State: t.TempDir(), Nodes: 3, Bin: `/opt/a "quoted" name`}}
	n := c.Nodes()[1]
	if err := c.writeNodeConfig(n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKubeletConfigNamesTheNodesOwnFiles(t *testing.T) {
	t.Parallel()
	n := secondNode(t)
	state := filepath.Dir(n.dir)
	text, err := os.ReadFile(n.file("kubelet.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Kind                        string
		CgroupRoot                  string
		TLSCertFile                 string
		TLSPrivateKeyFile           string
		ImageGCHighThresholdPercent int
		Authentication              struct{ X509 struct{ ClientCAFile string } }
	}
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := got
	want.Kind = "KubeletConfiguration"
	want.CgroupRoot = "/metallb-cluster/node-2"
	want.TLSCertFile = state + "/pki/node-2.crt"
	want.TLSPrivateKeyFile = state + "/pki/node-2.key"
	want.Authentication.X509.ClientCAFile = state + "/pki/ca.crt"
	want.ImageGCHighThresholdPercent = 100
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPodsGetAddressesOfTheirNode(t *testing.T) {
	t.Parallel()
	n := secondNode(t)
	text, err := os.ReadFile(n.file("etc-cni/net.d/10-bridge.conflist"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Plugins []struct {
			Type string
			IPAM struct {
				Ranges [][]struct{ Subnet string }
			}
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, 2)
	for _, r := range list.Plugins[0].IPAM.Ranges {
		got = append(got, r[0].Subnet)
	}
	if diff := cmp.Diff([]string{"10.244.2.0/24", "fd00:10:244:2::/64"}, got); diff != "" {
		t.Errorf("subnets (-want +got):\n%s", diff)
	}
}

func TestProxyKnowsItsNode(t *testing.T) {
	t.Parallel()
	n := secondNode(t)
	text, err := os.ReadFile(n.file("kube-proxy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Mode, HostnameOverride, ClusterCIDR string }
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := got
	want.Mode, want.HostnameOverride, want.ClusterCIDR = "nftables", "node-2", "10.244.0.0/16,fd00:10:244::/56"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPathsAreQuotedForTheContainerRuntime(t *testing.T) {
	t.Parallel()
	n := secondNode(t)
	text, err := os.ReadFile(n.file("containerd.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `BinaryName = "/opt/a \"quoted\" name/runc"`; !strings.Contains(string(text), want) {
		t.Errorf("no line %s in:\n%s", want, text)
	}
}
