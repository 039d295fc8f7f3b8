// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/plugin/cluster"
)

func TestByWhatSpeakersDrainIsReadFromTheirPods(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		container corev1.Container
		want      drain.Rules
	}{
		"by default":         {want: drain.Rules{Taints: drain.DefaultTaints()}},
		"taints by a flag":   {corev1.Container{Args: []string{"--drain-taints=a, example.com/b,"}}, drain.Rules{Taints: []string{"a", "example.com/b"}}},
		"a flag apart":       {corev1.Container{Args: []string{"-drain-taints", "a"}}, drain.Rules{Taints: []string{"a"}}},
		"no taints":          {corev1.Container{Args: []string{"--drain-taints="}}, drain.Rules{}},
		"taints by variable": {corev1.Container{Env: []corev1.EnvVar{{Name: "METALLB_DRAIN_TAINTS", Value: "a"}}}, drain.Rules{Taints: []string{"a"}}},
		"an empty variable":  {corev1.Container{Env: []corev1.EnvVar{{Name: "METALLB_DRAIN_TAINTS"}}}, drain.Rules{Taints: drain.DefaultTaints()}},
		"a flag before a variable": {
			corev1.Container{Args: []string{"--drain-taints=a"}, Env: []corev1.EnvVar{{Name: "METALLB_DRAIN_TAINTS", Value: "b"}}}, drain.Rules{Taints: []string{"a"}},
		},
		"cordoned":           {corev1.Container{Args: []string{"--drain-unschedulable", "--log-level=debug"}}, drain.Rules{Taints: drain.DefaultTaints(), Unschedulable: true}},
		"cordoned, in short": {corev1.Container{Args: []string{"--drain-unschedulable=1"}}, drain.Rules{Taints: drain.DefaultTaints(), Unschedulable: true}},
		"cordoned, not":      {corev1.Container{Args: []string{"--drain-unschedulable=false"}}, drain.Rules{Taints: drain.DefaultTaints()}},
		"another flag alike": {corev1.Container{Args: []string{"--drain-taints-not=a", "drain-taints=a"}}, drain.Rules{Taints: drain.DefaultTaints()}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			speakers := &appsv1.DaemonSet{}
			speakers.Spec.Template.Spec.Containers = []corev1.Container{tc.container}
			if diff := cmp.Diff(tc.want, (&cluster.Cluster{Speakers: speakers}).DrainRules()); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}
