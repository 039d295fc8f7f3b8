// SPDX-License-Identifier: Apache-2.0

package service

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// compareWithPatched compares what the API server makes of the patch with what is desired.
func compareWithPatched(svc, desired *corev1.Service, patch client.Patch) error {
	data, err := patch.Data(desired)
	if err != nil {
		return err
	}
	was, err := json.Marshal(svc)
	if err != nil {
		return err
	}
	is, err := strategicpatch.StrategicMergePatch(was, data, &corev1.Service{})
	if err != nil {
		return fmt.Errorf("applying %s: %w", data, err)
	}
	patched := &corev1.Service{}
	if err := json.Unmarshal(is, patched); err != nil {
		return err
	}
	want, err := encode(desired)
	if err != nil {
		return err
	}
	got, err := encode(patched)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("%s makes another service than is desired (-want +got):\n%s", data, diff)
	}
	return nil
}

// encode encodes the Service, whose conditions have no order that matters.
func encode(svc *corev1.Service) (string, error) {
	sorted := svc.DeepCopy()
	slices.SortFunc(sorted.Status.Conditions, func(a, b metav1.Condition) int { return strings.Compare(a.Type, b.Type) })
	data, err := json.MarshalIndent(sorted, "", "  ")
	return string(data), err
}

func TestAPatchMakesTheServiceThatIsDesired(t *testing.T) {
	t.Parallel()
	vip := corev1.LoadBalancerIPModeVIP
	allocated := metav1.Condition{
		Type: v1beta1.ConditionAllocated, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonIPAllocated, Message: `Assigned IP "192.0.2.1"`,
		LastTransitionTime: metav1.NewTime(time.Unix(7, 0)),
	}
	announced := metav1.Condition{Type: v1beta1.ConditionAnnounced, Status: metav1.ConditionTrue, Reason: "Announced"}
	foreign := metav1.Condition{Type: "example.com/Seen", Status: metav1.ConditionTrue, Reason: "Seen", ObservedGeneration: 3}
	const key, mark = v1beta1.AnnotationIPAllocatedFromPool, v1beta1.AnnotationTakenOverBy
	for name, test := range map[string]struct {
		prepare, change func(*corev1.Service)
		// absent is what the patch does not mention.
		absent []string
	}{
		"nothing": {change: func(*corev1.Service) {}, absent: []string{"status", "annotations"}},
		"a first address": {change: func(svc *corev1.Service) {
			svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
			svc.Status.Conditions = []metav1.Condition{allocated}
			svc.Annotations = map[string]string{key: "pool"}
		}},
		"a first address beside what others wrote": {
			prepare: func(svc *corev1.Service) {
				svc.Annotations = map[string]string{"example.com/note": "theirs"}
				svc.Status.Conditions = []metav1.Condition{foreign}
			},
			change: func(svc *corev1.Service) {
				svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
				svc.Status.Conditions = append(svc.Status.Conditions, allocated)
				svc.Annotations[key] = "pool"
			},
			absent: []string{"example.com"},
		},
		"addresses replaced as a whole": {
			prepare: func(svc *corev1.Service) {
				svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1", IPMode: &vip}, {IP: "2001:db8::1", IPMode: &vip}}
			},
			change: func(svc *corev1.Service) {
				svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.2"}}
			},
			absent: []string{"annotations", "conditions"},
		},
		"a message, beside another's condition": {
			prepare: func(svc *corev1.Service) {
				svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1", IPMode: &vip}}
				svc.Status.Conditions = []metav1.Condition{foreign, allocated, announced}
			},
			change: func(svc *corev1.Service) { svc.Status.Conditions[1].Message = "another" },
			absent: []string{"ingress", "example.com", v1beta1.ConditionAnnounced},
		},
		"a condition that somebody gave a generation": {
			prepare: func(svc *corev1.Service) {
				svc.Status.Conditions = []metav1.Condition{allocated}
				svc.Status.Conditions[0].ObservedGeneration = 9
			},
			change: func(svc *corev1.Service) { svc.Status.Conditions[0] = allocated },
		},
		"all taken away": {
			prepare: func(svc *corev1.Service) {
				svc.Annotations = map[string]string{key: "pool", mark: "someone", "example.com/note": "theirs"}
				svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1", IPMode: &vip}}
				svc.Status.Conditions = []metav1.Condition{allocated, foreign, announced}
			},
			change: func(svc *corev1.Service) { clearStatus(svc, reportedBy(svc)) },
			absent: []string{"example.com"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := builder.MakeService("web").Obj()
			svc.ResourceVersion = "5"
			if test.prepare != nil {
				test.prepare(svc)
			}
			desired := svc.DeepCopy()
			test.change(desired)
			patch, err := patchOf(svc, desired)
			if err != nil {
				t.Fatal(err)
			}
			if err := compareWithPatched(svc, desired, patch); err != nil {
				t.Error(err)
			}
			data, err := patch.Data(desired)
			if err != nil {
				t.Fatal(err)
			}
			for _, absent := range append(test.absent, `"name"`, `"spec"`) {
				if strings.Contains(string(data), absent) {
					t.Errorf("the patch mentions %s: %s", absent, data)
				}
			}
			if !strings.Contains(string(data), `"resourceVersion":"5"`) {
				t.Errorf("the patch does not say what version it is for: %s", data)
			}
		})
	}
}

func BenchmarkAPatchOfAnAssignment(b *testing.B) {
	svc := builder.MakeService("web").Obj()
	svc.ResourceVersion = "5"
	desired := svc.DeepCopy()
	desired.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
	desired.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionAllocated, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonIPAllocated}}
	desired.Annotations = map[string]string{v1beta1.AnnotationIPAllocatedFromPool: "pool"}
	for _, way := range []struct {
		name string
		make func() (client.Patch, error)
	}{
		{"written by hand", func() (client.Patch, error) { return patchOf(svc, desired) }},
		{"StrategicMergeFrom", func() (client.Patch, error) {
			return client.StrategicMergeFrom(svc, client.MergeFromWithOptimisticLock{}), nil
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				patch, err := way.make()
				if err == nil {
					_, err = patch.Data(desired)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
