// SPDX-License-Identifier: Apache-2.0

package builder

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
)

// Service builds a Service of type LoadBalancer.
type Service struct{ corev1.Service }

// MakeService returns a Service in namespace default, with port 80/TCP and the selector app=NAME.
func MakeService(name string) *Service {
	s := &Service{}
	s.Namespace, s.Name = metav1.NamespaceDefault, name
	s.Spec.Type = corev1.ServiceTypeLoadBalancer
	s.Spec.Selector = map[string]string{"app": name}
	return s.Ports(80)
}

// Obj returns the Service.
func (s *Service) Obj() *corev1.Service { return s.DeepCopy() }

// In puts the Service there.
func (s *Service) In(namespace string) *Service {
	s.Namespace = namespace
	return s
}

// Created sets when the Service was created; only objects that do not pass an API server keep it.
func (s *Service) Created(at time.Time) *Service {
	s.CreationTimestamp = metav1.NewTime(at)
	return s
}

// Label adds a label.
func (s *Service) Label(key, value string) *Service {
	metav1.SetMetaDataLabel(&s.ObjectMeta, key, value)
	return s
}

// Annotation adds an annotation.
func (s *Service) Annotation(key, value string) *Service {
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, key, value)
	return s
}

// Pool requests a pool.
func (s *Service) Pool(name string) *Service {
	return s.Annotation(v1beta1.AnnotationAddressPool, name)
}

// Addresses requests addresses, comma-separated.
func (s *Service) Addresses(list string) *Service {
	return s.Annotation(v1beta1.AnnotationLoadBalancerIPs, list)
}

// LoadBalancerIP requests an address in the spec.
func (s *Service) LoadBalancerIP(address string) *Service {
	s.Spec.LoadBalancerIP = address
	return s
}

// SharingKey allows the Service to share its address.
func (s *Service) SharingKey(key string) *Service {
	return s.Annotation(v1beta1.AnnotationAllowSharedIP, key)
}

// Class sets the load balancer class.
func (s *Service) Class(class string) *Service {
	s.Spec.LoadBalancerClass = &class
	return s
}

// Selector replaces the selector by one label.
func (s *Service) Selector(key, value string) *Service {
	s.Spec.Selector = map[string]string{key: value}
	return s
}

// Local sets the external traffic policy to Local.
func (s *Service) Local() *Service {
	s.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
	return s
}

// Ports replaces the ports, all TCP.
func (s *Service) Ports(numbers ...int32) *Service {
	s.Spec.Ports = nil
	for _, n := range numbers {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{
			Name: fmt.Sprintf("p%d", n), Protocol: corev1.ProtocolTCP, Port: n,
		})
	}
	return s
}

// Families sets the policy and the families.
func (s *Service) Families(policy corev1.IPFamilyPolicy, families ...corev1.IPFamily) *Service {
	s.Spec.IPFamilyPolicy, s.Spec.IPFamilies = &policy, families
	return s
}

// Holds puts addresses into the status, from the pool.
func (s *Service) Holds(pool string, addresses ...string) *Service {
	for _, a := range addresses {
		s.Status.LoadBalancer.Ingress = append(s.Status.LoadBalancer.Ingress, corev1.LoadBalancerIngress{IP: a})
	}
	return s.Annotation(v1beta1.AnnotationIPAllocatedFromPool, pool)
}
