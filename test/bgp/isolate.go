// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
)

// isolated is set in the environment of a test process that has a network namespace of its own.
const isolated = "BGPTEST_ISOLATED"

// The programs that are run, where Debian has them.
const (
	birdProgram  = "/usr/sbin/bird"
	bgpdProgram  = "/usr/lib/frr/bgpd"
	zebraProgram = "/usr/lib/frr/zebra"
	bfddProgram  = "/usr/lib/frr/bfdd"
	vtyshProgram = "/usr/bin/vtysh"
)

// Isolate moves the test process into a new network namespace. It is to be called first in TestMain. Where that is not
// possible it does nothing: tests that need routers then say so.
func Isolate() {
	if os.Geteuid() != 0 {
		return
	}
	if os.Getenv(isolated) != "" {
		if err := setLoopbackUp(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// The thread that executes the program anew gives the process its namespace.
	runtime.LockOSThread()
	if err := unshare(); err != nil {
		runtime.UnlockOSThread()
		return
	}
	if err := enterAnew(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func setLoopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return fmt.Errorf("setting up the loopback interface: %w", err)
	}
	return nil
}

// Apart is the command of a test process that begins in a network namespace of its own, other than this one's. Unlike a process that Isolate
// moves, it need not execute its program twice.
func Apart(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	if os.Getenv(isolated) != "" { // So it is possible.
		cmd.SysProcAttr = inNewNetwork()
	}
	return cmd
}

func enterAnew() error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the test program: %w", err)
	}
	err = syscall.Exec(program, os.Args, append(os.Environ(), isolated+"=1"))
	return fmt.Errorf("executing %s: %w", program, err)
}

// Require skips the test, or fails it in CI, where routers can not be run.
func Require(tb testing.TB) {
	tb.Helper()
	err := available()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		tb.Fatalf("routers are required in CI: %v", err)
	default:
		tb.Skipf("no routers: %v", err)
	}
}

func available() error {
	if os.Geteuid() != 0 {
		return errors.New("they need root")
	}
	if os.Getenv(isolated) == "" {
		return errors.New("they need a network namespace: TestMain must call Isolate")
	}
	packages := map[string]string{birdProgram: "bird2", bgpdProgram: "frr", vtyshProgram: "frr", "nsenter": "util-linux"}
	for program, name := range packages {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is missing: install package %s", program, name)
		}
	}
	return nil
}
