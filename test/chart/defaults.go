// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// defaults is where the templates have the values that cannot be left out. They do not see values.yaml.
const defaults = copies + "/defaults.yaml"

// valueSchema is what of the values' schema tells whether a value may be left out.
type valueSchema struct {
	Ref         string                 `json:"$ref"`
	Type        any                    `json:"type"`
	Enum        []any                  `json:"enum"`
	AnyOf       []valueSchema          `json:"anyOf"`
	Properties  map[string]valueSchema `json:"properties"`
	Definitions map[string]valueSchema `json:"definitions"`
}

// essential returns the file of the values that cannot be left out: those whose schema does not take null. Where they are missing,
// since somebody wrote null or reuses the values of an older release, the templates take them from there.
func essential(root string) ([]byte, error) {
	var values map[string]any
	var described valueSchema
	for name, into := range map[string]any{"values.yaml": &values, "values.schema.json": &described} {
		text, err := os.ReadFile(filepath.Join(root, Directory, name))
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(text, into); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	found, err := yaml.Marshal(described.essential(values, described.Definitions))
	if err != nil {
		return nil, err
	}
	const note = "# What is taken where a value is missing that cannot be left out. Made of values.yaml and its schema by `make manifests`.\n"
	return append([]byte(note), found...), nil
}

// essential returns those of the values that the schema does not take null for.
func (s valueSchema) essential(values map[string]any, definitions map[string]valueSchema) map[string]any {
	found := map[string]any{}
	for name, value := range values {
		property := s.Properties[name].resolve(definitions)
		if property.takesNull(definitions) {
			continue
		}
		if inner, ok := value.(map[string]any); ok {
			value = property.essential(inner, definitions)
		}
		found[name] = value
	}
	return found
}

// resolve returns the definition that is referred to.
func (s valueSchema) resolve(definitions map[string]valueSchema) valueSchema {
	if name, ok := strings.CutPrefix(s.Ref, "#/definitions/"); ok {
		return definitions[name]
	}
	return s
}

func (s valueSchema) takesNull(definitions map[string]valueSchema) bool {
	types, _ := s.Type.([]any)
	return slices.Contains(types, any("null")) || slices.Contains(s.Enum, nil) ||
		slices.ContainsFunc(s.AnyOf, func(one valueSchema) bool { return one.resolve(definitions).takesNull(definitions) })
}
