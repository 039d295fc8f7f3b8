// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
)

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
		case *v1beta1.BFDProfile:
			o.BFDProfiles = without(o.BFDProfiles, x.Name)
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
	case *v1beta1.BFDProfile:
		o.BFDProfiles = append(o.BFDProfiles, *x)
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
	case *v1beta1.BFDProfile:
		found = x != nil
	}
	if !found {
		return nil
	}
	return o
}

// concernsNobody reports whether the change is an update that leaves everything as it was as far as others can tell, or
// one of an object that is on its way out.
func (c Change) concernsNobody() bool {
	if c.Old == nil || c.New == nil {
		return false
	}
	return c.New.GetDeletionTimestamp() != nil || sameVersion(c.Old, c.New)
}

// dependsOnOthers reports whether only other objects see to it that the change takes nothing away: those that announce the same addresses, or the
// peers that do not name the BFDProfile. The addresses of a pool are in no other, so that only its labels matter.
func (c Change) dependsOnOthers() bool {
	switch old := c.Old.(type) {
	case nil:
		return false
	case *v1beta1.IPAddressPool:
		return c.New != nil && !maps.Equal(old.Labels, c.New.GetLabels())
	case *v1beta1.BFDProfile:
		return c.New == nil
	default:
		return true
	}
}

// version is all that an object means to others.
type version struct {
	allowsDisruption bool
	labels           map[string]string
	spec             any
}

func versionOf(o Object) version {
	return version{v1beta1.AllowsDisruption(o), o.GetLabels(), active.Spec(o)}
}

func (v version) equal(o version) bool {
	return v.allowsDisruption == o.allowsDisruption && maps.Equal(v.labels, o.labels) && equality.Semantic.DeepEqual(v.spec, o.spec)
}

// sameVersion reports whether both mean the same.
func sameVersion(a, b Object) bool { return versionOf(a).equal(versionOf(b)) }
