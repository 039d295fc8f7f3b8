// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"

	"metallb.io/metallb/test/programs"
)

// promtool runs it in a directory of files and fails the test if it complains.
func promtool(t *testing.T, files map[string][]byte, args ...string) {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("no promtool: install Debian's package prometheus")
	} else if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

// rules is a file of rules as Prometheus reads it, and the spec of a PrometheusRule.
type rules struct {
	Groups []group `json:"groups"`
}

type group struct {
	Name  string `json:"name"`
	Rules []rule `json:"rules"`
}

type rule struct {
	Alert       string            `json:"alert,omitempty"`
	Record      string            `json:"record,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func (r rules) marshal(t *testing.T) []byte {
	t.Helper()
	text, err := yaml.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// alerts returns the rules of config/prometheus.
func alerts(t *testing.T) rules {
	t.Helper()
	var object struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Spec       rules          `json:"spec"`
	}
	if err := yaml.UnmarshalStrict(read(t, "config", "prometheus", "alerts.yaml"), &object); err != nil {
		t.Fatal(err)
	}
	return object.Spec
}

// read returns a file of the module.
func read(t *testing.T, path ...string) []byte {
	t.Helper()
	root, err := programs.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
