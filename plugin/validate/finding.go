// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"fmt"
	"strings"
)

// Place is where something is written: a file, and the line, from 1, at which the object or document begins.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// String returns the place as compilers write it.
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Finding is what is said about an object, or about a document that is none.
type Finding struct {
	Place
	// Object is its kind, namespace and name; empty for what is no object.
	Object string `json:"object,omitempty"`
	// Warning is for what is legal but suspicious.
	Warning bool   `json:"warning"`
	Message string `json:"message"`
}

// String returns the finding as one line.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.Place.String() + ": ")
	if f.Warning {
		b.WriteString("warning: ")
	}
	if f.Object != "" {
		b.WriteString(f.Object + ": ")
	}
	b.WriteString(f.Message)
	return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(b.String())
}
