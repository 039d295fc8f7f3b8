// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"metallb.io/metallb/plugin/yamltext"
)

// syntaxError is what keeps text from being YAML, or from having one meaning.
type syntaxError struct {
	line int
	text string
	// first is the line of the first of two keys, if that is what is wrong.
	first int
}

// at returns the error with its place.
func (e *syntaxError) at(s source) error {
	if e.first > 0 {
		return fmt.Errorf("%s: %s; the first is at %s", s.place(e.line), e.text, s.place(e.first))
	}
	return fmt.Errorf("%s: %s", s.place(e.line), e.text)
}

var (
	errorLine = regexp.MustCompile(`line (\d+): `)
	// quoted is what the parser repeats of the text, which may be a password.
	quoted = regexp.MustCompile("`[^`]*`|'.*'( referenced| value)")
)

// parse returns the documents of the text, which is YAML or JSON, that have something in them. No key of a mapping is there
// twice: of which of the two was meant, nobody knows.
func parse(text []byte) ([]*yaml.Node, *syntaxError) {
	text = yamltext.Decode(text)
	if json.Valid(text) {
		// YAML has no tabs outside of strings, and JSON none in them.
		text = bytes.ReplaceAll(text, []byte("\t"), []byte(" "))
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var documents []*yaml.Node
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, explain(err, text)
		}
		if wrong := ambiguous(&document); wrong != nil {
			return nil, wrong
		}
		if len(document.Content) > 0 && !isNull(document.Content[0]) {
			documents = append(documents, document.Content[0])
		}
	}
}

// explain says what is wrong with the text where the parser gave up.
func explain(err error, text []byte) *syntaxError {
	if line, fault, found := yamltext.Find(text, err); found {
		return &syntaxError{line: line, text: fault}
	}
	wrong := &syntaxError{line: 1, text: "invalid YAML: " + quoted.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "…$1")}
	if match := errorLine.FindStringSubmatch(err.Error()); match != nil {
		if n, err := strconv.Atoi(match[1]); err == nil {
			wrong.line = n
		}
		wrong.text = errorLine.ReplaceAllString(wrong.text, "")
	}
	return wrong
}

// ambiguous reports a key that is in one mapping twice, and what only a template has.
func ambiguous(node *yaml.Node) *syntaxError {
	first := map[string]int{}
	for i, inner := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 {
			switch line, twice := first[inner.Value]; {
			case inner.Kind == yaml.MappingNode:
				return &syntaxError{line: inner.Line, text: yamltext.Unrendered}
			case twice && inner.Kind == yaml.ScalarNode && inner.Tag != mergeTag:
				return &syntaxError{line: inner.Line, text: fmt.Sprintf("the key %q is written twice; remove one", inner.Value), first: line}
			}
			first[inner.Value] = inner.Line
		}
		if wrong := ambiguous(inner); wrong != nil {
			return wrong
		}
	}
	return nil
}

// mergeTag is that of the key <<.
const mergeTag = "!!merge"

// pairs returns the keys of a mapping, and their values.
func pairs(node *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		if node == nil || node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(node.Content); i += 2 {
			if !yield(node.Content[i], resolve(node.Content[i+1])) {
				return
			}
		}
	}
}

// child returns the value of a key; nil if there is none.
func child(node *yaml.Node, key string) *yaml.Node {
	for name, value := range pairs(node) {
		if name.Value == key {
			return value
		}
	}
	return nil
}

// scalar returns the text of a node; empty if it is none.
func scalar(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode || isNull(node) {
		return ""
	}
	return node.Value
}

// resolve returns the node that an alias stands for.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
