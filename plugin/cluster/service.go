// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/controllers/listing"
)

// AddService adds a Service of any type, as it was read, and reads the labels of its namespace, where all namespaces are not read.
func (c *Cluster) AddService(ctx context.Context, reader client.Reader, svc *corev1.Service) error {
	key := nameOf(svc)
	i, found := slices.BinarySearchFunc(c.Services, key, func(s corev1.Service, k types.NamespacedName) int { return compare(nameOf(&s), k) })
	if !found {
		c.Services = slices.Insert(c.Services, i, *svc)
	}
	if _, known := c.Namespaces[svc.Namespace]; known {
		return nil
	}
	var namespace corev1.Namespace
	if err := reader.Get(ctx, types.NamespacedName{Name: svc.Namespace}, &namespace); err != nil {
		return fmt.Errorf("reading the labels of namespace %q: %w", svc.Namespace, err)
	}
	if c.Namespaces == nil {
		c.Namespaces = map[string]labels.Set{}
	}
	c.Namespaces[svc.Namespace] = namespace.Labels
	return nil
}

// ReadSlices reads the EndpointSlices of a Service.
func (c *Cluster) ReadSlices(ctx context.Context, reader client.Reader, key types.NamespacedName) error {
	return listing.Pages(ctx, reader, string(Endpoints), &discoveryv1.EndpointSliceList{}, func(list *discoveryv1.EndpointSliceList) {
		for i := range list.Items {
			c.AddSlice(&list.Items[i])
		}
	}, client.InNamespace(key.Namespace), client.MatchingLabels{discoveryv1.LabelServiceName: key.Name})
}
