// SPDX-License-Identifier: Apache-2.0

package poolmap

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/plugin/cluster"
)

// Parts are what has to be read of the cluster.
func Parts() []cluster.Part {
	return []cluster.Part{cluster.Configuration, cluster.Nodes, cluster.Namespaces, cluster.Services, cluster.Workloads}
}

// Map is who holds which address.
type Map struct {
	// Pools are sorted by name: those that are written, and those that are gone and that services hold addresses of.
	Pools []Pool

	class      string
	namespaces map[string]labels.Set
	allocator  *allocator.Allocator
	// pending are the requests that the controller looks at before any new one.
	pending []allocator.Request
}

// State is what is used of a pool.
type State string

// The states.
const (
	// InUse: the pool is used as written.
	InUse State = "InUse"
	// Held: the pool is used as it was before its last change.
	Held State = "Held"
	// NotInUse: the pool gives no addresses.
	NotInUse State = "NotInUse"
	// Deleted: the pool is gone, and services hold addresses of it.
	Deleted State = "Deleted"
)

// Pool is one IPAddressPool, as it is used.
type Pool struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Message says why the pool is not used as written.
	Message string `json:"message,omitempty"`

	AutoAssign    bool `json:"autoAssign"`
	AvoidBuggyIPs bool `json:"avoidBuggyIPs"`
	// Priority: pools with 1 are tried first, those with 0 last.
	Priority int `json:"priority"`
	// Admits says which services may use the pool; of an empty list all may.
	Admits Admission `json:"admits"`

	IPv4 *Usage `json:"ipv4,omitempty"`
	IPv6 *Usage `json:"ipv6,omitempty"`
	// Ranges in the order in which they are written.
	Ranges []Range `json:"ranges"`
	// Addresses that services hold, sorted.
	Addresses []Address `json:"addresses"`
}

// Admission says which services may use a pool: those in one of the namespaces, or in one that a selector selects, that a selector for
// services selects.
type Admission struct {
	Namespaces         []string `json:"namespaces,omitempty"`
	NamespaceSelectors []string `json:"namespaceSelectors,omitempty"`
	ServiceSelectors   []string `json:"serviceSelectors,omitempty"`
}

// Usage is how many addresses of a family are used.
type Usage struct {
	Assigned  int64 `json:"assigned"`
	Available int64 `json:"available"`
	// Size is how many the pool can give, saturating at math.MaxInt64.
	Size int64 `json:"size"`
}

// Share is the part that is used, from 0 to 1.
func (u Usage) Share() float64 { return float64(u.Assigned) / max(float64(u.Size), 1) }

// Address is an address that services hold.
type Address struct {
	Address netip.Addr `json:"address"`
	// Outside is whether the pool does not give the address any more.
	Outside bool `json:"outside,omitempty"`
	// Services are sorted by name; several share the address, unless they are in conflict.
	Services []Holder `json:"services"`
}

// Holder is a service that holds an address.
type Holder struct {
	// Service is its namespace and name.
	Service    string `json:"service"`
	SharingKey string `json:"sharingKey,omitempty"`
	// ConflictsWith is an older service that holds the address too, and does not share it.
	ConflictsWith string `json:"conflictsWith,omitempty"`
}

// Of returns the map of a cluster, of which Parts are read.
func Of(c *cluster.Cluster) *Map {
	holdings := assignment.NewIndex(c.Class)
	served := make([]corev1.Service, 0, len(c.Services))
	nodes := make([]config.Node, 0, len(c.Nodes))
	for i := range c.Services {
		if holdings.Set(&c.Services[i]); assignment.Served(&c.Services[i], c.Class) {
			served = append(served, c.Services[i])
		}
	}
	for i := range c.Nodes {
		nodes = append(nodes, listing.NodeOf(&c.Nodes[i]))
	}
	snapshot := config.Next(config.Inputs{
		Written: c.Written, Active: c.Active,
		State: config.ClusterState{Holdings: holdings, NamespaceLabels: func(name string) labels.Set { return c.Namespaces[name] }, Nodes: nodes},
	}, config.NewParser())
	m := &Map{class: c.Class, namespaces: c.Namespaces, allocator: allocator.New()}
	m.allocator.SetPools(snapshot.Pools, snapshot.Abandoned...)
	m.pending, _ = assignment.Replay(m.allocator, served, c.Namespaces, snapshot.Pools)
	m.describe(c, snapshot)
	return m
}

