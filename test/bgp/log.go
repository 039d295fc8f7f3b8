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

func newLog(t testing.TB, name string) *log {
	t.Helper()
	l := &log{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, l.String())
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
func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bgp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// startTime is more than a router needs to start on a busy machine.
const startTime = 20 * time.Second

// awaitReady waits until a router answers.
func awaitReady(t testing.TB, p *process, l *log, answers func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(startTime)
	for !answers() {
		select {
		case <-p.exited:
			t.Fatalf("the router ended: %s", l)
		case <-late:
			t.Fatalf("the router does not answer after %s: %s", startTime, l)
		case <-tick.C:
		}
	}
}
