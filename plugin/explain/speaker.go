// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"metallb.io/metallb/plugin/cluster"
)

// Reasons of links about speakers.
const (
	NoSpeakers      = "NoSpeakers"
	NoSpeaker       = "NoSpeaker"
	SpeakerNotReady = "SpeakerNotReady"
	SpeakerDown     = "SpeakerDown"
)

// speaker tells whether the node's speaker runs, or why there is none.
func (c *Chain) speaker(of *cluster.Cluster, node *corev1.Node) {
	const subject = "speaker"
	if !of.Has(cluster.Workloads) {
		c.Note(subject, "whether it runs is not known, since you may not list the pods in namespace %s", of.Namespace)
		return
	}
	if pod := speakerOn(of, node.Name); pod != nil {
		if reason, text := cluster.Fault(pod); reason != "" {
			c.Bad(subject, SpeakerNotReady, strings.TrimSuffix(fmt.Sprintf("pod %s is not ready: %s: %s", pod.Name, reason, text), ": "),
				Run("see why", fmt.Sprintf("kubectl describe pod %s -n %s", pod.Name, pod.Namespace)),
				Run("see what it says", fmt.Sprintf("kubectl logs %s -n %s", pod.Name, pod.Namespace)))
			return
		}
		c.Good(subject, "pod %s is ready", pod.Name)
		return
	}
	if of.Speakers == nil {
		c.Bad(subject, NoSpeakers, fmt.Sprintf("there is no DaemonSet of speakers in namespace %s", of.Namespace),
			Do("install MetalLB there, or give its namespace with --system-namespace"))
		return
	}
	text, remedies := missing(of.Speakers, node)
	c.Bad(subject, NoSpeaker, "no speaker runs on the node: "+text, remedies...)
}

// speakerOn returns the pod of the node's speaker, nil if there is none.
func speakerOn(c *cluster.Cluster, node string) *corev1.Pod {
	i := slices.IndexFunc(c.Pods, func(p corev1.Pod) bool {
		return cluster.IsSpeaker(&p) && p.Spec.NodeName == node && p.DeletionTimestamp == nil
	})
	if i < 0 {
		return nil
	}
	return &c.Pods[i]
}

// missing says why the DaemonSet has no pod on the node.
func missing(d *appsv1.DaemonSet, node *corev1.Node) (string, []Remedy) {
	spec := &d.Spec.Template.Spec
	for _, key := range sortedKeys(spec.NodeSelector) {
		if value := spec.NodeSelector[key]; node.Labels[key] != value {
			remedy := Run("have one there", labelNode(node, key+"="+value))
			if isOfKubernetes(key) { // It says what the node is, such as one with Windows.
				remedy = Do("if a speaker can run there, change the nodeSelector in the DaemonSet %s or, with Helm, the value speaker.nodeSelector", d.Name)
			}
			return fmt.Sprintf("its DaemonSet %s has the nodeSelector %s=%s, which the node does not match", d.Name, key, value), []Remedy{remedy}
		}
	}
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectPreferNoSchedule || isTolerated(spec.Tolerations, &taint) {
			continue
		}
		return fmt.Sprintf("the node has the taint %s, which the speakers do not tolerate", taint.ToString()), []Remedy{
			Run("remove the taint", fmt.Sprintf("kubectl taint node %s %s:%s-", node.Name, taint.Key, taint.Effect)),
			Do("or have the speakers tolerate it, in the DaemonSet %s or, with Helm, the value speaker.tolerations", d.Name),
		}
	}
	if matches, err := nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: *spec}).Match(node); err == nil && !matches {
		return fmt.Sprintf("its DaemonSet %s has a nodeAffinity that the node does not match", d.Name),
			[]Remedy{Run("see what it demands", fmt.Sprintf("kubectl get daemonset %s -n %s -o jsonpath='{.spec.template.spec.affinity}'", d.Name, d.Namespace))}
	}
	return "its DaemonSet " + d.Name + " is to have a pod there, and has not", []Remedy{Run("see why", fmt.Sprintf("kubectl describe daemonset %s -n %s", d.Name, d.Namespace))}
}

// ofDaemonSets are the taints that the pods of every DaemonSet tolerate.
func ofDaemonSets() []string {
	return []string{
		corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable, corev1.TaintNodeDiskPressure, corev1.TaintNodeMemoryPressure,
		corev1.TaintNodePIDPressure, corev1.TaintNodeUnschedulable, corev1.TaintNodeNetworkUnavailable,
	}
}

func isTolerated(tolerations []corev1.Toleration, taint *corev1.Taint) bool {
	return slices.Contains(ofDaemonSets(), taint.Key) ||
		slices.ContainsFunc(tolerations, func(t corev1.Toleration) bool { return t.ToleratesTaint(klog.Logger{}, taint, false) })
}
