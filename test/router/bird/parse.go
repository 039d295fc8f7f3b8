// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"bufio"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"metallb.io/metallb/test/router/router"
)

// ParseProtocols reads "show protocols all" and returns the BGP neighbours by protocol name. Protocols that only
// listen have no neighbour address and are left out.
func ParseProtocols(text string, zone *time.Location) (map[string]router.Neighbor, error) {
	neighbors := map[string]router.Neighbor{}
	for block := range strings.SplitSeq(text, "\n\n") {
		lines := strings.Split(strings.TrimPrefix(block, "\n"), "\n")
		if strings.HasPrefix(lines[0], "Name ") {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			continue
		}
		head := strings.Fields(lines[0])
		if len(head) < 6 || head[1] != "BGP" {
			continue
		}
		n, err := parseNeighbor(lines[1:])
		if err != nil {
			return nil, fmt.Errorf("protocol %s: %w", head[0], err)
		}
		if !n.Address.IsValid() {
			continue
		}
		if since, err := time.ParseInLocation(time.DateTime, head[4]+" "+head[5], zone); err == nil {
			n.Since = since
		}
		neighbors[head[0]] = n
	}
	return neighbors, nil
}

// parseNeighbor reads the indented lines of one BGP protocol.
func parseNeighbor(lines []string) (router.Neighbor, error) {
	var n router.Neighbor
	var err error
	for _, line := range lines {
		if strings.HasPrefix(line, "  Channel ") {
			break
		}
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "BGP state":
			n.State, n.Established = value, value == "Established"
		case "Neighbor address":
			address, _, _ := strings.Cut(value, "%") // a link-local address carries its interface
			if n.Address, err = netip.ParseAddr(address); err != nil {
				return n, fmt.Errorf("neighbor address: %w", err)
			}
		case "Neighbor AS":
			asn, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return n, fmt.Errorf("neighbor AS: %w", err)
			}
			n.ASN = uint32(asn)
		case "Neighbor ID":
			if n.RouterID, err = netip.ParseAddr(value); err != nil {
				return n, fmt.Errorf("neighbor ID: %w", err)
			}
		case "Hostname":
			n.Hostname = value
		case "Neighbor graceful restart active":
			n.Restarting = true
		case "Last error":
			n.LastError = value
		}
	}
	return n, nil
}

// pathLine matches the first line of a path: prefix (absent when it is the previous line's), kind, protocol, and the
// star of the best path.
var pathLine = regexp.MustCompile(`^(\S*)\s+(\w+) \[(\S+) [^\]]*\]( [*!])? \(`)

// ParseRoutes reads "show route all". A path of a protocol that is not among the neighbours is a misread and refused.
func ParseRoutes(text string, neighbors map[string]router.Neighbor) ([]router.Route, error) {
	routes := []router.Route{}
	var path *router.Path
	var key string // of the attribute that was read last
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "Table ") {
			continue
		}
		if strings.HasPrefix(line, "\t") {
			if path == nil {
				return nil, fmt.Errorf("attribute before any path: %q", line)
			}
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "(") { // A long list of communities goes on.
				line = key + ": " + line
			}
			key, _, _ = strings.Cut(line, ":")
			if err := attribute(path, line); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			continue
		}
		m := pathLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("unexpected line %q", line)
		}
		if m[1] != "" {
			prefix, err := netip.ParsePrefix(m[1])
			if err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			routes = append(routes, router.Route{Prefix: prefix})
		}
		neighbor, known := neighbors[m[3]]
		if !known || len(routes) == 0 {
			return nil, fmt.Errorf("path of unknown neighbor: %q", line)
		}
		last := &routes[len(routes)-1]
		last.Paths = append(last.Paths, router.Path{
			Neighbor: neighbor.Address, Reachable: m[2] == "unicast", Best: m[4] != "", Stale: !neighbor.Established,
		})
		path = &last.Paths[len(last.Paths)-1]
	}
	router.Sort(routes)
	return routes, lines.Err()
}

// attribute reads one indented line of a path.
func attribute(p *router.Path, line string) error {
	key, value, found := strings.Cut(line, ":")
	if !found {
		return nil
	}
	value = strings.TrimSpace(value)
	switch key {
	case "BGP.origin":
		p.Origin = value
	case "BGP.as_path":
		p.ASPath = value
	case "BGP.next_hop":
		first, _, _ := strings.Cut(value, " ") // a link-local next hop follows the global one
		var err error
		p.NextHop, err = netip.ParseAddr(first)
		return err
	case "BGP.local_pref", "BGP.med":
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return err
		}
		number := uint32(n)
		if key == "BGP.med" {
			p.MED = &number
		} else {
			p.LocalPref = &number
		}
	case "BGP.community":
		p.Communities = append(p.Communities, communities(value)...)
	case "BGP.large_community":
		p.LargeCommunities = append(p.LargeCommunities, communities(value)...)
	case "BGP.ext_community":
		p.ExtendedCommunities = append(p.ExtendedCommunities, communities(value)...)
	}
	return nil
}

// communities turns "(64512, 1, 2) (64512, 1, 3)" into "64512:1:2" and "64512:1:3". Of extended ones whose names BIRD does not know it says so.
func communities(value string) []string {
	var all []string
	for part := range strings.SplitSeq(value, ")") {
		part = strings.TrimPrefix(strings.TrimLeft(part, " ("), "unknown ")
		if part != "" {
			all = append(all, strings.ReplaceAll(strings.ReplaceAll(part, " ", ""), ",", ":"))
		}
	}
	return all
}

// list returns the neighbours sorted by address, with their paths counted.
func list(neighbors map[string]router.Neighbor, routes []router.Route) []router.Neighbor {
	count := map[netip.Addr]int{}
	for _, r := range routes {
		for _, p := range r.Paths {
			count[p.Neighbor]++
		}
	}
	all := make([]router.Neighbor, 0, len(neighbors))
	for _, n := range neighbors {
		n.Paths = count[n.Address]
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b router.Neighbor) int { return a.Address.Compare(b.Address) })
	return all
}
