// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEachVersionOfKubernetesHasAFolderOfItsOwn(t *testing.T) {
	t.Setenv("HOME", "/home/user")
	for _, tt := range []struct{ bin, version, want string }{
		{"", "", "/home/user/.cache/k8s-from-modules"},
		{"", "v1.31.14", "/home/user/.cache/k8s-from-modules/v1.31.14"},
		{"/elsewhere", "v1.31.14", "/elsewhere"},
	} {
		t.Setenv("K8S_BIN", tt.bin)
		t.Setenv(VersionVariable, tt.version)
		if got := Dir(); got != tt.want {
			t.Errorf("K8S_BIN=%s K8S_VERSION=%s: %s, want %s", tt.bin, tt.version, got, tt.want)
		}
	}
}

func TestAProgramIsFoundWhereThoseOfClustersAre(t *testing.T) {
	t.Setenv("K8S_BIN", t.TempDir())
	file := filepath.Join(Dir(), "helm")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Find("helm"); err == nil || !strings.Contains(err.Error(), "make test-programs") {
		t.Errorf("a file that cannot be executed: error %v", err)
	}
	if err := os.Chmod(file, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Find("helm"); err != nil || got != file {
		t.Errorf("got %s, %v", got, err)
	}
}
