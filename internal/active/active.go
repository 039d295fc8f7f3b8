// SPDX-License-Identifier: Apache-2.0

package active

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// The kinds of configuration objects.
const (
	KindIPAddressPool    = "IPAddressPool"
	KindBGPAdvertisement = "BGPAdvertisement"
	KindBGPPeer          = "BGPPeer"
	KindCommunity        = "Community"
	KindBFDProfile       = "BFDProfile"
)

// UsedAsWritten reports whether the objects of the kind are used as they are written, so that there are no ActiveConfigurations of them.
func UsedAsWritten(kind string) bool { return kind == KindBFDProfile }

// Key names a configuration object.
type Key struct{ Kind, Name string }

// String returns the key as "BGPPeer "rack"".
func (k Key) String() string { return fmt.Sprintf("%s %q", k.Kind, k.Name) }

// ObjectName returns the name of the ActiveConfiguration of the object: its kind in lower case and its name. What is too long for a
// name is shortened, and ends in a hash of the whole.
func (k Key) ObjectName() string {
	name := strings.ToLower(k.Kind) + "." + k.Name
	if len(name) <= validation.DNS1123SubdomainMaxLength {
		return name
	}
	hash := sha256.Sum256([]byte(name))
	end := "-" + hex.EncodeToString(hash[:8])
	return strings.TrimRight(name[:validation.DNS1123SubdomainMaxLength-len(end)], "-.") + end
}

// Objects are configuration objects of all kinds.
type Objects struct {
	Pools          []v1beta1.IPAddressPool
	Peers          []v1beta2.BGPPeer
	Advertisements []v1beta1.BGPAdvertisement
	Communities    []v1beta1.Community
	BFDProfiles    []v1beta1.BFDProfile
}

// Object is an IPAddressPool, BGPPeer, BGPAdvertisement, Community or BFDProfile.
type Object interface {
	metav1.Object
	runtime.Object
}

// All returns each of the objects, in its place.
func (o Objects) All() iter.Seq[Object] {
	return func(yield func(Object) bool) {
		_ = each(o.Pools, yield) && each(o.Peers, yield) && each(o.Advertisements, yield) && each(o.Communities, yield) && each(o.BFDProfiles, yield)
	}
}

func each[T any, P interface {
	*T
	Object
}](list []T, yield func(Object) bool,
) bool {
	for i := range list {
		if !yield(P(&list[i])) {
			return false
		}
	}
	return true
}

// Spec returns what the object's operator has written; nil of any other object.
func Spec(o metav1.Object) any {
	switch o := o.(type) {
	case *v1beta1.IPAddressPool:
		return o.Spec
	case *v1beta1.BGPAdvertisement:
		return o.Spec
	case *v1beta2.BGPPeer:
		return o.Spec
	case *v1beta1.Community:
		return o.Spec
	case *v1beta1.BFDProfile:
		return o.Spec
	default:
		return nil
	}
}

// KeyOf returns the key of a configuration object; the zero Key of any other.
func KeyOf(o metav1.Object) Key {
	kind := ""
	switch o.(type) {
	case *v1beta1.IPAddressPool:
		kind = KindIPAddressPool
	case *v1beta1.BGPAdvertisement:
		kind = KindBGPAdvertisement
	case *v1beta2.BGPPeer:
		kind = KindBGPPeer
	case *v1beta1.Community:
		kind = KindCommunity
	case *v1beta1.BFDProfile:
		kind = KindBFDProfile
	default:
		return Key{}
	}
	return Key{kind, o.GetName()}
}

// KeyOfActive returns the key of the object that an ActiveConfiguration is a version of.
func KeyOfActive(a *v1beta1.ActiveConfiguration) Key { return Key{a.Spec.Kind, a.Spec.Name} }

// Make returns the ActiveConfiguration of a configuration object as it is now.
func Make(o metav1.Object) (*v1beta1.ActiveConfiguration, error) {
	spec := Spec(o)
	if spec == nil {
		return nil, fmt.Errorf("%T is no configuration object", o)
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("encoding the spec of %s: %w", KeyOf(o), err)
	}
	key := KeyOf(o)
	return &v1beta1.ActiveConfiguration{
		ObjectMeta: metav1.ObjectMeta{Namespace: o.GetNamespace(), Name: key.ObjectName()},
		Spec: v1beta1.ActiveConfigurationSpec{
			Kind: key.Kind, Name: key.Name, UID: string(o.GetUID()), Generation: o.GetGeneration(), Labels: maps.Clone(o.GetLabels()),
			AllowDisruption: v1beta1.AllowsDisruption(o), Object: runtime.RawExtension{Raw: raw},
		},
	}, nil
}

