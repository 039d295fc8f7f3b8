// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/naming"
)

// +kubebuilder:rbac:groups=metallb.io,resources=bgpsessionstates,verbs=get;list;create;delete,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=bgpsessionstates/status,verbs=patch,namespace=metallb-system

// Cluster is the Store of a cluster.
type Cluster struct {
	// Reader asks the API server itself: what is seldom read needs no cache.
	Reader client.Reader
	Writer client.Client
	// Node is the name of the node, and Namespace where the objects are.
	Node, Namespace string
}

// List implements Store.
func (c *Cluster) List(ctx context.Context) ([]v1beta1.BGPSessionState, error) {
	list := &v1beta1.BGPSessionStateList{}
	err := c.Reader.List(ctx, list, client.InNamespace(c.Namespace), client.MatchingLabels{v1beta1.LabelNode: naming.Label(c.Node)})
	if err != nil {
		return nil, fmt.Errorf("listing BGPSessionStates: %w", err)
	}
	return list.Items, nil
}

// Create implements Store. An object that is there already is taken if it goes with the same Node, and made anew if it is of an
// earlier one.
func (c *Cluster) Create(ctx context.Context, node types.UID, peer string) (string, error) {
	for _, name := range names(c.Node, peer) {
		o := c.object(name, node, peer)
		err := c.Writer.Create(ctx, o)
		if apierrors.IsAlreadyExists(err) {
			var taken bool
			if taken, err = c.clear(ctx, o); taken {
				continue
			}
			if apierrors.IsNotFound(err) {
				err = c.Writer.Create(ctx, c.object(name, node, peer))
			}
		}
		if err != nil {
			return "", fmt.Errorf("creating BGPSessionState %q: %w", name, err)
		}
		return name, nil
	}
	return "", fmt.Errorf("creating BGPSessionState for peer %q: its names are taken by other nodes", peer)
}

// clear looks at the object that is in the place of another, and reports whether that is some other session's. No error says
// that it is as good as the other, and apierrors.IsNotFound that it was in the way and is no more.
func (c *Cluster) clear(ctx context.Context, o *v1beta1.BGPSessionState) (taken bool, err error) {
	there := &v1beta1.BGPSessionState{}
	if err := c.Reader.Get(ctx, client.ObjectKeyFromObject(o), there); err != nil {
		return false, err
	}
	if there.Labels[v1beta1.LabelNode] != o.Labels[v1beta1.LabelNode] || there.Labels[v1beta1.LabelPeer] != o.Labels[v1beta1.LabelPeer] {
		return true, nil
	}
	isOwn := func(ref metav1.OwnerReference) bool { return ref.UID == o.OwnerReferences[0].UID }
	if slices.ContainsFunc(there.OwnerReferences, isOwn) {
		return false, nil
	}
	if err := c.Writer.Delete(ctx, there, client.Preconditions{UID: &there.UID}); err != nil {
		return false, err
	}
	return false, apierrors.NewNotFound(v1beta1.GroupVersion.WithResource("bgpsessionstates").GroupResource(), there.Name)
}

func (c *Cluster) object(name string, node types.UID, peer string) *v1beta1.BGPSessionState {
	return &v1beta1.BGPSessionState{ObjectMeta: metav1.ObjectMeta{
		Namespace: c.Namespace, Name: name,
		Labels: map[string]string{v1beta1.LabelNode: naming.Label(c.Node), v1beta1.LabelPeer: naming.Label(peer)},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: corev1.SchemeGroupVersion.String(), Kind: "Node", Name: c.Node, UID: node,
		}},
	}}
}

// Write implements Store. The status is replaced as a whole, whoever wrote it before.
func (c *Cluster) Write(ctx context.Context, name string, status *v1beta1.BGPSessionStateStatus) error {
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/status", "value": status}})
	if err != nil {
		return fmt.Errorf("encoding the status of BGPSessionState %q: %w", name, err)
	}
	if err := c.Writer.Status().Patch(ctx, c.named(name), client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("writing the status of BGPSessionState %q: %w", name, err)
	}
	return nil
}

// Delete implements Store.
func (c *Cluster) Delete(ctx context.Context, name string) error {
	if err := client.IgnoreNotFound(c.Writer.Delete(ctx, c.named(name))); err != nil {
		return fmt.Errorf("deleting BGPSessionState %q: %w", name, err)
	}
	return nil
}

func (c *Cluster) named(name string) *v1beta1.BGPSessionState {
	return &v1beta1.BGPSessionState{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: name}}
}
