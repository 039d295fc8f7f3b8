// SPDX-License-Identifier: Apache-2.0

// Package freeport gives tests TCP ports that stay free until the program under test listens on them.
//
// A port that the kernel chooses for a listener that is closed at once may be given to any other connection or listener before the
// program is there. The ports of this package are outside the range from which the kernel chooses, and a lock keeps tests that run at
// the same time, in this process or another, from getting the same one.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// The ports are those from first to last. On Linux the kernel chooses from 32768 by default.
const (
	first = 12000
	last  = 29999
)

// Get returns a port on which nobody listens. It is the test's until the test ends.
func Get(tb testing.TB) int {
	tb.Helper()
	port, release, err := Reserve()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(release)
	return port
}

// Address returns a free port of 127.0.0.1, as host:port.
func Address(tb testing.TB) string {
	tb.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Get(tb)))
}

// Reserve returns a port on which nobody listens. It is the caller's until it calls release.
func Reserve() (port int, release func(), err error) {
	directory := filepath.Join(os.TempDir(), "metallb-test-ports")
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return 0, nil, fmt.Errorf("making the directory of the locks of ports: %w", err)
	}
	const attempts = 100
	for range attempts {
		port := first + rand.IntN(last-first+1)
		lock, err := os.OpenFile(filepath.Join(directory, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return 0, nil, fmt.Errorf("opening the lock of a port: %w", err)
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil && isFree(port) {
			return port, func() { _ = lock.Close() }, nil
		}
		_ = lock.Close()
	}
	return 0, nil, errors.New("found no free port in 100 attempts")
}

// isFree reports whether nobody listens on the port, at any address.
func isFree(port int) bool {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{Port: port})
	return err == nil && listener.Close() == nil
}
