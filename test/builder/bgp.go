// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// Peer builds a BGPPeer.
type Peer struct{ v1beta2.BGPPeer }

// MakePeer returns a BGPPeer of ASN 64512 at the address, in namespace metallb-system.
func MakePeer(name, address string) *Peer {
	p := &Peer{}
	p.Namespace, p.Name = "metallb-system", name
	p.Spec = v1beta2.BGPPeerSpec{MyASN: 64512, ASN: 64512, Address: address}
	return p
}

// Obj returns the BGPPeer.
func (p *Peer) Obj() *v1beta2.BGPPeer { return p.DeepCopy() }

// Created sets when the peer was created; only objects that do not pass an API server keep it.
func (p *Peer) Created(at time.Time) *Peer {
	p.CreationTimestamp = metav1.NewTime(at)
	return p
}

// NodesWithLabel has only nodes with the label connect.
func (p *Peer) NodesWithLabel(key, value string) *Peer {
	p.Spec.NodeSelectors = selector(key, value)
	return p
}

// BFDProfile has the nodes watch the peer by the BFDProfile of the name.
func (p *Peer) BFDProfile(name string) *Peer {
	p.Spec.BFDProfile = name
	return p
}

// AllowDisruption sets the override.
func (p *Peer) AllowDisruption() *Peer {
	metav1.SetMetaDataAnnotation(&p.ObjectMeta, v1beta1.AnnotationAllowDisruption, "true")
	return p
}

// Advertisement builds a BGPAdvertisement.
type Advertisement struct{ v1beta1.BGPAdvertisement }

// MakeAdvertisement returns a BGPAdvertisement of the pools, or of every pool, in namespace metallb-system.
func MakeAdvertisement(name string, pools ...string) *Advertisement {
	a := &Advertisement{}
	a.Namespace, a.Name = "metallb-system", name
	a.Spec.IPAddressPools = pools
	return a
}

// Obj returns the BGPAdvertisement.
func (a *Advertisement) Obj() *v1beta1.BGPAdvertisement { return a.DeepCopy() }

// Created sets when the advertisement was created; only objects that do not pass an API server keep it.
func (a *Advertisement) Created(at time.Time) *Advertisement {
	a.CreationTimestamp = metav1.NewTime(at)
	return a
}

// PoolsWithLabel selects pools with the label.
func (a *Advertisement) PoolsWithLabel(key, value string) *Advertisement {
	a.Spec.IPAddressPoolSelectors = selector(key, value)
	return a
}

// ServicesWithLabel restricts the advertisement to services with the label.
func (a *Advertisement) ServicesWithLabel(key, value string) *Advertisement {
	a.Spec.ServiceSelectors = selector(key, value)
	return a
}

// NodesWithLabel restricts the advertisement to nodes with the label.
func (a *Advertisement) NodesWithLabel(key, value string) *Advertisement {
	a.Spec.NodeSelectors = selector(key, value)
	return a
}

// Peers restricts the advertisement to peers.
func (a *Advertisement) Peers(names ...string) *Advertisement {
	a.Spec.Peers = names
	return a
}

// Aggregation sets the IPv4 prefix length.
func (a *Advertisement) Aggregation(length int32) *Advertisement {
	a.Spec.AggregationLength = &length
	return a
}

// LocalPref sets the local preference.
func (a *Advertisement) LocalPref(localPref uint32) *Advertisement {
	a.Spec.LocalPref = localPref
	return a
}

// ASPathPrepend sets how many more times the local ASN is in the AS path.
func (a *Advertisement) ASPathPrepend(times uint8) *Advertisement {
	a.Spec.ASPathPrepend = times
	return a
}

// MED sets the MULTI_EXIT_DISC.
func (a *Advertisement) MED(med uint32) *Advertisement {
	a.Spec.MED = &med
	return a
}

// WeightByEndpoints has routes say how many endpoints a node has.
func (a *Advertisement) WeightByEndpoints() *Advertisement {
	a.Spec.WeightByEndpoints = true
	return a
}

// Communities sets the communities, values or aliases.
func (a *Advertisement) Communities(communities ...string) *Advertisement {
	a.Spec.Communities = communities
	return a
}

// AllowDisruption sets the override.
func (a *Advertisement) AllowDisruption() *Advertisement {
	metav1.SetMetaDataAnnotation(&a.ObjectMeta, v1beta1.AnnotationAllowDisruption, "true")
	return a
}

// Community builds a Community.
type Community struct{ v1beta1.Community }

// MakeCommunity returns a Community without aliases, in namespace metallb-system.
func MakeCommunity(name string) *Community {
	c := &Community{}
	c.Namespace, c.Name = "metallb-system", name
	return c
}

// Obj returns the Community.
func (c *Community) Obj() *v1beta1.Community { return c.DeepCopy() }

// Created sets when the Community was created; only objects that do not pass an API server keep it.
func (c *Community) Created(at time.Time) *Community {
	c.CreationTimestamp = metav1.NewTime(at)
	return c
}

// Alias adds an alias.
func (c *Community) Alias(name, value string) *Community {
	c.Spec.Communities = append(c.Spec.Communities, v1beta1.CommunityAlias{Name: name, Value: value})
	return c
}

// BFDProfile builds a BFDProfile.
type BFDProfile struct{ v1beta1.BFDProfile }

// MakeBFDProfile returns a BFDProfile with the default values, in namespace metallb-system.
func MakeBFDProfile(name string) *BFDProfile {
	p := &BFDProfile{}
	p.Namespace, p.Name = "metallb-system", name
	return p
}

// Obj returns the BFDProfile.
func (p *BFDProfile) Obj() *v1beta1.BFDProfile { return p.DeepCopy() }

// Intervals sets the time between control packets, in both directions, in milliseconds.
func (p *BFDProfile) Intervals(milliseconds int32) *BFDProfile {
	p.Spec.ReceiveInterval, p.Spec.TransmitInterval = &milliseconds, &milliseconds
	return p
}
