// SPDX-License-Identifier: Apache-2.0

package envtest

import (
	"context"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

// Clean deletes what tests create, so that the next one finds an empty cluster: this project's objects, Services,
// EndpointSlices, Nodes and Events in every namespace, and the Secrets and Leases in Namespace.
func (s *Server) Clean(tb testing.TB) {
	tb.Helper()
	for _, list := range []client.ObjectList{
		&v1beta1.IPAddressPoolList{}, &v1beta1.BGPAdvertisementList{}, &v1beta1.CommunityList{}, &v1beta1.BFDProfileList{}, &v1beta2.BGPPeerList{}, &v1beta1.BGPSessionStateList{},
		&v1beta1.ActiveConfigurationList{},
		&corev1.ServiceList{}, &discoveryv1.EndpointSliceList{}, &corev1.NodeList{}, &corev1.EventList{},
	} {
		s.deleteAll(tb, list)
	}
	s.deleteAll(tb, &corev1.SecretList{}, client.InNamespace(Namespace))
	// That of a leader that was killed would keep the next one waiting for a quarter of a minute.
	s.deleteAll(tb, &coordinationv1.LeaseList{}, client.InNamespace(Namespace))
}

func (s *Server) deleteAll(tb testing.TB, list client.ObjectList, opts ...client.ListOption) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context()) // It has ended when a test cleans up after itself.
	if err := s.Client.List(ctx, list, opts...); err != nil {
		tb.Fatalf("listing %T: %v", list, err)
	}
	err := meta.EachListItem(list, func(o runtime.Object) error {
		object, ok := o.(client.Object)
		if !ok || isOwnService(object) {
			return nil
		}
		return client.IgnoreNotFound(s.Client.Delete(ctx, object, client.GracePeriodSeconds(0)))
	})
	if err != nil {
		tb.Fatalf("deleting %T: %v", list, err)
	}
}

// isOwnService reports whether the object belongs to the Service by which the API server is reached, which it would only
// make again.
func isOwnService(o client.Object) bool {
	return o.GetNamespace() == corev1.NamespaceDefault && o.GetName() == "kubernetes"
}
