// SPDX-License-Identifier: Apache-2.0

package node

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/announce"
)

// serviceIndex indexes EndpointSlices by the name of their service.
const serviceIndex = "service"

func indexEndpointSlices(o client.Object) []string {
	if service := o.GetLabels()[discoveryv1.LabelServiceName]; service != "" {
		return []string{service}
	}
	return nil
}

// CacheOptions makes a manager's caches hold what the speaker of the node reads and no more: services of type
// LoadBalancer, the node itself, the configuration in the namespace with Secrets of the one type that BGPPeers may refer to, and of
// EndpointSlices, but for those of headless services, whether endpoints can serve, here and elsewhere. Objects are stripped of what is not read, and shared with the readers, who must not change them.
// Of the node's taints those are left that the rules look at.
func CacheOptions(node, namespace string, rules drain.Rules) cache.Options {
	shared := true
	configuration := func(strip toolscache.TransformFunc) cache.ByObject {
		return cache.ByObject{Namespaces: map[string]cache.Config{namespace: {}}, Transform: strip, UnsafeDisableDeepCopy: &shared}
	}
	passwords := configuration(transform(stripSecret))
	passwords.Field = fields.OneTermEqualSelector("type", string(corev1.SecretTypeBasicAuth))
	return cache.Options{
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Service{}: {
				Field:                 fields.OneTermEqualSelector("spec.type", string(corev1.ServiceTypeLoadBalancer)),
				Transform:             transform(stripService),
				UnsafeDisableDeepCopy: &shared,
			},
			&corev1.Node{}: {
				Field:                 fields.OneTermEqualSelector(metav1.ObjectNameField, node),
				Transform:             transform(func(n *corev1.Node) { stripNode(n, rules) }),
				UnsafeDisableDeepCopy: &shared,
			},
			&discoveryv1.EndpointSlice{}: {
				Label:                 endpoint.WithoutHeadless(),
				Transform:             transform(func(o *discoveryv1.EndpointSlice) { stripEndpointSlice(o, node) }),
				UnsafeDisableDeepCopy: &shared,
			},
			&corev1.Secret{}:            passwords,
			&v1beta1.IPAddressPool{}:    configuration(transform(stripStatus)),
			&v1beta1.BGPAdvertisement{}: configuration(transform(stripStatus)),
			&v1beta1.Community{}:        configuration(transform(stripStatus)),
			&v1beta1.BFDProfile{}:       configuration(transform(stripStatus)),
			&v1beta2.BGPPeer{}:          configuration(transform(stripStatus)),

			&v1beta1.ActiveConfiguration{}: configuration(transform(stripActive)),
		},
	}
}

// transform strips objects of one type. What is a tombstone or of another type stays as it is.
func transform[T client.Object](strip func(T)) toolscache.TransformFunc {
	return func(in any) (any, error) {
		if o, ok := in.(T); ok {
			o.SetManagedFields(nil)
			strip(o)
			o.SetGeneration(0) // It counts changes of what is stripped, too.
		}
		return in, nil
	}
}

func stripService(s *corev1.Service) {
	var annotations map[string]string
	for _, key := range announce.RecordAnnotations() {
		if value, found := s.Annotations[key]; found {
			annotations = map[string]string{key: value}
			break
		}
	}
	s.Annotations = annotations
	s.OwnerReferences, s.Finalizers = nil, nil
	s.Spec = corev1.ServiceSpec{
		Type:                  s.Spec.Type,
		LoadBalancerClass:     s.Spec.LoadBalancerClass,
		ExternalTrafficPolicy: s.Spec.ExternalTrafficPolicy,
	}
	ingress := make([]corev1.LoadBalancerIngress, len(s.Status.LoadBalancer.Ingress))
	for i, in := range s.Status.LoadBalancer.Ingress {
		ingress[i].IP = in.IP
	}
	s.Status = corev1.ServiceStatus{LoadBalancer: corev1.LoadBalancerStatus{Ingress: ingress}}
}

func stripNode(n *corev1.Node, rules drain.Rules) {
	n.OwnerReferences, n.Finalizers = nil, nil
	n.Spec = rules.Reduce(&n.Spec)
	status := corev1.NodeStatus{}
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			status.Addresses = append(status.Addresses, a)
		}
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeNetworkUnavailable || c.Type == corev1.NodeReady {
			status.Conditions = append(status.Conditions, corev1.NodeCondition{Type: c.Type, Status: c.Status})
		}
	}
	n.Status = status
}

// stripEndpointSlice leaves the service, the family and where endpoints get connections, as seen from the node.
func stripEndpointSlice(s *discoveryv1.EndpointSlice, node string) {
	s.Annotations, s.OwnerReferences, s.Finalizers = nil, nil, nil
	s.Labels = map[string]string{discoveryv1.LabelServiceName: s.Labels[discoveryv1.LabelServiceName]}
	s.Endpoints, s.Ports = endpoint.ReduceFor(s, node), endpoint.ReducePorts(s)
}

// stripSecret leaves what a BGPPeer may refer to.
func stripSecret(s *corev1.Secret) {
	password, found := s.Data[corev1.BasicAuthPasswordKey]
	s.Data = nil
	if found && s.Type == corev1.SecretTypeBasicAuth {
		s.Data = map[string][]byte{corev1.BasicAuthPasswordKey: password}
	}
	s.Labels, s.Annotations, s.OwnerReferences, s.Finalizers = nil, nil, nil, nil
}

// stripStatus leaves the labels and the spec of a configuration object.
func stripStatus(o client.Object) {
	stripMeta(o)
	switch o := o.(type) {
	case *v1beta1.IPAddressPool:
		o.Status = v1beta1.IPAddressPoolStatus{}
	case *v1beta1.BGPAdvertisement:
		o.Status = v1beta1.BGPAdvertisementStatus{}
	case *v1beta1.Community:
		o.Status = v1beta1.CommunityStatus{}
	case *v1beta1.BFDProfile:
		o.Status = v1beta1.BFDProfileStatus{}
	case *v1beta2.BGPPeer:
		o.Status = v1beta2.BGPPeerStatus{}
	}
}

// stripActive leaves what is in use. Whether that is what is written, and who allows what, is not the speaker's to know.
func stripActive(a *v1beta1.ActiveConfiguration) {
	stripMeta(a)
	a.Labels, a.Status = nil, v1beta1.ActiveConfigurationStatus{}
	a.Spec.Generation, a.Spec.AllowDisruption = 0, false
}

func stripMeta(o client.Object) {
	o.SetAnnotations(nil)
	o.SetOwnerReferences(nil)
	o.SetFinalizers(nil)
}

// changed lets updates pass that change what the caches hold of the object.
func changed() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok := shallowCopy(e.ObjectOld).(client.Object)
			if !ok {
				return true
			}
			before.SetResourceVersion(e.ObjectNew.GetResourceVersion())
			return !equality.Semantic.DeepEqual(before, e.ObjectNew)
		},
	}
}

// shallowCopy returns a pointer to a copy of what the pointer points to.
func shallowCopy(object any) any {
	copied := reflect.New(reflect.TypeOf(object).Elem())
	copied.Elem().Set(reflect.ValueOf(object).Elem())
	return copied.Interface()
}
