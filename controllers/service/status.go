// SPDX-License-Identifier: Apache-2.0

package service

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/message"
)

// outcome is the answer to what a Service requests.
type outcome struct {
	service types.NamespacedName
	result  allocator.Result
	// failure says why the request cannot be met; empty if it is.
	failure string
}

// apply writes the outcome into the Service and reports whether that changed anything. What another load balancer wrote
// there is replaced, but not before there is something to replace it.
func (o *outcome) apply(svc *corev1.Service) bool {
	changed := false
	if len(o.result.Assignments) > 0 || assignment.Annotation(svc, v1beta1.AnnotationIPAllocatedFromPool) != "" {
		changed = setIngress(svc, o.result.Addresses())
	}
	changed = setPools(svc, o.result.Assignments) || changed
	changed = meta.SetStatusCondition(&svc.Status.Conditions, o.condition()) || changed
	if changed {
		delete(svc.Annotations, v1beta1.AnnotationTakenOverBy)
	}
	return changed
}

// changes reports whether apply changes anything. Most Services that are looked at are as they should be, so the answer comes
// without a copy of all that is in one.
func (o *outcome) changes(svc *corev1.Service) bool {
	tried := &corev1.Service{}
	tried.Annotations = maps.Clone(svc.Annotations)
	tried.Status.Conditions = slices.Clone(svc.Status.Conditions)
	tried.Status.LoadBalancer = svc.Status.LoadBalancer // It is replaced, and not written to.
	return o.apply(tried)
}

// assignsNew reports whether the outcome has addresses that are not in the status of the Service yet.
func (o *outcome) assignsNew(svc *corev1.Service) bool {
	reported := assignment.IngressTexts(svc)
	return slices.ContainsFunc(o.result.Addresses(), func(a netip.Addr) bool { return !slices.Contains(reported, a.String()) })
}

// condition sums up the outcome.
func (o *outcome) condition() metav1.Condition {
	c := metav1.Condition{Type: v1beta1.ConditionAllocated}
	switch incompatible := o.incompatible(); {
	case o.failure != "":
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1beta1.ReasonAllocationFailed, o.failure
		if held := o.result.Addresses(); len(held) > 0 {
			c.Message += fmt.Sprintf("; the service keeps %s", quote(held))
		}
	case incompatible != "":
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1beta1.ReasonInvalidConfig, incompatible
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1beta1.ReasonIPAllocated, assigned(o.result.Addresses())
		if o.result.Missing != nil {
			c.Message += "; " + o.result.Missing.String()
		}
	}
	c.Message = message.Bound(c.Message)
	return c
}

// incompatible says which addresses of the Service no pool contains any more.
func (o *outcome) incompatible() string {
	var found config.Impacts
	for _, as := range o.result.Assignments {
		if as.Incompatible {
			found = append(found, config.Impact{Service: o.service, Address: as.Address})
		}
	}
	return found.String()
}

// left returns why the Service had to leave addresses that were in its status until now.
func (o *outcome) left(before *corev1.Service) []allocator.Reason {
	reported := assignment.IngressTexts(before)
	return slices.DeleteFunc(slices.Clone(o.result.Moved), func(r allocator.Reason) bool {
		return !slices.Contains(reported, r.Address.String())
	})
}

func assigned(addresses []netip.Addr) string { return "Assigned IP " + quote(addresses) }

// quote returns one address as "a", several as ["a" "b"].
func quote(addresses []netip.Addr) string {
	if len(addresses) == 1 {
		return fmt.Sprintf("%q", addresses[0])
	}
	return fmt.Sprintf("%q", addresses)
}

// setIngress makes the addresses those of the status. An ingress that says the same is left as it is, since the API
// server and others add to it.
func setIngress(svc *corev1.Service, addresses []netip.Addr) bool {
	if slices.Equal(assignment.IngressTexts(svc), texts(addresses)) {
		return false
	}
	ingress := make([]corev1.LoadBalancerIngress, 0, len(addresses))
	for _, address := range addresses {
		ingress = append(ingress, corev1.LoadBalancerIngress{IP: address.String()})
	}
	svc.Status.LoadBalancer.Ingress = ingress
	return true
}

func texts(addresses []netip.Addr) []string {
	found := make([]string, 0, len(addresses))
	for _, address := range addresses {
		found = append(found, address.String())
	}
	return found
}

// setPools writes the pools of the addresses into the annotation: one name if they are all the same, else one for each. The
// deprecated annotation goes, since it would be taken for the other once that is removed.
func setPools(svc *corev1.Service, assignments []allocator.Assignment) bool {
	const key = v1beta1.AnnotationIPAllocatedFromPool
	pools := make([]string, 0, len(assignments))
	for _, as := range assignments {
		pools = append(pools, as.Pool)
	}
	if len(slices.Compact(slices.Clone(pools))) == 1 {
		pools = pools[:1]
	}
	_, changed := svc.Annotations[assignment.Deprecated(key)]
	delete(svc.Annotations, assignment.Deprecated(key))
	value, present := svc.Annotations[key]
	switch desired := strings.Join(pools, ","); {
	case desired == "" && !present, desired != "" && value == desired:
		return changed
	case desired == "":
		delete(svc.Annotations, key)
	default:
		metav1.SetMetaDataAnnotation(&svc.ObjectMeta, key, desired)
	}
	return true
}

// reportedBy returns the addresses in the Service's status.
func reportedBy(svc *corev1.Service) []netip.Addr {
	return allocator.Result{Assignments: assignment.Of(svc)}.Addresses()
}

// hasTraces reports whether the Service carries anything that apply wrote, or the condition that says how it is announced.
func hasTraces(svc *corev1.Service) bool {
	_, annotated := svc.Annotations[v1beta1.AnnotationIPAllocatedFromPool]
	_, deprecated := svc.Annotations[assignment.Deprecated(v1beta1.AnnotationIPAllocatedFromPool)]
	return annotated || deprecated || meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAllocated) != nil ||
		meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAnnounced) != nil
}

// clearStatus removes from the Service the addresses held and, unless another load balancer has given it others
// meanwhile, the annotation and condition that apply wrote, and the condition that says how they are announced.
func clearStatus(svc *corev1.Service, held []netip.Addr) {
	ours := texts(held)
	ingress := &svc.Status.LoadBalancer.Ingress
	*ingress = slices.DeleteFunc(*ingress, func(i corev1.LoadBalancerIngress) bool { return slices.Contains(ours, i.IP) })
	if len(*ingress) == 0 {
		clearTraces(svc)
	}
}

// clearTraces removes what hasTraces looks for.
func clearTraces(svc *corev1.Service) {
	setPools(svc, nil)
	delete(svc.Annotations, v1beta1.AnnotationTakenOverBy)
	meta.RemoveStatusCondition(&svc.Status.Conditions, v1beta1.ConditionAllocated)
	meta.RemoveStatusCondition(&svc.Status.Conditions, v1beta1.ConditionAnnounced)
}
