// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// With one replica, a PodDisruptionBudget protects nothing or blocks drains, and an update must start the new replica first.
func TestNumberOfReplicasDecidesHowTheyAreDisrupted(t *testing.T) {
	t.Parallel()
	type disruption struct {
		Budget   map[string]any
		Strategy map[string]any
	}
	rolling := func(unavailable, surge float64) map[string]any {
		update := map[string]any{"maxUnavailable": unavailable}
		if surge > 0 {
			update["maxSurge"] = surge
		}
		return map[string]any{"type": "RollingUpdate", "rollingUpdate": update}
	}
	tests := map[string]struct {
		values string
		want   disruption
	}{
		"two, by default":      {"controller.enabled=true", disruption{Budget: map[string]any{"maxUnavailable": float64(1)}, Strategy: rolling(1, 0)}},
		"one":                  {"controller.replicas=1", disruption{Strategy: rolling(0, 1)}},
		"one that must stay":   {"controller.replicas=1,controller.podDisruptionBudget.minAvailable=1", disruption{Strategy: rolling(0, 1)}},
		"one on the node":      {"controller.replicas=1,controller.hostNetwork=true,controller.healthPort=17473,controller.metricsPort=17472", disruption{Strategy: rolling(1, 0)}},
		"one, recreated":       {"controller.replicas=1,controller.strategy.type=Recreate", disruption{Strategy: map[string]any{"type": "Recreate"}}},
		"three, two that stay": {"controller.replicas=3,controller.podDisruptionBudget.minAvailable=2", disruption{Budget: map[string]any{"minAvailable": float64(2)}, Strategy: rolling(1, 0)}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rendered, err := template(t, "--set", tc.values)
			if err != nil {
				t.Fatal(err)
			}
			var got disruption
			for _, object := range rendered {
				switch object.GetKind() {
				case "PodDisruptionBudget":
					got.Budget, _, _ = unstructured.NestedMap(object.Object, "spec")
					delete(got.Budget, "selector")
					delete(got.Budget, "unhealthyPodEvictionPolicy")
				case "Deployment":
					got.Strategy, _, _ = unstructured.NestedMap(object.Object, "spec", "strategy")
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Where pods of other components or releases count too, a selector must not be narrowed down to the controller's.
func TestAConstraintOnTheSpreadOfReplicasKeepsItsOwnSelector(t *testing.T) {
	t.Parallel()
	own := map[string]any{"app.kubernetes.io/name": "metallb", "app.kubernetes.io/instance": "metallb", "app.kubernetes.io/component": "controller"}
	tests := map[string]struct {
		constraint string
		want       map[string]any
	}{
		"none":          {constraint: "{topologyKey: zone}", want: map[string]any{"matchLabels": own}},
		"an empty one":  {constraint: "{topologyKey: zone, labelSelector: {}}", want: map[string]any{"matchLabels": own}},
		"labels":        {constraint: "{topologyKey: zone, labelSelector: {matchLabels: {app: metallb}}}", want: map[string]any{"matchLabels": map[string]any{"app": "metallb"}}},
		"an expression": {constraint: "{topologyKey: zone, labelSelector: {matchExpressions: [{key: app, operator: Exists}]}}", want: map[string]any{"matchExpressions": []any{map[string]any{"key": "app", "operator": "Exists"}}}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rendered, err := template(t, "--show-only", "templates/controller.yaml", "--values", file(t, "values.yaml", "{controller: {topologySpreadConstraints: ["+tc.constraint+"]}}"))
			if err != nil {
				t.Fatal(err)
			}
			constraints, _, _ := unstructured.NestedSlice(rendered[0].Object, "spec", "template", "spec", "topologySpreadConstraints")
			if len(constraints) != 1 {
				t.Fatalf("constraints %v", constraints)
			}
			constraint, _ := constraints[0].(map[string]any)
			if diff := cmp.Diff(tc.want, constraint["labelSelector"]); diff != "" {
				t.Errorf("selector (-want +got):\n%s", diff)
			}
		})
	}
}
