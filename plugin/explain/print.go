// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"io"
	"slices"
	"strings"

	"metallb.io/metallb/plugin/terminal"
)

// Print writes the chain, a link on each line, and what mends it below. The last line is the verdict.
func (c Chain) Print(w io.Writer, p terminal.Palette) error {
	var text strings.Builder
	name := c.Name
	if c.Namespace != "" {
		name = c.Namespace + "/" + name
	}
	text.WriteString(p.Strong(terminal.Plain(c.Kind+" "+name)) + "\n")
	for _, l := range c.Links {
		text.WriteString("  " + p.Mark(l.Mark) + " " + l.line() + "\n")
		for _, r := range l.Remedies {
			text.WriteString("      → " + r.line(p) + "\n")
		}
	}
	text.WriteString("\n" + c.verdict(p) + "\n")
	_, err := io.WriteString(w, text.String())
	return err
}

func (l *Link) line() string { return terminal.Plain(l.Subject + ": " + l.Text) }

func (r Remedy) line(p terminal.Palette) string {
	switch text, command := terminal.Plain(r.Text), terminal.Plain(r.Command); {
	case command == "":
		return text
	case text == "":
		return p.Strong(command)
	default:
		return text + ": " + p.Strong(command)
	}
}

// verdict says what is wrong first, and what mends it.
func (c *Chain) verdict(p terminal.Palette) string {
	first, broken := c.Verdict()
	switch {
	case broken:
		text := p.Bad("What is wrong:") + " " + first.line()
		if len(first.Remedies) > 0 {
			text += " → " + first.Remedies[0].line(p)
		}
		return text
	case slices.ContainsFunc(c.Links, func(l Link) bool { return l.Mark == terminal.Doubtful }):
		return p.Doubtful("Nothing is broken. Look at the lines that begin with !.")
	}
	return p.Good("All is well.")
}
