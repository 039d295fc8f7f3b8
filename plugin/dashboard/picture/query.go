// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// ServiceQuery asks for Services.
type ServiceQuery struct {
	// Text is a part of the name or of the namespace, or an address; Namespace and Level select, if they are not empty.
	Text      string
	Namespace string
	Level     Level
	Page
}

// Services are those asked for.
type Services struct {
	Total int       `json:"total"`
	Rows  []Service `json:"rows"`
}

// Services returns the Services asked for, by namespace and name, with what is wrong first.
func (p *Picture) Services(q ServiceQuery) Services {
	text := strings.ToLower(strings.TrimSpace(q.Text))
	address, err := netip.ParseAddr(text)
	isAddress := err == nil
	found := make([][]int, rank(Bad)+1)
	total := 0
	for i := range p.services {
		s := &p.services[i]
		if q.Namespace != "" && s.Namespace != q.Namespace || q.Level != "" && s.Level != q.Level {
			continue
		}
		if isAddress && !s.holds(address) || !isAddress && !s.mentions(text) {
			continue
		}
		found[rank(s.Level)] = append(found[rank(s.Level)], i)
		total++
	}
	slices.Reverse(found)
	result := Services{Total: total, Rows: []Service{}}
	from, to := q.of(total)
	for _, i := range slices.Concat(found...)[from:to] {
		result.Rows = append(result.Rows, p.services[i])
	}
	return result
}

// mentions reports whether the text is a part of the name with the namespace, or of an address.
func (s *Service) mentions(text string) bool {
	return text == "" || strings.Contains(s.Namespace+"/"+s.Name, text) ||
		slices.ContainsFunc(s.Addresses, func(a string) bool { return strings.HasPrefix(a, text) })
}

// Found is an object that a search has found.
type Found struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Level     Level  `json:"level"`
	Note      string `json:"note"`
}

// maxFound is how many objects of a kind a search finds.
const maxFound = 8

// Search returns the first objects of each kind that a text is a part of.
func (p *Picture) Search(text string) []Found {
	text = strings.ToLower(strings.TrimSpace(text))
	found := []Found{}
	if text == "" {
		return found
	}
	add := func(kind string, names []string, level func(string) (Level, string)) {
		n := 0
		for _, name := range names {
			if l, note := level(name); n < maxFound && (strings.Contains(name, text) || strings.HasPrefix(note, text)) {
				found = append(found, Found{Kind: kind, Name: name, Level: l, Note: note})
				n++
			}
		}
	}
	add("Peer", slices.Sorted(maps.Keys(p.Front.Peers)), func(name string) (Level, string) { return p.Front.Peers[name].Level, p.Front.Peers[name].Address })
	add("Node", slices.Sorted(maps.Keys(p.Front.Nodes)), func(name string) (Level, string) { return p.Front.Nodes[name].Level, p.Front.Nodes[name].Note })
	pools := make([]string, 0, len(p.pools))
	for _, one := range p.pools {
		pools = append(pools, one.name)
	}
	add("Pool", pools, func(string) (Level, string) { return Idle, "" })
	for _, s := range p.Services(ServiceQuery{Text: text, Page: Page{Limit: maxFound}}).Rows {
		found = append(found, Found{Kind: "Service", Namespace: s.Namespace, Name: s.Name, Level: s.Level, Note: strings.Join(s.Addresses, ", ")})
	}
	return found
}
