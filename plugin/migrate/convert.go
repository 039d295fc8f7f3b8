// SPDX-License-Identifier: Apache-2.0

package migrate

import "fmt"

// Result is what becomes of a configuration.
type Result struct {
	// Resources are the custom resources, as a manifest; empty if there are none.
	Resources []byte
	// Remarks are lines that say what is left out, or carried over with a change, in the order of the lines that they are about.
	Remarks []string
	// Lost is whether something is left out.
	Lost bool
}

// Convert carries over the configuration in the content of the file into custom resources of the namespace. The error says why there are none;
// the remarks are there all the same.
func Convert(file string, content []byte, namespace string) (Result, error) {
	src, note, err := find(file, content)
	if err != nil {
		return Result{}, err
	}
	m := newMigration(namespace)
	m.configuration(src.root)
	text, err := m.yaml()
	if err != nil {
		return Result{}, err
	}
	if note != "" {
		m.note(src.line, "%s", note)
	}
	result := Result{Resources: text, Lost: m.lost()}
	for _, r := range m.sortedRemarks() {
		result.Remarks = append(result.Remarks, src.place(r.line)+": "+r.String())
	}
	switch {
	case len(text) == 0 && result.Lost:
		return result, fmt.Errorf("%s: nothing is carried over, for the reasons above", file)
	case len(text) == 0:
		return result, fmt.Errorf("%s: the configuration is empty", src.place(src.root.Line))
	}
	return result, nil
}
