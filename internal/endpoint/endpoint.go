// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"iter"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Family is that of addresses.
type Family int

const (
	// IPv4 is the family of slices with addressType IPv4.
	IPv4 Family = iota
	// IPv6 is the family of slices with addressType IPv6.
	IPv6
	// Families is how many there are.
	Families
)

// Of returns the family of the address.
func Of(a netip.Addr) Family {
	if a.Is6() {
		return IPv6
	}
	return IPv4
}

// FamilyOf returns the family of the slice's endpoints. Those of FQDN have none: no proxy sends connections to them.
func FamilyOf(slice *discoveryv1.EndpointSlice) (f Family, known bool) {
	switch slice.AddressType {
	case discoveryv1.AddressTypeIPv4:
		return IPv4, true
	case discoveryv1.AddressTypeIPv6:
		return IPv6, true
	case discoveryv1.AddressTypeFQDN:
	}
	return 0, false
}

// Kind returns the family as Services have it.
func (f Family) Kind() corev1.IPFamily {
	if f == IPv4 {
		return corev1.IPv4Protocol
	}
	return corev1.IPv6Protocol
}

// String returns the family as Kubernetes spells it.
func (f Family) String() string { return string(f.Kind()) }

// FamilySet has the families for which it is true.
type FamilySet [Families]bool

// Empty reports whether it has none.
func (s FamilySet) Empty() bool { return s == FamilySet{} }

// State of an endpoint. The greater one takes precedence.
type State int

const (
	// Unusable endpoints get no connections.
	Unusable State = iota
	// Draining endpoints terminate and still serve. They get connections where no endpoint is Ready.
	Draining
	// Ready endpoints get connections.
	Ready
)

// WithoutHeadless selects the EndpointSlices of services that are not headless: a headless one cannot have a load balancer.
func WithoutHeadless() labels.Selector {
	selector, err := labels.Parse("!" + corev1.IsHeadlessService)
	if err != nil {
		return labels.Everything()
	}
	return selector
}

// StateOf returns the state of an endpoint. Conditions that are unset are as discovery/v1 says: ready and serving are true,
// terminating is false. For a service with publishNotReadyAddresses the EndpointSlice controller sets ready to true throughout.
func StateOf(e *discoveryv1.Endpoint) State {
	c := e.Conditions
	switch {
	case len(e.Addresses) == 0:
		return Unusable
	case c.Ready == nil || *c.Ready:
		return Ready
	case c.Terminating != nil && *c.Terminating && (c.Serving == nil || *c.Serving):
		return Draining
	default:
		return Unusable
	}
}

// Count is a number of endpoints.
type Count struct{ Ready, Draining int }

// Usable returns how many of them get connections.
func (c Count) Usable() int {
	if c.Ready > 0 {
		return c.Ready
	}
	return c.Draining
}

func (c *Count) add(s State) {
	switch s {
	case Ready:
		c.Ready++
	case Draining:
		c.Draining++
	case Unusable:
	}
}

// View is what a node sees of the endpoints of one family.
type View struct {
	// Local are those on the node, each address once.
	Local Count
	// Anywhere is the state of the best one on any node, or on none.
	Anywhere State
}

// Usable reports whether the node has somewhere to send connections to: with the traffic policy Local to an endpoint of its own,
// with Cluster to any.
func (v View) Usable(local bool) bool {
	if local {
		return v.Local.Usable() > 0
	}
	return v.Anywhere > Unusable
}

// Draining reports whether connections to endpoints of the node are about to end though other nodes have endpoints that are ready: those
// of the node only terminate and still serve.
func (v View) Draining() bool {
	return v.Local.Ready == 0 && v.Local.Draining > 0 && v.Anywhere == Ready
}

// Views returns what the node sees of the endpoints of a service, of which these are the slices, as they are or reduced for the
// node.
func Views(slices []discoveryv1.EndpointSlice, node string) [Families]View {
	var (
		views [Families]View
		local [Families]map[string]State
	)
	for i := range slices {
		f, known := FamilyOf(&slices[i])
		if !known {
			continue
		}
		for e, s := range In(&slices[i]) {
			views[f].Anywhere = max(views[f].Anywhere, s)
			if e.NodeName == nil || *e.NodeName != node {
				continue
			}
			if local[f] == nil {
				local[f] = map[string]State{}
			}
			for _, address := range addresses(e) {
				local[f][address] = max(local[f][address], s)
			}
		}
	}
	for f := range views {
		for _, s := range local[f] {
			views[f].Local.add(s)
		}
	}
	return views
}

// HasPort reports whether the slice has a port with a number. kube-proxy sends no connection to the endpoints of a slice without: it is that
// of pods that do not have the port that the service's targetPort names.
func HasPort(slice *discoveryv1.EndpointSlice) bool {
	return slices.ContainsFunc(slice.Ports, func(p discoveryv1.EndpointPort) bool { return p.Port != nil && *p.Port != 0 })
}

// In returns the endpoints of the slice that may get connections, and their state. They are not to be modified.
func In(slice *discoveryv1.EndpointSlice) iter.Seq2[*discoveryv1.Endpoint, State] {
	return func(yield func(*discoveryv1.Endpoint, State) bool) {
		if !HasPort(slice) {
			return
		}
		for i := range slice.Endpoints {
			if s := StateOf(&slice.Endpoints[i]); s > Unusable && !yield(&slice.Endpoints[i], s) {
				return
			}
		}
	}
}
