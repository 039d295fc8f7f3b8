// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const introduction = `# Conformance

What the tests have seen real routers do with what the speaker sends: BIRD 2 and FRR 8, by their own output. The table is generated from the
tests that passed (` + "`make conformance`" + `); a cell without a mark is one that no test covers. *External* and *internal* are sessions between
different ASNs and within one. [Standards](standards.md) lists the RFCs.

`

// columns are the cells of a feature, in the order of the table.
func columns() []Cell {
	const count = 8
	all := make([]Cell, 0, count)
	for _, router := range []string{BIRD, FRR} {
		for _, kind := range []string{External, Internal} {
			for _, family := range []string{IPv4, IPv6} {
				all = append(all, Cell{Router: router, Family: family, Kind: kind})
			}
		}
	}
	return all
}

// Read returns the cells that a file of FileVariable has, each once.
func Read(r io.Reader) (map[Cell]bool, error) {
	cells := map[Cell]bool{}
	known := columns()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var c Cell
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		at := c
		at.Feature = ""
		if c.Feature == "" || !slices.Contains(known, at) {
			return nil, fmt.Errorf("%q is no cell of the table", lines.Text())
		}
		cells[c] = true
	}
	return cells, lines.Err()
}

// Page returns the page with the table of the cells, features in alphabetical order.
func Page(cells map[Cell]bool) string {
	features := map[string]bool{}
	for c := range cells {
		features[c.Feature] = true
	}
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString("| feature |")
	for _, c := range columns() {
		fmt.Fprintf(&b, " %s %s %s |", c.Router, c.Kind, c.Family)
	}
	b.WriteString("\n|---|" + strings.Repeat(":-:|", len(columns())) + "\n")
	for _, feature := range slices.Sorted(maps.Keys(features)) {
		fmt.Fprintf(&b, "| %s |", feature)
		for _, c := range columns() {
			c.Feature = feature
			mark := " "
			if cells[c] {
				mark = " ✓ "
			}
			b.WriteString(mark + "|")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
