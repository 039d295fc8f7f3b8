// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// machine returns what a playground must not change: network namespaces, links, routes, mounts, control groups, and
// the processes that it starts (those that ended count as gone before init has asked for their status).
func machine(t *testing.T) string {
	t.Helper()
	const look = `
ip netns list | sort
ip -o link show | awk '{print $2}' | sort
ip route show; nft list tables
awk '{print $5}' /proc/self/mountinfo | sort
find /sys/fs/cgroup -type d -name '*metallb*' -o -type d -name 'node-*' | sort
ps -eo stat=,comm= | awk '$1 !~ /^Z/ {print $2}' | grep -E 'etcd|kube|containerd|router|bird|zebra|bgpd|playground' | sort
ls -d /var/lib/metallb-* 2>/dev/null
true`
	text, err := exec.CommandContext(t.Context(), "bash", "-c", look).CombinedOutput()
	if err != nil {
		t.Fatalf("looking at the machine: %v\n%s", err, text)
	}
	return string(text)
}

func sameMachine(t *testing.T, before string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(machine(t), "\n")); diff != "" {
		t.Errorf("the playground left something on the machine, or took something away (-before +after):\n%s", diff)
	}
}
