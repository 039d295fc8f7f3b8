// SPDX-License-Identifier: Apache-2.0

package child

import (
	"bytes"
	"strings"
	"sync"

	"github.com/go-logr/logr"
)

// tailLines is how many lines of output are kept to explain a death.
const tailLines = 3

// tail logs a daemon's output line by line and remembers the end of it.
type tail struct {
	log logr.Logger

	mu      sync.Mutex
	partial []byte
	last    []string
}

func newTail(log logr.Logger) *tail { return &tail{log: log} }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.partial = append(t.partial, p...)
	for {
		line, rest, found := bytes.Cut(t.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		t.partial = rest
		text := strings.TrimSpace(string(line))
		if text == "" {
			continue
		}
		t.log.V(1).Info("daemon output", "line", text)
		t.last = append(t.last, text)
		if len(t.last) > tailLines {
			t.last = t.last[1:]
		}
	}
}

// String returns the last lines, joined.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.last, " | ")
}
