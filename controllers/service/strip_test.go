// SPDX-License-Identifier: Apache-2.0

package service

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

func TestAServiceKeepsItsOwnAnnotationsInTheCacheAndNoOthers(t *testing.T) {
	t.Parallel()
	want := builder.MakeService("web").Pool("a").Annotation(v1beta1.DeprecatedAnnotationPrefix+"allow-shared-ip", "k").Label("app", "web").Obj()
	svc := want.DeepCopy()
	svc.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	svc.Annotations[corev1.LastAppliedConfigAnnotation] = "{}"
	svc.Annotations["example.com/large"] = "text"
	got, err := Strip(svc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestANamespaceKeepsItsLabelsInTheCache(t *testing.T) {
	t.Parallel()
	want := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "1", ResourceVersion: "7", Labels: map[string]string{"team": "x"}}}
	n := want.DeepCopy()
	n.Annotations = map[string]string{"example.com/large": "text"}
	n.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	n.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
	got, err := StripNamespace(n)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
