// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"metallb.io/metallb/internal/process"
)

const details = `FILE is the ConfigMap, in YAML or JSON and alone or among other objects, or just the text of its key "config"; - stands
for standard input. The custom resources come out on standard output, to be checked by "controller validate" and applied by
kubectl; nothing else is read or written.

What has no counterpart here, such as pools of protocol layer2, is left out and said on standard error, a line for each:
  FILE:LINE: address-pools[1]: ...
What is carried over in other words is said in lines that begin with "note: ".

The exit status is 0 if all was carried over, 1 if something was left out, 2 if there is no configuration in FILE.`

// NewCommand returns the command, which reads "-" from stdin.
func NewCommand(stdin io.Reader) *process.Command {
	var files []string
	return &process.Command{
		Name:      "migrate",
		Arguments: "-f FILE",
		Purpose:   "Turns the ConfigMap of MetalLB's first releases into custom resources.",
		Details:   details,
		Register: func(flags *flag.FlagSet) {
			flags.Func("f", "read the ConfigMap from this `FILE`", func(name string) error {
				files = append(files, name)
				return nil
			})
		},
		Run: func(_ context.Context, call process.Call) (bool, error) {
			files := slices.Concat(files, call.Args)
			if len(files) != 1 {
				return false, errors.New("name one file with -f, or - for standard input; see --help")
			}
			return run(call, files[0], stdin)
		},
	}
}

func run(call process.Call, file string, stdin io.Reader) (bool, error) {
	content, err := read(file, stdin)
	if err != nil {
		return false, err
	}
	src, err := find(file, content)
	if err != nil {
		return false, err
	}
	m := newMigration(call.Namespace)
	m.configuration(src.root)
	text, err := m.yaml()
	if err != nil {
		return false, err
	}
	if len(text) == 0 && len(m.remarks) == 0 {
		return false, fmt.Errorf("%s: the configuration is empty", src.place(src.root.Line))
	}
	for _, r := range m.sortedRemarks() {
		if _, err := fmt.Fprintln(call.Stderr, src.place(r.line)+": "+r.String()); err != nil {
			return false, fmt.Errorf("writing what was left out: %w", err)
		}
	}
	if _, err := call.Stdout.Write(text); err != nil {
		return false, fmt.Errorf("writing the custom resources: %w", err)
	}
	return !m.lost(), nil
}

func read(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		content, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return content, nil
	}
	content, err := os.ReadFile(file) //nolint:gosec // The command is for reading the file that it is told to.
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such file", file)
	}
	return content, err
}
