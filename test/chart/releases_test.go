// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// monitored are values with which the chart renders nearly all that it can.
const monitored = `
prometheus:
  serviceAccount: prometheus
  namespace: monitoring
  podMonitor: {enabled: true}
  prometheusRule: {enabled: true}
  dashboard: {enabled: true, namespace: monitoring}
networkpolicies: {enabled: true, defaultDeny: true}
speaker: {serviceBGPStatus: true}
crds: {validationNamespaces: release}
`

// Two releases, of which each serves its own class, have no object in common: else Helm refuses to install the second.
func TestTwoReleasesHaveNoObjectInCommon(t *testing.T) {
	t.Parallel()
	values := file(t, "values.yaml", monitored)
	first, err := template(t, "--values", values)
	if err != nil {
		t.Fatal(err)
	}
	second, err := renderRelease(t, "second", "--values", values, "--set", "loadBalancerClass=example.com/second,crds.enabled=false")
	if err != nil {
		t.Fatal(err)
	}
	identity := func(o *unstructured.Unstructured) string {
		return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
	}
	taken := map[string]bool{}
	for _, object := range first {
		taken[identity(object)] = true
	}
	for _, object := range second {
		if taken[identity(object)] {
			t.Errorf("%s is in both releases", identity(object))
		}
		checkWebhook(t, object)
	}
	if len(second) < 20 {
		t.Errorf("the second release has only %d objects", len(second))
	}
}

// checkWebhook fails the test unless what names the second release's webhook configuration names its own one, which is asked about
// its own namespace only.
func checkWebhook(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	const name = "second-metallb-webhook-configuration"
	switch object.GetKind() {
	case "ValidatingWebhookConfiguration":
		webhooks, _, _ := unstructured.NestedSlice(object.Object, "webhooks")
		for _, webhook := range webhooks {
			webhook, _ := webhook.(map[string]any)
			selector, _, _ := unstructured.NestedStringMap(webhook, "namespaceSelector", "matchLabels")
			if object.GetName() != name || selector["kubernetes.io/metadata.name"] != "second" {
				t.Errorf("%s, webhook %v: selects %v", object.GetName(), webhook["name"], selector)
			}
		}
	case "ClusterRole":
		rules, _, _ := unstructured.NestedSlice(object.Object, "rules")
		for _, rule := range rules {
			rule, _ := rule.(map[string]any)
			resources, _, _ := unstructured.NestedStringSlice(rule, "resources")
			names, _, _ := unstructured.NestedStringSlice(rule, "resourceNames")
			if slices.Contains(resources, "validatingwebhookconfigurations") && !slices.Equal(names, []string{name}) {
				t.Errorf("the controller may change %v", names)
			}
		}
	case "Deployment":
		if !slices.Contains(arguments(t, object), "--webhook-configuration-name="+name) {
			t.Errorf("the controller is not told of %s", name)
		}
	}
}

// renderRelease renders the chart as a release of this name in a namespace of the same name.
func renderRelease(t *testing.T, name string, args ...string) ([]*unstructured.Unstructured, error) {
	t.Helper()
	out, err := helm(t, append([]string{"template", name, filepath.Join(root, Directory), "--namespace", name, "--kube-version", kubeVersion}, args...)...)
	if err != nil {
		return nil, err
	}
	return objects([]byte(out))
}

// A release with the defaults has the names that it always had, cluster-wide ones too: documentation and tools name them.
func TestAReleaseNamedAfterTheChartHasTheUsualNames(t *testing.T) {
	t.Parallel()
	rendered, err := template(t, "--no-hooks")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, object := range rendered {
		if object.GetNamespace() == "" && object.GetKind() != "CustomResourceDefinition" {
			got = append(got, object.GetKind()+" "+object.GetName())
		}
	}
	slices.Sort(got)
	want := []string{
		"ClusterRole metallb-controller", "ClusterRole metallb-metrics-reader", "ClusterRole metallb-speaker",
		"ClusterRoleBinding metallb-controller", "ClusterRoleBinding metallb-speaker",
		"ValidatingWebhookConfiguration metallb-webhook-configuration",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cluster-wide objects (-want +got):\n%s", diff)
	}
}

func arguments(t *testing.T, workload *unstructured.Unstructured) []string {
	t.Helper()
	containers, _, err := unstructured.NestedSlice(workload.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) == 0 {
		t.Fatalf("containers of %s: %v", workload.GetName(), err)
	}
	container, _ := containers[0].(map[string]any)
	arguments, _, err := unstructured.NestedStringSlice(container, "args")
	if err != nil {
		t.Fatal(err)
	}
	return arguments
}
