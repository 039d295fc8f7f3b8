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

const details = `FILE is YAML or JSON: the ConfigMap, alone or among other objects; just the text of its key "config"; or the values of
MetalLB's Helm chart with the configuration in configInline. - stands for standard input. The custom resources are written to
standard output. Check them with "controller validate" and apply them with kubectl. Nothing else is read or written.

What cannot be carried over, such as pools of protocol layer2, is left out. Standard error says so, a line for each:
  FILE:LINE: address-pools[1]: ...
Lines that begin with "note: " say what is carried over with a change.

The exit status is 0 if everything was carried over, 1 if something was left out, and 2 if nothing was written because FILE
has no configuration, cannot be read, or has nothing that can be carried over.`

// NewCommand returns the command, which reads "-" from stdin.
func NewCommand(stdin io.Reader) *process.Command {
	var files []string
	return &process.Command{
		Name:      "migrate",
		Arguments: "-f FILE",
		Purpose:   "Converts the ConfigMap of MetalLB up to 0.12 into custom resources.",
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
				return false, errors.New("give one file with -f, or - for standard input; see --help")
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
	src, note, err := find(file, content)
	if err != nil {
		return false, err
	}
	m := newMigration(call.Namespace)
	m.configuration(src.root)
	text, err := m.yaml()
	if err != nil {
		return false, err
	}
	if note != "" {
		m.note(src.line, "%s", note)
	}
	for _, r := range m.sortedRemarks() {
		if _, err := fmt.Fprintln(call.Stderr, src.place(r.line)+": "+r.String()); err != nil {
			return false, fmt.Errorf("writing what was left out: %w", err)
		}
	}
	switch {
	case len(text) == 0 && m.lost():
		return false, fmt.Errorf("%s: nothing is carried over, for the reasons above", file)
	case len(text) == 0:
		return false, fmt.Errorf("%s: the configuration is empty", src.place(src.root.Line))
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
