// SPDX-License-Identifier: Apache-2.0

package service

import (
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patch is a strategic merge patch of what this package writes to a Service. What is absent stays as it is.
type patch struct {
	Metadata patchedMetadata `json:"metadata"`
	Status   patchedStatus   `json:"status,omitzero"`
}

type patchedMetadata struct {
	// ResourceVersion is the version that the patch is for. The API server refuses it once there is another.
	ResourceVersion string `json:"resourceVersion"`
	// Annotations has null for one that is removed.
	Annotations map[string]*string `json:"annotations,omitempty"`
}

type patchedStatus struct {
	LoadBalancer *patchedLoadBalancer `json:"loadBalancer,omitempty"`
	// Conditions are merged by their type, so those of others stay.
	Conditions []any `json:"conditions,omitempty"`
}

// patchedLoadBalancer has all addresses, or null for none: the API server replaces them as a whole.
type patchedLoadBalancer struct {
	Ingress []corev1.LoadBalancerIngress `json:"ingress"`
}

// patchedCondition is a condition of which zero for the generation is said where another was.
type patchedCondition struct {
	metav1.Condition

	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`
}

// removedCondition removes a condition.
type removedCondition struct {
	Directive string `json:"$patch"`
	Type      string `json:"type"`
}

// patchOf returns the patch that makes the Service the desired one, as long as it has the version that it has here. It compares
// annotations, addresses and conditions, and no more: to find these in two encodings of all of the Service is what
// client.StrategicMergeFrom does, and was a tenth of what an assignment costs.
func patchOf(svc, desired *corev1.Service) (client.Patch, error) {
	p := patch{
		Metadata: patchedMetadata{ResourceVersion: svc.ResourceVersion, Annotations: changedAnnotations(svc.Annotations, desired.Annotations)},
		Status:   patchedStatus{Conditions: changedConditions(svc.Status.Conditions, desired.Status.Conditions)},
	}
	if !equality.Semantic.DeepEqual(svc.Status.LoadBalancer.Ingress, desired.Status.LoadBalancer.Ingress) {
		p.Status.LoadBalancer = &patchedLoadBalancer{desired.Status.LoadBalancer.Ingress}
	}
	data, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encoding what changes about the service: %w", err)
	}
	return client.RawPatch(types.StrategicMergePatchType, data), nil
}

func changedAnnotations(before, after map[string]string) map[string]*string {
	changed := map[string]*string{}
	for key, value := range after {
		if was, present := before[key]; !present || was != value {
			changed[key] = &value
		}
	}
	for key := range before {
		if _, present := after[key]; !present {
			changed[key] = nil
		}
	}
	return changed
}

func changedConditions(before, after []metav1.Condition) []any {
	var changed []any
	for _, is := range after {
		i := indexOf(before, is.Type)
		if i >= 0 && before[i] == is {
			continue
		}
		c := patchedCondition{Condition: is}
		if is.ObservedGeneration != 0 || i >= 0 && before[i].ObservedGeneration != 0 {
			c.ObservedGeneration = &is.ObservedGeneration
		}
		changed = append(changed, c)
	}
	for _, was := range before {
		if indexOf(after, was.Type) < 0 {
			changed = append(changed, removedCondition{"delete", was.Type})
		}
	}
	return changed
}

func indexOf(conditions []metav1.Condition, kind string) int {
	return slices.IndexFunc(conditions, func(c metav1.Condition) bool { return c.Type == kind })
}
