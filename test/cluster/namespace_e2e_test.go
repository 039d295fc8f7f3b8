// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package cluster

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestANodesDirectoriesAreItsOwn(t *testing.T) {
	for _, dir := range missingDirs() {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.Remove(dir); err != nil {
				t.Error(err)
			}
		})
	}
	n := Node{Name: "metallb-test", NetNS: "/run/netns/metallb-test", dir: t.TempDir()}
	t.Cleanup(func() {
		if err := removeNamespace(n); err != nil {
			t.Error(err)
		}
	})
	before := namespacesOf(t, "/proc/self/ns")
	spaces, err := newNamespaces(n)
	if err != nil {
		t.Fatal(err)
	}
	defer spaces.close()
	var inside []string
	err = spaces.do(func() error {
		inside = namespacesOf(t, "/proc/thread-self/ns")
		return os.WriteFile("/var/lib/kubelet/made-by-test", nil, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(n.dir, "lib-kubelet", "made-by-test")); err != nil {
		t.Errorf("what a node writes is not in its directory: %v", err)
	}
	if _, err := os.Stat("/var/lib/kubelet/made-by-test"); err == nil {
		t.Error("what a node writes is seen outside it")
	}
	if after := namespacesOf(t, "/proc/self/ns"); !slices.Equal(before, after) {
		t.Errorf("the main thread was in %v and is in %v", before, after)
	}
	for i := range before {
		if before[i] == inside[i] {
			t.Errorf("the node shares %s with the machine", before[i])
		}
	}
}

// namespacesOf reads which network and mount namespace a thread is in.
func namespacesOf(t *testing.T, dir string) []string {
	t.Helper()
	names := make([]string, 0, 2)
	for _, kind := range []string{"net", "mnt"} {
		name, err := os.Readlink(filepath.Join(dir, kind))
		if err != nil {
			t.Error(err)
		}
		names = append(names, name)
	}
	return names
}
