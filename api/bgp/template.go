// SPDX-License-Identifier: Apache-2.0

package bgp

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Node is what a BGPPeer may take values from.
type Node struct {
	Labels, Annotations map[string]string
}

// Template is text in which labels and annotations of a node are named. The zero value is the empty text.
type Template struct {
	parts []part
}

// part is literal text, or a key of a map of the node.
type part struct {
	text string
	// of is "label" or "annotation" if text is a key.
	of string
}

// ParseTemplate parses text in which "{label:KEY}" and "{annotation:KEY}" stand for values of a node. There must be at least one of them:
// what is the same on all nodes needs no template.
func ParseTemplate(s string) (Template, error) {
	var t Template
	for rest := s; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if strings.Contains(literal, "}") {
			return Template{}, fmt.Errorf("%q has a } without a {", s)
		}
		if literal != "" {
			t.parts = append(t.parts, part{text: literal})
		}
		if !found {
			break
		}
		reference, next, closed := strings.Cut(after, "}")
		if !closed {
			return Template{}, fmt.Errorf("%q has a { without a }", s)
		}
		p, err := parseReference(reference)
		if err != nil {
			return Template{}, err
		}
		t.parts, rest = append(t.parts, p), next
	}
	if !t.refers() {
		return Template{}, fmt.Errorf("%q names no label or annotation, as in {label:KEY} or {annotation:KEY}", s)
	}
	return t, nil
}

func parseReference(s string) (part, error) {
	of, key, _ := strings.Cut(s, ":")
	if of != "label" && of != "annotation" {
		return part{}, fmt.Errorf("{%s} must be {label:KEY} or {annotation:KEY}", s)
	}
	if problems := validation.IsQualifiedName(key); len(problems) > 0 {
		return part{}, fmt.Errorf("{%s}: the key %q %s", s, key, strings.Join(problems, "; "))
	}
	return part{text: key, of: of}, nil
}

func (t Template) refers() bool {
	for _, p := range t.parts {
		if p.of != "" {
			return true
		}
	}
	return false
}

// IsSet reports whether there is a template.
func (t Template) IsSet() bool { return len(t.parts) > 0 }

// For returns the text for the node, or an error that says what the node lacks.
func (t Template) For(n Node) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.of == "" {
			b.WriteString(p.text)
			continue
		}
		values := n.Labels
		if p.of == "annotation" {
			values = n.Annotations
		}
		value, found := values[p.text]
		if !found {
			return "", fmt.Errorf("the node has no %s %s", p.of, p.text)
		}
		b.WriteString(value)
	}
	return b.String(), nil
}
