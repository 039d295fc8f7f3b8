// SPDX-License-Identifier: Apache-2.0

package command

import (
	"github.com/spf13/cobra"

	"metallb.io/metallb/plugin/explain"
)

func newExplain(e *environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "explain",
		Short: "Say why something is as it is, and what mends it",
		Long: `Say why something is as it is: everything that it depends on, one line for each, and what mends what is wrong.

The exit status is 1 if something is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newExplainService(e), newExplainAddress(e))
	return c
}

// tell writes a chain, and ends the command with an error if something is wrong.
func (o *output) tell(e *environment, chain explain.Chain) error {
	written, err := o.data(e.Out, chain)
	if !written && err == nil {
		err = chain.Print(e.Out, e.palette)
	}
	if err == nil && chain.Broken() {
		err = somethingIsWrong
	}
	return err
}
