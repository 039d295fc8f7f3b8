// SPDX-License-Identifier: Apache-2.0

package overview

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/terminal"
)

const (
	// shown is how many of a list are printed, unless all are asked for.
	shown = 10
	// barWidth is that of the bar of a pool, in characters.
	barWidth = 20
)

// Print writes the overview on one screen: of each list the first, all if wide.
func (o Overview) Print(w io.Writer, p terminal.Palette, wide bool) error {
	s := &screen{palette: p, wide: wide}
	s.workloads(o)
	s.peers(o.Peers)
	s.pools(o.Pools)
	s.services(o)
	s.drainingNodes(o.Draining)
	s.objects("Not in use as written", o.Invalid)
	s.objects("Held in an earlier version", o.Held)
	s.verdict(o)
	_, err := io.WriteString(w, s.text.String())
	return err
}

// screen is what is printed.
type screen struct {
	text    strings.Builder
	palette terminal.Palette
	wide    bool
}

func (s *screen) heading(format string, args ...any) {
	s.text.WriteString("\n" + s.palette.Strong(fmt.Sprintf(format, args...)) + "\n")
}

func (s *screen) table(t *terminal.Table) {
	t.Indent = "  "
	_, _ = t.WriteTo(&s.text) // A strings.Builder takes everything.
}

// limit returns how many of n are shown.
func (s *screen) limit(n int) int {
	if s.wide {
		return n
	}
	return min(n, shown)
}

// more says how many are not shown.
func (s *screen) more(n int) {
	if rest := n - s.limit(n); rest > 0 {
		s.text.WriteString("  " + s.palette.Faint(fmt.Sprintf("and %d more; -o wide shows all", rest)) + "\n")
	}
}

func (s *screen) workloads(o Overview) {
	s.text.WriteString(s.palette.Strong("MetalLB") + " in namespace " + o.Namespace + "\n")
	t := terminal.NewTable()
	for _, w := range []struct {
		name string
		*Workload
	}{{"controller and webhook", o.Controller}, {"speakers", o.Speakers}} {
		if w.Workload == nil {
			text := "not found"
			if o.isUnknown(cluster.Workloads) {
				text = "not known: you may not list them"
			}
			t.Row(s.palette.Mark(terminal.Doubtful), w.name, text)
			continue
		}
		t.Row(s.mark(w.Ready >= w.Desired), w.name, fmt.Sprintf("%d/%d ready", w.Ready, w.Desired), versions(w.Versions))
	}
	s.table(t)
	for _, w := range []*Workload{o.Controller, o.Speakers} {
		if w != nil {
			s.list(w.NotReady)
		}
	}
}

func (s *screen) mark(good bool) string {
	if good {
		return s.palette.Mark(terminal.Good)
	}
	return s.palette.Mark(terminal.Bad)
}

// versions returns the one version, or all with how many pods have each.
func versions(all []Version) string {
	texts := make([]string, 0, len(all))
	for _, v := range all {
		if len(all) == 1 {
			return v.Tag
		}
		texts = append(texts, fmt.Sprintf("%s on %d", v.Tag, v.Pods))
	}
	return strings.Join(texts, ", ")
}

func (s *screen) peers(peers []Peer) {
	s.heading("Peers")
	if len(peers) == 0 {
		s.text.WriteString("  none: nothing is announced\n")
		return
	}
	t := terminal.NewTable()
	for _, p := range peers[:s.limit(len(peers))] {
		t.Row(s.mark(p.Established >= p.Desired && p.Desired > 0), p.Name, p.Address, fmt.Sprintf("%d/%d established", p.Established, p.Desired), p.Error)
	}
	s.table(t)
	s.more(len(peers))
}

func (s *screen) pools(pools []Pool) {
	s.heading("Pools")
	if len(pools) == 0 {
		s.text.WriteString("  none: no service gets an address\n")
		return
	}
	t := terminal.NewTable()
	for _, p := range pools[:s.limit(len(pools))] {
		if p.IPv4 == nil && p.IPv6 == nil {
			t.Row(s.palette.Mark(terminal.None), p.Name, "", "", strings.Join(p.Addresses, ", "))
		}
		for _, u := range []struct {
			family string
			*Usage
		}{{"IPv4", p.IPv4}, {"IPv6", p.IPv6}} {
			if u.Usage == nil {
				continue
			}
			mark := terminal.Good
			if u.Available == 0 {
				mark = terminal.Doubtful
			}
			t.Row(s.palette.Mark(mark), p.Name, u.family, terminal.Bar(u.Share(), barWidth), fmt.Sprintf("%d used, %s free", u.Assigned, free(u.Available)))
		}
	}
	s.table(t)
	s.more(len(pools))
}

