// SPDX-License-Identifier: Apache-2.0

package lifetime

import (
	"os/exec"
	"syscall"
)

// Bind has the kernel send the signal to the program when the thread that starts it ends, as it does with this process. Other systems
// than Linux can not: there, the program goes on if this process is killed. The attributes are set by Bind alone.
func Bind(program *exec.Cmd, signal syscall.Signal) {
	program.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: signal}
}

// BindGroup is Bind for a program with a process group of its own, which a signal of the terminal does not reach.
func BindGroup(program *exec.Cmd, signal syscall.Signal) {
	program.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: signal, Setpgid: true}
}
