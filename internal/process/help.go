// SPDX-License-Identifier: Apache-2.0

package process

import (
	"flag"
	"fmt"
	"io"
)

// help writes what the program is for and all that can be set.
func (p *Program) help(w io.Writer) {
	fmt.Fprintf(w, "Usage: %s [flags]\n", p.Name)
	for _, c := range p.Commands {
		fmt.Fprintf(w, "       %s %s %s\n", p.Name, c.Name, c.Arguments)
	}
	fmt.Fprintf(w, "\n%s\n", p.Purpose)
	if len(p.Commands) > 0 {
		fmt.Fprint(w, "\nCommands (run one with --help to learn more):\n")
	}
	for _, c := range p.Commands {
		fmt.Fprintf(w, "  %s\n        %s\n", c.Name, c.Purpose)
	}
	fmt.Fprint(w, "\nFlags:\n")
	writeFlags(w, p.flags(&Settings{}), variableOf)
	fmt.Fprint(w, "\nA flag that is not given gets the value of the environment variable next to it, if that is set.\n")
	writeVariables(w, p.variables())
}

// writeFlags writes the flags, each with the variable of the environment that stands for it, if one does: two dashes before a
// word, one before a letter.
func writeFlags(w io.Writer, flags *flag.FlagSet, variable func(string) string) {
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		dashes, equals := "--", "="
		if len(f.Name) == 1 {
			dashes, equals = "-", " "
		}
		if value != "" {
			value = equals + value
		}
		if other := variable(f.Name); other != "" {
			value += ", " + other
		}
		fmt.Fprintf(w, "  %s%s%s\n        %s%s\n", dashes, f.Name, value, usage, defaultOf(f))
	})
}

func writeVariables(w io.Writer, variables []Variable) {
	fmt.Fprint(w, "\nEnvironment:\n")
	for _, v := range variables {
		fmt.Fprintf(w, "  %s\n        %s\n", v.Name, v.Usage)
	}
}

func defaultOf(f *flag.Flag) string {
	if f.DefValue == "" || f.DefValue == "false" {
		return ""
	}
	return " (default " + f.DefValue + ")"
}
