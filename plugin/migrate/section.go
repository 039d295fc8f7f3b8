// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// remark is what is said about a line of the configuration.
type remark struct {
	line int
	text string
	// note: nothing is left out.
	note bool
}

func (r remark) String() string {
	text := strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(r.text)
	if r.note {
		return "note: " + text
	}
	return text
}

// remarks are what is said.
type remarks []remark

// leaveOut says that something is not carried over.
func (r *remarks) leaveOut(line int, format string, args ...any) {
	*r = append(*r, remark{line: line, text: fmt.Sprintf(format, args...)})
}

// note says how something is carried over.
func (r *remarks) note(line int, format string, args ...any) {
	*r = append(*r, remark{line: line, text: fmt.Sprintf(format, args...), note: true})
}

// lost reports whether something is not carried over.
func (r *remarks) lost() bool {
	return slices.ContainsFunc(*r, func(one remark) bool { return !one.note })
}

// sortedRemarks returns what is said, by line.
func (r *remarks) sortedRemarks() remarks {
	return slices.SortedStableFunc(slices.Values(*r), func(a, b remark) int { return a.line - b.line })
}

// entry is a key and its value.
type entry struct {
	// path of the value, such as "peers[0].my-asn".
	path  string
	key   string
	line  int
	value *yaml.Node
}

// entries returns the keys of a mapping that have a value, with those of the mappings merged into it. What it has itself counts
// before what is merged.
func (r *remarks) entries(node *yaml.Node, path string) []entry {
	if isNull(node) {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		r.leaveOut(node.Line, "%s: must be a mapping of keys to values; left out", cmp.Or(path, "the configuration"))
		return nil
	}
	var entries []entry
	seen := map[string]bool{}
	// A mapping comes before those that are merged into it.
	mappings := []*yaml.Node{node}
	for next := 0; next < len(mappings); next++ {
		mapping := mappings[next]
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			key, value := mapping.Content[i], resolve(mapping.Content[i+1])
			e := entry{path: join(path, key.Value), key: key.Value, line: key.Line, value: value}
			switch {
			case key.Tag == mergeTag:
				mappings = appendMerged(mappings, value)
				continue
			case !seen[key.Value] && !isNull(value):
				entries = append(entries, e)
			}
			seen[key.Value] = true
		}
	}
	return entries
}

// appendMerged appends the mappings that the value of a merge key stands for, unless they are there already.
func appendMerged(mappings []*yaml.Node, value *yaml.Node) []*yaml.Node {
	candidates := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		candidates = value.Content
	}
	for _, c := range candidates {
		if c = resolve(c); c.Kind == yaml.MappingNode && !slices.Contains(mappings, c) {
			mappings = append(mappings, c)
		}
	}
	return mappings
}

// items returns the items of a list.
func (r *remarks) items(e entry) []entry {
	if e.value.Kind != yaml.SequenceNode {
		r.leaveOut(e.line, "%s: must be a list; left out", e.path)
		return nil
	}
	list := make([]entry, 0, len(e.value.Content))
	for i, item := range e.value.Content {
		list = append(list, entry{path: fmt.Sprintf("%s[%d]", e.path, i), line: item.Line, value: resolve(item)})
	}
	return list
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

// join returns the path of a key of what is at the path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
