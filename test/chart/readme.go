// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is where the template of the README wants the values.
const place = "<!-- values -->\n"

// describe returns the chart's README: the template, with a table of the values.
func describe(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, readme+".tmpl"))
	if err != nil {
		return nil, err
	}
	values, err := os.ReadFile(filepath.Join(root, Directory, "values.yaml"))
	if err != nil {
		return nil, err
	}
	table, err := describeValues(values)
	if err != nil {
		return nil, err
	}
	const note = "<!-- Made of README.md.tmpl and of the comments in values.yaml by `make manifests`. -->\n\n"
	return append([]byte(note), bytes.Replace(text, []byte(place), table, 1)...), nil
}

// describeValues returns a table of the values: first those by themselves, then a table for each mapping. A value is described by
// the comment before it that begins with two dashes; one with values in it may leave that to them.
func describeValues(values []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(values, &document); err != nil {
		return nil, err
	}
	top := document.Content[0]
	var alone, rest strings.Builder
	for i := 0; i < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		section := &alone
		if value.Kind == yaml.MappingNode && description(key) == "" {
			section = &rest
			fmt.Fprintf(section, "\n### %s\n\n", key.Value)
			if text := plain(key.HeadComment); text != "" {
				fmt.Fprintf(section, "%s\n\n", text)
			}
			section.WriteString(tableHead)
		}
		if err := describeValue(section, key.Value, key, value); err != nil {
			return nil, err
		}
	}
	return []byte("\n" + tableHead + alone.String() + rest.String()), nil
}

const tableHead = "| value | default | |\n|---|---|---|\n"

// describeValue writes a row, or the rows of what is in the value.
func describeValue(w *strings.Builder, path string, key, value *yaml.Node) error {
	text := description(key)
	if text == "" && value.Kind == yaml.MappingNode && len(value.Content) > 0 {
		for i := 0; i < len(value.Content); i += 2 {
			inner := value.Content[i]
			if err := describeValue(w, path+"."+inner.Value, inner, value.Content[i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	if text == "" {
		return fmt.Errorf("line %d: %s has no description: a comment before it that begins with `# -- `", key.Line, path)
	}
	var decoded any
	if err := value.Decode(&decoded); err != nil {
		return err
	}
	fallback, err := json.Marshal(decoded)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| `%s` | `%s` | %s |\n", path, fallback, strings.ReplaceAll(text, "|", "\\|"))
	return nil
}

// description returns what the comment before a key says of the value.
func description(key *yaml.Node) string {
	_, text, _ := strings.Cut("\n"+key.HeadComment, "\n# -- ")
	return plain(text)
}

// plain returns the comment in one line, without a description.
func plain(comment string) string {
	var words []string
	for line := range strings.Lines(comment) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#"))
		if strings.HasPrefix(line, "-- ") {
			break
		}
		words = append(words, line)
	}
	return strings.TrimSpace(strings.Join(words, " "))
}
