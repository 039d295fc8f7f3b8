// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/test/playground"
)

// objects returns all objects of all kinds that the cluster has, by kind, namespace and name, with their finalizers, and Nodes
// with their labels; of a generated name it has the part that was given. Kinds that come and go by themselves are left out: events, what
// only tells of others, the revisions of workloads, and what a kubelet makes of its node at a time of its own: its CSINode and its Lease.
func objects(t *testing.T, p *playground.Playground) []string {
	t.Helper()
	kinds := slices.DeleteFunc(strings.Fields(kubectl(t, p, "api-resources", "--verbs=list", "-o", "name")), func(kind string) bool {
		return slices.Contains([]string{
			"events", "events.events.k8s.io", "componentstatuses", "csinodes.storage.k8s.io", "controllerrevisions.apps", "replicasets.apps",
		}, kind)
	})
	var list struct {
		Items []metav1.PartialObjectMetadata
	}
	// A kind that goes in the meantime has no objects.
	text := kubectl(t, p, "get", strings.Join(kinds, ","), "--all-namespaces", "--ignore-not-found", "-o", "json")
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	all := make([]string, 0, len(list.Items))
	for _, o := range list.Items {
		if o.Namespace == corev1.NamespaceNodeLease {
			continue
		}
		revision := o.Labels["pod-template-hash"] + "-"
		line := fmt.Sprintf("%s %s/%s %v", o.Kind, o.Namespace, strings.TrimSuffix(cmp.Or(o.GenerateName, o.Name), revision), o.Finalizers)
		if o.Kind == "Node" {
			line += fmt.Sprint(o.Labels)
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}

// awaitObjects waits until the cluster has the objects that it had before and no others.
func awaitObjects(t *testing.T, p *playground.Playground, before []string) {
	t.Helper()
	eventually(t, "the cluster to have what it had before (-before +after)", func() string { return gocmp.Diff(before, objects(t, p)) })
}
