// SPDX-License-Identifier: Apache-2.0

package envtest

import (
	"errors"
	"io"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Apply applies the objects of manifests by server-side apply. An object that needs a namespace and names none gets Namespace. For a test that
// is not about kubectl, this is a hundredth of kubectl's work; so are Patch and PatchStatus.
func (s *Server) Apply(tb testing.TB, manifests ...string) {
	tb.Helper()
	for _, manifest := range manifests {
		for _, object := range Decode(tb, manifest) {
			if err := s.apply(tb, object); err != nil {
				tb.Fatalf("applying %s %s: %v", object.GetKind(), object.GetName(), err)
			}
		}
	}
}

// Decode returns the objects of a manifest, without documents that are empty.
func Decode(tb testing.TB, manifest string) []*unstructured.Unstructured {
	tb.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096)
	var list []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			tb.Fatalf("reading a manifest: %v", err)
		}
		if len(object.Object) > 0 {
			list = append(list, object)
		}
	}
}

func (s *Server) apply(tb testing.TB, object *unstructured.Unstructured) error {
	tb.Helper()
	namespaced, err := s.Client.IsObjectNamespaced(object)
	if err != nil {
		return err
	}
	if namespaced && object.GetNamespace() == "" {
		object.SetNamespace(Namespace)
	}
	return s.Client.Apply(tb.Context(), client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("test"), client.ForceOwnership)
}

// Patch changes an object by a JSON merge patch, and reads it.
func (s *Server) Patch(tb testing.TB, object client.Object, patch string) {
	tb.Helper()
	if err := s.Client.Patch(tb.Context(), object, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		tb.Fatalf("patching %T %s: %v", object, object.GetName(), err)
	}
}

// PatchStatus changes the status of an object by a strategic merge patch, and reads it.
func (s *Server) PatchStatus(tb testing.TB, object client.Object, patch string) {
	tb.Helper()
	if err := s.Client.Status().Patch(tb.Context(), object, client.RawPatch(types.StrategicMergePatchType, []byte(patch))); err != nil {
		tb.Fatalf("patching the status of %T %s: %v", object, object.GetName(), err)
	}
}
