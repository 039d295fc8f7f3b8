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
	fmt.Fprintf(w, "\n%s\n", p.Purpose)
	fmt.Fprint(w, "\nFlags:\n")
	writeFlags(w, p.flags(&Settings{}))
	fmt.Fprint(w, "\nA flag that is not given gets the value of the environment variable next to it, if that is set.\n")
	fmt.Fprint(w, "\nEnvironment:\n")
	for _, v := range p.variables() {
		fmt.Fprintf(w, "  %s\n        %s\n", v.Name, v.Usage)
	}
}

// writeFlags writes the flags, each with the variable of the environment that stands for it, if one does.
func writeFlags(w io.Writer, flags *flag.FlagSet) {
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		if value != "" {
			value = "=" + value
		}
		if other := variableOf(f.Name); other != "" {
			value += ", " + other
		}
		fmt.Fprintf(w, "  --%s%s\n        %s%s\n", f.Name, value, usage, defaultOf(f))
	})
}

func defaultOf(f *flag.Flag) string {
	if f.DefValue == "" || f.DefValue == "false" {
		return ""
	}
	return " (default " + f.DefValue + ")"
}
