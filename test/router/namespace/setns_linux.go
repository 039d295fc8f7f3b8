// SPDX-License-Identifier: Apache-2.0

package namespace

import (
	"os"

	"golang.org/x/sys/unix"
)

// setns moves the calling thread into the network namespace of the open file.
func setns(f *os.File) error { return unix.Setns(int(f.Fd()), unix.CLONE_NEWNET) }
