// SPDX-License-Identifier: Apache-2.0

package servicestatus

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

// Cluster is the Store of a cluster. What it may do is in config/service-bgp-status, apart from the speaker's other rights.
type Cluster struct {
	// Reader asks the API server itself: what is seldom read needs no cache.
	Reader client.Reader
	Writer client.Client
	// Node is the name of the node, and Namespace where the objects are.
	Node, Namespace string
}

// Name returns the name of the object of a service on a node. It is always the same, so that none is made twice.
func Name(node string, service types.NamespacedName) string {
	return naming.Object(node+"-"+service.Namespace+"-"+service.Name, node+"/"+service.String())
}

// goesWith reports whether the object goes with the Node of that UID.
func goesWith(o *v1beta1.ServiceBGPStatus, node types.UID) bool {
	return slices.ContainsFunc(o.OwnerReferences, func(ref metav1.OwnerReference) bool { return ref.UID == node })
}

// List implements Store.
func (c *Cluster) List(ctx context.Context) ([]v1beta1.ServiceBGPStatus, error) {
	list := &v1beta1.ServiceBGPStatusList{}
	if err := c.Reader.List(ctx, list, client.InNamespace(c.Namespace), c.ofNode()); err != nil {
		return nil, fmt.Errorf("listing ServiceBGPStatuses: %w", err)
	}
	return list.Items, nil
}

func (c *Cluster) ofNode() client.MatchingLabels {
	return client.MatchingLabels{v1beta1.LabelNode: naming.Label(c.Node)}
}

// Create implements Store. An object that is there already is left if it is as good, and made anew if it is not.
func (c *Cluster) Create(ctx context.Context, node types.UID, service types.NamespacedName) error {
	o := c.object(node, service)
	err := c.Writer.Create(ctx, o)
	if apierrors.IsAlreadyExists(err) {
		err = c.replace(ctx, c.object(node, service))
	}
	if err != nil {
		return fmt.Errorf("creating ServiceBGPStatus %q: %w", o.Name, err)
	}
	return nil
}

// replace makes the object be there in place of the one of its name.
func (c *Cluster) replace(ctx context.Context, o *v1beta1.ServiceBGPStatus) error {
	there := &v1beta1.ServiceBGPStatus{}
	if err := c.Reader.Get(ctx, client.ObjectKeyFromObject(o), there); client.IgnoreNotFound(err) != nil {
		return err
	} else if err == nil {
		if goesWith(there, o.OwnerReferences[0].UID) && isLabeled(there, o.Labels) {
			return nil
		}
		if err := c.Writer.Delete(ctx, there, client.Preconditions{UID: &there.UID}); client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return c.Writer.Create(ctx, o)
}

func isLabeled(o *v1beta1.ServiceBGPStatus, labels map[string]string) bool {
	for key, value := range labels {
		if o.Labels[key] != value {
			return false
		}
	}
	return true
}

func (c *Cluster) object(node types.UID, service types.NamespacedName) *v1beta1.ServiceBGPStatus {
	return &v1beta1.ServiceBGPStatus{ObjectMeta: metav1.ObjectMeta{
		Namespace: c.Namespace, Name: Name(c.Node, service),
		Labels: map[string]string{
			v1beta1.LabelNode:             naming.Label(c.Node),
			v1beta1.LabelServiceName:      naming.Label(service.Name),
			v1beta1.LabelServiceNamespace: naming.Label(service.Namespace),
		},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: corev1.SchemeGroupVersion.String(), Kind: "Node", Name: c.Node, UID: node,
		}},
	}}
}

// Write implements Store. The status is replaced as a whole.
func (c *Cluster) Write(ctx context.Context, name string, status *v1beta1.ServiceBGPStatusStatus) error {
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/status", "value": status}})
	if err != nil {
		return fmt.Errorf("encoding the status of ServiceBGPStatus %q: %w", name, err)
	}
	if err := c.Writer.Status().Patch(ctx, c.named(name), client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("writing the status of ServiceBGPStatus %q: %w", name, err)
	}
	return nil
}

// Delete implements Store.
func (c *Cluster) Delete(ctx context.Context, name string) error {
	if err := client.IgnoreNotFound(c.Writer.Delete(ctx, c.named(name))); err != nil {
		return fmt.Errorf("deleting ServiceBGPStatus %q: %w", name, err)
	}
	return nil
}

// DeleteAll implements Store.
func (c *Cluster) DeleteAll(ctx context.Context) error {
	if err := c.Writer.DeleteAllOf(ctx, &v1beta1.ServiceBGPStatus{}, client.InNamespace(c.Namespace), c.ofNode()); err != nil {
		return fmt.Errorf("deleting ServiceBGPStatuses: %w", err)
	}
	return nil
}

func (c *Cluster) named(name string) *v1beta1.ServiceBGPStatus {
	return &v1beta1.ServiceBGPStatus{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: name}}
}
