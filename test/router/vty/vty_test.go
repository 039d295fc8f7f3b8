// SPDX-License-Identifier: Apache-2.0

package vty_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"metallb.io/metallb/test/router/vty"
)

func TestAnswersAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ reply, want, wantErr string }{
		"output and success":   {reply: "a\nb\n\x00\x00\x00\x00", want: "a\nb\n"},
		"no output":            {reply: "\x00\x00\x00\x00", want: ""},
		"output and a failure": {reply: "% Unknown command: x\n\x00\x00\x00\x02", wantErr: "status 2: % Unknown command"},
		"an end before it":     {reply: "a\n", wantErr: "EOF"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := filepath.Join(t.TempDir(), "s")
			answer(t, socket, func(string) string { return tt.reply })
			v, err := vty.Dial(t.Context(), socket)
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			got, err := v.Ask("show")
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestCommandsAreSentUntilOneFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		commands []string
		want     string
		sent     []string
	}{
		"all succeed": {[]string{"configure terminal", "bfd", "show"}, "the answer to show", []string{"enable", "configure terminal", "bfd", "show"}},
		"one fails":   {[]string{"wrong", "show"}, "", []string{"enable", "wrong"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := filepath.Join(t.TempDir(), "s")
			sent := answer(t, socket, func(command string) string {
				if command == "wrong" {
					return "\x00\x00\x00\x02"
				}
				return "the answer to " + command + "\x00\x00\x00\x00"
			})
			got, err := vty.Ask(t.Context(), socket, tt.commands...)
			if got != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("got %q, %v", got, err)
			}
			if all := <-sent; !slices.Equal(all, tt.sent) {
				t.Errorf("%q were sent, want %q", all, tt.sent)
			}
		})
	}
}

// answer accepts one connection, and answers its commands. They are in the channel once the connection has ended, or has been given an answer
// that does not end.
func answer(t *testing.T, socket string, reply func(command string) string) <-chan []string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	sent := make(chan []string, 1)
	go func() {
		var commands []string
		defer func() { sent <- commands }()
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		reader := bufio.NewReader(conn)
		for {
			command, err := reader.ReadString(0)
			if err != nil {
				return
			}
			commands = append(commands, strings.TrimSuffix(command, "\x00"))
			text := reply(commands[len(commands)-1])
			if _, err := io.WriteString(conn, text); err != nil || !strings.Contains(text, "\x00") {
				return
			}
		}
	}()
	return sent
}
