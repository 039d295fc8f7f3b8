// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"metallb.io/metallb/test/envtest"
)

func TestTheChartRendersWhatTheManifestsHave(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		directory string
		// component of config is added.
		component string
		args      []string
		// onlyManifests and onlyChart are objects that the other does not have, with the reason.
		onlyManifests, onlyChart map[string]string
	}{
		"as it is": {
			directory:     "config/default",
			onlyManifests: map[string]string{"Namespace metallb-system": "Helm makes the namespace, or whoever calls it"},
			onlyChart: map[string]string{
				"Lease metallb-controller": "so that an uninstallation removes it; of the manifests, the namespace takes it along",
				"Lease metallb-webhook":    "as above",
			},
		},
		"with cert-manager": {
			directory:     "config/certmanager",
			args:          []string{"--set", "certManager.enabled=true"},
			onlyManifests: map[string]string{"Namespace metallb-system": "as above"},
			onlyChart: map[string]string{
				"Lease metallb-controller": "as above", "Lease metallb-webhook": "as above", "Secret metallb-webhook-cert": "so that Helm can roll back to a release without cert-manager",
			},
		},
		"with what services have of BGP": {
			component:     "service-bgp-status",
			args:          []string{"--set", "speaker.serviceBGPStatus=true"},
			onlyManifests: map[string]string{"Namespace metallb-system": "as above"},
			onlyChart:     map[string]string{"Lease metallb-controller": "as above", "Lease metallb-webhook": "as above"},
		},
		"with unnumbered peers": {
			component:     "unnumbered",
			args:          []string{"--set", "speaker.unnumbered=true"},
			onlyManifests: map[string]string{"Namespace metallb-system": "as above"},
			onlyChart:     map[string]string{"Lease metallb-controller": "as above", "Lease metallb-webhook": "as above"},
		},
		"with a network policy": {
			component:     "networkpolicy",
			args:          []string{"--set", "networkpolicies.enabled=true"},
			onlyManifests: map[string]string{"Namespace metallb-system": "as above"},
			onlyChart: map[string]string{
				"Lease metallb-controller": "as above", "Lease metallb-webhook": "as above", "NetworkPolicy test": "of the pod of helm test",
			},
		},
		"with what watches it": {
			directory: "config/prometheus",
			args: []string{"--set", "prometheus.serviceMonitor.enabled=true,prometheus.prometheusRule.enabled=true,prometheus.dashboard.enabled=true," +
				"prometheus.serviceAccount=prometheus-k8s,prometheus.namespace=monitoring"},
			onlyChart: map[string]string{"": "what the first test compares"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.component != "" {
				tc.directory = overlay(t, envtest.Namespace, "default", tc.component)
			}
			rendered, err := template(t, append(tc.args, "--no-hooks")...)
			if err != nil {
				t.Fatal(err)
			}
			manifests, release := byName(kustomize(t.Context(), t, tc.directory), false), byName(rendered, true)
			if reason := tc.onlyChart[""]; reason != "" {
				maps.DeleteFunc(release, func(name string, _ map[string]any) bool { return manifests[name] == nil })
			}
			without(t, manifests, tc.onlyManifests)
			without(t, release, tc.onlyChart)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(manifests)), slices.Sorted(maps.Keys(release))); diff != "" {
				t.Fatalf("objects (-manifests +chart):\n%s", diff)
			}
			for name, object := range manifests {
				alike(object, release[name])
				if diff := cmp.Diff(object, release[name]); diff != "" {
					t.Errorf("%s (-manifests +chart):\n%s", name, diff)
				}
			}
		})
	}
}

// without removes objects that are there, and only one of the two has.
func without(t *testing.T, from map[string]map[string]any, names map[string]string) {
	t.Helper()
	for name := range names {
		if _, ok := from[name]; !ok && name != "" {
			t.Errorf("there is no %s any more: take it off the list", name)
		}
		delete(from, name)
	}
}

// byName returns the objects by kind and name, those of the chart with the names that they have in the manifests.
func byName(all []*unstructured.Unstructured, ofChart bool) map[string]map[string]any {
	found := make(map[string]map[string]any, len(all))
	for _, object := range all {
		if ofChart {
			if slices.Contains([]string{"Deployment", "DaemonSet", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy"}, object.GetKind()) {
				object.SetName(strings.TrimPrefix(object.GetName(), "metallb-")) // A release's name comes first.
			}
			translate("", object.Object)
		}
		found[object.GetKind()+" "+object.GetName()] = object.Object
	}
	return found
}

// translate replaces what the chart may have differently:
//   - Helm's own labels and the recommended ones, by which the chart also selects pods, as MetalLB's does;
//   - the names of ServiceAccounts, which begin with that of the release.
func translate(key string, value any) {
	switch value := value.(type) {
	case []any:
		for i := range value {
			translate("", value[i])
		}
	case map[string]any:
		for key, inner := range value {
			translate(key, inner)
		}
		translateLabels(key, value)
		translateAccount(value)
	}
}

func translateLabels(key string, labels map[string]any) {
	component, named := labels["app.kubernetes.io/component"], labels["app.kubernetes.io/name"] != nil
	maps.DeleteFunc(labels, func(label string, _ any) bool {
		return strings.HasPrefix(label, "app.kubernetes.io/") || strings.HasPrefix(label, "helm.sh/")
	})
	if named && (key == "selector" || key == "matchLabels") {
		labels["app"], labels["component"] = "metallb", component
	}
}

func translateAccount(value map[string]any) {
	if name, ok := value["serviceAccountName"].(string); ok {
		value["serviceAccountName"] = strings.TrimPrefix(name, "metallb-")
	}
	if name, ok := value["name"].(string); ok && value["kind"] == "ServiceAccount" && value["apiVersion"] == nil {
		value["name"] = strings.TrimPrefix(name, "metallb-")
	}
}

// alike removes from the chart's object what it may have more:
//   - the label of the component, which in the manifests only workloads have;
//   - the label of the job, without which Prometheus names jobs after Services;
//   - by what Helm takes over a Secret of cert-manager.
func alike(manifest, chart map[string]any) {
	labels, _, _ := unstructured.NestedMap(manifest, "metadata", "labels")
	if labels["component"] == nil {
		unstructured.RemoveNestedField(chart, "metadata", "labels", "component")
	}
	if chart["kind"] == "ServiceMonitor" {
		unstructured.RemoveNestedField(chart, "spec", "jobLabel")
	}
	if chart["kind"] == "Certificate" {
		unstructured.RemoveNestedField(chart, "spec", "secretTemplate")
	}
}
