// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const preface = `# kubectl metallb: all commands

Generated from the program (` + "`make reference`" + `): what each command says with ` + "`--help`" + `. How to install the plugin is
[in another place](installation.md#the-plugin-of-kubectl).

`

// Page returns the page, in Markdown.
func Page(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(preface)
	for _, c := range commands(root) {
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", c.CommandPath(), anchor(c.CommandPath()), c.Short)
	}
	for _, c := range commands(root) {
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s\n```\n", c.CommandPath(), help(c))
	}
	fmt.Fprintf(&b, "\n## Flags of all commands\n\n```text\n%s```\n", root.PersistentFlags().FlagUsages())
	return b.String()
}

// commands returns those that do something, and theirs, in the order of their names.
func commands(parent *cobra.Command) []*cobra.Command {
	var found []*cobra.Command
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			found = append(append(found, c), commands(c)...)
		}
	}
	return found
}

// help is what the command says of itself, without the flags of all commands.
func help(c *cobra.Command) string {
	parts := []string{cmp.Or(c.Long, c.Short), "Usage:\n  " + c.UseLine()}
	if c.Example != "" {
		parts = append(parts, "Examples:\n"+c.Example)
	}
	if flags := c.NonInheritedFlags(); flags.HasAvailableFlags() {
		parts = append(parts, "Flags:\n"+strings.TrimRight(flags.FlagUsages(), "\n"))
	}
	return strings.Join(parts, "\n\n")
}

// anchor is what a heading is linked by.
func anchor(heading string) string { return strings.ReplaceAll(strings.ToLower(heading), " ", "-") }