// describe makes the pools of what is used and who holds what.
func (m *Map) describe(c *cluster.Cluster, snapshot *config.Snapshot) {
	found := map[string]*Pool{}
	of := func(name string) *Pool {
		if found[name] == nil {
			found[name] = &Pool{Name: name, State: Deleted, Ranges: []Range{}, Addresses: []Address{}}
		}
		return found[name]
	}
	for i := range c.Written.Pools {
		p := of(c.Written.Pools[i].Name)
		p.State = NotInUse
		if f := snapshot.Findings[active.Key{Kind: active.KindIPAddressPool, Name: p.Name}]; f.Reason != v1beta1.ReasonAccepted {
			p.Message = f.Message()
		}
	}
	inspected := m.allocator.Inspect(allocator.Filter{})
	for i := range inspected.Addresses {
		p := of(inspected.Addresses[i].Pool)
		p.Addresses = append(p.Addresses, addressOf(&inspected.Addresses[i]))
	}
	for i := range snapshot.Pools {
		of(snapshot.Pools[i].Name).use(&snapshot.Pools[i])
	}
	for i := range inspected.Pools {
		of(inspected.Pools[i].Name).count(inspected.Pools[i].Counts)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		m.Pools = append(m.Pools, *found[name])
	}
}

func addressOf(from *allocator.InspectedAddress) Address {
	to := Address{Address: from.Address, Services: make([]Holder, 0, len(from.Users))}
	for _, user := range from.Users {
		h := Holder{Service: user.Service.String(), SharingKey: user.Sharing.Key}
		if user.Conflict != (types.NamespacedName{}) {
			h.ConflictsWith = user.Conflict.String()
		}
		to.Outside = to.Outside || user.Incompatible
		to.Services = append(to.Services, h)
	}
	return to
}

// use says how the pool is used. Its addresses are known.
func (p *Pool) use(pool *ipam.Pool) {
	p.State = InUse
	if p.Message != "" {
		p.State = Held
	}
	p.AutoAssign, p.AvoidBuggyIPs = pool.AutoAssign, pool.AvoidBuggyIPs
	if a := pool.Allocation; a != nil {
		p.Priority = a.Priority
		p.Admits = Admission{slices.Sorted(maps.Keys(a.Namespaces)), texts(a.NamespaceSelectors), texts(a.ServiceSelectors)}
	}
	for _, r := range pool.Ranges {
		from, _ := slices.BinarySearchFunc(p.Addresses, r.From, byAddress)
		to, last := slices.BinarySearchFunc(p.Addresses, r.To, byAddress)
		if last {
			to++
		}
		part := ipam.Pool{Ranges: []ipam.Range{r}, AvoidBuggyIPs: p.AvoidBuggyIPs}
		ipv4, ipv6 := part.Size()
		one := Range{Range: r.String(), Size: ipv4 + ipv6, span: r, avoids: p.AvoidBuggyIPs}
		for _, a := range p.Addresses[from:to] {
			if !a.Outside {
				one.used = append(one.used, a.Address)
			}
		}
		one.Used = len(one.used)
		p.Ranges = append(p.Ranges, one)
	}
}

func byAddress(a Address, b netip.Addr) int { return a.Address.Compare(b) }

func texts(selectors []labels.Selector) []string {
	found := make([]string, 0, len(selectors))
	for _, s := range selectors {
		found = append(found, cmp.Or(s.String(), "<any>"))
	}
	return found
}

func (p *Pool) count(c allocator.Counts) {
	if c.SizeIPv4 > 0 || c.AssignedIPv4 > 0 {
		p.IPv4 = &Usage{c.AssignedIPv4, c.AvailableIPv4, c.SizeIPv4}
	}
	if c.SizeIPv6 > 0 || c.AssignedIPv6 > 0 {
		p.IPv6 = &Usage{c.AssignedIPv6, c.AvailableIPv6, c.SizeIPv6}
	}
}

// Pool returns the pool of that name.
func (m *Map) Pool(name string) (*Pool, bool) {
	i, found := slices.BinarySearchFunc(m.Pools, name, func(p Pool, name string) int { return strings.Compare(p.Name, name) })
	if !found {
		return nil, false
	}
	return &m.Pools[i], true
}
