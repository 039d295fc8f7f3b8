// SPDX-License-Identifier: Apache-2.0

package departure

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"metallb.io/metallb/internal/drain"
)

// Facts are what the API server has, when the speaker is asked to stop, of the objects that it depends on. Of an object that does not exist, its
// Facts are nil.
type Facts struct {
	// Pod is the speaker's own.
	Pod *corev1.Pod
	// Namespace is that of the Pod.
	Namespace *corev1.Namespace
	// DaemonSet has the name that the Pod's owner has.
	DaemonSet *appsv1.DaemonSet
	// Node is the one that the speaker runs on.
	Node *corev1.Node
}

// Decision is what the speaker is to do.
type Decision struct {
	// KeepRoutes is whether routers are to keep the routes until another speaker announces them.
	KeepRoutes bool
	// Reason says why, for people.
	Reason string
}

// Decide decides by the facts, and by the rules that say by which signals the node drains.
func Decide(f Facts, rules drain.Rules) Decision {
	for _, reason := range []func() string{f.podStays, f.namespaceEnds, f.daemonSetEnds, f.nodeEnds} {
		if text := reason(); text != "" {
			return Decision{Reason: text}
		}
	}
	if signal := rules.Of(f.Node); signal.Any() {
		return Decision{Reason: signal.String()}
	}
	if text := f.isNotPlaced(); text != "" {
		return Decision{Reason: text}
	}
	return Decision{KeepRoutes: true, Reason: fmt.Sprintf("the pod is deleted, and DaemonSet %s runs another one on the node", f.DaemonSet.Name)}
}

// Unknown is the decision if the facts cannot be had.
func Unknown(err error) Decision {
	return Decision{Reason: "it is not known whether another speaker takes over: " + err.Error()}
}

// Owner returns the name of the DaemonSet that has made the pod; empty if none has.
func Owner(pod *corev1.Pod) string {
	if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind == "DaemonSet" {
		return owner.Name
	}
	return ""
}

// podStays says that the pod is not being deleted. Then the kubelet restarts the container, or ends it with the machine; which, nothing tells.
func (f Facts) podStays() string {
	switch {
	case f.Pod == nil:
		return "the speaker's pod does not exist any more"
	case f.Pod.DeletionTimestamp == nil:
		return "the pod is not being deleted: its container is restarted, or the machine shuts down"
	}
	return ""
}

// namespaceEnds says that the namespace takes no new pods.
func (f Facts) namespaceEnds() string {
	if f.Namespace == nil || f.Namespace.DeletionTimestamp != nil {
		return "the namespace of the speaker is being deleted"
	}
	return ""
}

func (f Facts) daemonSetEnds() string {
	owner := metav1.GetControllerOf(f.Pod)
	switch {
	case Owner(f.Pod) == "":
		return "the pod is not of a DaemonSet, which would run another one"
	case f.DaemonSet == nil || f.DaemonSet.UID != owner.UID:
		return fmt.Sprintf("DaemonSet %s, which the pod is of, does not exist any more", owner.Name)
	case f.DaemonSet.DeletionTimestamp != nil:
		return fmt.Sprintf("DaemonSet %s is being deleted", owner.Name)
	}
	return ""
}

// nodeEnds says that the node goes. A kubelet says that its node is not ready before it ends pods because the machine shuts down.
func (f Facts) nodeEnds() string {
	switch {
	case f.Node == nil:
		return "the Node does not exist any more"
	case f.Node.DeletionTimestamp != nil:
		return "the Node is being deleted"
	case !slices.ContainsFunc(f.Node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	}):
		return "the Node is not ready"
	}
	return ""
}

// isNotPlaced says why the DaemonSet, as it is now, runs no pod on the node.
func (f Facts) isNotPlaced() string {
	spec := &f.DaemonSet.Spec.Template.Spec
	fits, err := nodeaffinity.NewRequiredNodeAffinity(spec.NodeSelector, spec.Affinity).Match(f.Node)
	if err != nil || !fits || spec.NodeName != "" && spec.NodeName != f.Node.Name {
		return fmt.Sprintf("DaemonSet %s does not select the node any more", f.DaemonSet.Name)
	}
	for i := range f.Node.Spec.Taints {
		if taint := &f.Node.Spec.Taints[i]; taint.Effect != corev1.TaintEffectPreferNoSchedule && !tolerated(spec, taint) {
			return fmt.Sprintf("the Node has the taint %s, which DaemonSet %s does not tolerate", taint.ToString(), f.DaemonSet.Name)
		}
	}
	return ""
}

// tolerated reports whether pods of the DaemonSet with this template run in spite of the taint.
func tolerated(spec *corev1.PodSpec, taint *corev1.Taint) bool {
	return slices.ContainsFunc(slices.Concat(spec.Tolerations, ofEveryDaemonSet(spec.HostNetwork)), func(t corev1.Toleration) bool {
		const compareNumbers = false // Not every cluster does; then a toleration that does is none.
		return t.ToleratesTaint(klog.Logger{}, taint, compareNumbers)
	})
}

// ofEveryDaemonSet are the tolerations that pods of DaemonSets are given:
// https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations
func ofEveryDaemonSet(hostNetwork bool) []corev1.Toleration {
	exists := func(key string, effect corev1.TaintEffect) corev1.Toleration {
		return corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: effect}
	}
	all := []corev1.Toleration{
		exists(corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute),
		exists(corev1.TaintNodeUnreachable, corev1.TaintEffectNoExecute),
		exists(corev1.TaintNodeDiskPressure, corev1.TaintEffectNoSchedule),
		exists(corev1.TaintNodeMemoryPressure, corev1.TaintEffectNoSchedule),
		exists(corev1.TaintNodePIDPressure, corev1.TaintEffectNoSchedule),
		exists(corev1.TaintNodeUnschedulable, corev1.TaintEffectNoSchedule),
	}
	if hostNetwork {
		all = append(all, exists(corev1.TaintNodeNetworkUnavailable, corev1.TaintEffectNoSchedule))
	}
	return all
}
