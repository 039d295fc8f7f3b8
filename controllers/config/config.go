// SPDX-License-Identifier: Apache-2.0

package config

import (
	"iter"
	"net/netip"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
)

// Objects are a configuration: all objects of each kind, in the product's namespace. Names are unique within a kind.
type Objects active.Objects

// All returns each of the objects, in its place.
func (o Objects) All() iter.Seq[Object] { return active.Objects(o).All() }

// Object is an IPAddressPool, BGPPeer, BGPAdvertisement, Community or BFDProfile.
type Object = active.Object

// Change is that of one object: Old is nil if it is created, New if it is deleted.
type Change struct{ Old, New Object }

// ClusterState is what of a cluster matters to a configuration.
type ClusterState struct {
	// Holdings are the addresses that services hold; nil if there are none.
	Holdings Holdings
	// NamespaceLabels returns the labels of a namespace. It is asked as often as a service of the namespace is looked at.
	NamespaceLabels func(namespace string) labels.Set
	// Nodes of the cluster. If there are none, as where no cluster is at hand, one without labels stands for them.
	Nodes []Node
	// Active are the ActiveConfigurations, for Check to know what is in use; nil where they are not at hand.
	Active []v1beta1.ActiveConfiguration
	// Parser remembers what it has parsed; nil if nothing is to be remembered.
	Parser *Parser
}

// Node is what matters of a node.
type Node struct {
	Name   string
	Labels labels.Set
	// Addresses of the node itself.
	Addresses []netip.Addr
}

// Holding is an address that a service holds.
type Holding struct {
	Service types.NamespacedName
	// Labels of the service.
	Labels  labels.Set
	Address netip.Addr
	// Recorded are the pools that the service's addresses were allocated from, as its annotation has them; none if the
	// address may be another load balancer's.
	Recorded []string
	// RequestedPool is the pool that the service asks for by annotation; empty if it asks for none.
	RequestedPool string
}

// Holdings finds holdings. None is modified.
type Holdings interface {
	// In returns those whose address is in the range, by address.
	In(r ipam.Range) iter.Seq[Holding]
	// From returns those that were recorded as allocated from the pool.
	From(pool string) iter.Seq[Holding]
	// All returns all.
	All() iter.Seq[Holding]
}

// Verdict is what is said about a change.
type Verdict struct {
	// Errors refuse the change. Each names the field.
	Errors field.ErrorList
	// Warnings are for what is legal but suspicious, a sentence each, and for impacts that the object's operator allows.
	Warnings []string
	// Narrows is whether the change would take something from services that hold certain addresses, if there were such.
	Narrows bool
	// DependsOnOthers is whether only other objects see to it that the change takes nothing from services or peers, so that the verdict is only
	// as good as what is known of these.
	DependsOnOthers bool
	// Impacts are the services that the change would take something from. Unless the object allows disruption, they are
	// among the errors.
	Impacts Impacts
}
