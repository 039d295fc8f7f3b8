// SPDX-License-Identifier: Apache-2.0

package routers

import (
	"cmp"
	"net/netip"
	"slices"

	"metallb.io/metallb/test/router/router"
)

// nodes groups the sessions of all reports by node. Nodes are sorted by router ID, then name.
func nodes(reports []router.Report) []router.Node {
	all := map[string]*router.Node{}
	ids := map[string]netip.Addr{}
	for i, r := range reports {
		announced, lost := prefixes(r), r.Lost()
		for _, n := range r.Neighbors {
			node := all[n.Node]
			if node == nil {
				node = &router.Node{Name: n.Node, Links: links(reports)}
				all[n.Node] = node
			}
			if !slices.Contains(node.Addresses, n.Address) {
				node.Addresses = append(node.Addresses, n.Address)
			}
			if n.RouterID.IsValid() {
				ids[n.Node] = n.RouterID
			}
			link := &node.Links[i]
			link.Known = true
			link.Established = link.Established || n.Established
			link.Prefixes, link.Lost = announced[n.Node], lost[n.Node]
		}
	}
	list := make([]router.Node, 0, len(all))
	for _, node := range all {
		slices.SortFunc(node.Addresses, netip.Addr.Compare)
		list = append(list, *node)
	}
	slices.SortFunc(list, func(a, b router.Node) int {
		return cmp.Or(ids[a.Name].Compare(ids[b.Name]), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func links(reports []router.Report) []router.Link {
	all := make([]router.Link, 0, len(reports))
	for _, r := range reports {
		all = append(all, router.Link{Router: r.Name})
	}
	return all
}

// prefixes counts the prefixes that each node announces to a router.
func prefixes(r router.Report) map[string]int {
	count := map[string]int{}
	for _, route := range r.Routes {
		for _, node := range route.Nodes() {
			count[node]++
		}
	}
	return count
}