// meta returns what an ActiveConfiguration keeps of the metadata of its object.
func meta(a *v1beta1.ActiveConfiguration) metav1.ObjectMeta {
	m := metav1.ObjectMeta{
		Namespace: a.Namespace, Name: a.Spec.Name, UID: types.UID(a.Spec.UID), Generation: a.Spec.Generation, Labels: a.Spec.Labels,
		CreationTimestamp: a.CreationTimestamp,
	}
	if a.Spec.AllowDisruption {
		m.Annotations = map[string]string{v1beta1.AnnotationAllowDisruption: "true"}
	}
	return m
}

// Decode returns the configuration objects of the ActiveConfigurations. The error is for the first that cannot be read, which
// is left out, as are others like it.
func Decode(list []v1beta1.ActiveConfiguration) (Objects, error) {
	var o Objects
	var first error
	for i := range list {
		if err := o.Add(&list[i]); err != nil && first == nil {
			first = err
		}
	}
	return o, first
}

// Add adds the configuration object of the ActiveConfiguration, unless that cannot be read.
func (o *Objects) Add(a *v1beta1.ActiveConfiguration) error {
	if name := KeyOfActive(a).ObjectName(); a.Name != name {
		return fmt.Errorf("ActiveConfiguration %q: metadata.name: must be %q, by spec.kind and spec.name", a.Name, name)
	}
	var err error
	switch a.Spec.Kind {
	case KindIPAddressPool:
		o.Pools, err = decoded(o.Pools, a, func(x *v1beta1.IPAddressPool) any { x.ObjectMeta = meta(a); return &x.Spec })
	case KindBGPAdvertisement:
		o.Advertisements, err = decoded(o.Advertisements, a, func(x *v1beta1.BGPAdvertisement) any { x.ObjectMeta = meta(a); return &x.Spec })
	case KindBGPPeer:
		o.Peers, err = decoded(o.Peers, a, func(x *v1beta2.BGPPeer) any { x.ObjectMeta = meta(a); return &x.Spec })
	case KindCommunity:
		o.Communities, err = decoded(o.Communities, a, func(x *v1beta1.Community) any { x.ObjectMeta = meta(a); return &x.Spec })
	default:
		err = fmt.Errorf("ActiveConfiguration %q: spec.kind: unknown kind %q", a.Name, a.Spec.Kind)
	}
	return err
}

// decoded returns the list with the object of the ActiveConfiguration, whose spec is where the function says.
func decoded[T any](list []T, a *v1beta1.ActiveConfiguration, spec func(*T) any) ([]T, error) {
	var one T
	if err := json.Unmarshal(a.Spec.Object.Raw, spec(&one)); err != nil {
		return list, fmt.Errorf("ActiveConfiguration %q: spec.object: %w", a.Name, err)
	}
	return append(list, one), nil
}

// InUse returns the configuration that is in use: the ActiveConfigurations and, of the objects as written, those that have
// none. Those are new, or used as written, or there is no controller to write ActiveConfigurations.
func InUse(written, active Objects) Objects {
	return Objects{
		Pools:          overlay(written.Pools, active.Pools),
		Peers:          overlay(written.Peers, active.Peers),
		Advertisements: overlay(written.Advertisements, active.Advertisements),
		Communities:    overlay(written.Communities, active.Communities),
		BFDProfiles:    written.BFDProfiles,
	}
}

func overlay[T any, P interface {
	*T
	metav1.Object
}](written, active []T,
) []T {
	inUse := make([]T, 0, len(written)+len(active))
	known := make(map[string]bool, len(active))
	for i := range active {
		known[P(&active[i]).GetName()] = true
		inUse = append(inUse, active[i])
	}
	for i := range written {
		if !known[P(&written[i]).GetName()] {
			inUse = append(inUse, written[i])
		}
	}
	return inUse
}

// Compare orders keys by kind and name.
func (k Key) Compare(o Key) int {
	return cmp.Or(strings.Compare(k.Kind, o.Kind), strings.Compare(k.Name, o.Name))
}
