// SPDX-License-Identifier: Apache-2.0

package drain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/internal/drain"
)

const (
	outOfService = "node.kubernetes.io/out-of-service"
	autoscaler   = "ToBeDeletedByClusterAutoscaler"
	label        = "metallb.io/drain"
	exclude      = "node.kubernetes.io/exclude-from-external-load-balancers"
)

// node returns a node that what is given has been done to.
func node(changes ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{"rack": "a"}}}
	for _, change := range changes {
		change(n)
	}
	return n
}

func labeled(key, value string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Labels[key] = value }
}

func tainted(key string, effect corev1.TaintEffect) func(*corev1.Node) {
	return func(n *corev1.Node) {
		n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Value: "x", Effect: effect, TimeAdded: &metav1.Time{}})
	}
}

func cordoned(n *corev1.Node) {
	n.Spec.Unschedulable = true
	tainted(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule)(n)
}

func deleted(n *corev1.Node) { n.DeletionTimestamp = &metav1.Time{} }

func TestANodeDrainsByWhatItsObjectSays(t *testing.T) {
	t.Parallel()
	rules := drain.Rules{Taints: drain.DefaultTaints()}
	for name, tc := range map[string]struct {
		node  *corev1.Node
		rules drain.Rules
		want  drain.Signal
		text  string
	}{
		"a node that serves": {node: node(), rules: rules},
		"the label":          {node: node(labeled(label, "")), rules: rules, want: drain.Signal{Kind: drain.Label, Key: label}, text: "the node is labeled " + label},
		"the label, whose value is of no consequence": {
			node: node(labeled(label, "false")), rules: rules, want: drain.Signal{Kind: drain.Label, Key: label}, text: "the node is labeled " + label,
		},
		"the label of Kubernetes": {node: node(labeled(exclude, "")), rules: rules, want: drain.Signal{Kind: drain.Label, Key: exclude}, text: "the node is labeled " + exclude},
		"a taint": {
			node: node(tainted(outOfService, corev1.TaintEffectNoExecute)), rules: rules, want: drain.Signal{Kind: drain.Taint, Key: outOfService},
			text: "the node has the taint " + outOfService,
		},
		"a taint of any effect": {
			node: node(tainted(autoscaler, corev1.TaintEffectPreferNoSchedule)), rules: rules, want: drain.Signal{Kind: drain.Taint, Key: autoscaler},
			text: "the node has the taint " + autoscaler,
		},
		"a taint that is not among the rules": {node: node(tainted(corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute)), rules: rules},
		"a taint that an operator chose": {
			node: node(tainted("example.com/off", corev1.TaintEffectNoSchedule)), rules: drain.Rules{Taints: []string{"example.com/off"}},
			want: drain.Signal{Kind: drain.Taint, Key: "example.com/off"}, text: "the node has the taint example.com/off",
		},
		"a taint where an operator wants none to count": {node: node(tainted(outOfService, corev1.TaintEffectNoExecute))},
		"a node that is deleted":                        {node: node(deleted), rules: rules, want: drain.Signal{Kind: drain.Deletion}, text: "the Node object is being deleted"},
		"a node that is cordoned":                       {node: node(cordoned), rules: rules},
		"a node that is cordoned, where that counts": {
			node: node(cordoned), rules: drain.Rules{Unschedulable: true}, want: drain.Signal{Kind: drain.Unschedulable}, text: "the node is cordoned",
		},
		"several signals": {
			node: node(cordoned, deleted, tainted(autoscaler, ""), labeled(exclude, ""), labeled(label, "")), rules: drain.Rules{Taints: rules.Taints, Unschedulable: true},
			want: drain.Signal{Kind: drain.Label, Key: label}, text: "the node is labeled " + label,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.rules.Of(tc.node)
			if got != tc.want || got.String() != tc.text {
				t.Errorf("signal %+v %q, want %+v %q", got, got, tc.want, tc.text)
			}
			reduced := tc.node.DeepCopy()
			reduced.Spec = tc.rules.Reduce(&tc.node.Spec)
			if again := tc.rules.Of(reduced); again != got {
				t.Errorf("the reduced node has the signal %+v", again)
			}
		})
	}
}

func TestOnlyWhatRulesLookAtIsLeftOfANode(t *testing.T) {
	t.Parallel()
	full := node(cordoned, tainted(corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute), tainted(autoscaler, corev1.TaintEffectNoSchedule))
	full.Spec.PodCIDR = "10.244.0.0/24"
	want := corev1.NodeSpec{Taints: []corev1.Taint{{Key: autoscaler}}}
	if diff := cmp.Diff(want, drain.Rules{Taints: drain.DefaultTaints()}.Reduce(&full.Spec)); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

func TestRoutesAreWithdrawnForEverySignalButAFailingProxy(t *testing.T) {
	t.Parallel()
	for kind, want := range map[drain.Kind]bool{
		drain.None: false, drain.Label: true, drain.Taint: true, drain.Deletion: true, drain.Unschedulable: true, drain.ProxyLeaving: true, drain.ProxyFailing: false,
	} {
		if got := (drain.Signal{Kind: kind}).Withdraws(); got != want {
			t.Errorf("%s: %t", kind, got)
		}
	}
}

func TestANodeIsLabeledByEitherLabel(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{label: true, exclude: true, "rack": false} {
		if got := drain.IsLabeled(labels.Set{key: ""}); got != want {
			t.Errorf("%s: %t", key, got)
		}
	}
}
