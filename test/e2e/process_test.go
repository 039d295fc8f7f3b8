// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/playground"
)

// pods returns the product's pods of a component.
func pods(t *testing.T, p *playground.Playground, component string) []corev1.Pod {
	t.Helper()
	var all corev1.PodList
	list(t, p, playground.Namespace, &all, client.MatchingLabels{"app": "metallb", "component": component})
	return all.Items
}

// speakerOn returns the speaker's pod on a node.
func speakerOn(t *testing.T, p *playground.Playground, node string) corev1.Pod {
	t.Helper()
	for _, pod := range pods(t, p, "speaker") {
		if pod.Spec.NodeName == node {
			return pod
		}
	}
	t.Fatalf("there is no speaker on %s", node)
	return corev1.Pod{}
}

// leader returns the controller's pod that is active, as soon as one is: one that has just been replaced may still be the holder.
func leader(t *testing.T, p *playground.Playground) (found corev1.Pod) {
	t.Helper()
	eventually(t, "a controller to become the leader", func() string {
		var lease coordinationv1.Lease
		read(t, p, playground.Namespace, "metallb-controller", &lease)
		holder := ptr.Deref(lease.Spec.HolderIdentity, "")
		for _, pod := range pods(t, p, "controller") {
			if strings.HasPrefix(holder, pod.Name+"_") {
				found = pod
				return ""
			}
		}
		return fmt.Sprintf("no controller is the holder %q of the Lease", holder)
	})
	return found
}

// killProcess ends the process of a pod's only container as the kernel does when memory runs out: it gets to tidy up nothing.
func killProcess(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	pid, err := processOf(pod)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("killing process %d of %s on %s", pid, pod.Name, pod.Spec.NodeName)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// processOf finds the process of a container by its control group, which has the container's id in its name.
func processOf(pod *corev1.Pod) (int, error) {
	_, id, found := strings.Cut(pod.Status.ContainerStatuses[0].ContainerID, "://")
	if !found {
		return 0, errors.New(pod.Name + " has no container")
	}
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), id) {
			return strconv.Atoi(filepath.Base(filepath.Dir(file)))
		}
	}
	return 0, errors.New("no process is in container " + id + " of " + pod.Name)
}

// awaitRestart waits until a pod's container was started anew and is ready.
func awaitRestart(t *testing.T, p *playground.Playground, pod *corev1.Pod) {
	t.Helper()
	before := pod.Status.ContainerStatuses[0].RestartCount
	eventually(t, pod.Name+" to be ready again", func() string {
		var now corev1.Pod
		read(t, p, pod.Namespace, pod.Name, &now)
		if status := now.Status.ContainerStatuses[0]; status.RestartCount <= before || !status.Ready {
			return "it is not"
		}
		return ""
	})
}
