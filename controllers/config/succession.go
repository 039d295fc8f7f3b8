// SPDX-License-Identifier: Apache-2.0

package config

import "k8s.io/apimachinery/pkg/util/validation/field"

// Succession looks at objects one after the other, each beside those that came before it.
type Succession struct {
	came  meaning
	nodes *nodes
}

// NewSuccession returns a Succession in which the objects have come already.
func NewSuccession(o Objects, nodes []Node) *Succession {
	return &Succession{mean(o), newNodes(nodes)}
}

// Next returns what is wrong with the object: in itself or, if it parses, beside those that came before it.
func (s *Succession) Next(o Object) field.ErrorList {
	if errs := s.came.add(o); len(errs) > 0 {
		return errs
	}
	return firstErrors(contradictions(o, &s.came, s.nodes))
}
