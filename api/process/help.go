// SPDX-License-Identifier: Apache-2.0

package process

import (
	"flag"
	"fmt"
	"io"
)

// help writes what the program is for and all that can be set.
func (p *Program) help(w io.Writer) {
	fmt.Fprintf(w, "Usage: %s [flags]\n\n%s\n\nFlags:\n", p.Name, p.Purpose)
	p.flags(&Settings{}).VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		if value != "" {
			value = "=" + value
		}
		fmt.Fprintf(w, "  --%s%s\n        %s%s\n", f.Name, value, usage, defaultOf(f))
	})
	fmt.Fprint(w, "\nEnvironment:\n")
	for _, v := range p.variables() {
		fmt.Fprintf(w, "  %s\n        %s\n", v.Name, v.Usage)
	}
}

func defaultOf(f *flag.Flag) string {
	if f.DefValue == "" || f.DefValue == "false" {
		return ""
	}
	return " (default " + f.DefValue + ")"
}
