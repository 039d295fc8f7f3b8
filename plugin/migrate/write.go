// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"bytes"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

// resource is an object and its kind.
type resource struct {
	kind   schema.GroupVersionKind
	object config.Object
}

// yaml returns the custom resources as a manifest.
func (m *migration) yaml() ([]byte, error) {
	var documents [][]byte
	for _, r := range m.resources() {
		document, err := r.yaml()
		if err != nil {
			return nil, fmt.Errorf("writing %s %s: %w", r.kind.Kind, r.object.GetName(), err)
		}
		documents = append(documents, document)
	}
	return bytes.Join(documents, []byte("---\n")), nil
}

// resources returns the custom resources in an order of which the API server has as little to warn as can be: of what names
// something that is yet to come, and of pools that nothing announces yet.
func (m *migration) resources() []resource {
	o := &m.objects
	communities := resourcesOf(o.Communities, v1beta1.GroupVersion.WithKind("Community"))
	profiles := resourcesOf(o.BFDProfiles, v1beta1.GroupVersion.WithKind("BFDProfile"))
	peers := resourcesOf(o.Peers, v1beta2.GroupVersion.WithKind("BGPPeer"))
	pools := resourcesOf(o.Pools, v1beta1.GroupVersion.WithKind("IPAddressPool"))
	advertisements := resourcesOf(o.Advertisements, v1beta1.GroupVersion.WithKind("BGPAdvertisement"))
	if slices.ContainsFunc(o.Advertisements, func(a v1beta1.BGPAdvertisement) bool { return len(a.Spec.IPAddressPools) > 0 }) {
		return slices.Concat(communities, profiles, peers, pools, advertisements)
	}
	return slices.Concat(communities, profiles, peers, advertisements, pools)
}

func resourcesOf[T any, P interface {
	*T
	config.Object
}](list []T, kind schema.GroupVersionKind) []resource {
	found := make([]resource, 0, len(list))
	for i := range list {
		found = append(found, resource{kind, P(&list[i])})
	}
	return found
}

// yaml returns what an operator would write of the object.
func (r resource) yaml() ([]byte, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(r.object)
	if err != nil {
		return nil, err
	}
	document := map[string]any{
		"apiVersion": r.kind.GroupVersion().String(),
		"kind":       r.kind.Kind,
		"metadata":   map[string]any{"name": r.object.GetName(), "namespace": r.object.GetNamespace()},
	}
	spec, _ := content["spec"].(map[string]any)
	for name, value := range spec {
		if empty, isMap := value.(map[string]any); isMap && len(empty) == 0 {
			delete(spec, name)
		}
	}
	if len(spec) > 0 {
		document["spec"] = spec
	}
	return yaml.Marshal(document)
}
