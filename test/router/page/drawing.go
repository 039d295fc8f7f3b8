// SPDX-License-Identifier: Apache-2.0

package page

import (
	"fmt"
	"strings"

	"metallb.io/metallb/test/router/router"
)

// maxDrawn is how many nodes the drawing shows; the others are a number.
const maxDrawn = 12

// mapView is the drawing of Internet, routers and cluster, laid out twice: wide for desks and tall for phones.
type mapView struct {
	Wide, Tall canvas
}

// canvas is one layout, in user units of its SVG.
type canvas struct {
	// Class chooses the layout in the style sheet, Description says in words what is drawn.
	Class, Description string
	// CloudText is how far below the top of the cloud its label stands.
	CloudText     int
	Width, Height int
	Internet      box
	Routers       []box
	Cluster       box
	Nodes         []box
	More          *box
	Empty         *box
	Uplinks       []line
	Links         []line
	Caption       string
	CaptionX      int
	CaptionY      int
}

// box is a labelled rectangle. CX is its horizontal middle.
type box struct {
	X, Y, W, H  int
	CX          int
	Label, Note string
	Full        string // what the label stands for when it was cut
	Level       string
}

// line is a connection: an SVG path, how it looks, and what it says.
type line struct {
	Path, Level, Title string
}

func newMap(s router.Snapshot) mapView {
	v := mapView{Wide: wide(s), Tall: tall(s)}
	v.Wide.Class, v.Tall.Class = "wide", "tall"
	v.Wide.Description = describe(s)
	v.Tall.Description = v.Wide.Description
	v.Wide.CloudText, v.Tall.CloudText = 64, 50
	return v
}

// describe says in words what the drawing shows.
func describe(s router.Snapshot) string {
	var b strings.Builder
	if len(s.Nodes) == 0 {
		return "No node of the cluster has a session with a router."
	}
	for _, n := range s.Nodes {
		var parts []string
		for _, l := range n.Links {
			parts = append(parts, fmt.Sprintf("%s: %s", l.Router, linkText(l)))
		}
		fmt.Fprintf(&b, "%s — %s. ", n.Name, strings.Join(parts, ", "))
	}
	return strings.TrimSpace(b.String())
}

func linkText(l router.Link) string {
	switch {
	case !l.Known:
		return "never connected"
	case !l.Established && l.Prefixes > 0:
		return "session lost, " + plural(l.Prefixes) + " kept"
	case !l.Established:
		return "session lost"
	case len(l.Lost) > 0:
		return "session over " + strings.Join(l.Lost, " and ") + " lost, announces " + plural(l.Prefixes)
	case l.Prefixes == 0:
		return "connected, announces nothing"
	}
	return "announces " + plural(l.Prefixes)
}

func plural(n int) string {
	if n == 1 {
		return "1 prefix"
	}
	return fmt.Sprintf("%d prefixes", n)
}

func linkLevel(l router.Link) string {
	switch {
	case !l.Established, len(l.Lost) > 0:
		return "bad"
	case l.Prefixes == 0:
		return "warn"
	}
	return "ok"
}

// nodeBox sums a node up: the worst of its links, and the most it announces.
func nodeBox(n router.Node) box {
	b := box{Label: cut(n.Name, 17), Full: n.Name, Level: "ok"}
	up, prefixes, lost := false, 0, ""
	for _, l := range n.Links {
		if !l.Known {
			continue
		}
		up = up || l.Established
		prefixes = max(prefixes, l.Prefixes)
		if len(l.Lost) > 0 {
			lost = strings.Join(l.Lost, " and ")
		}
		if level := linkLevel(l); level == "bad" || b.Level == "ok" {
			b.Level = level
		}
	}
	switch {
	case !up && prefixes > 0:
		b.Note = "lost, " + plural(prefixes) + " kept"
	case !up:
		b.Note = "session lost"
	case lost != "":
		b.Note = lost + " session lost"
	case prefixes == 0:
		b.Note = "announces nothing"
	default:
		b.Note = plural(prefixes)
	}
	return b
}

func routerBox(r router.Report) box {
	return box{Label: r.Software, Note: shortVerdict(r.Verdict), Full: string(r.Verdict), Level: level(r)}
}

// shortVerdict fits into a box of the drawing; the full verdict stands below it.
func shortVerdict(v router.Verdict) string {
	if v == router.ToldNothing {
		return "told nothing"
	}
	return string(v)
}

func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

func (b box) at(x, y, w, h int) box {
	b.X, b.Y, b.W, b.H, b.CX = x, y, w, h, x+w/2
	return b
}

func (b box) middle() int { return b.Y + b.H/2 }

// caption says what the line between Internet and routers means.
func caption(s router.Snapshot) string {
	if s.Forwarding != "" {
		return "traffic flows"
	}
	return "no traffic: only inspects"
}

func uplinkLevel(s router.Snapshot, r router.Report) string {
	if r.Name == s.Forwarding && r.Verdict == router.Connected {
		return "traffic"
	}
	return "inspect"
}

