// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// NoDAD is the flag of an address that is usable at once: nobody looks whether another machine has it.
const NoDAD = unix.IFA_F_NODAD

// unshare moves the calling thread into a new network namespace.
func unshare() error { return unix.Unshare(unix.CLONE_NEWNET) }

// inNewNetwork has a process begin in a new network namespace.
func inNewNetwork() *syscall.SysProcAttr { return &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET} }
