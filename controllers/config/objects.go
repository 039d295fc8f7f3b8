// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// Aliases returns what the Communities define that parse.
func (o Objects) Aliases() bgp.Aliases {
	all := bgp.Aliases{}
	for i := range o.Communities {
		defined, _ := bgp.ParseCommunities(&o.Communities[i])
		maps.Copy(all, defined)
	}
	return all
}

// Apply returns the configuration after the change.
func (o Objects) Apply(change Change) Objects {
	for _, gone := range []Object{change.Old, change.New} {
		switch x := present(gone).(type) {
		case *v1beta1.IPAddressPool:
			o.Pools = without(o.Pools, x.Name)
		case *v1beta2.BGPPeer:
			o.Peers = without(o.Peers, x.Name)
		case *v1beta1.BGPAdvertisement:
			o.Advertisements = without(o.Advertisements, x.Name)
		case *v1beta1.Community:
			o.Communities = without(o.Communities, x.Name)
		}
	}
	switch x := present(change.New).(type) {
	case *v1beta1.IPAddressPool:
		o.Pools = append(o.Pools, *x)
	case *v1beta2.BGPPeer:
		o.Peers = append(o.Peers, *x)
	case *v1beta1.BGPAdvertisement:
		o.Advertisements = append(o.Advertisements, *x)
	case *v1beta1.Community:
		o.Communities = append(o.Communities, *x)
	}
	return o
}

// without returns a copy of the list that lacks the object of that name.
func without[T any, P interface {
	*T
	metav1.Object
}](list []T, name string) []T {
	kept := make([]T, 0, len(list)+1)
	for i := range list {
		if P(&list[i]).GetName() != name {
			kept = append(kept, list[i])
		}
	}
	return kept
}

// present returns the object, or nil if it is a pointer to none or not of a kind that is judged.
func present(o Object) Object {
	found := false
	switch x := o.(type) {
	case *v1beta1.IPAddressPool:
		found = x != nil
	case *v1beta2.BGPPeer:
		found = x != nil
	case *v1beta1.BGPAdvertisement:
		found = x != nil
	case *v1beta1.Community:
		found = x != nil
	}
	if !found {
		return nil
	}
	return o
}

// spec returns what the object's operator has written, and nil of no object.
func spec(o Object) any {
	switch x := o.(type) {
	case *v1beta1.IPAddressPool:
		return x.Spec
	case *v1beta2.BGPPeer:
		return x.Spec
	case *v1beta1.BGPAdvertisement:
		return x.Spec
	case *v1beta1.Community:
		return x.Spec
	default:
		return nil
	}
}

// concernsNobody reports whether the change is an update that leaves everything as it was as far as others can tell, or
// one of an object that is on its way out.
func (c Change) concernsNobody() bool {
	if c.Old == nil || c.New == nil {
		return false
	}
	return c.New.GetDeletionTimestamp() != nil ||
		maps.Equal(c.Old.GetLabels(), c.New.GetLabels()) &&
			v1beta1.AllowsDisruption(c.Old) == v1beta1.AllowsDisruption(c.New) &&
			equality.Semantic.DeepEqual(spec(c.Old), spec(c.New))
}
