// SPDX-License-Identifier: Apache-2.0

// Package yamltext reads the text of files with YAML as kubectl does, and says why a text is not YAML where the parser does not.
package yamltext

import (
	"bytes"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Decode returns the content of a file as UTF-8, without a byte order mark. With such a mark, the content may also be UTF-16, which PowerShell
// writes. It may be called again for what it has returned.
func Decode(content []byte) []byte {
	text, _, err := transform.Bytes(unicode.BOMOverride(transform.Nop), content)
	if err != nil {
		return content // The parser says what is wrong with it.
	}
	return text
}

// Unrendered says that a text is a template.
const Unrendered = "this is a Helm template; render it first, with helm template"

// tabbed is a line that is indented with a tab.
var tabbed = regexp.MustCompile(`^ *\t[ \t]*[^ \t\r\n#]`)

// Find returns what is wrong with a text of which the parser returned the error, and in which line, the first being 1. It reports
// false if the parser's own words have to do.
func Find(text []byte, err error) (line int, fault string, found bool) {
	tabs := strings.Contains(err.Error(), "tab character") || strings.Contains(err.Error(), "cannot start any token")
	for content := range bytes.Lines(text) {
		line++
		switch {
		case bytes.Contains(content, []byte("{{")):
			return line, Unrendered, true
		case tabs && tabbed.Match(content):
			return line, "invalid YAML: the line is indented with a tab; use spaces", true
		}
	}
	return 0, "", false
}
