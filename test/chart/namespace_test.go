// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// An overlay that sets the namespace must reach every place that names it: objects, subjects of bindings, where API servers find
// the webhook, and what its certificate is for.
func TestTheManifestsFollowTheNamespaceOfAnOverlay(t *testing.T) {
	t.Parallel()
	const namespace = "load-balancer"
	tests := map[string]struct{ directory, component, certificate string }{
		"with its own certificate":   {directory: "config/samples/another-namespace"},
		"with cert-manager":          {directory: "config/samples/another-namespace-certmanager", certificate: "metallb-webhook-service.load-balancer.svc"},
		"with monitors":              {directory: overlay(t, namespace, "prometheus", "")},
		"with a network policy":      {directory: overlay(t, namespace, "default", "networkpolicy")},
		"with statuses for services": {directory: overlay(t, namespace, "default", "service-bgp-status")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, object := range kustomize(t.Context(), t, tc.directory) {
				inNamespace(t, object, namespace)
				if text, err := object.MarshalJSON(); err != nil || object.GetKind() != "CustomResourceDefinition" && strings.Contains(string(text), "metallb-system") {
					t.Errorf("%s %s names metallb-system: %v", object.GetKind(), object.GetName(), err)
				}
				if names, found, _ := unstructured.NestedStringSlice(object.Object, "spec", "dnsNames"); found && names[0] != tc.certificate {
					t.Errorf("the certificate is for %v, want %s", names, tc.certificate)
				}
			}
		})
	}
}

// inNamespace fails the test unless the object, if it is in a namespace, and what it refers to are in this one.
func inNamespace(t *testing.T, object *unstructured.Unstructured, namespace string) {
	t.Helper()
	name := object.GetKind() + " " + object.GetName()
	clusterWide := []string{"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration"}
	want := namespace
	if slices.Contains(clusterWide, object.GetKind()) {
		want = ""
	}
	if got := object.GetNamespace(); got != want {
		t.Errorf("%s is in namespace %q, want %q", name, got, want)
	}
	if object.GetKind() == "Namespace" && object.GetName() != namespace {
		t.Errorf("%s, want %s", name, namespace)
	}
	subjects, _, _ := unstructured.NestedSlice(object.Object, "subjects")
	for _, subject := range subjects {
		subject, _ := subject.(map[string]any)
		if subject["name"] != "prometheus-k8s" && subject["namespace"] != namespace {
			t.Errorf("%s binds %v", name, subject)
		}
	}
	webhooks, _, _ := unstructured.NestedSlice(object.Object, "webhooks")
	for _, webhook := range webhooks {
		webhook, _ := webhook.(map[string]any)
		if got, _, _ := unstructured.NestedString(webhook, "clientConfig", "service", "namespace"); got != namespace {
			t.Errorf("%s: %v is asked in namespace %q", name, webhook["name"], got)
		}
	}
}

// overlay makes a kustomization that sets the namespace of another one of config, and adds a component unless it is empty.
func overlay(t *testing.T, namespace, base, component string) string {
	t.Helper()
	directory := filepath.Dir(file(t, "kustomization.yaml", ""))
	config, err := filepath.Abs(filepath.Join(root, "config"))
	if err != nil {
		t.Fatal(err)
	}
	config, err = filepath.Rel(directory, config)
	if err != nil {
		t.Fatal(err)
	}
	text := "namespace: " + namespace + "\nresources: [" + filepath.Join(config, base) + "]\n"
	if component != "" {
		text += "components: [" + filepath.Join(config, component) + "]\n"
	}
	write(t, filepath.Join(directory, "kustomization.yaml"), text)
	return directory
}
