// SPDX-License-Identifier: Apache-2.0

//go:build e2e && linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/programs"
)

// machine is what a cluster changes on a machine.
type machine struct {
	Links, Routes, Namespaces, Mounts, Groups, Settings, Dirs []string
}

// observe takes down how the machine is.
func observe(t *testing.T) machine {
	t.Helper()
	run := func(args ...string) []string {
		out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return strings.Split(string(out), "\n")
	}
	m := machine{
		Links:      run("ip", "-brief", "link"),
		Routes:     slices.Concat(run("ip", "-4", "route", "show", "table", "all"), run("ip", "-6", "route", "show", "table", "all")),
		Namespaces: run("ip", "netns", "list"),
		Mounts:     run("cat", "/proc/self/mounts"),
		Groups:     run("find", cgroupMount, "-path", "*"+cgroupTree+"*"),
	}
	for _, name := range hostSysctls() {
		if value, err := readSysctl(name); err == nil {
			m.Settings = append(m.Settings, name+"="+value)
		}
	}
	for _, dir := range []string{"/run", "/run/netns", "/var/lib", "/var/log", "/etc", "/opt", "/usr/libexec"} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for _, entry := range entries {
			// This one ip makes once for a machine.
			if path := filepath.Join(dir, entry.Name()); path != "/run/netns" {
				m.Dirs = append(m.Dirs, path)
			}
		}
	}
	return m
}

// processesOf returns the command lines that name a directory.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), dir) {
			found = append(found, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return found
}

func TestAClusterComesUpAndLeavesNothingBehind(t *testing.T) {
	if err := Preflight(programs.Dir()); err != nil {
		t.Fatal(err)
	}
	if running := Running(); running != "" {
		t.Fatal(&InUseError{State: running})
	}
	before := observe(t)
	state := filepath.Join(t.TempDir(), "c")
	c, err := Up(t.Context(), Config{State: state, Nodes: 1, Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the context of the test
		if err := c.Down(context.Background()); err != nil {
			t.Errorf("ending a cluster that has ended: %v", err)
		}
	})

	t.Run("a second one is refused by the name of the first", func(t *testing.T) { refusesASecond(t, state) })
	t.Run("it is found by its state directory and by none", func(t *testing.T) { isFound(t, c) })
	t.Run("the node has an address of each family", func(t *testing.T) { nodeHasBothFamilies(t, c) })
	t.Run("a pod runs", func(t *testing.T) { runsAPod(t, c) })
	t.Run("the service proxy is started again when it ends", func(t *testing.T) { proxyComesBack(t, c) })

	killOne(t, c, "node-1-containerd")
	if err := c.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, observe(t)); diff != "" {
		t.Errorf("left behind (-before +after):\n%s", diff)
	}
	if left := processesOf(t, state); len(left) > 0 {
		t.Errorf("processes left behind:\n%s", strings.Join(left, "\n"))
	}
	if _, err := os.Stat(state); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state directory is there: %v", err)
	}
}

func refusesASecond(t *testing.T, state string) {
	t.Helper()
	_, err := Up(t.Context(), Config{State: filepath.Join(t.TempDir(), "c"), Progress: t.Output()})
	inUse, ok := errors.AsType[*InUseError](err)
	if !ok || inUse.State != state {
		t.Errorf("error %v, want one that names %s", err, state)
	}
}

func isFound(t *testing.T, c *Cluster) {
	t.Helper()
	for _, dir := range []string{c.State(), ""} {
		found, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.Kubeconfig(), found.Kubeconfig()); diff != "" {
			t.Errorf("kubeconfig (-want +got):\n%s", diff)
		}
	}
}

func kubectl(t *testing.T, c *Cluster, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(c.Bin(), "kubectl"), append([]string{"--kubeconfig", c.Kubeconfig()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func nodeHasBothFamilies(t *testing.T, c *Cluster) {
	t.Helper()
	got := kubectl(t, c, "get", "node", "node-1", "-o", `jsonpath={.status.addresses[?(@.type=="InternalIP")].address}`)
	if want := "172.30.0.11 fd00:172:30::11"; got != want {
		t.Errorf("the node has addresses %q, want %q", got, want)
	}
}

func runsAPod(t *testing.T, c *Cluster) {
	t.Helper()
	kubectl(t, c, "run", "pause", "--image", pauseImage, "--image-pull-policy", "Never")
	kubectl(t, c, "wait", "--for", "condition=Ready", "--timeout", "60s", "pod/pause")
	ips := strings.Fields(kubectl(t, c, "get", "pod", "pause", "-o", "jsonpath={.status.podIPs[*].ip}"))
	if len(ips) != 2 || !strings.HasPrefix(ips[0], "10.244.1.") || !strings.HasPrefix(ips[1], "fd00:10:244:1::") {
		t.Errorf("the pod has addresses %q", ips)
	}
}

func proxyComesBack(t *testing.T, c *Cluster) {
	t.Helper()
	before := proxyOf(t, c)
	if before == 0 {
		t.Fatal("it does not run")
	}
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err := newRunner(c, nil).until(t.Context(), "the service proxy", func(context.Context) error {
		if is := proxyOf(t, c); is == 0 || is == before {
			return errors.New("it was not started again")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// proxyOf returns the process of the first node's kube-proxy; 0 if there is none.
func proxyOf(t *testing.T, c *Cluster) int {
	t.Helper()
	groups, err := findCgroups(cgroupMount)
	if err != nil {
		t.Fatal(err)
	}
	pids, err := groups.processes(c.Nodes()[0].daemons())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(pids, func(pid int) bool {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		return err == nil && strings.TrimSpace(string(name)) == "kube-proxy"
	})
	if i < 0 {
		return 0
	}
	return pids[i]
}

// killOne ends a program of the cluster as the kernel does when memory runs out: it gets to tidy up nothing.
func killOne(t *testing.T, c *Cluster, name string) {
	t.Helper()
	list, err := c.Processes()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(p Process) bool { return p.Name == name })
	if err := syscall.Kill(list[i].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
