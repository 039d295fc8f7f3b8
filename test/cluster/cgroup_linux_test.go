// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hierarchies makes folders that look like the mounts of control groups, version 1.
func hierarchies(t *testing.T, names ...string) string {
	t.Helper()
	mount := t.TempDir()
	for _, name := range names {
		writeGroup(t, filepath.Join(mount, name), "1\n")
	}
	return mount
}

func writeGroup(t *testing.T, dir, processes string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(processes), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAHierarchyOfTwoNamesIsOne(t *testing.T) {
	t.Parallel()
	mount := hierarchies(t, "pids", "cpu,cpuacct", "memory")
	if err := os.Symlink("cpu,cpuacct", filepath.Join(mount, "cpu")); err != nil {
		t.Fatal(err)
	}
	groups, err := findCgroups(mount)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(mount, "cpu,cpuacct"), filepath.Join(mount, "memory"), filepath.Join(mount, "pids")}
	if diff := cmp.Diff(want, groups.roots); diff != "" {
		t.Errorf("hierarchies (-want +got):\n%s", diff)
	}
}

func TestAMachineWithoutTheHierarchyOfProcessesIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := findCgroups(hierarchies(t, "memory")); err == nil {
		t.Error("no error")
	}
}

func TestTheTreeOfGroupsComesAndGoesInAllHierarchies(t *testing.T) {
	t.Parallel()
	mount := hierarchies(t, "pids", "memory")
	groups, err := findCgroups(mount)
	if err != nil {
		t.Fatal(err)
	}
	if groups.exists() {
		t.Error("there is a tree before one was made")
	}
	for range 2 { // as after a crash
		if err := groups.create("node-1/daemons"); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"pids", "memory"} {
		if _, err := os.Stat(filepath.Join(mount, name, cgroupTree, "node-1", "daemons")); err != nil {
			t.Error(err)
		}
	}
	if !groups.exists() {
		t.Error("there is no tree after it was made")
	}
	for _, group := range []string{"node-1", "node-1", ""} {
		if !groups.exists() {
			t.Errorf("there is no tree before %q was removed", group)
		}
		if err := groups.remove(group); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := groups.remove(""); err != nil {
			t.Fatal(err)
		}
	}
	if groups.exists() {
		t.Error("there is a tree after it was removed")
	}
	if _, err := os.Stat(filepath.Join(mount, "pids", "cgroup.procs")); err != nil {
		t.Errorf("the hierarchy itself was changed: %v", err)
	}
}

func TestProcessesAreFoundAtAnyDepthOfTheTreeOnly(t *testing.T) {
	t.Parallel()
	mount := hierarchies(t, "pids")
	tree := filepath.Join(mount, "pids", cgroupTree)
	writeGroup(t, filepath.Join(mount, "pids", "user"), "100\n")
	writeGroup(t, tree, "")
	writeGroup(t, filepath.Join(tree, "control-plane"), "201\n202\n")
	writeGroup(t, filepath.Join(tree, "node-1", "kubepods", "besteffort", "pod"), "203\n")
	groups, err := findCgroups(mount)
	if err != nil {
		t.Fatal(err)
	}
	for group, want := range map[string][]int{"": {201, 202, 203}, "node-1": {203}, "node-2": nil} {
		got, err := groups.processes(group)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("processes of %q (-want +got):\n%s", group, diff)
		}
	}
}
