// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// draft is an object in the making.
type draft struct {
	remarks *remarks
	// path and line of what it is made from.
	path string
	line int
	// lines of the fields, such as "spec.addresses[0]".
	lines map[string]int
	// broken: it cannot be made.
	broken bool
}

func newDraft(r *remarks, e entry) *draft {
	return &draft{remarks: r, path: e.path, line: e.line, lines: map[string]int{}}
}

// spoil says why the object cannot be made.
func (d *draft) spoil(line int, format string, args ...any) {
	d.broken = true
	d.remarks.leaveOut(line, "%s; %s is left out", fmt.Sprintf(format, args...), d.path)
}

// lineOf returns the line of a field, or of the nearest field around it that has one.
func (d *draft) lineOf(field string) int {
	for name := field; name != ""; {
		if line, found := d.lines[name]; found {
			return line
		}
		name = name[:max(strings.LastIndexAny(name, ".["), 0)]
	}
	return d.line
}

// reader reads the value of a key.
type reader func(e entry)

// each reads the keys of a mapping, and says which have no reader.
func (r *remarks) each(node *yaml.Node, path string, readers map[string]reader) {
	for _, e := range r.entries(node, path) {
		if read, known := readers[e.key]; known {
			read(e)
			continue
		}
		r.leaveOut(e.line, "%s: %s; left out", e.path, unknownKey(e.key, readers))
	}
}

// into returns a reader that decodes a value of the sort into the field. A number in quotes is a number.
func into[T any](d *draft, field, sort string, value *T) reader {
	kind := yaml.ScalarNode
	if sort == mapOfStrings {
		kind = yaml.MappingNode
	}
	return func(e entry) {
		d.lines["spec."+field] = e.line
		plain := yaml.Node{Kind: yaml.ScalarNode, Value: e.value.Value}
		// Decoded, 1.10 would be 1.
		fraction := strings.Contains(e.value.Value, ".") && (sort == number || sort == length || sort == port)
		if e.value.Kind != kind || fraction || e.value.Decode(value) != nil && (kind == yaml.MappingNode || plain.Decode(value) != nil) {
			d.spoil(e.line, "%s: must be %s", e.path, sort)
		}
	}
}

// Sorts of values, as messages have them.
const (
	number       = "a number from 0 to 4294967295"
	length       = "a number"
	port         = "a number from 0 to 65535"
	text         = "a string"
	truth        = "true or false"
	mapOfStrings = "a mapping of strings to strings"
)

// duration returns a reader of times, which the first releases rounded down to whole seconds. To them, empty meant unset.
func (d *draft) duration(field string, value **metav1.Duration) reader {
	return func(e entry) {
		d.lines["spec."+field] = e.line
		if e.value.Kind == yaml.ScalarNode && e.value.Value == "" {
			return
		}
		t, err := time.ParseDuration(e.value.Value)
		if e.value.Kind != yaml.ScalarNode || err != nil {
			d.spoil(e.line, "%s: must be a duration such as 90s or 1m30s", e.path)
			return
		}
		*value = &metav1.Duration{Duration: t.Truncate(time.Second)}
	}
}

// list returns a reader of lists of strings.
func (d *draft) list(field string, values *[]string) reader {
	return func(e entry) {
		d.lines["spec."+field] = e.line
		if e.value.Kind != yaml.SequenceNode {
			d.spoil(e.line, "%s: must be a list", e.path)
			return
		}
		for _, item := range d.remarks.items(e) {
			if item.value.Kind != yaml.ScalarNode || isNull(item.value) {
				d.spoil(item.line, "%s: must be %s", item.path, text)
				continue
			}
			d.lines[fmt.Sprintf("spec.%s[%d]", field, len(*values))] = item.line
			*values = append(*values, item.value.Value)
		}
	}
}

// noCounterpart returns a reader of what is left out, if there is something in it.
func (r *remarks) noCounterpart(why string) reader {
	return func(e entry) {
		if e.value.Value != "" || len(e.value.Content) > 0 {
			r.leaveOut(e.line, "%s: %s; left out", e.path, why)
		}
	}
}
