// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/route"
)

// NeedsServices reports whether what all other Services hold has to be known to explain this one: it does not hold what it requests, or may
// share it.
func NeedsServices(svc *corev1.Service) bool {
	allocated := conditionOf(svc, v1beta1.ConditionAllocated)
	return allocated == nil || allocated.Status != metav1.ConditionTrue || allocated.Reason != v1beta1.ReasonIPAllocated ||
		len(svc.Status.LoadBalancer.Ingress) < len(svc.Spec.IPFamilies) || assignment.Annotation(svc, v1beta1.AnnotationAllowSharedIP) != ""
}

// Service explains how a Service is announced, from its request to the routers, or why it is not. Of the cluster, Configuration, Nodes,
// Sessions, Workloads and the Service are read, all other Services if NeedsServices says so, and the labels of the namespaces and the EndpointSlices of
// those that are read.
func Service(c *cluster.Cluster, svc *corev1.Service) Chain {
	t := newTrail(c, svc)
	if !t.request() {
		return t.chain
	}
	t.allocation()
	t.deprecated()
	t.poolsNotChosen()
	record := assignment.RecordOf(svc, c.Class)
	var addresses []netip.Addr
	for i := range record.Holdings {
		t.holding(&record.Holdings[i])
		addresses = append(addresses, record.Holdings[i].Address)
	}
	for i := range record.Holdings {
		named := ""
		if len(record.Holdings) > 1 {
			named = endpoint.Of(record.Holdings[i].Address).String()
		}
		t.announcement(&record.Holdings[i], named)
	}
	t.routesOf(route.New(c), []*corev1.Service{svc}, addresses...)
	t.announced(record.Holdings)
	return t.chain
}

// request says whether the Service is one of this load balancer.
func (t *trail) request() bool {
	s := &t.svc.Spec
	const subject = "service"
	object := serviceTarget(t.svc)
	switch {
	case s.Type != corev1.ServiceTypeLoadBalancer:
		t.chain.Bad(subject, "NotLoadBalancer", fmt.Sprintf("spec.type is %s: only a Service of type LoadBalancer is given an address", s.Type),
			Run("make it one", object.patch("type", corev1.ServiceTypeLoadBalancer)))
		return false
	case !assignment.Served(t.svc, t.Class) && !t.Has(cluster.Workloads):
		t.chain.Doubtful(subject, "ClassNotKnown", fmt.Sprintf("spec.loadBalancerClass is %s; whether this load balancer serves that is not known, since you may not list %s in namespace %s",
			classText(s.LoadBalancerClass), cluster.Workloads, t.Namespace))
		return false
	case !assignment.Served(t.svc, t.Class):
		t.chain.Bad(subject, "OtherClass", fmt.Sprintf("spec.loadBalancerClass is %s, and this load balancer serves %s", classText(s.LoadBalancerClass), servedText(t.Class)),
			Do("the class of a Service cannot be changed: delete the Service and create it %s", remedyOfClass(t.Class)))
		return false
	}
	var parts []string
	for _, key := range []string{v1beta1.AnnotationAddressPool, v1beta1.AnnotationLoadBalancerIPs, v1beta1.AnnotationAllowSharedIP} {
		if value := assignment.Annotation(t.svc, key); value != "" {
			parts = append(parts, strings.TrimPrefix(key, v1beta1.AnnotationPrefix)+" "+value)
		}
	}
	if s.LoadBalancerIP != "" {
		parts = append(parts, "loadBalancerIP "+s.LoadBalancerIP)
	}
	families := make([]string, 0, len(s.IPFamilies))
	for _, f := range s.IPFamilies {
		families = append(families, string(f))
	}
	parts = append([]string{strings.Join(families, " and ")}, parts...)
	t.chain.Good(subject, "of type LoadBalancer, externalTrafficPolicy %s; requests %s",
		cmp.Or(string(s.ExternalTrafficPolicy), "Cluster"), strings.Join(parts, ", "))
	return true
}

func classText(class *string) string {
	if class == nil {
		return "not set"
	}
	return fmt.Sprintf("%q", *class)
}

func servedText(class string) string {
	if class == "" {
		return "Services without a class"
	}
	return fmt.Sprintf("those of class %q (--lb-class)", class)
}

func remedyOfClass(class string) string {
	if class == "" {
		return "without spec.loadBalancerClass"
	}
	return fmt.Sprintf("with spec.loadBalancerClass %q", class)
}

// deprecated says which annotations are to be renamed.
func (t *trail) deprecated() {
	for _, key := range assignment.DeprecatedAnnotations(t.svc) {
		now := v1beta1.AnnotationPrefix + strings.TrimPrefix(key, v1beta1.DeprecatedAnnotationPrefix)
		t.chain.Doubtful("annotation", "DeprecatedAnnotation", fmt.Sprintf("%s is deprecated", key),
			Run("rename it", serviceTarget(t.svc).annotate(now+"="+assignment.Annotation(t.svc, now), key+"-")))
	}
}

// announced says what the controller says of it all. It is the last link, so that nothing is called good that the controller calls bad.
func (t *trail) announced(holdings []config.Holding) {
	if len(holdings) == 0 {
		return
	}
	const subject = "announced"
	switch c := conditionOf(t.svc, v1beta1.ConditionAnnounced); {
	case c == nil:
		t.chain.Doubtful(subject, "Pending", "the controller has not said yet whether the Service is announced", Run("see what it does", t.logs()))
	case c.Status != metav1.ConditionTrue:
		t.chain.Bad(subject, c.Reason, c.Message)
	case c.Reason == v1beta1.ReasonPartlyAnnounced:
		t.chain.Bad(subject, c.Reason, c.Message)
	default:
		t.chain.Good(subject, "%s", c.Message)
	}
}
