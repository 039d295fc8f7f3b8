// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// unreadable is the exit status of commands that read files, if they cannot do their work: 1 is for what they find in the files.
const unreadable = 2

// input are the files that a command is given with -f, or without.
type input struct{ files []string }

// register adds the flag, and makes the exit status of whatever is wrong with the command line that of what cannot be read.
func (i *input) register(c *cobra.Command, usage string) {
	c.Flags().StringSliceVarP(&i.files, "filename", "f", nil, usage)
	if err := c.MarkFlagFilename("filename", "yaml", "yml", "json"); err != nil {
		panic(err) // There is such a flag.
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cannotRead(err) })
}

// take returns the files, with those that are arguments: a shell makes several words of *.yaml. From now on an interrupt ends the process at
// once, even while it waits for its input: there is nothing to put away.
func (i *input) take(args []string) []string {
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	return slices.Concat(i.files, args)
}

// cannotRead makes the error, in one line, end the command as what cannot be read does.
func cannotRead(err error) error {
	return exitError{unreadable, errors.New(strings.ReplaceAll(err.Error(), "\n", " "))}
}
