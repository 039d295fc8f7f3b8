// SPDX-License-Identifier: Apache-2.0

package config

import (
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/drain"
)

// Inputs are what a Snapshot is made of.
type Inputs struct {
	// Written are the configuration objects as they are now.
	Written Objects
	// Active are the ActiveConfigurations as they are now: what was in use until now.
	Active []v1beta1.ActiveConfiguration
	// State is what of the cluster matters.
	State ClusterState
	// Allowed are objects of which an operator allowed the change or the deletion to disrupt services, though neither Written nor
	// Active may say so: an object that is gone has no annotations.
	Allowed map[active.Key]bool
}

// Snapshot is the configuration at one moment: what is in use, and what is to be said of each object. It is immutable and safe
// for concurrent use.
type Snapshot struct {
	// Pools are those that services are given addresses from.
	Pools ipam.Pools
	// Abandoned are pools that were deleted by an operator who allowed disruption, and that services hold addresses of. Services
	// may be moved off these.
	Abandoned []string
	// Routes say which addresses are announced by what is in use.
	Routes *Routes
	// Findings say of each object as written whether it is in use.
	Findings map[active.Key]Finding
	// Changes are what is to be done to the ActiveConfigurations so that they are what is in use.
	Changes []ActiveChange
	// Held is how many objects are in use in another version than the one written.
	Held int
	// Deviating are the objects that are not in use as written, or are gone and still in use, with the reason: one of ConditionValid
	// or of an ActiveConfiguration's status.
	Deviating map[active.Key]string

	inUse map[active.Key]Object
	// partly are new objects that are in use as far as they are not in dispute.
	partly   map[active.Key]Object
	nodes    []Node
	impacts  map[string]Impacts
	nodeKeys map[string]bool
}

// Finding says of an object whether it is in use as written, and if not, why.
type Finding struct {
	// Object is the object as written.
	Object Object
	// Reason is one of ConditionValid.
	Reason string
	// Errors are what is wrong with the object, if Reason is InvalidConfig.
	Errors field.ErrorList
	// Impacts are what the change of the object would take from services, if Reason is NotCompatibleWithAssignedIPs.
	Impacts Impacts
}

// Message returns the finding as a sentence.
func (f *Finding) Message() string {
	switch f.Reason {
	case v1beta1.ReasonInvalidConfig:
		return utilerrors.NewAggregate(f.errors()).Error()
	case v1beta1.ReasonNotCompatibleWithAssignedIPs:
		return f.Impacts.String()
	default:
		return accepted(f.Object)
	}
}

// accepted says that the object is in use as written, and what of it has no effect all the same.
func accepted(o Object) string {
	if p, ok := o.(*v1beta1.BFDProfile); ok && p.Spec.EchoMode {
		return "in use as written, but spec.echoMode has no effect: " + noEcho
	}
	return "in use as written"
}

func (f *Finding) errors() []error {
	errs := make([]error, 0, len(f.Errors))
	for _, err := range f.Errors {
		errs = append(errs, err)
	}
	return errs
}

// equal reports whether both say the same of the same version of an object.
func (f *Finding) equal(o *Finding) bool {
	return f.Reason == o.Reason && f.Object.GetUID() == o.Object.GetUID() && f.Object.GetGeneration() == o.Object.GetGeneration() &&
		slices.Equal(f.Impacts, o.Impacts) && slices.EqualFunc(f.Errors, o.Errors, func(a, b *field.Error) bool { return a.Error() == b.Error() })
}

// ActiveChange is the creation of an ActiveConfiguration (Old is nil), its deletion (New is nil) or its update.
type ActiveChange struct{ Old, New *v1beta1.ActiveConfiguration }

// PoolImpacts returns what changes that are held back would take from services that hold addresses of the pool.
func (s *Snapshot) PoolImpacts(pool string) Impacts { return s.impacts[pool] }

// Invalid reports whether any object is not in use as written, or one that is gone still is.
func (s *Snapshot) Invalid() bool { return len(s.Deviating) > 0 }

// UsesNodeLabel reports whether a node's label matters: something selects nodes by it.
func (s *Snapshot) UsesNodeLabel(key string) bool { return s == nil || s.nodeKeys[key] }

// AllocatesAs reports whether services are given addresses as by another snapshot: from the same pools, and moved off the same.
func (s *Snapshot) AllocatesAs(o *Snapshot) bool {
	return slices.EqualFunc(s.Pools, o.Pools, func(a, b ipam.Pool) bool { return reflect.DeepEqual(a, b) }) && slices.Equal(s.Abandoned, o.Abandoned)
}

// Difference is what a change of configuration concerns.
type Difference struct {
	// Routes is whether addresses may be announced differently.
	Routes bool
	// Objects are those of which something else is to be said.
	Objects []active.Key
	// Pools are those of which something else is to be said.
	Pools []string
}

// Since returns how the snapshot differs from an earlier one, nil if there was none.
func (s *Snapshot) Since(before *Snapshot) Difference {
	if before == nil {
		before = &Snapshot{}
	}
	d := Difference{
		Routes: before.Routes == nil || !maps.EqualFunc(s.inUse, before.inUse, sameVersion) ||
			!maps.EqualFunc(s.partly, before.partly, sameVersion) || !slices.EqualFunc(s.nodes, before.nodes, s.sameNode),
	}
	pools := map[string]bool{}
	for key, finding := range s.Findings {
		if was, found := before.Findings[key]; found && was.equal(&finding) {
			continue
		}
		d.Objects = append(d.Objects, key)
		if key.Kind == active.KindIPAddressPool {
			pools[key.Name] = true
		}
	}
	for _, name := range names(s.impacts, before.impacts) {
		if !slices.Equal(s.impacts[name], before.impacts[name]) {
			pools[name] = true
		}
	}
	d.Pools = slices.Sorted(maps.Keys(pools))
	slices.SortFunc(d.Objects, active.Key.Compare)
	return d
}

func (s *Snapshot) sameNode(a, b Node) bool {
	if a.Name != b.Name {
		return false
	}
	for key := range s.nodeKeys {
		if a.Labels.Get(key) != b.Labels.Get(key) || a.Labels.Has(key) != b.Labels.Has(key) {
			return false
		}
	}
	return true
}

// selectorKeys adds the keys of the labels that the selectors look at.
func selectorKeys(keys map[string]bool, selectors []labels.Selector) {
	for _, s := range selectors {
		requirements, _ := s.Requirements()
		for _, r := range requirements {
			keys[r.Key()] = true
		}
	}
}

// nodeKeys returns the keys of the node labels that matter to the configuration.
func (m *parsedObjects) nodeKeys() map[string]bool {
	keys := map[string]bool{}
	for _, key := range drain.Labels() {
		keys[key] = true
	}
	for _, p := range m.peers {
		selectorKeys(keys, p.NodeSelectors)
	}
	for _, a := range m.advertisements {
		selectorKeys(keys, a.NodeSelectors)
	}
	return keys
}
