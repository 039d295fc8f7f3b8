// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package lifetime

import (
	"os/exec"
	"syscall"
)

// Bind does nothing: see that of Linux.
func Bind(*exec.Cmd, syscall.Signal) {}

// BindGroup gives the program a process group of its own.
func BindGroup(program *exec.Cmd, _ syscall.Signal) {
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
