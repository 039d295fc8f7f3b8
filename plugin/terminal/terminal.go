// SPDX-License-Identifier: Apache-2.0

package terminal

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// When colours are used.
const (
	ColorAuto   = "auto"
	ColorAlways = "always"
	ColorNever  = "never"
)

// Palette colours texts, or leaves them as they are.
type Palette struct{ on bool }

// NewPalette returns the palette for what is written to out: with colours if when says so, or if out is a terminal and NO_COLOR is not set
// (https://no-color.org).
func NewPalette(when string, out io.Writer, getenv func(string) string) (Palette, error) {
	switch when {
	case ColorAlways:
		return Palette{true}, nil
	case ColorNever:
		return Palette{}, nil
	case ColorAuto:
		file, isFile := out.(*os.File)
		return Palette{isFile && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))}, nil
	}
	return Palette{}, fmt.Errorf("--color=%s: must be %s, %s or %s", when, ColorAuto, ColorAlways, ColorNever)
}

func (p Palette) in(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Good colours what is as it should be.
func (p Palette) Good(text string) string { return p.in("32", text) }

// Bad colours what is wrong.
func (p Palette) Bad(text string) string { return p.in("31", text) }

// Doubtful colours what deserves a look.
func (p Palette) Doubtful(text string) string { return p.in("33", text) }

// Faint colours what matters less.
func (p Palette) Faint(text string) string { return p.in("2", text) }

// Strong colours what is to be seen first.
func (p Palette) Strong(text string) string { return p.in("1", text) }

// Mark says how something is, in a word for programs.
type Mark string

// The marks.
const (
	Good     Mark = "good"
	Bad      Mark = "bad"
	Doubtful Mark = "doubtful"
	// None is for what is neither.
	None Mark = "none"
)

// Mark returns the sign of the mark, in its colour.
func (p Palette) Mark(m Mark) string {
	switch m {
	case Good:
		return p.Good("✓")
	case Bad:
		return p.Bad("✗")
	case Doubtful:
		return p.Doubtful("!")
	case None:
	}
	return p.Faint("·")
}

// Plain returns the text with what a terminal would not print but obey, such as escape sequences and line breaks, written out as in Go. Texts of
// objects may have it, and those are written by others than who reads them here.
func Plain(text string) string {
	var plain strings.Builder
	for _, r := range text {
		if strconv.IsPrint(r) {
			plain.WriteRune(r)
		} else {
			plain.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return plain.String()
}

// Bar returns a bar of so many characters, filled by the share, which is from 0 to 1. A share that is neither 0 nor 1 is not shown as one of them.
func Bar(share float64, width int) string {
	share = min(max(share, 0), 1)
	filled := int(math.Round(share * float64(width)))
	switch {
	case share > 0 && filled == 0:
		filled = 1
	case share < 1 && filled == width:
		filled = width - 1
	}
	return strings.Repeat("█", filled) + strings.Repeat("░", width-filled)
}

// Table writes rows in columns as wide as they need, as kubectl does. A cell may be coloured.
type Table struct {
	// Indent is what each line begins with.
	Indent string
	header []string
	rows   [][]string
}

// NewTable returns a table with this header, without one if there is none.
func NewTable(header ...string) *Table { return &Table{header: header} }

// Row adds a row.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Empty reports whether there are no rows.
func (t *Table) Empty() bool { return len(t.rows) == 0 }

// gap is what is between two columns, as kubectl has it.
const gap = "   "

// WriteTo writes the table.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	rows := t.rows
	if len(t.header) > 0 {
		rows = append([][]string{t.header}, rows...)
	}
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(cell))
		}
	}
	var text strings.Builder
	for _, row := range rows {
		padded := make([]string, 0, len(row))
		for i, cell := range row {
			padded = append(padded, cell+strings.Repeat(" ", widths[i]-width(cell)))
		}
		text.WriteString(strings.TrimRight(t.Indent+strings.Join(padded, gap), " ") + "\n")
	}
	n, err := io.WriteString(w, text.String())
	return int64(n), err
}

// width returns how many columns of a terminal the text takes, without its colours.
func width(text string) int {
	n := 0
	for text != "" {
		if rest, colored := strings.CutPrefix(text, "\x1b["); colored {
			_, text, _ = strings.Cut(rest, "m")
			continue
		}
		_, size := utf8.DecodeRuneInString(text)
		n, text = n+1, text[size:]
	}
	return n
}

// Colored reports whether texts are coloured, as they are on a terminal.
func (p Palette) Colored() bool { return p.on }
