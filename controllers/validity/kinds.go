// SPDX-License-Identifier: Apache-2.0

package validity

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// kind is what the reconciler has to know of a kind of objects.
type kind struct {
	name string
	// empty returns an object to read into.
	empty func() client.Object
	// parse returns what is wrong with the object.
	parse func(client.Object) field.ErrorList
	// status returns where the object has its conditions and the generation that they tell of.
	status func(client.Object) (*[]metav1.Condition, *int64)
}

// kinds returns the kinds that are looked after.
func kinds() []kind {
	return []kind{
		kindOf("bgppeer", func() *v1beta2.BGPPeer { return &v1beta2.BGPPeer{} },
			func(p *v1beta2.BGPPeer) field.ErrorList { _, errs := bgp.ParsePeer(p); return errs },
			func(p *v1beta2.BGPPeer) (*[]metav1.Condition, *int64) {
				return &p.Status.Conditions, &p.Status.ObservedGeneration
			}),
		kindOf("bgpadvertisement", func() *v1beta1.BGPAdvertisement { return &v1beta1.BGPAdvertisement{} },
			func(a *v1beta1.BGPAdvertisement) field.ErrorList { _, errs := bgp.ParseAdvertisement(a); return errs },
			func(a *v1beta1.BGPAdvertisement) (*[]metav1.Condition, *int64) {
				return &a.Status.Conditions, &a.Status.ObservedGeneration
			}),
		kindOf("community", func() *v1beta1.Community { return &v1beta1.Community{} },
			func(c *v1beta1.Community) field.ErrorList { _, errs := bgp.ParseCommunities(c); return errs },
			func(c *v1beta1.Community) (*[]metav1.Condition, *int64) {
				return &c.Status.Conditions, &c.Status.ObservedGeneration
			}),
	}
}

// kindOf makes a kind of functions for its Go type.
func kindOf[T client.Object](
	name string, empty func() T, parse func(T) field.ErrorList, status func(T) (*[]metav1.Condition, *int64),
) kind {
	return kind{
		name:   name,
		empty:  func() client.Object { return empty() },
		parse:  func(o client.Object) field.ErrorList { return parse(o.(T)) },
		status: func(o client.Object) (*[]metav1.Condition, *int64) { return status(o.(T)) },
	}
}
