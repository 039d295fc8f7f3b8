// SPDX-License-Identifier: Apache-2.0

package poolmap

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"metallb.io/metallb/plugin/terminal"
)

const (
	// rowCells is how many cells a row has.
	rowCells = 64
	// shownRanges is how many ranges of a pool are drawn, unless all are asked for.
	shownRanges = 8
	// barWidth is that of the bar of a pool, in characters.
	barWidth = 20
)

// Detail is how much is printed of pools.
type Detail struct {
	// Holders adds who holds which address, and draws all ranges.
	Holders bool
	// NoHeaders leaves out the headers of tables.
	NoHeaders bool
}

// Print writes the pools as maps of their ranges.
func Print(w io.Writer, p terminal.Palette, pools []Pool, d Detail) error {
	s := &sheet{palette: p, Detail: d}
	for i := range pools {
		if i > 0 {
			s.text.WriteByte('\n')
		}
		s.pool(&pools[i])
	}
	if s.drawn {
		s.text.WriteString("\n" + p.Faint(s.legend()) + "\n")
	}
	_, err := io.WriteString(w, s.text.String())
	return err
}

// sheet is what is printed.
type sheet struct {
	Detail

	text    strings.Builder
	palette terminal.Palette
	// drawn is whether there is a map, avoided and parts whether one has an address that is avoided, or a cell that is used in part.
	drawn, avoided, parts bool
}

func (s *sheet) line(format string, args ...any) {
	s.text.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func (s *sheet) pool(p *Pool) {
	s.line("%s  %s", s.palette.Strong(p.Name), p.terms())
	switch p.State {
	case InUse:
	case Held:
		s.line("  %s used as it was before its last change: %s", s.palette.Mark(terminal.Doubtful), p.Message)
	case NotInUse:
		s.line("  %s gives no addresses: %s", s.palette.Mark(terminal.Bad), p.Message)
	case Deleted:
		s.line("  %s deleted; services hold addresses of it, and it gives no more", s.palette.Mark(terminal.Doubtful))
	}
	s.usage(p)
	for i := range p.Ranges {
		if i == shownRanges && !s.Holders {
			s.line("  %s", s.palette.Faint(fmt.Sprintf("and %d more ranges; -o wide shows all", len(p.Ranges)-i)))
			break
		}
		s.draw(&p.Ranges[i])
	}
	if s.Holders {
		s.holders(p.Addresses)
	}
}

// terms says for whom the pool is.
func (p *Pool) terms() string {
	if p.State == NotInUse || p.State == Deleted {
		return ""
	}
	terms := []string{"given to services that name it"}
	if p.AutoAssign {
		terms[0] = "auto-assigned"
	}
	for _, limit := range []struct {
		format string
		of     []string
		by     string
	}{
		{"in the namespaces %s", p.Admits.Namespaces, ", "}, {"in namespaces with %s", p.Admits.NamespaceSelectors, " or "},
		{"services with %s", p.Admits.ServiceSelectors, " or "},
	} {
		if len(limit.of) > 0 {
			terms = append(terms, "only "+fmt.Sprintf(limit.format, strings.Join(limit.of, limit.by)))
		}
	}
	if p.Priority > 0 {
		terms = append(terms, fmt.Sprintf("priority %d", p.Priority))
	}
	return strings.Join(terms, ", ")
}

func (s *sheet) usage(p *Pool) {
	t := terminal.NewTable()
	t.Indent = "  "
	for _, u := range []struct {
		family string
		*Usage
	}{{"IPv4", p.IPv4}, {"IPv6", p.IPv6}} {
		if u.Usage != nil {
			t.Row(u.family, terminal.Bar(u.Share(), barWidth), fmt.Sprintf("%d used, %s free", u.Assigned, number(u.Available)))
		}
	}
	_, _ = t.WriteTo(&s.text) // A strings.Builder takes everything.
}

// number returns the count; of one that is saturated, how many there are at least.
func number(n int64) string {
	if n == math.MaxInt64 {
		return "more than 9e18"
	}
	return strconv.FormatInt(n, 10)
}

// draw draws a range, a row after the other.
func (s *sheet) draw(r *Range) {
	s.drawn = true
	cells := r.Cells()
	s.line("  %s  %s", r.Range, s.palette.Faint("a cell is "+block(r.Bits())))
	t := terminal.NewTable()
	t.Indent = "    "
	for begin := 0; begin < len(cells); begin += rowCells {
		var row strings.Builder
		for _, c := range cells[begin:min(begin+rowCells, len(cells))] {
			row.WriteString(s.shade(c))
		}
		t.Row(s.palette.Faint(cells[begin].From.String()), row.String())
	}
	_, _ = t.WriteTo(&s.text)
}

// block says how many addresses a cell stands for.
func block(bits int) string {
	switch {
	case bits == 0:
		return "1 address"
	case bits < 32:
		return fmt.Sprintf("%d addresses", 1<<bits)
	}
	return fmt.Sprintf("2^%d addresses", bits)
}

// shade returns the character of a cell. What is used in part is shown neither as free nor as used.
func (s *sheet) shade(c Cell) string {
	switch share := float64(c.Used) / max(float64(c.Size), 1); {
	case c.Size == 0:
		s.avoided = true
		return s.palette.Faint("×")
	case c.Used == 0:
		return s.palette.Faint("·")
	case c.Used >= c.Size:
		return "█"
	case share <= 1.0/3:
		s.parts = true
		return "░"
	case share <= 2.0/3:
		s.parts = true
		return "▒"
	}
	s.parts = true
	return "▓"
}

func (s *sheet) legend() string {
	text := "· free   █ used"
	if s.parts {
		text = "· free   ░ up to a third used   ▒ up to two thirds   ▓ more   █ all used"
	}
	if s.avoided {
		text += "   × not given (avoidBuggyIPs)"
	}
	return text
}

func (s *sheet) holders(addresses []Address) {
	if len(addresses) == 0 {
		return
	}
	t := terminal.NewTable()
	if !s.NoHeaders {
		t = terminal.NewTable("ADDRESS", "SERVICES", "NOTE")
	}
	t.Indent = "  "
	for _, a := range addresses {
		names := make([]string, 0, len(a.Services))
		for _, h := range a.Services {
			names = append(names, h.Service)
		}
		t.Row(a.Address.String(), strings.Join(names, ", "), s.note(a))
	}
	_, _ = t.WriteTo(&s.text)
}

// note says what is to be said of an address that services hold.
func (s *sheet) note(a Address) string {
	for _, h := range a.Services {
		if h.ConflictsWith != "" {
			return s.palette.Bad(fmt.Sprintf("conflict: %s does not share it with %s, which is older", h.Service, h.ConflictsWith))
		}
	}
	switch {
	case a.Outside:
		return s.palette.Doubtful("the pool does not give it any more")
	case len(a.Services) > 1:
		return "shared, key " + a.Services[0].SharingKey
	}
	return ""
}