// wide places Internet, routers and cluster from left to right.
func wide(s router.Snapshot) canvas {
	const (
		pitch, nodeH, routerH = 56, 44, 64
		top                   = 44
		cloudEdge             = 156 // where the cloud's outline ends in its box
	)
	rows := max(drawn(s), 1)
	if len(s.Nodes) > maxDrawn {
		rows++
	}
	body := max(rows*pitch-(pitch-nodeH), len(s.Routers)*(routerH+28)-28, 132)
	c := canvas{Width: 960, Height: top + body + 24}
	center := top + body/2
	c.Internet = box{Label: "Internet"}.at(8, center-50, 168, 100)
	c.Cluster = box{Label: "Cluster"}.at(708, 8, 244, c.Height-16)
	c.Caption, c.CaptionX, c.CaptionY = caption(s), c.Internet.CX, center+64
	y := center - (len(s.Routers)*(routerH+28)-28)/2
	for _, r := range s.Routers {
		b := routerBox(r).at(340, y, 184, routerH)
		c.Routers = append(c.Routers, b)
		c.Uplinks = append(c.Uplinks, line{Path: curve(c.Internet.X+cloudEdge, center+8, b.X, b.middle()), Level: uplinkLevel(s, r)})
		y += routerH + 28
	}
	y = center - (rows*pitch-(pitch-nodeH))/2
	for _, n := range s.Nodes[:drawn(s)] {
		b := nodeBox(n).at(730, y, 200, nodeH)
		for i, l := range n.Links {
			if l.Known {
				from := c.Routers[i]
				c.Links = append(c.Links, line{Path: curve(from.X+from.W, from.middle(), b.X, b.middle()), Level: linkLevel(l), Title: n.Name + " — " + l.Router + ": " + linkText(l)})
			}
		}
		c.Nodes = append(c.Nodes, b)
		y += pitch
	}
	c.finish(s, 730, y, 200, nodeH)
	if c.Empty != nil {
		for _, from := range c.Routers {
			c.Links = append(c.Links, line{Path: curve(from.X+from.W, from.middle(), c.Empty.X, c.Empty.middle()), Level: "none"})
		}
	}
	return c
}

// tall places them from top to bottom. Each router's links run down a rail of its own, beside the nodes.
func tall(s router.Snapshot) canvas {
	const (
		pitch, nodeH, routerH = 54, 44, 58
		routerTop, nodeTop    = 116, 236
	)
	rows := max(drawn(s), 1)
	if len(s.Nodes) > maxDrawn {
		rows++
	}
	c := canvas{Width: 344, Height: nodeTop + rows*pitch - (pitch - nodeH) + 36}
	c.Internet = box{Label: "Internet"}.at(100, 8, 144, 76)
	c.Cluster = box{Label: "Cluster"}.at(8, 208, 328, c.Height-216)
	width := 344/max(len(s.Routers), 1) - 24
	for i, r := range s.Routers {
		b := routerBox(r).at(12+i*(width+24), routerTop, width, routerH)
		c.Routers = append(c.Routers, b)
		c.Uplinks = append(c.Uplinks, line{Path: drop(c.Internet.CX, c.Internet.Y+c.Internet.H-6, b.CX, b.Y), Level: uplinkLevel(s, r)})
	}
	y := nodeTop
	for _, n := range s.Nodes[:drawn(s)] {
		b := nodeBox(n).at(82, y, 180, nodeH)
		for i, l := range n.Links {
			if l.Known {
				c.Links = append(c.Links, line{Path: rail(c.Routers[i], b, i), Level: linkLevel(l), Title: n.Name + " — " + l.Router + ": " + linkText(l)})
			}
		}
		c.Nodes = append(c.Nodes, b)
		y += pitch
	}
	c.finish(s, 82, y, 180, nodeH)
	if c.Empty != nil {
		for i, from := range c.Routers {
			c.Links = append(c.Links, line{Path: rail(from, *c.Empty, i), Level: "none"})
		}
	}
	return c
}

// finish adds the box for the nodes that are not drawn, or the one that says that there are none.
func (c *canvas) finish(s router.Snapshot, x, y, w, h int) {
	if len(s.Nodes) == 0 {
		empty := box{Label: "no node yet"}.at(x, y, w, h)
		c.Empty = &empty
	}
	if more := len(s.Nodes) - maxDrawn; more > 0 {
		b := box{Label: fmt.Sprintf("and %d more", more)}.at(x, y, w, h)
		c.More = &b
	}
}

func drawn(s router.Snapshot) int { return min(len(s.Nodes), maxDrawn) }

// curve leaves and arrives horizontally.
func curve(x1, y1, x2, y2 int) string {
	bend := (x2 - x1) / 2
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)
}

// drop leaves and arrives vertically.
func drop(x1, y1, x2, y2 int) string {
	bend := (y2 - y1) / 2
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1, y1+bend, x2, y2-bend, x2, y2)
}

// rail runs from a router down beside the nodes and turns into one: the first router's on the left, the second's on
// the right.
func rail(from, to box, index int) string {
	const radius = 12
	x, end, turn := 48, to.X, radius
	if index%2 == 1 {
		x, end, turn = 296, to.X+to.W, -radius
	}
	return fmt.Sprintf("M%d %dV%dQ%d %d %d %dH%d", x, from.Y+from.H, to.middle()-radius, x, to.middle(), x+turn, to.middle(), end)
}
