// SPDX-License-Identifier: Apache-2.0

package envtest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

// What a tool for GitOps applies is what is there, even if somebody else has written to the list before.
func TestAListThatIsAppliedByForceIsTheWholeList(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	for name, tc := range map[string]struct {
		kind           kind
		longer, wanted string
		path           []string
	}{
		"peers":       {advertisementKind(), `spec: {peers: [a, b]}`, `spec: {peers: [a]}`, []string{"spec", "peers"}},
		"pools":       {advertisementKind(), `spec: {ipAddressPools: [a, b]}`, `spec: {ipAddressPools: [b]}`, []string{"spec", "ipAddressPools"}},
		"communities": {advertisementKind(), `spec: {communities: ["1:1", "1:2"]}`, `spec: {communities: ["1:1"]}`, []string{"spec", "communities"}},
		"namespaces": {
			poolKind(), `spec: {addresses: [192.0.2.0/28], serviceAllocation: {namespaces: [a, b]}}`, `spec: {addresses: [192.0.2.0/28], serviceAllocation: {namespaces: [a]}}`,
			[]string{"spec", "serviceAllocation", "namespaces"},
		},
		"addresses": {poolKind(), `spec: {addresses: [192.0.2.0/28, 192.0.2.16/28]}`, `spec: {addresses: [192.0.2.0/28]}`, []string{"spec", "addresses"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written, wanted := tc.kind.object(t, tc.longer), tc.kind.object(t, tc.wanted)
			for _, o := range []*unstructured.Unstructured{written, wanted} {
				o.SetName("applied-" + name)
				o.SetNamespace(metav1.NamespaceDefault) // Other tests count those in the namespace of the product.
			}
			if err := s.Client.Create(t.Context(), written, client.FieldOwner("kubectl")); err != nil {
				t.Fatal(err)
			}
			want, _, _ := unstructured.NestedStringSlice(wanted.Object, tc.path...)
			if err := s.Client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(wanted), client.FieldOwner("flux"), client.ForceOwnership); err != nil {
				t.Fatal(err)
			}
			if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(written), written); err != nil {
				t.Fatal(err)
			}
			got, _, _ := unstructured.NestedStringSlice(written.Object, tc.path...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the list (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnObjectThatIsBeingDeletedNeedsNoWebhook(t *testing.T) {
	t.Parallel()
	s := envtest.Start(t)
	finalized := builder.MakePool("finalized", "192.0.2.0/28").Obj()
	finalized.Finalizers = []string{metav1.FinalizerDeleteDependents}
	other := builder.MakePool("other", "192.0.2.16/28").Obj()
	for _, o := range []client.Object{finalized, other} {
		if err := s.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	s.InstallWebhook(t, 1, envtest.NewAuthority(t)) // Nobody listens there.
	other.Labels = map[string]string{"a": "b"}
	if err := s.Client.Update(t.Context(), other); err == nil {
		t.Error("an object was changed without the webhook")
	}
	if err := s.Client.Delete(t.Context(), finalized); err != nil {
		t.Fatal(err)
	}
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(finalized), finalized); err != nil {
		t.Fatal(err)
	}
	finalized.Finalizers = nil
	if err := s.Client.Update(t.Context(), finalized); err != nil {
		t.Errorf("removing the finalizer: %v", err)
	}
	if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(finalized), finalized); !apierrors.IsNotFound(err) {
		t.Errorf("the object is there: %v", err)
	}
}
