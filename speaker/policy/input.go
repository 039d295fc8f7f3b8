// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
)

// Input is everything that a Policy is compiled from. The order of the lists is of no consequence.
type Input struct {
	Node Node
	// Objects are the configuration objects in use.
	active.Objects
	// Active has the objects that are in use by an ActiveConfiguration, and not only as they are written.
	Active map[active.Key]bool
	// Secrets that BGPPeers may refer to.
	Secrets []corev1.Secret
}

// Node is what matters of the node that the policy is for.
type Node struct {
	Name                string
	Labels, Annotations labels.Set
	// InternalIPs are the node's addresses within the cluster, in the order of its status.
	InternalIPs []netip.Addr
	// NetworkUnavailable is the node's condition of that name.
	NetworkUnavailable bool
	Drain
	// ProxyPending are the families whose connections the node's service proxy does not forward yet.
	ProxyPending endpoint.FamilySet
	// Router returns the link-local address of the router on an interface of the node, with the interface as zone, or why none is known.
	// Nil knows none.
	Router func(device string) (netip.Addr, error)
	// Gateway returns the node's default gateway of a family, or why none is known. Nil knows none.
	Gateway func(family v1beta2.GatewayFamily) (netip.Addr, error)
	// SourceTo returns the address that connections to a peer, made from a device if one is given, come from if nothing else is asked for; the
	// zero Addr if that is not known at the moment. It has no zone. Nil knows none.
	SourceTo func(peer netip.Addr, device string) netip.Addr
}

// Drain is what is done about a node that is to be taken out of service, or whose service proxy fails.
type Drain struct {
	// Leaving is the signal by which the node is taken out of service; none while it stays.
	Leaving drain.Signal
	// Draining is whether routers are to prefer other nodes for all that the node announces.
	Draining bool
	// Drained is whether the node is to announce nothing, since routers have had time to use others.
	Drained bool
}

// NodeOf returns what matters of the node.
func NodeOf(n *corev1.Node) Node {
	node := Node{Name: n.Name, Labels: n.Labels, Annotations: n.Annotations}
	for _, a := range n.Status.Addresses {
		if a.Type != corev1.NodeInternalIP {
			continue
		}
		if ip, err := netip.ParseAddr(a.Address); err == nil && !ip.IsUnspecified() {
			node.InternalIPs = append(node.InternalIPs, ip.Unmap())
		}
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeNetworkUnavailable && c.Status == corev1.ConditionTrue {
			node.NetworkUnavailable = true
		}
	}
	return node
}

// ownAddresses are the first of each family.
func (n Node) ownAddresses() bgp.OwnAddresses {
	var own bgp.OwnAddresses
	for _, a := range n.InternalIPs {
		switch {
		case a.Is4() && !own.IPv4.IsValid():
			own.IPv4 = a
		case a.Is6() && !own.IPv6.IsValid():
			own.IPv6 = a
		}
	}
	return own
}

// routerID is the BGP identifier of the node's sessions: its first IPv4 address. A node without one gets a number derived
// from its name, since all that is asked of an identifier is not to be 0 and to be unique within its AS (RFC 6286 section
// 2.1). As a session must be closed to change it, the current one, if there is one, stays for as long as it is not known to
// be another's: until the node has other IPv4 addresses.
func (n Node) routerID(current netip.Addr) netip.Addr {
	own := n.numberOfName()
	first := own
	if i := slices.IndexFunc(n.InternalIPs, netip.Addr.Is4); i >= 0 {
		first = n.InternalIPs[i]
	}
	if current.IsValid() && (current == own || first == own || slices.Contains(n.InternalIPs, current)) {
		return current
	}
	return first
}

// numberOfName is a number that hardly any other node has. It is in the form of an IPv4 address that a host may have: routers that are older
// than RFC 6286 refuse others (RFC 4271 section 6.2), as Quagga and old versions of FRR do those from 224.0.0.0 on.
func (n Node) numberOfName() netip.Addr {
	h := fnv.New32a()
	_, _ = h.Write([]byte(n.Name))
	var id [4]byte
	binary.BigEndian.PutUint32(id[:], h.Sum32())
	const this, loopback, multicast = 0, 127, 224 // The first octets of what no host has.
	if id[0] >= multicast {
		id[0] &^= 0x80
	}
	if id[0] == this || id[0] == loopback {
		id[0] = 1
	}
	return netip.AddrFrom4(id)
}

// Rejection says what is wrong with an object, and what comes of it.
type Rejection struct {
	Kind, Namespace, Name string
	// Reason is a sentence with field, value and remedy where they are known.
	Reason string
	Effect Effect
}

// Effect is what comes of a rejection.
type Effect int

// Effects of rejections.
const (
	// NotInUse: the object is not used.
	NotInUse Effect = iota
	// NoSession: the object is used, but the node has no session with the peer as long as that is so.
	NoSession
	// KeepsPassword: the session with the BGPPeer keeps the password that it has.
	KeepsPassword
	// KeepsBFDProfile: the session with the BGPPeer keeps the BFD profile that it has.
	KeepsBFDProfile
	// NoBFD: the BGPPeer is used, and its session has no BFD.
	NoBFD
	// Warning: the object is used as it is, which may not be what was meant.
	Warning
)

// IsStale reports whether something else is in use than what is written.
func (e Effect) IsStale() bool {
	return e == NotInUse || e == KeepsPassword || e == KeepsBFDProfile || e == NoBFD
}

// excludes reports whether there is no session with a peer that is rejected so.
func (e Effect) excludes() bool { return e == NotInUse || e == NoSession }

// String returns the effect as part of a sentence.
func (e Effect) String() string {
	switch e {
	case NoSession:
		return "this node has no session with the peer"
	case KeepsPassword:
		return "the session keeps the password that it has"
	case KeepsBFDProfile:
		return "the session keeps the BFD profile that it has"
	case NoBFD:
		return "the session has no BFD"
	case Warning:
		return "the object is in use"
	default:
		return "the object is not in use"
	}
}

// String returns the rejection as one line.
func (r Rejection) String() string {
	return fmt.Sprintf("%s %q: %s (%s)", r.Kind, r.Name, r.Reason, r.Effect)
}
