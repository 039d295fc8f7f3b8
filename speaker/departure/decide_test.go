// SPDX-License-Identifier: Apache-2.0

package departure_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/speaker/departure"
)

// update are the facts while a rolling update replaces the pod.
func update() departure.Facts {
	return departure.Facts{
		Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: "speaker-abcde", DeletionTimestamp: &metav1.Time{Time: time.Unix(1000, 0)},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "speaker", UID: "one", Controller: new(true)}},
		}},
		Namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "metallb-system"}},
		DaemonSet: &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Name: "speaker", UID: "one"},
			Spec: appsv1.DaemonSetSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				HostNetwork: true, NodeSelector: map[string]string{"kubernetes.io/os": "linux"},
				Tolerations: []corev1.Toleration{{Key: "node-role.kubernetes.io/control-plane", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}},
			}}},
		},
		Node: &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{"kubernetes.io/os": "linux"}},
			Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
		},
	}
}

func TestRoutesAreKeptForAnUpdateOnly(t *testing.T) {
	t.Parallel()
	deleted := &metav1.Time{Time: time.Unix(2000, 0)}
	taint := func(key string, effect corev1.TaintEffect) func(*departure.Facts) {
		return func(f *departure.Facts) {
			f.Node.Spec.Taints = append(f.Node.Spec.Taints, corev1.Taint{Key: key, Effect: effect})
		}
	}
	readiness := func(s corev1.ConditionStatus) func(*departure.Facts) {
		return func(f *departure.Facts) { f.Node.Status.Conditions[0].Status = s }
	}
	tests := map[string]struct {
		change func(*departure.Facts)
		// want is part of the reason why routes are not kept; empty if they are.
		want string
	}{
		"a rolling update, or a pod that is deleted": {change: func(*departure.Facts) {}},

		"a container that is restarted, or a reboot": {func(f *departure.Facts) { f.Pod.DeletionTimestamp = nil }, "the pod is not being deleted"},
		"a pod that is gone":                         {func(f *departure.Facts) { f.Pod = nil }, "pod does not exist"},
		"a pod of nobody":                            {func(f *departure.Facts) { f.Pod.OwnerReferences = nil }, "not of a DaemonSet"},
		"a pod of a Job":                             {func(f *departure.Facts) { f.Pod.OwnerReferences[0].Kind = "Job" }, "not of a DaemonSet"},
		"a pod that a DaemonSet does not control":    {func(f *departure.Facts) { f.Pod.OwnerReferences[0].Controller = nil }, "not of a DaemonSet"},

		"the namespace is deleted": {func(f *departure.Facts) { f.Namespace.DeletionTimestamp = deleted }, "namespace of the speaker is being deleted"},
		"the namespace is gone":    {func(f *departure.Facts) { f.Namespace = nil }, "namespace of the speaker is being deleted"},

		"the DaemonSet is deleted":                        {func(f *departure.Facts) { f.DaemonSet = nil }, "DaemonSet speaker, which the pod is of, does not exist any more"},
		"the DaemonSet is deleted after its pods":         {func(f *departure.Facts) { f.DaemonSet.DeletionTimestamp = deleted }, "DaemonSet speaker is being deleted"},
		"the DaemonSet is another one of the same name":   {func(f *departure.Facts) { f.DaemonSet.UID = "two" }, "does not exist any more"},
		"the DaemonSet selects other nodes":               {func(f *departure.Facts) { f.DaemonSet.Spec.Template.Spec.NodeSelector["edge"] = "" }, "does not select the node"},
		"the DaemonSet is for one other node":             {func(f *departure.Facts) { f.DaemonSet.Spec.Template.Spec.NodeName = "node-2" }, "does not select the node"},
		"the DaemonSet is for this node":                  {func(f *departure.Facts) { f.DaemonSet.Spec.Template.Spec.NodeName = "node-1" }, ""},
		"the node's label is gone":                        {func(f *departure.Facts) { f.Node.Labels = nil }, "does not select the node"},
		"the DaemonSet has an affinity to other nodes":    {func(f *departure.Facts) { require(f, corev1.NodeSelectorOpDoesNotExist) }, "does not select the node"},
		"the DaemonSet has an affinity to the node":       {func(f *departure.Facts) { require(f, corev1.NodeSelectorOpExists) }, ""},
		"the DaemonSet has an affinity that says nothing": {func(f *departure.Facts) { require(f, "nonsense") }, "does not select the node"},
		"a taint that the DaemonSet tolerates":            {taint("node-role.kubernetes.io/control-plane", corev1.TaintEffectNoSchedule), ""},
		"a taint of another effect":                       {taint("node-role.kubernetes.io/control-plane", corev1.TaintEffectNoExecute), "taint node-role.kubernetes.io/control-plane:NoExecute"},
		"a taint by which pods are evicted":               {taint("example.com/maintenance", corev1.TaintEffectNoExecute), "taint example.com/maintenance:NoExecute, which DaemonSet speaker does not tolerate"},
		"a taint by which pods are not placed":            {taint("example.com/special", corev1.TaintEffectNoSchedule), "taint example.com/special:NoSchedule"},
		"a taint by which other nodes are preferred":      {taint("example.com/busy", corev1.TaintEffectPreferNoSchedule), ""},
		"a node that is cordoned":                         {taint(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule), ""},
		"a node with little memory":                       {taint(corev1.TaintNodeMemoryPressure, corev1.TaintEffectNoSchedule), ""},
		"a node without network, on the node's network":   {taint(corev1.TaintNodeNetworkUnavailable, corev1.TaintEffectNoSchedule), ""},
		"a node without network, on the network of pods": {func(f *departure.Facts) {
			f.DaemonSet.Spec.Template.Spec.HostNetwork = false
			taint(corev1.TaintNodeNetworkUnavailable, corev1.TaintEffectNoSchedule)(f)
		}, "taint"},
		"the taint of an update that the template removes": {func(f *departure.Facts) {
			f.DaemonSet.Spec.Template.Spec.Tolerations = nil
			taint("node-role.kubernetes.io/control-plane", corev1.TaintEffectNoSchedule)(f)
		}, "taint"},

		"the node is gone":                  {func(f *departure.Facts) { f.Node = nil }, "Node does not exist"},
		"the node is deleted":               {func(f *departure.Facts) { f.Node.DeletionTimestamp = deleted }, "Node is being deleted"},
		"the node shuts down":               {readiness(corev1.ConditionFalse), "Node is not ready"},
		"nobody hears of the node":          {readiness(corev1.ConditionUnknown), "Node is not ready"},
		"nobody has ever said it was ready": {func(f *departure.Facts) { f.Node.Status.Conditions = nil }, "Node is not ready"},
		"the node is excluded":              {func(f *departure.Facts) { f.Node.Labels[corev1.LabelNodeExcludeBalancers] = "false" }, "labeled node.kubernetes.io/exclude-from-external-load-balancers"},
		"the node drains":                   {func(f *departure.Facts) { f.Node.Labels[v1beta1.LabelDrain] = "" }, "labeled metallb.io/drain"},
		"the node drains, and pods of the DaemonSet stay": {func(f *departure.Facts) {
			f.DaemonSet.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
			taint(corev1.TaintNodeOutOfService, corev1.TaintEffectNoExecute)(f)
		}, "taint node.kubernetes.io/out-of-service"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts := update()
			tc.change(&facts)
			d := departure.Decide(facts, drain.Rules{Taints: drain.DefaultTaints()})
			if d.KeepRoutes != (tc.want == "") || !strings.Contains(d.Reason, tc.want) || d.Reason == "" {
				t.Errorf("keeps routes: %t, since %q; want part of the reason not to: %q", d.KeepRoutes, d.Reason, tc.want)
			}
		})
	}
}

// require has the DaemonSet run on nodes only by whether they have a label, which the node has.
func require(f *departure.Facts, operator corev1.NodeSelectorOperator) {
	terms := []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "kubernetes.io/os", Operator: operator}}}}
	f.DaemonSet.Spec.Template.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
	}}
}

func TestWhatIsNotKnownIsAnEnd(t *testing.T) {
	t.Parallel()
	d := departure.Unknown(errors.New("no route to host"))
	if d.KeepRoutes || d.Reason != "it is not known whether another speaker takes over: no route to host" {
		t.Errorf("got %+v", d)
	}
}
