// SPDX-License-Identifier: Apache-2.0

package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func node(ready corev1.ConditionStatus, beat time.Time) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", ResourceVersion: beat.String()}}
	n.Status.Images = []corev1.ContainerImage{{Names: []string{"image"}}}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready, LastHeartbeatTime: metav1.NewTime(beat)}}
	return n
}

func stripped(t *testing.T, o any) any {
	t.Helper()
	kept, err := strip(o)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestThatANodeIsAliveIsNoChange(t *testing.T) {
	first := stripped(t, node(corev1.ConditionTrue, time.Unix(1, 0)))
	going, another := node(corev1.ConditionTrue, time.Unix(2, 0)), node(corev1.ConditionTrue, time.Unix(2, 0))
	going.DeletionTimestamp, another.UID = &metav1.Time{Time: time.Unix(2, 0)}, "other"
	for name, test := range map[string]struct {
		next any
		want bool
	}{
		"it is alive":                 {node(corev1.ConditionTrue, time.Unix(2, 0)), true},
		"it is not ready":             {node(corev1.ConditionFalse, time.Unix(2, 0)), false},
		"it is being deleted":         {going, false},
		"it is another of that name":  {another, false},
		"it is another kind of thing": {&corev1.Pod{}, false},
	} {
		if got := beats(first, stripped(t, test.next)); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestWhatNobodyLooksAtIsNotKept(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		Volumes:    []corev1.Volume{{Name: "v"}},
		Containers: []corev1.Container{{Name: "speaker", Image: "speaker:v1", Env: []corev1.EnvVar{{Name: "A", Value: "b"}}}},
	}}
	pod.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: "{}", "kept": "yes"}
	pod.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	want := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "speaker", Image: "speaker:v1"}}}}
	want.Annotations = map[string]string{"kept": "yes"}
	if diff := cmp.Diff(want, stripped(t, pod)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
