// SPDX-License-Identifier: Apache-2.0

package publisher

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
)

// Cluster is the Store of a cluster.
type Cluster[O client.Object] struct {
	reader          client.Reader
	writer          client.Client
	node, namespace string
	// object and list are empty.
	object O
	list   client.ObjectList
}

// NewCluster returns the Store for a node's objects in the namespace, of the kind of the empty object and list. The reader asks the API
// server itself: what is seldom read needs no cache.
func NewCluster[O client.Object](reader client.Reader, writer client.Client, node, namespace string, object O, list client.ObjectList) *Cluster[O] {
	return &Cluster[O]{reader: reader, writer: writer, node: node, namespace: namespace, object: object, list: list}
}

// List implements Store.
func (c *Cluster[O]) List(ctx context.Context) ([]O, error) {
	list, _ := c.list.DeepCopyObject().(client.ObjectList)
	if err := c.reader.List(ctx, list, client.InNamespace(c.namespace), c.ofNode()); err != nil {
		return nil, fmt.Errorf("listing %T: %w", list, err)
	}
	var found []O
	err := meta.EachListItem(list, func(o runtime.Object) error {
		found = append(found, o.(O)) //nolint:forcetypeassert // The list is of such objects.
		return nil
	})
	return found, err
}

func (c *Cluster[O]) ofNode() client.MatchingLabels {
	return client.MatchingLabels{v1beta1.LabelNode: Label(c.node)}
}

// goesWith reports whether the object goes with the Node of that UID.
func goesWith(o metav1.Object, node types.UID) bool {
	return slices.ContainsFunc(o.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == node })
}

// Create implements Store.
func (c *Cluster[O]) Create(ctx context.Context, node types.UID, candidates ...O) (string, error) {
	for i, o := range candidates {
		o.SetNamespace(c.namespace)
		o.GetLabels()[v1beta1.LabelNode] = Label(c.node)
		o.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: corev1.SchemeGroupVersion.String(), Kind: "Node", Name: c.node, UID: node,
		}})
		again, _ := o.DeepCopyObject().(O)
		taken := false
		err := c.writer.Create(ctx, o)
		if apierrors.IsAlreadyExists(err) {
			taken, err = c.replace(ctx, again, i < len(candidates)-1)
		}
		if err != nil {
			return "", fmt.Errorf("creating %T %q: %w", again, again.GetName(), err)
		}
		if !taken {
			return again.GetName(), nil
		}
	}
	return "", fmt.Errorf("creating %T: no name is given", c.object)
}

// replace makes the object be there in place of the one of its name. One that is as good is left. One with other labels may be somebody
// else's: then the name is taken, if there is another.
func (c *Cluster[O]) replace(ctx context.Context, o O, mayBeTaken bool) (taken bool, err error) {
	there := c.named(o.GetName())
	if err := c.reader.Get(ctx, client.ObjectKeyFromObject(o), there); client.IgnoreNotFound(err) != nil {
		return false, err
	} else if err == nil {
		alike := isLabeled(there, o.GetLabels())
		if !alike && mayBeTaken {
			return true, nil
		}
		if alike && goesWith(there, o.GetOwnerReferences()[0].UID) {
			return false, nil
		}
		uid := there.GetUID()
		if err := c.writer.Delete(ctx, there, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
			return false, err
		}
	}
	return false, c.writer.Create(ctx, o)
}

func isLabeled(o metav1.Object, labels map[string]string) bool {
	for key, value := range labels {
		if o.GetLabels()[key] != value {
			return false
		}
	}
	return true
}

// Write implements Store.
func (c *Cluster[O]) Write(ctx context.Context, name string, status any) error {
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/status", "value": status}})
	if err != nil {
		return fmt.Errorf("encoding the status of %T %q: %w", c.object, name, err)
	}
	if err := c.writer.Status().Patch(ctx, c.named(name), client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("writing the status of %T %q: %w", c.object, name, err)
	}
	return nil
}

// Delete implements Store.
func (c *Cluster[O]) Delete(ctx context.Context, name string) error {
	if err := client.IgnoreNotFound(c.writer.Delete(ctx, c.named(name))); err != nil {
		return fmt.Errorf("deleting %T %q: %w", c.object, name, err)
	}
	return nil
}

// DeleteAll implements Store.
func (c *Cluster[O]) DeleteAll(ctx context.Context) error {
	if err := c.writer.DeleteAllOf(ctx, c.object, client.InNamespace(c.namespace), c.ofNode()); err != nil {
		return fmt.Errorf("deleting all %T of the node: %w", c.object, err)
	}
	return nil
}

func (c *Cluster[O]) named(name string) O {
	o, _ := c.object.DeepCopyObject().(O)
	o.SetNamespace(c.namespace)
	o.SetName(name)
	return o
}