// many is from how many addresses on nobody counts them.
const many = 1_000_000

func free(n int64) string {
	if n >= many {
		return "over a million"
	}
	return strconv.FormatInt(n, 10)
}

func (s *screen) services(o Overview) {
	all := o.Services
	s.heading("Services of type LoadBalancer")
	switch {
	case o.isUnknown(cluster.Services):
		s.text.WriteString("  not known: you may not list services\n")
	case all.Total == 0:
		s.text.WriteString("  none\n")
	default:
		t := terminal.NewTable()
		for _, row := range []struct {
			count int
			state assignment.State
			mark  terminal.Mark
		}{
			{all.Announced, assignment.Announced, terminal.Good}, {all.Partly, assignment.PartlyAnnounced, terminal.Doubtful},
			{all.Unannounced, assignment.Unannounced, terminal.Bad}, {all.Pending, assignment.Pending, terminal.Bad},
		} {
			if row.count > 0 {
				t.Row(s.palette.Mark(row.mark), fmt.Sprintf("%d of %d", row.count, all.Total), Words(row.state))
			}
		}
		s.table(t)
	}
	switch {
	case all.Elsewhere == 0:
	case o.isUnknown(cluster.Workloads):
		s.text.WriteString("  " + s.palette.Faint(fmt.Sprintf("%d have a class; whether it is MetalLB's is not known", all.Elsewhere)) + "\n")
	default:
		s.text.WriteString("  " + s.palette.Faint(fmt.Sprintf("%d of another class are not MetalLB's", all.Elsewhere)) + "\n")
	}
	s.list(all.Troubled)
}

// list writes the first objects with what is to be said of them.
func (s *screen) list(objects []Object) {
	t := terminal.NewTable()
	for _, o := range objects[:s.limit(len(objects))] {
		name := o.Name
		if o.Namespace != "" {
			name = o.Namespace + "/" + name
		}
		if o.Kind != "Service" {
			name = o.Kind + " " + name
		}
		t.Row(s.palette.Mark(terminal.Bad), name, o.Reason, o.Message)
	}
	s.table(t)
	s.more(len(objects))
}

func (s *screen) objects(heading string, objects []Object) {
	if len(objects) > 0 {
		s.heading("%s", heading)
		s.list(objects)
	}
}

func (s *screen) drainingNodes(nodes []DrainingNode) {
	if len(nodes) == 0 {
		return
	}
	s.heading("Nodes that drain")
	t := terminal.NewTable()
	for _, n := range nodes[:s.limit(len(nodes))] {
		mark := terminal.Doubtful
		if n.Drained {
			mark = terminal.Good
		}
		t.Row(s.palette.Mark(mark), n.Name, n.Reason, n.Message)
	}
	s.table(t)
	s.more(len(nodes))
}

func (o Overview) isUnknown(part cluster.Part) bool { return slices.Contains(o.Unknown, part) }

func (s *screen) verdict(o Overview) {
	problems := o.Problems
	if len(problems) == 0 && len(o.Unknown) > 0 {
		names := make([]string, 0, len(o.Unknown))
		for _, part := range o.Unknown {
			names = append(names, string(part))
		}
		s.text.WriteString("\n" + s.palette.Doubtful("Nothing is known to be wrong. You may not read "+strings.Join(names, ", ")+".") + "\n")
		return
	}
	if len(problems) == 0 {
		s.text.WriteString("\n" + s.palette.Good("All is well.") + "\n")
		return
	}
	s.heading("What is wrong")
	for _, problem := range problems[:s.limit(len(problems))] {
		s.text.WriteString("  " + s.palette.Mark(terminal.Bad) + " " + problem + "\n")
	}
	s.more(len(problems))
}
