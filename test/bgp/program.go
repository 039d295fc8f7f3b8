// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Program is a BIRD or an FRR with a configuration of the test's own, in which there may be any number of speakers.
type Program interface {
	// Name is of the program.
	Name() string
	// Start runs it. It is killed when the test ends.
	Start(tb testing.TB)
	// Kill ends it as kill -9 does. It may be started again.
	Kill(tb testing.TB)
	// Ask returns what it says to a command in its own language, birdc's or vtysh's. It fails the test if it does not answer.
	Ask(tb testing.TB, command string) string
	// NextHops asks for those over which it spreads what is sent to the IPv4 prefix, in order. There are none if it has no
	// route. It fails the test if the program does not answer.
	NextHops(tb testing.TB, prefix netip.Prefix) []netip.Addr
}

// BIRDWith makes a BIRD with the configuration, which is not started. If that says "graceful restart on", it restarts so after it was killed.
func BIRDWith(tb testing.TB, node *Node, configuration string) Program {
	tb.Helper()
	b := &bird{node: node, dir: socketDir(tb), restarts: strings.Contains(configuration, "graceful restart on")}
	writeFile(tb, filepath.Join(b.dir, "bird.conf"), configuration)
	return b
}

// FRRWith makes an FRR with the configuration, which is not started.
func FRRWith(tb testing.TB, node *Node, configuration string) Program {
	tb.Helper()
	f := &frr{node: node, neighbor: Neighbor{Address: node.Test4}, dir: socketDir(tb)}
	writeFile(tb, filepath.Join(f.dir, "bgpd.conf"), "log stdout\n"+configuration)
	return f
}

func writeFile(tb testing.TB, file, text string) {
	tb.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// Ask implements Program.
func (b *bird) Ask(tb testing.TB, command string) string {
	tb.Helper()
	return b.ask(tb, command)
}

// Ask implements Program.
func (f *frr) Ask(tb testing.TB, command string) string {
	tb.Helper()
	return f.ask(tb, command)
}

// NextHops implements Program: BIRD joins the paths of a prefix where it writes them into the kernel's table.
func (b *bird) NextHops(tb testing.TB, prefix netip.Prefix) []netip.Addr {
	tb.Helper()
	return slices.SortedFunc(maps.Keys(b.node.Weights(tb, prefix)), netip.Addr.Compare)
}

// NextHops implements Program.
func (f *frr) NextHops(tb testing.TB, prefix netip.Prefix) []netip.Addr {
	tb.Helper()
	var hops []netip.Addr
	all := f.pathsTo(tb, "ipv4", prefix)
	for i := range all {
		if all[i].Multipath || all[i].Best.Overall {
			hops = append(hops, all[i].NextHops[0].Address)
		}
	}
	slices.SortFunc(hops, netip.Addr.Compare)
	return hops
}

// CheckBIRD returns what BIRD finds wrong with the configuration. It skips the test where there is no BIRD.
func CheckBIRD(tb testing.TB, configuration string) error {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "bird.conf")
	writeFile(tb, file, configuration)
	return check(tb, "bird2", birdProgram, "-p", "-c", file)
}

// CheckFRR returns what FRR finds wrong with the configuration. It skips the test where there is no FRR.
func CheckFRR(tb testing.TB, configuration string) error {
	tb.Helper()
	dir := tb.TempDir()
	file := filepath.Join(dir, "frr.conf")
	writeFile(tb, file, configuration)
	writeFile(tb, filepath.Join(dir, "vtysh.conf"), "")
	return check(tb, "frr", vtyshProgram, "--config_dir", dir, "--dryrun", "--inputfile", file)
}

// check runs a program of the package, which fails if the configuration is wrong.
func check(tb testing.TB, name, program string, args ...string) error {
	tb.Helper()
	if _, err := exec.LookPath(program); err != nil {
		tb.Skipf("%s is missing: install package %s", program, name)
	}
	out, err := exec.CommandContext(tb.Context(), program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
