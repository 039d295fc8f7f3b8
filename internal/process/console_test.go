// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var consoleTimes = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} `)

func TestTheConsoleAlignsWhatPeopleRead(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := newLogger(levelAll, newConsoleEncoder(false), &log)
	logger.Info("stopped")
	logger.WithName("service").WithValues("service", "default/nginx").Info("assigning addresses",
		"addresses", []netip.Addr{netip.MustParseAddr("198.51.100.0")}, "pool", "my ip space", "count", 1, "after", time.Second, "none", "")
	logger.V(3).Info("a message that is longer than those that are aligned by far", "peer", "a=b")
	logger.Error(errors.New("no luck:\n\x1b[31mred"), "line\nbreak")
	want := `INFO  stopped
INFO  service: assigning addresses                     service=default/nginx addresses=["198.51.100.0"] pool="my ip space" count=1 after=1s none=""
DEBUG a message that is longer than those that are aligned by far peer="a=b"
ERROR "line\nbreak"                                    error="no luck:\n\x1b[31mred"
`
	got := log.String()
	if times := consoleTimes.FindAllString(got, -1); len(times) != 4 {
		t.Errorf("%d lines begin with a time:\n%s", len(times), got)
	}
	if diff := cmp.Diff(want, consoleTimes.ReplaceAllString(got, "")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALoggerWithValuesLeavesTheOneItCameFromAsItWas(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	logger := newLogger(levelAll, newConsoleEncoder(false), &log)
	logger.WithValues("peer", "router")
	logger.Info("stopped")
	if got := consoleTimes.ReplaceAllString(log.String(), ""); got != "INFO  stopped\n" {
		t.Errorf("the line is %q", got)
	}
}

func TestTheConsoleIsColouredOnATerminalOnly(t *testing.T) {
	t.Parallel()
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	for name, tc := range map[string]struct {
		to          io.Writer
		environment map[string]string
		want        string
	}{
		"a terminal":                   {to: terminal, want: "\x1b[31mERROR\x1b[0m no " + "\x1b[2mwhy=\x1b[0mbad"},
		"a terminal without colours":   {to: terminal, environment: map[string]string{"NO_COLOR": "1"}, want: "ERROR no why=bad"},
		"a file":                       {to: file, want: "ERROR no why=bad"},
		"something that is not a file": {to: io.Discard, want: "ERROR no why=bad"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			newLogger(levelAll, encoderOf(formatConsole, tc.to, environment(tc.environment)), &log).Error(nil, "no", "why", "bad")
			got := regexp.MustCompile(` {2,}`).ReplaceAllString(consoleTimes.ReplaceAllString(log.String(), ""), " ")
			if diff := cmp.Diff(tc.want+"\n", got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
