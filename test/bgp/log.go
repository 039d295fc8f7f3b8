// SPDX-License-Identifier: Apache-2.0

package bgptest

import (
	"bytes"
	"os"
	"sync"
	"testing"
	"time"
)

// log keeps what a router writes, for a test that fails.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newLog(tb testing.TB, name string) *log {
	tb.Helper()
	l := &log{}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("%s wrote:\n%s", name, l.String())
		}
	})
	return l
}

// Write implements io.Writer.
func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// socketDir makes a directory with a short name, as the path of a Unix socket has a limit that t.TempDir may exceed.
func socketDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "bgp") //nolint:usetesting // for the reason above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// startTime is more than a router needs to start on a busy machine.
const startTime = 20 * time.Second

// awaitReady waits until a router answers.
func awaitReady(tb testing.TB, p *process, l *log, answers func() bool) {
	tb.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(startTime)
	for !answers() {
		select {
		case <-p.exited:
			tb.Fatalf("the router ended: %s", l)
		case <-late:
			tb.Fatalf("the router does not answer after %s: %s", startTime, l)
		case <-tick.C:
		}
	}
}
