// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
)

// Pool builds an IPAddressPool.
type Pool struct{ v1beta1.IPAddressPool }

// MakePool returns an IPAddressPool in namespace metallb-system.
func MakePool(name string, addresses ...string) *Pool {
	p := &Pool{}
	p.Namespace, p.Name = "metallb-system", name
	p.Spec.Addresses = addresses
	return p
}

// Obj returns the IPAddressPool.
func (p *Pool) Obj() *v1beta1.IPAddressPool { return p.DeepCopy() }

// Created sets when the pool was created; only objects that do not pass an API server keep it.
func (p *Pool) Created(at time.Time) *Pool {
	p.CreationTimestamp = metav1.NewTime(at)
	return p
}

// Label adds a label.
func (p *Pool) Label(key, value string) *Pool {
	metav1.SetMetaDataLabel(&p.ObjectMeta, key, value)
	return p
}

// AllowDisruption sets the override.
func (p *Pool) AllowDisruption() *Pool {
	metav1.SetMetaDataAnnotation(&p.ObjectMeta, v1beta1.AnnotationAllowDisruption, "true")
	return p
}

// NoAutoAssign keeps the pool for services that name it.
func (p *Pool) NoAutoAssign() *Pool {
	p.Spec.AutoAssign = new(bool)
	return p
}

// AvoidBuggyIPs excludes addresses that end in .0 or .255.
func (p *Pool) AvoidBuggyIPs() *Pool {
	p.Spec.AvoidBuggyIPs = true
	return p
}

// Priority ranks the pool.
func (p *Pool) Priority(priority int) *Pool {
	p.allocation().Priority = priority
	return p
}

// Namespaces restricts the pool to namespaces.
func (p *Pool) Namespaces(names ...string) *Pool {
	p.allocation().Namespaces = names
	return p
}

// NamespacesWithLabel restricts the pool to namespaces with the label.
func (p *Pool) NamespacesWithLabel(key, value string) *Pool {
	p.allocation().NamespaceSelectors = selector(key, value)
	return p
}

// ServicesWithLabel restricts the pool to services with the label.
func (p *Pool) ServicesWithLabel(key, value string) *Pool {
	p.allocation().ServiceSelectors = selector(key, value)
	return p
}

func (p *Pool) allocation() *v1beta1.ServiceAllocation {
	if p.Spec.AllocateTo == nil {
		p.Spec.AllocateTo = &v1beta1.ServiceAllocation{}
	}
	return p.Spec.AllocateTo
}

func selector(key, value string) []metav1.LabelSelector {
	return []metav1.LabelSelector{{MatchLabels: map[string]string{key: value}}}
}
