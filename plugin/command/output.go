// SPDX-License-Identifier: Apache-2.0

package command

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// The formats of -o.
const (
	formatTable = ""
	formatWide  = "wide"
	formatJSON  = "json"
	formatYAML  = "yaml"
	formatName  = "name"
)

// output is how the result of a command is written.
type output struct {
	format    string
	noHeaders bool
	formats   []string
}

// register adds the flags of a command that writes tables, for these formats beside the one for people.
func (o *output) register(c *cobra.Command, formats ...string) {
	o.registerFormats(c, formats...)
	c.Flags().BoolVar(&o.noHeaders, "no-headers", false, "leave out the headers of tables")
}

// registerFormats adds the flag of the formats only.
func (o *output) registerFormats(c *cobra.Command, formats ...string) {
	o.formats = formats
	c.Flags().StringVarP(&o.format, "output", "o", formatTable, "output format: "+strings.Join(formats, ", "))
	if err := c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // There is such a flag.
	}
}

func (o *output) check() error {
	if o.format == formatTable || slices.Contains(o.formats, o.format) {
		return nil
	}
	return fmt.Errorf("--output=%s: must be one of %s", o.format, strings.Join(o.formats, ", "))
}

// data writes the value if a format for programs is asked for, and reports whether one is.
func (o *output) data(w io.Writer, value any) (written bool, err error) {
	var text []byte
	switch o.format {
	case formatJSON:
		if text, err = json.MarshalIndent(value, "", "    "); err == nil {
			text = append(text, '\n')
		}
	case formatYAML:
		text, err = yaml.Marshal(value)
	default:
		return false, nil
	}
	if err == nil {
		_, err = w.Write(text)
	}
	return true, err
}
