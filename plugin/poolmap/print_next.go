// SPDX-License-Identifier: Apache-2.0

package poolmap

import (
	"fmt"
	"io"
	"strings"

	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/plugin/terminal"
)

// PrintAnswers writes what Services would be given, and why.
func PrintAnswers(w io.Writer, p terminal.Palette, answers []Answer) error {
	var text strings.Builder
	for i := range answers {
		a := &answers[i]
		text.WriteString(p.Strong(a.Service) + "\n")
		for j := range a.Given {
			g := &a.Given[j]
			fmt.Fprintf(&text, "  %s %s from pool %s: %s\n", p.Mark(terminal.Good), g.Address, g.Pool, g.sentence())
		}
		if a.Problem != "" {
			fmt.Fprintf(&text, "  %s %s\n", p.Mark(terminal.Bad), a.Problem)
		}
		for _, o := range a.PassedOver {
			fmt.Fprintf(&text, "  %s %s\n", p.Mark(terminal.None), o.sentence())
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (g *Given) sentence() string {
	switch g.Why {
	case Kept:
		return "the service holds it already, and keeps it"
	case Requested:
		if len(g.SharedWith) > 0 {
			return "the service requests it, and shares it with " + strings.Join(g.SharedWith, ", ")
		}
		return "the service requests it, and it is free"
	case Shared:
		return "shared with " + strings.Join(g.SharedWith, ", ") + ", which has the same sharing key"
	case FirstOfRequestedPool:
		return "the first free address of the pool that the service requests"
	default:
		return "the first free address of the first pool that can serve the service"
	}
}

// sentence says why the pool gives no address.
func (o *PassedOver) sentence() string {
	pool := fmt.Sprintf("pool %s gives no %s address: ", o.Pool, o.Family)
	switch o.Reason {
	case allocator.NotAutoAssigned:
		return pool + "autoAssign is false, and the service does not name the pool"
	case allocator.NotSelected:
		return pool + "its serviceAllocation does not select the service"
	case allocator.FamilyAvoided:
		return pool + "avoidBuggyIPs excludes all that it has"
	case allocator.FamilyMissing:
		return pool + "it has none"
	default:
		return pool + "all are in use"
	}
}
