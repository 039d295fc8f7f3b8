// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Run runs a program in a directory, and returns what it printed on standard output. The error has the command and the end of what it
// printed.
func Run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return Output(cmd)
}

// Output does so for a command with an environment of its own.
func Output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, LastLines(append(stdout.Bytes(), stderr.Bytes()...), 15))
	}
	return stdout.String(), nil
}

// LastLines returns the end of a text, indented.
func LastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "    " + strings.Join(lines[max(0, len(lines)-n):], "\n    ")
}
