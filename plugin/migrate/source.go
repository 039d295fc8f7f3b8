// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// source is where a configuration is written.
type source struct {
	file string
	// above is how many lines of the file come before the configuration's first.
	above int
	// at and key are set if the configuration is the value of a key whose lines are not those of the file, such as a string of
	// JSON: the place of the value and the name of the key.
	at, key string
}

// place says where a line of the configuration is.
func (s source) place(line int) string {
	if s.at != "" {
		return fmt.Sprintf("%s: line %d of the key %s", s.at, line, s.key)
	}
	return fmt.Sprintf("%s:%d", s.file, s.above+line)
}

// inside returns the source of the text that is the value of a key.
func (s source) inside(value *yaml.Node, key string) source {
	if s.at != "" || value.Style&yaml.LiteralStyle == 0 {
		return source{file: s.file, at: s.place(value.Line), key: key}
	}
	return source{file: s.file, above: s.above + value.Line}
}

// candidate is what may be the configuration in a file.
type candidate struct {
	source
	// what it is, for people.
	what string
	line int
	// root is nil if there is nothing in it, or if it cannot be read, which err says then.
	root *yaml.Node
	err  error
	// known: it has keys that the configuration has. What has none may be another program's.
	known bool
	// expected: it is where MetalLB reads it.
	expected bool
	// required: what is there is taken for a configuration, whatever it is.
	required bool
}

func (c *candidate) String() string { return c.place(c.line) + " (" + c.what + ")" }

// find returns the configuration in the file, and a note if there are others.
func find(file string, content []byte) (chosen candidate, note string, err error) {
	documents, wrong := parse(content)
	if wrong != nil {
		return candidate{}, "", wrong.at(source{file: file})
	}
	s := search{seen: map[*yaml.Node]bool{}}
	for _, document := range documents {
		s.look(source{file: file}, document, "")
	}
	if len(s.found) == 0 {
		return candidate{}, "", s.nothing(file)
	}
	best := s.found
	for _, better := range []func(candidate) bool{
		func(c candidate) bool { return c.root != nil || c.err != nil },
		func(c candidate) bool { return c.known },
		func(c candidate) bool { return c.expected },
	} {
		if some := filter(best, better); len(some) > 0 {
			best = some
		}
	}
	if len(best) > 1 {
		return candidate{}, "", fmt.Errorf("%s: there are several configurations, at %s and at %s; keep one", file, &best[0], &best[1])
	}
	if err := s.check(file, &best[0]); err != nil {
		return candidate{}, "", err
	}
	for i := range s.found {
		switch other := &s.found[i]; {
		case other.String() == best[0].String():
		case other.known:
			note = fmt.Sprintf("the other configuration at %s is not read", other)
		case other.expected:
			note = fmt.Sprintf("MetalLB reads the configuration at %s, which is empty", other)
		}
	}
	return best[0], note, nil
}

// check returns why the candidate cannot be used.
func (s *search) check(file string, c *candidate) error {
	switch {
	case c.err != nil:
		return c.err
	case s.existing != "" && c.root == nil:
		return s.nothing(file)
	case s.beside && c.what == configInline:
		return fmt.Errorf("%s, but there is configInline too, at %s; remove the one that is not in use", s.existing, c.place(c.line))
	case c.root == nil:
		return fmt.Errorf("%s: the configuration is empty", c.place(c.line))
	}
	return nil
}

func filter(list []candidate, isTrue func(candidate) bool) []candidate {
	var found []candidate
	for _, c := range list {
		if isTrue(c) {
			found = append(found, c)
		}
	}
	return found
}
