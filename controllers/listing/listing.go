// SPDX-License-Identifier: Apache-2.0

package listing

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

// +kubebuilder:rbac:groups=metallb.io,resources=ipaddresspools;bgppeers;bgpadvertisements;communities;bfdprofiles,verbs=list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups="",resources=nodes;namespaces,verbs=list;watch

// Configuration returns all configuration objects in the namespace.
func Configuration(ctx context.Context, reader client.Reader, namespace string) (config.Objects, error) {
	var (
		pools          v1beta1.IPAddressPoolList
		peers          v1beta2.BGPPeerList
		advertisements v1beta1.BGPAdvertisementList
		communities    v1beta1.CommunityList
		profiles       v1beta1.BFDProfileList
	)
	for _, list := range []client.ObjectList{&pools, &peers, &advertisements, &communities, &profiles} {
		if err := reader.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return config.Objects{}, fmt.Errorf("listing the configuration: %w", err)
		}
	}
	return config.Objects{
		Pools: pools.Items, Peers: peers.Items, Advertisements: advertisements.Items, Communities: communities.Items,
		BFDProfiles: profiles.Items,
	}, nil
}

// Active returns the ActiveConfigurations in the namespace.
func Active(ctx context.Context, reader client.Reader, namespace string) ([]v1beta1.ActiveConfiguration, error) {
	list := &v1beta1.ActiveConfigurationList{}
	if err := reader.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("listing the configuration in use: %w", err)
	}
	return list.Items, nil
}

// PageSize is how many objects Pages reads at once.
const PageSize = 500

// Pages lists all objects, a page at a time, with the options. What they are is for the error.
func Pages[L client.ObjectList](ctx context.Context, reader client.Reader, what string, list L, each func(L), options ...client.ListOption) error {
	next := ""
	for {
		page, ok := list.DeepCopyObject().(L)
		if !ok {
			return fmt.Errorf("a copy of %T is of another type", list)
		}
		if err := reader.List(ctx, page, append(options, client.Limit(PageSize), client.Continue(next))...); err != nil {
			return fmt.Errorf("listing %s: %w", what, err)
		}
		each(page)
		if next = page.GetContinue(); next == "" {
			return nil
		}
	}
}

// Nodes returns what matters of all nodes.
func Nodes(ctx context.Context, reader client.Reader) ([]config.Node, error) {
	list := &corev1.NodeList{}
	if err := reader.List(ctx, list); err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	nodes := make([]config.Node, 0, len(list.Items))
	for i := range list.Items {
		nodes = append(nodes, NodeOf(&list.Items[i]))
	}
	return nodes, nil
}

// NodeOf returns what matters of the node.
func NodeOf(n *corev1.Node) config.Node {
	node := config.Node{Name: n.Name, Labels: n.Labels}
	for _, a := range n.Status.Addresses {
		if address, err := netip.ParseAddr(a.Address); err == nil { // Host names are among them.
			node.Addresses = append(node.Addresses, address.Unmap())
		}
	}
	return node
}

// NamespaceLabels returns a function that reads the labels of each namespace once, from a cache.
func NamespaceLabels(ctx context.Context, cached client.Reader) func(string) labels.Set {
	known := map[string]labels.Set{}
	return func(name string) labels.Set {
		found, ok := known[name]
		if ok {
			return found
		}
		namespace := &corev1.Namespace{}
		// There is none in the cache while it is younger than its services, or gone before them: it has no labels then.
		if err := cached.Get(ctx, types.NamespacedName{Name: name}, namespace, client.UnsafeDisableDeepCopy); err == nil {
			found = namespace.Labels
		}
		known[name] = found
		return found
	}
}

// StripNode removes from a Node, on its way into the cache, all but what NodeOf looks at and whether it is ready and has a
// network: a node changes all the time, and is large.
func StripNode(object any) (any, error) {
	n, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	var conditions []corev1.NodeCondition
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady || c.Type == corev1.NodeNetworkUnavailable {
			conditions = append(conditions, corev1.NodeCondition{Type: c.Type, Status: c.Status})
		}
	}
	return &corev1.Node{
		TypeMeta: n.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{
			Name: n.Name, UID: n.UID, ResourceVersion: n.ResourceVersion, Generation: n.Generation, Labels: n.Labels,
			CreationTimestamp: n.CreationTimestamp, DeletionTimestamp: n.DeletionTimestamp,
		},
		Status: corev1.NodeStatus{Addresses: n.Status.Addresses, Conditions: conditions},
	}, nil
}
