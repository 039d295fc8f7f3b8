// SPDX-License-Identifier: Apache-2.0

package config

import "k8s.io/apimachinery/pkg/util/validation/field"

// IncrementalChecker checks objects one after the other, each against those that came before it.
type IncrementalChecker struct {
	earlier parsedObjects
	nodes   *nodes
}

// NewIncrementalChecker returns an IncrementalChecker for which these objects came before.
func NewIncrementalChecker(o Objects, nodes []Node) *IncrementalChecker {
	return &IncrementalChecker{parseAll(o), newNodes(nodes)}
}

// Next returns what is wrong with the object: in itself or, if it parses, together with those that came before it.
func (s *IncrementalChecker) Next(o Object) field.ErrorList {
	if errs := s.earlier.add(o); len(errs) > 0 {
		return errs
	}
	return firstErrors(contradictions(o, &s.earlier, s.nodes))
}
