// SPDX-License-Identifier: Apache-2.0

package rib

import "slices"

// entry holds what owners contribute to one prefix of one peer: the distinct contributions, each with the number of
// times it was made. There are as many as advertisements give different attributes, however many owners there are.
type entry []contribution

type contribution struct {
	path Path
	refs int
}

// merged returns the path to announce; false if nobody contributes.
func (e entry) merged() (Path, bool) {
	if len(e) == 0 {
		return Path{}, false
	}
	p := e[0].path
	for _, c := range e[1:] {
		p = Merge(p, c.path)
	}
	return p, true
}

func (e entry) add(p Path) entry {
	if i := e.index(p); i >= 0 {
		e[i].refs++
		return e
	}
	return append(e, contribution{path: p, refs: 1})
}

func (e entry) remove(p Path) entry {
	i := e.index(p)
	if i < 0 {
		return e
	}
	if e[i].refs--; e[i].refs == 0 {
		return slices.Delete(e, i, i+1)
	}
	return e
}

func (e entry) index(p Path) int {
	return slices.IndexFunc(e, func(c contribution) bool { return c.path.Equal(p) })
}
