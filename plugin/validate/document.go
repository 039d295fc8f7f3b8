// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"bytes"
	encoding "encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/plugin/yamltext"
)

// document is an object of a file, or what is wrong with what is in its place.
type document struct {
	Place
	object   map[string]any
	problems []Finding
}

// parseDocuments reads YAML or JSON as kubectl does: several documents, and lists of objects.
func parseDocuments(file string, content []byte) []document {
	chunks := split(yamltext.Decode(content))
	documents := make([]document, 0, len(chunks))
	for _, c := range chunks {
		documents = append(documents, c.documents(file)...)
	}
	return documents
}

// chunk is the text of one document.
type chunk struct {
	text []byte
	// before is how many lines of the file come before it.
	before int
}

// split splits a file before each line that begins a document or ends one.
func split(content []byte) []chunk {
	var chunks []chunk
	current := chunk{}
	line := 0
	for text := range bytes.Lines(content) {
		if marker := strings.TrimRight(string(text[:min(len(text), 4)]), " \t\r\n"); marker == "---" || marker == "..." {
			chunks = append(chunks, current)
			current = chunk{before: line}
			if marker == "..." {
				text = []byte("\n")
			}
		}
		current.text = append(current.text, text...)
		line++
	}
	return append(chunks, current)
}

// documents returns the objects of the text.
func (c chunk) documents(file string) []document {
	if stream := c.jsonValues(); len(stream) > 1 {
		documents := make([]document, 0, len(stream))
		for _, value := range stream {
			documents = append(documents, value.documents(file)...)
		}
		return documents
	}
	lines := linesOf(c.text)
	d := document{Place: Place{file, c.before + lines.line}}
	var value any
	text, err := c.json(&d)
	if err == nil {
		err = json.Unmarshal(text, &value)
	}
	if err != nil || value == nil {
		// Nothing in it but comments, if there is no problem.
		return d.ifAny()
	}
	object, ok := value.(map[string]any)
	if !ok {
		d.problem("is not a Kubernetes object; write apiVersion, kind, metadata and spec")
		return d.ifAny()
	}
	d.object = object
	return d.flatten(c.before, lines)
}

// json returns the text as JSON. What it has that strict parsers refuse are problems of the document.
func (c chunk) json(d *document) ([]byte, error) {
	text, err := yaml.YAMLToJSONStrict(c.text)
	if err == nil {
		return text, nil
	}
	if !encoding.Valid(c.text) {
		d.problems = c.problems(d.Place, err)
		return yaml.YAMLToJSON(c.text)
	}
	// JSON may have what this parser does not take, such as tabs; of what it says only keys that are there twice count.
	for _, p := range c.problems(d.Place, err) {
		if strings.HasSuffix(p.Message, "already set in map") {
			d.problems = append(d.problems, p)
		}
	}
	return c.text, nil
}

func (d *document) problem(text string) {
	d.problems = append(d.problems, Finding{Place: d.Place, Message: text})
}

func (d document) ifAny() []document {
	if len(d.problems) == 0 {
		return nil
	}
	return []document{d}
}

// flatten returns the items of a list in its place.
func (d document) flatten(before int, lines positions) []document {
	kind, _ := d.object["kind"].(string)
	items, isList := d.object["items"].([]any)
	if version, _ := d.object["apiVersion"].(string); version == "v1" && kind == "List" && !isList && d.object["items"] != nil {
		d.problem("items must be a list; put a dash before each object")
	}
	if !isList || !strings.HasSuffix(kind, "List") {
		return []document{d}
	}
	list := d
	list.object = nil
	documents := list.ifAny()
	for i, item := range items {
		at := document{Place: d.Place}
		var itemLines positions
		if i < len(lines.items) {
			itemLines = lines.items[i]
			at.Line = before + itemLines.line
		}
		object, ok := item.(map[string]any)
		if !ok {
			at.problem(fmt.Sprintf("items[%d] is not a Kubernetes object", i))
			documents = append(documents, at)
			continue
		}
		at.object = object
		documents = append(documents, at.flatten(before, itemLines)...)
	}
	return documents
}

// jsonValues returns the values of a text that is JSON, which may follow each other without a marker.
func (c chunk) jsonValues() []chunk {
	if !bytes.HasPrefix(bytes.TrimSpace(c.text), []byte("{")) {
		return nil
	}
	var values []chunk
	decoder := encoding.NewDecoder(bytes.NewReader(c.text))
	for start := 0; ; {
		var value any
		err := decoder.Decode(&value)
		end := int(decoder.InputOffset())
		if err != nil {
			end = len(c.text)
		}
		if part := c.text[start:end]; len(bytes.TrimSpace(part)) > 0 {
			values = append(values, chunk{text: part, before: c.before + bytes.Count(c.text[:start], []byte("\n"))})
		}
		if start = end; err != nil {
			return values
		}
	}
}

// positions are where a document and the items of a list begin, as lines from 1.
type positions struct {
	line  int
	items []positions
}

// linesOf returns the positions of what is in the text; the first line with anything in it where they cannot be told.
func linesOf(text []byte) positions {
	var root yamlnode.Node
	if err := yamlnode.Unmarshal(text, &root); err == nil && len(root.Content) > 0 {
		return positionsOf(root.Content[0])
	}
	line := 1
	for written := range bytes.Lines(text) {
		if trimmed := bytes.TrimSpace(written); len(trimmed) > 0 && trimmed[0] != '#' && !bytes.HasPrefix(trimmed, []byte("---")) {
			return positions{line: line}
		}
		line++
	}
	return positions{line: 1}
}

func positionsOf(node *yamlnode.Node) positions {
	p := positions{line: node.Line}
	if node.Kind != yamlnode.MappingNode {
		return p
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value != "items" || node.Content[i+1].Kind != yamlnode.SequenceNode {
			continue
		}
		for _, item := range node.Content[i+1].Content {
			p.items = append(p.items, positionsOf(item))
		}
	}
	return p
}

// errorLine is how errors of the YAML parser name the line, and quoted what they repeat of the text, which may be a
// password.
var (
	errorLine = regexp.MustCompile(`line (\d+): `)
	quoted    = regexp.MustCompile("`[^`]*`|'.*'( referenced| value)|map key: .*")
)

// problems returns what the parser of YAML says, a finding for each line that it names.
func (c chunk) problems(start Place, err error) []Finding {
	text := strings.TrimPrefix(rootCause(err).Error(), "error converting YAML to JSON: ")
	text = strings.TrimPrefix(text, "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n")
	if line, fault, known := yamltext.Find(c.text, err); known && !strings.Contains(text, "already set in map") {
		return []Finding{{Place: Place{start.File, c.before + line}, Message: fault}}
	}
	var found []Finding
	for part := range strings.SplitSeq(text, "\n") {
		at := start
		if m := errorLine.FindStringSubmatch(part); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				at.Line = c.before + n
			}
			part = strings.Replace(part, m[0], "", 1)
		}
		found = append(found, Finding{Place: at, Message: "invalid YAML: " + quoted.ReplaceAllString(strings.TrimSpace(part), "…$1")})
	}
	return found
}

// rootCause returns the innermost error.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
