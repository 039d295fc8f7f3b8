// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// ErrNotRoot and ErrNotLinux tell that a cluster cannot run for this user or on this system at all.
var (
	ErrNotRoot  = errors.New("a cluster needs network namespaces, mounts and control groups: run this as root")
	ErrNotLinux = errors.New("a cluster runs on Linux only")
)

// ErrNoIPv6 tells that nodes could have no IPv6 addresses.
var ErrNoIPv6 = errors.New("a cluster has IPv6 beside IPv4, and this kernel has none: boot it without ipv6.disable=1")

// Requirement is something that has to be on the machine, and the Debian package that has it.
type Requirement struct {
	What    string // for people: "nft"
	Package string // "nftables"
	Missing bool
}

// Command returns the requirement of a program in the PATH, or where the PATHs of root look.
func Command(name, pkg string) Requirement {
	_, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			_, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	return Requirement{What: name, Package: pkg, Missing: err != nil}
}

// MissingError lists all that is missing.
type MissingError struct {
	Requirements []Requirement // those that are missing
}

// Error names what is missing and the command that installs it.
func (e *MissingError) Error() string {
	what := make([]string, 0, len(e.Requirements))
	for _, r := range e.Requirements {
		what = append(what, r.What)
	}
	return fmt.Sprintf("missing: %s; on Debian or Ubuntu: apt-get install %s", strings.Join(what, ", "), strings.Join(e.Packages(), " "))
}

// Packages returns the Debian packages to install, sorted, each once.
func (e *MissingError) Packages() []string {
	packages := make([]string, 0, len(e.Requirements))
	for _, r := range e.Requirements {
		packages = append(packages, r.Package)
	}
	slices.Sort(packages)
	return slices.Compact(packages)
}

// Preflight checks that a cluster can be built and run here: the system, the user, and the commands that the programs
// in bin, or still to be built there, and the caller need. All that is missing comes as one [MissingError].
func Preflight(bin string, more ...Requirement) error {
	if runtime.GOOS != "linux" {
		return ErrNotLinux
	}
	wanted, err := selectPrograms(clusterPrograms())
	if err != nil {
		return err
	}
	missing := missingError(slices.Concat(runRequirements(bin), buildRequirements(outdated(bin, wanted)), more))
	var unable []error
	if os.Geteuid() != 0 {
		unable = append(unable, ErrNotRoot)
	}
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		unable = append(unable, ErrNoIPv6)
	}
	return errors.Join(append(unable, missing)...)
}

// runRequirements are those of a running node.
func runRequirements(bin string) []Requirement {
	list := []Requirement{
		Command("nft", "nftables"), // kube-proxy
		Command("mount", "mount"),  // kubelet
		Command("umount", "mount"), // kubelet
	}
	// runc is the one program that is linked to a library of the system; it may have been built on another machine.
	runc := filepath.Join(bin, "runc")
	if _, err := os.Stat(runc); err == nil {
		list = append(list, Requirement{What: "libseccomp.so.2", Package: "libseccomp2", Missing: !runs(runc, "--version")})
	}
	return list
}

// buildRequirements are those of building the programs.
func buildRequirements(todo []program) []Requirement {
	var list []Requirement
	if slices.ContainsFunc(todo, func(p program) bool { return p.cgo == "1" }) {
		list = append(list, Command("gcc", "gcc"), Command("pkg-config", "pkg-config"),
			Requirement{What: "libseccomp.pc", Package: "libseccomp-dev", Missing: !runs("pkg-config", "--exists", "libseccomp")})
	}
	return list
}

// missingError returns a MissingError of what is missing, or nil.
func missingError(list []Requirement) error {
	missing := slices.DeleteFunc(slices.Clone(list), func(r Requirement) bool { return !r.Missing })
	if len(missing) == 0 {
		return nil
	}
	return &MissingError{Requirements: missing}
}

// runs tells whether a command ends well.
func runs(name string, args ...string) bool {
	return exec.CommandContext(context.Background(), name, args...).Run() == nil
}
