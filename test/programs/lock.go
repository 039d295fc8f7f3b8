// SPDX-License-Identifier: Apache-2.0

//go:build unix

package programs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Lock takes the exclusive lock of a file, which it creates if need be, and returns its release. If another process
// or goroutine has the lock, it calls waiting once and waits. A holder that dies releases it.
func Lock(ctx context.Context, path string, waiting func()) (release func(), err error) {
	for told := false; ; {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, fmt.Errorf("opening the lock: %w", err)
		}
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil && stillThere(file) {
			return func() { _ = file.Close() }, nil
		}
		_ = file.Close()
		if err == nil { // the last holder has removed it
			continue
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if !told {
			told = true
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the lock %s: %w", path, context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stillThere tells whether an open file is yet the one of its name.
func stillThere(file *os.File) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(file.Name())
	return err == nil && os.SameFile(opened, named)
}
