// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/spelling"
)

// newObject returns an empty object of the kind; nil if there is no such kind here.
func newObject(gvk schema.GroupVersionKind) config.Object {
	switch gvk {
	case v1beta1.GroupVersion.WithKind("IPAddressPool"):
		return &v1beta1.IPAddressPool{}
	case v1beta1.GroupVersion.WithKind("BGPAdvertisement"):
		return &v1beta1.BGPAdvertisement{}
	case v1beta1.GroupVersion.WithKind("Community"):
		return &v1beta1.Community{}
	case v1beta1.GroupVersion.WithKind("BFDProfile"):
		return &v1beta1.BFDProfile{}
	case v1beta2.GroupVersion.WithKind("BGPPeer"):
		return &v1beta2.BGPPeer{}
	}
	return nil
}

// foreign says what to do about an object of this project's API group that is of a kind or version that does not exist here.
func foreign(gvk schema.GroupVersionKind) string {
	remedies := map[string]string{
		"IPAddressPool":    "write apiVersion: metallb.io/v1beta1",
		"BGPAdvertisement": "write apiVersion: metallb.io/v1beta1",
		"Community":        "write apiVersion: metallb.io/v1beta1",
		"BFDProfile":       "write apiVersion: metallb.io/v1beta1",
		"BGPPeer":          "write apiVersion: metallb.io/v1beta2",
		"AddressPool":      "write an IPAddressPool, and a BGPAdvertisement that names it",
		"L2Advertisement":  "addresses are announced over BGP only; write a BGPAdvertisement",
	}
	if slices.Contains([]string{"ActiveConfiguration", "BGPSessionState", "ServiceBGPStatus"}, gvk.Kind) {
		return fmt.Sprintf("a %s is written by the controller or by a speaker, and is no configuration; remove it", gvk.Kind)
	}
	remedy, known := remedies[gvk.Kind]
	if meant := spelling.Meant(gvk.Kind, slices.Sorted(maps.Keys(remedies))); !known && meant != "" {
		return fmt.Sprintf("there is no %s in %s; did you mean %s?", gvk.Kind, gvk.GroupVersion(), meant)
	}
	if !known {
		remedy = "kinds are IPAddressPool, BGPPeer, BGPAdvertisement, Community and BFDProfile; remove it"
	}
	return fmt.Sprintf("there is no %s in %s; %s", gvk.Kind, gvk.GroupVersion(), remedy)
}

// mistaken reports whether the object is meant to be one of ours, although its group is another: one that is this group misspelled, or none.
func mistaken(gvk schema.GroupVersionKind) bool {
	group := strings.ToLower(gvk.Group)
	ours := newObject(v1beta1.GroupVersion.WithKind(gvk.Kind)) != nil || newObject(v1beta2.GroupVersion.WithKind(gvk.Kind)) != nil
	return ours && (group == "" || group == "metallb" || group == v1beta1.GroupVersion.Group || group == "metallb.universe.tf")
}
