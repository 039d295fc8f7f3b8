// SPDX-License-Identifier: Apache-2.0

package vty_test

import (
	"context"
	"io"
	"net"
	"path/filepath"
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
			answer(t, socket, tt.reply)
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

func answer(t *testing.T, socket, reply string) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 64))
		_, _ = io.WriteString(conn, reply)
	}()
}
