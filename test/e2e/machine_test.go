// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// machine returns what a playground must not change: network namespaces, links, routes, mounts, control groups, and
// the processes that it starts (those that ended count as gone before init has asked for their status; an API server
// with its directory elsewhere is somebody else's; the mount of /run/netns, which ip makes once for a machine, stays).
func machine(ctx context.Context) (string, error) {
	const look = `
ip netns list | sort
ip -o link show | awk '{print $2}' | sort
ip route show; ip -6 route show; nft list tables
awk '$5 != "/run/netns" {print $5}' /proc/self/mountinfo | sort
find /sys/fs/cgroup -type d -name '*metallb*' -o -type d -name 'node-*' | sort
ps -eo stat=,comm=,args= | awk '$1 !~ /^Z/ && ($2 ~ /containerd|router|bird|zebra|bgpd|playground/ || ($2 ~ /etcd|kube/ && /metallb-playground/)) {print $2}' | sort
ls -d /var/lib/metallb-* 2>/dev/null
true`
	text, err := exec.CommandContext(ctx, "bash", "-c", look).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("looking at the machine: %w\n%s", err, text)
	}
	return string(text), nil
}

// sameMachine waits until the machine is as it was: processes of containers may take a moment to end.
func (w *world) sameMachine(ctx context.Context) error {
	wrong := await(ctx, func() string {
		now, err := machine(ctx)
		if err != nil {
			return err.Error()
		}
		return cmp.Diff(strings.Split(w.before, "\n"), strings.Split(now, "\n"))
	})
	if wrong != "" {
		return errors.New("the machine is not as before the playground (-before +after):\n" + wrong)
	}
	return nil
}
