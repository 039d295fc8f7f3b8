// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// configInline is the value of MetalLB's chart that has the configuration.
	configInline = "configInline"
	// existingConfigMap is the value that names a ConfigMap which has it.
	existingConfigMap = "existingConfigMap"
)

// rootKeys are the keys by which a configuration is recognized. Others than MetalLB may have peers.
var rootKeys = []string{"address-pools", "bgp-communities", "bfd-profiles", "peer-autodiscovery", "peers"}

// mention is what a text has that may be a configuration, or values with one, in YAML or JSON.
var mention = regexp.MustCompile(`(?m)(^|[\s{,"])(` + strings.Join(rootKeys, "|") + `|(?i:configInline))"?\s*:`)

// search looks for configurations in documents: the document itself, texts in ConfigMaps, and values of Helm charts, also
// below the key of a parent chart or in an object that has such values.
type search struct {
	found []candidate
	seen  map[*yaml.Node]bool
	// existing is what existingConfigMap says, and where.
	existing string
	// beside is whether configInline is beside it, so that both are values of one chart.
	beside bool
	// resource is an object of the API group metallb.io that is there, and where.
	resource string
}

// look looks at the value of a key; of a document, the key is empty.
func (s *search) look(src source, node *yaml.Node, key string) {
	if node = resolve(node); s.seen[node] {
		return
	}
	s.seen[node] = true
	switch node.Kind {
	case yaml.ScalarNode:
		s.text(src, node, key, candidate{what: "key " + key})
	case yaml.SequenceNode:
		for _, item := range node.Content {
			s.look(src, item, key)
		}
	case yaml.MappingNode:
		s.mapping(src, node, key == "")
	default:
	}
}

func (s *search) mapping(src source, node *yaml.Node, isDocument bool) {
	kind, version, inline := scalar(child(node, "kind")), scalar(child(node, "apiVersion")), child(node, configInline) != nil
	switch {
	case kind == "ConfigMap":
		s.configMap(src, node)
	case strings.HasPrefix(version, "metallb.io/"):
		s.resource = cmp.Or(s.resource, fmt.Sprintf("%s: this is %s %s", src.place(node.Line), version, kind))
	case kind == "" && isConfiguration(node, isDocument):
		s.found = append(s.found, candidate{source: src, what: "a configuration", line: node.Line, root: node, known: true})
	case kind == "" && inline && s.besideInline(src, node):
	default:
		s.within(src, node, kind != "", inline)
	}
}

// within looks at what is in a mapping, which may be an object of Kubernetes, or values of a chart with configInline.
func (s *search) within(src source, node *yaml.Node, isObject, inline bool) {
	for key, value := range pairs(node) {
		switch name := key.Value; {
		// What kubectl has applied is in the metadata too.
		case isObject && (name == "metadata" || name == "status"):
		case strings.EqualFold(name, configInline):
			s.inline(src, value)
		case name == existingConfigMap && scalar(value) != "" && (s.existing == "" || inline):
			s.beside = s.beside || inline
			s.existing = fmt.Sprintf("%s: existingConfigMap names the ConfigMap %q", src.place(value.Line), value.Value)
		default:
			s.look(src, value, name)
		}
	}
}

// besideInline reports whether keys of a configuration are beside configInline, and takes that for a configuration that is broken. Peers
// alone may be another chart's.
func (s *search) besideInline(src source, node *yaml.Node) bool {
	for key, value := range pairs(node) {
		if key.Value == "peers" || !slices.Contains(rootKeys, key.Value) || value.Kind == yaml.ScalarNode {
			continue
		}
		s.found = append(s.found, candidate{
			source: src, what: configInline, line: key.Line, known: true, expected: true,
			err: fmt.Errorf("%s: %s is outside of configInline: lines have lost their indentation; indent them further than \"configInline:\"",
				src.place(key.Line), key.Value),
		})
		return true
	}
	return false
}

