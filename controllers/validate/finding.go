// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"fmt"
	"strings"
)

// place is where something is written.
type place struct {
	file string
	line int
}

func (p place) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// finding is what is said about an object, or about a document that is none.
type finding struct {
	place
	// object is its kind, namespace and name; empty for what is no object.
	object  string
	warning bool
	text    string
}

// String returns the finding as one line.
func (f finding) String() string {
	var b strings.Builder
	b.WriteString(f.place.String() + ": ")
	if f.warning {
		b.WriteString("warning: ")
	}
	if f.object != "" {
		b.WriteString(f.object + ": ")
	}
	b.WriteString(f.text)
	return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(b.String())
}
