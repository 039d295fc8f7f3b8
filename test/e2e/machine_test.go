// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"metallb.io/metallb/test/playground"
)

// machine returns what a playground must not change: network namespaces, links, routes, mounts, control groups, and
// the processes that it starts (those that ended count as gone before init has asked for their status; an API server
// with its directory elsewhere is somebody else's; the mount of /run/netns, which ip makes once for a machine, stays).
func machine(t *testing.T) string {
	t.Helper()
	const look = `
ip netns list | sort
ip -o link show | awk '{print $2}' | sort
ip route show; nft list tables
awk '$5 != "/run/netns" {print $5}' /proc/self/mountinfo | sort
find /sys/fs/cgroup -type d -name '*metallb*' -o -type d -name 'node-*' | sort
ps -eo stat=,comm=,args= | awk '$1 !~ /^Z/ && ($2 ~ /containerd|router|bird|zebra|bgpd|playground/ || ($2 ~ /etcd|kube/ && /metallb-playground/)) {print $2}' | sort
ls -d /var/lib/metallb-* 2>/dev/null
true`
	text, err := exec.CommandContext(t.Context(), "bash", "-c", look).CombinedOutput()
	if err != nil {
		t.Fatalf("looking at the machine: %v\n%s", err, text)
	}
	return string(text)
}

// sameMachine waits until the machine is as it was: processes of containers may take a moment to end.
func sameMachine(t *testing.T, before string) {
	t.Helper()
	eventually(t, "the machine to be as before the playground (-before +after)", func() string {
		return cmp.Diff(strings.Split(before, "\n"), strings.Split(machine(t), "\n"))
	})
}

// A playground that cannot be made must not take away what is in its way.
func TestAPlaygroundLeavesANetworkNamespaceOfSomebodyElseAlone(t *testing.T) {
	t.Chdir("../..")
	ip := func(args ...string) {
		t.Helper()
		if text, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v\n%s", args, err, text)
		}
	}
	ip("netns", "add", playground.RackNamespace)
	before := machine(t)
	if _, err := playground.Up(t.Context(), playground.Config{}); err == nil || !strings.Contains(err.Error(), "may be somebody's") {
		t.Errorf("got %v", err)
	}
	sameMachine(t, before)
	ip("netns", "delete", playground.RackNamespace)
}
