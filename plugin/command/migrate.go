// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"metallb.io/metallb/plugin/migrate"
)

func newMigrate(e *environment) *cobra.Command {
	files := &input{}
	c := &cobra.Command{
		Use:   "migrate -f FILE",
		Short: "Convert the ConfigMap of MetalLB up to 0.12 into custom resources",
		Long: `Convert the ConfigMap of MetalLB up to 0.12 into custom resources.

FILE is YAML or JSON: the ConfigMap, alone or among other objects; just the text of its key "config"; or the values of
MetalLB's Helm chart with the configuration in configInline. - stands for standard input. The custom resources are written to
standard output. Check them with "kubectl metallb validate" and apply them with kubectl. Nothing else is read or written.

What cannot be carried over, such as pools of protocol layer2, is left out. Standard error says so, a line for each:
  FILE:LINE: address-pools[1]: ...
Lines that begin with "note: " say what is carried over with a change.

The exit status is 0 if everything was carried over, 1 if something was left out, and 2 if nothing was written because FILE
has no configuration, cannot be read, or has nothing that can be carried over.`,
		Example: `  kubectl get configmap config --namespace metallb-system --output yaml > config.yaml
  kubectl metallb migrate -f config.yaml > metallb.yaml
  kubectl metallb validate -f metallb.yaml`,
		RunE: func(_ *cobra.Command, args []string) error { return runMigrate(e, files.take(args)) },
	}
	files.register(c, "file to read the ConfigMap from, or - for standard input")
	return c
}

func runMigrate(e *environment, files []string) error {
	if len(files) != 1 {
		return cannotRead(errors.New("give one file with -f, or - for standard input; see --help"))
	}
	content, err := readFile(files[0], e.In)
	if err != nil {
		return cannotRead(err)
	}
	result, err := migrate.Convert(files[0], content, e.systemNamespace)
	for _, remark := range result.Remarks {
		fmt.Fprintln(e.ErrOut, remark)
	}
	if err != nil {
		return cannotRead(err)
	}
	if _, err := e.Out.Write(result.Resources); err != nil {
		return cannotRead(fmt.Errorf("writing the custom resources: %w", err))
	}
	if result.Lost {
		return somethingIsWrong
	}
	return nil
}

// readFile returns the content of the file; "-" stands for standard input.
func readFile(file string, stdin io.Reader) ([]byte, error) {
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