// inline takes the value of configInline.
func (s *search) inline(src source, value *yaml.Node) {
	c := candidate{source: src, what: configInline, line: value.Line, expected: true, required: true}
	switch {
	case value.Kind == yaml.ScalarNode && !isNull(value):
		s.text(src, value, configInline, c)
		return
	case value.Kind == yaml.MappingNode && len(value.Content) > 0:
		c.root, c.known = value, isConfiguration(value, true)
	}
	s.found = append(s.found, c)
}

// configMap looks at a ConfigMap. Its key "config" is taken for a configuration whatever is in it, others if they have one.
func (s *search) configMap(src source, node *yaml.Node) {
	metadata, data := child(node, "metadata"), child(node, "data")
	name := scalar(child(metadata, "name"))
	for _, mapping := range []*yaml.Node{node, data} {
		for key, value := range pairs(mapping) {
			if slices.Contains(rootKeys, key.Value) && value.Kind != yaml.ScalarNode {
				s.found = append(s.found, candidate{
					source: src, what: "ConfigMap " + name, line: key.Line, known: true, expected: name == "config",
					err: fmt.Errorf("%s: %s is outside of the text of the key config: lines have lost their indentation; indent them further than \"config: |\"",
						src.place(key.Line), key.Value),
				})
				return
			}
		}
	}
	if data == nil || data.Kind != yaml.MappingNode {
		data = node
	}
	for key, value := range pairs(data) {
		c := candidate{
			source: src, what: fmt.Sprintf("ConfigMap %s, key %s", name, key.Value), line: key.Line,
			expected: name == "config" && key.Value == "config", required: key.Value == "config",
		}
		switch {
		case value.Kind == yaml.ScalarNode:
			s.text(src, value, key.Value, c)
		case value.Kind == yaml.MappingNode && (c.required || isConfiguration(value, true)):
			c.root, c.known = value, isConfiguration(value, true)
			s.found = append(s.found, c)
		}
	}
}

// text looks at the text that is the value of a key.
func (s *search) text(src source, value *yaml.Node, key string, c candidate) {
	mentions := mention.MatchString(value.Value)
	if !c.required && !mentions {
		return
	}
	c.source, c.line, c.known = src.inside(value, key), 1, mentions
	documents, wrong := parse([]byte(value.Value))
	switch {
	case wrong != nil:
		c.err = wrong.at(c.source)
	case len(documents) == 0:
	case len(documents) > 1 && c.required:
		c.err = fmt.Errorf("%s: a second document begins here, which MetalLB does not read; remove it, or move its keys to the first", c.place(documents[1].Line))
	case c.required || isConfiguration(documents[0], true):
		c.root = documents[0]
	default:
		for _, document := range documents {
			// A text that is no more than a text is not looked into again.
			if document.Kind != yaml.ScalarNode {
				s.look(c.source, document, "")
			}
		}
		return
	}
	s.found = append(s.found, c)
}

// nothing says what to do about a file in which there is no configuration.
func (s *search) nothing(file string) error {
	switch {
	case s.existing != "":
		return errors.New(s.existing + "; get it with kubectl get configmap --output yaml, and migrate that")
	case s.resource != "":
		return errors.New(s.resource + ", a custom resource; there is nothing to migrate, check it with kubectl metallb validate")
	}
	return fmt.Errorf("%s: found no configuration of MetalLB up to 0.12; give the ConfigMap, the text of its key config, or the Helm values with configInline", file)
}

// isConfiguration reports whether the mapping is a configuration: by itself, or anywhere, where peers alone may be another's.
func isConfiguration(node *yaml.Node, byItself bool) bool {
	if child(node, "kind") != nil || child(node, configInline) != nil {
		return false
	}
	return slices.ContainsFunc(rootKeys, func(key string) bool {
		value := child(node, key)
		return value != nil && (key != "peers" || byItself && value.Kind == yaml.SequenceNode)
	})
}
