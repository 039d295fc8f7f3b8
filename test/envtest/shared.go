// SPDX-License-Identifier: Apache-2.0

package envtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"metallb.io/metallb/test/programs"
)

// Shared is a server that a package's tests share. It is started by the first test that needs it. The zero value is
// ready to use.
type Shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Main runs the tests, stops the server if one was started, and returns the exit code.
func (s *Shared) Main(m *testing.M) int {
	code := programs.WithDiscoveryCache(m)
	if s.server == nil {
		return code
	}
	if err := s.server.stop(); err != nil {
		fmt.Fprintf(os.Stderr, "stopping the API server: %v\n", err)
		return max(code, 1)
	}
	return code
}

// Get returns the server. It skips the test if the programs are missing.
func (s *Shared) Get(tb testing.TB) *Server {
	tb.Helper()
	// Not the test's context: the server outlives the test that starts it.
	s.once.Do(func() { s.server, s.err = start(context.WithoutCancel(tb.Context())) })
	if s.err != nil {
		skipOrFail(tb, s.err)
	}
	return s.server
}
