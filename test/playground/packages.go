// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/programs"
)

// installPackages installs what the machine lacks where it can, and otherwise names it. The services that come with bird2 and
// frr have no BGP in Debian's configuration, so they are in nobody's way.
func installPackages(ctx context.Context, progress *progress) error {
	err := cluster.Preflight(programs.Dir(),
		cluster.Command("ip", "iproute2"),
		cluster.Command("bird", "bird2"),
		cluster.Command("birdc", "bird2"),
		cluster.Command("vtysh", "frr"),
		cluster.Command("curl", "curl"),
		cluster.Command("jq", "jq"),
		cluster.Command("tcpdump", "tcpdump"),
	)
	var missing *cluster.MissingError
	if !errors.As(err, &missing) {
		return err
	}
	if _, noAPT := exec.LookPath("apt-get"); noAPT != nil || os.Geteuid() != 0 {
		return err
	}
	progress.say("installing with apt-get what is missing: %v", missing.Packages())
	for _, args := range [][]string{
		{"update", "--quiet=2"},
		append([]string{"install", "--yes", "--quiet=2", "--no-install-recommends"}, missing.Packages()...),
	} {
		command := exec.CommandContext(ctx, "apt-get", args...)
		command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if text, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s: %w\n%s", missing, command, err, text)
		}
	}
	return nil
}
