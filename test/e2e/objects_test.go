// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"

	"metallb.io/metallb/test/playground"
)

// objects returns all objects of all kinds that the cluster has, by kind, namespace and name, with their finalizers, and Nodes
// with their labels; of a generated name it has the part that was given. Kinds that come and go by themselves are left out: events, what
// only tells of others, the revisions of workloads, and what a kubelet makes of its node at a time of its own: its CSINode and its Lease.
func objects(t *testing.T, p *playground.Playground) []string {
	t.Helper()
	config := clusterConfig(t, p)
	kinds, err := discovery.NewDiscoveryClientForConfigOrDie(config).ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	c := metadata.NewForConfigOrDie(config)
	var all []string
	for _, group := range kinds {
		version, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range group.APIResources {
			resource := version.WithResource(kind.Name)
			if !slices.Contains(kind.Verbs, "list") || slices.Contains(restless, resource.GroupResource().String()) {
				continue
			}
			list, err := c.Resource(resource).List(t.Context(), metav1.ListOptions{})
			if apierrors.IsNotFound(err) {
				continue // A kind that goes in the meantime has no objects.
			} else if err != nil {
				t.Fatal(err)
			}
			for i := range list.Items {
				if o := &list.Items[i]; o.Namespace != corev1.NamespaceNodeLease {
					all = append(all, line(kind.Kind, o))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// restless are the kinds that objects leaves out.
var restless = []string{
	"events", "events.events.k8s.io", "componentstatuses", "csinodes.storage.k8s.io", "controllerrevisions.apps", "replicasets.apps",
}

// line is what objects says of one object.
func line(kind string, o *metav1.PartialObjectMetadata) string {
	revision := o.Labels["pod-template-hash"] + "-"
	text := fmt.Sprintf("%s %s/%s %v", kind, o.Namespace, strings.TrimSuffix(cmp.Or(o.GenerateName, o.Name), revision), o.Finalizers)
	if kind == "Node" {
		text += fmt.Sprint(o.Labels)
	}
	return text
}

// awaitObjects waits until the cluster has the objects that it had before and no others.
func awaitObjects(t *testing.T, p *playground.Playground, before []string) {
	t.Helper()
	eventually(t, "the cluster to have what it had before (-before +after)", func() string { return gocmp.Diff(before, objects(t, p)) })
}
