// SPDX-License-Identifier: Apache-2.0

package namespace

import (
	"fmt"
	"os"
	"runtime"
)

// Enter moves the calling thread into the network namespace at path; an empty path is the one it is in. The caller must
// have locked its goroutine to the thread and must not unlock it, so that the thread ends with the goroutine and no
// other goroutine ever runs in the foreign namespace.
func Enter(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening network namespace: %w", err)
	}
	defer f.Close()
	if err := setns(f); err != nil {
		return fmt.Errorf("entering network namespace %s: %w", path, err)
	}
	return nil
}

// Run calls f in the network namespace at path and returns its error. What f opens stays in that namespace;
// goroutines that it starts do not run there.
func Run(path string, f func() error) error {
	if path == "" {
		return f()
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := Enter(path); err != nil {
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}
