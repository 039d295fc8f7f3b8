// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// source is a configuration and where it is written.
type source struct {
	file string
	root *yaml.Node
	// above is how many lines of the file come before the configuration's first.
	above int
	// folded: the configuration is written with its lines in one, at the line above.
	folded bool
}

// place says where a line of the configuration is.
func (s source) place(line int) string {
	if s.folded {
		return fmt.Sprintf("%s:%d: line %d of the key config", s.file, s.above, line)
	}
	return fmt.Sprintf("%s:%d", s.file, s.above+line)
}

// configMap is one that has the key "config".
type configMap struct {
	name  string
	value *yaml.Node
}

// find returns the configuration in the file: that in the ConfigMap called "config", that in the only ConfigMap with a key
// "config", or the file as it is.
func find(file string, content []byte) (source, error) {
	documents, err := parseAll(content)
	if err != nil {
		return source{}, fmt.Errorf("%s:%w", file, err)
	}
	var named, others []configMap
	for _, document := range documents {
		if isConfiguration(document) {
			return source{file: file, root: document}, nil
		}
		for _, c := range configMaps(document) {
			if c.name == "config" {
				named = append(named, c)
			} else {
				others = append(others, c)
			}
		}
	}
	if len(named) == 0 {
		named = others
	}
	switch len(named) {
	case 0:
		return source{}, fmt.Errorf("%s: there is no configuration of the first releases in it: no ConfigMap with the key config, and no address-pools", file)
	case 1:
		return inside(file, named[0].value)
	}
	return source{}, fmt.Errorf("%s: there are several ConfigMaps with the key config in it, at the lines %d and %d; leave one", file, named[0].value.Line, named[1].value.Line)
}

// inside returns the configuration that the value of a key of a ConfigMap is.
func inside(file string, value *yaml.Node) (source, error) {
	s := source{file: file, above: value.Line, folded: value.Style&yaml.LiteralStyle == 0}
	documents, err := parseAll([]byte(value.Value))
	var wrong *syntaxError
	switch {
	case errors.As(err, &wrong):
		return source{}, fmt.Errorf("%s: %s", s.place(wrong.line), wrong.text)
	case err != nil:
		return source{}, err
	case len(documents) == 0:
		return source{}, fmt.Errorf("%s: the configuration is empty", s.place(1))
	}
	s.root = documents[0]
	return s, nil
}

// syntaxError is what keeps text from being YAML.
type syntaxError struct {
	line int
	text string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%d: %s", e.line, e.text) }

var (
	errorLine = regexp.MustCompile(`line (\d+): `)
	// quoted is what the parser repeats of the text, which may be a password.
	quoted = regexp.MustCompile("`[^`]*`|'.*'( referenced| value)")
)

// parseAll returns the documents of the text that have something in them.
func parseAll(text []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var documents []*yaml.Node
	for {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			text := quoted.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "…$1")
			wrong := &syntaxError{line: 1, text: "invalid YAML: " + text}
			if match := errorLine.FindStringSubmatch(err.Error()); match != nil {
				if n, err := strconv.Atoi(match[1]); err == nil {
					wrong.line = n
				}
				wrong.text = errorLine.ReplaceAllString(wrong.text, "")
			}
			return nil, wrong
		}
		if len(document.Content) > 0 && document.Content[0].Tag != "!!null" {
			documents = append(documents, document.Content[0])
		}
	}
}

// isConfiguration reports whether the document is the configuration itself.
func isConfiguration(document *yaml.Node) bool {
	if child(document, "kind") != nil {
		return false
	}
	for _, key := range []string{"address-pools", "peers", "bgp-communities", "bfd-profiles", "peer-autodiscovery"} {
		if child(document, key) != nil {
			return true
		}
	}
	return false
}

// configMaps returns the ConfigMaps in the document that have the key "config".
func configMaps(document *yaml.Node) []configMap {
	if items := child(document, "items"); items != nil && items.Kind == yaml.SequenceNode {
		found := make([]configMap, 0, len(items.Content))
		for _, item := range items.Content {
			found = append(found, configMaps(item)...)
		}
		return found
	}
	value := child(child(document, "data"), "config")
	if kind := child(document, "kind"); kind == nil || kind.Value != "ConfigMap" || value == nil || value.Kind != yaml.ScalarNode {
		return nil
	}
	c := configMap{value: value}
	if name := child(child(document, "metadata"), "name"); name != nil {
		c.name = name.Value
	}
	return []configMap{c}
}

// child returns the value of a key; nil if there is none.
func child(node *yaml.Node, key string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return resolve(node.Content[i+1])
		}
	}
	return nil
}

// resolve returns the node that an alias stands for.
func resolve(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
