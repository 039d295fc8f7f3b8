// SPDX-License-Identifier: Apache-2.0

// Package clustertest makes Clusters of objects, for the tests of what is told of them.
package clustertest

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"metallb.io/metallb/internal/scheme"
	"metallb.io/metallb/plugin/cluster"
)

// Now is when the cluster was read.
var Now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// Of returns what is read of a cluster that has these objects and no others.
func Of(tb testing.TB, objects ...client.Object) *cluster.Cluster {
	tb.Helper()
	kinds, err := scheme.New()
	if err != nil {
		tb.Fatal(err)
	}
	reader := fake.NewClientBuilder().WithScheme(kinds).WithObjects(objects...).
		WithIndex(&corev1.Service{}, "spec.type", func(o client.Object) []string {
			if s, is := o.(*corev1.Service); is {
				return []string{string(s.Spec.Type)}
			}
			return nil
		}).Build()
	c, err := cluster.Read(tb.Context(), reader, cluster.DefaultNamespace, Now, cluster.Everything()...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
