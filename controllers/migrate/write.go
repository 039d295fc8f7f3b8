// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"bytes"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/safety"
)

// yaml returns the custom resources as a manifest, each after those that it names.
func (m *migration) yaml() ([]byte, error) {
	var documents [][]byte
	write := func(gvk schema.GroupVersionKind, o safety.Object) error {
		document, err := document(gvk, o)
		documents = append(documents, document)
		return err
	}
	for i := range m.objects.Communities {
		if err := write(v1beta1.GroupVersion.WithKind("Community"), &m.objects.Communities[i]); err != nil {
			return nil, err
		}
	}
	for i := range m.objects.Peers {
		if err := write(v1beta2.GroupVersion.WithKind("BGPPeer"), &m.objects.Peers[i]); err != nil {
			return nil, err
		}
	}
	for i := range m.objects.Pools {
		if err := write(v1beta1.GroupVersion.WithKind("IPAddressPool"), &m.objects.Pools[i]); err != nil {
			return nil, err
		}
	}
	for i := range m.objects.Advertisements {
		if err := write(v1beta1.GroupVersion.WithKind("BGPAdvertisement"), &m.objects.Advertisements[i]); err != nil {
			return nil, err
		}
	}
	return bytes.Join(documents, []byte("---\n")), nil
}

// document returns one custom resource: what its operator would write of it.
func document(gvk schema.GroupVersionKind, o safety.Object) ([]byte, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, fmt.Errorf("writing %s %s: %w", gvk.Kind, o.GetName(), err)
	}
	spec, _ := content["spec"].(map[string]any)
	for name, value := range spec {
		if empty, isMap := value.(map[string]any); isMap && len(empty) == 0 {
			delete(spec, name)
		}
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": gvk.GroupVersion().String(),
		"kind":       gvk.Kind,
		"metadata":   map[string]any{"name": o.GetName(), "namespace": o.GetNamespace()},
		"spec":       spec,
	})
	if err != nil {
		return nil, fmt.Errorf("writing %s %s: %w", gvk.Kind, o.GetName(), err)
	}
	return text, nil
}
