// SPDX-License-Identifier: Apache-2.0

package publisher

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

// Object is a pointer to an O that is an object of the API.
type Object[O any] interface {
	*O
	client.Object
}

// Cluster is where the objects of a cluster are, from which a Store can be made.
type Cluster[O any, P Object[O]] struct {
	// Kind of the objects, for errors.
	Kind string
	// Reader asks the API server itself: what is seldom read needs no cache.
	Reader client.Reader
	Writer client.Client
	// Node is the name of the node, and Namespace where the objects are.
	Node, Namespace string
}

// GoesWith reports whether the object goes with the Node of that UID.
func GoesWith(o metav1.Object, node types.UID) bool {
	return slices.ContainsFunc(o.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == node })
}

// Meta returns the metadata of an object that goes with the Node of that UID. It labels it as the node's besides.
func (c *Cluster[O, P]) Meta(name string, node types.UID, labels map[string]string) metav1.ObjectMeta {
	labels[v1beta1.LabelNode] = naming.Label(c.Node)
	return metav1.ObjectMeta{
		Namespace: c.Namespace, Name: name, Labels: labels,
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: corev1.SchemeGroupVersion.String(), Kind: "Node", Name: c.Node, UID: node,
		}},
	}
}

// ListInto lists the node's objects.
func (c *Cluster[O, P]) ListInto(ctx context.Context, list client.ObjectList) error {
	if err := c.Reader.List(ctx, list, client.InNamespace(c.Namespace), c.ofNode()); err != nil {
		return fmt.Errorf("listing objects of kind %s: %w", c.Kind, err)
	}
	return nil
}

func (c *Cluster[O, P]) ofNode() client.MatchingLabels {
	return client.MatchingLabels{v1beta1.LabelNode: naming.Label(c.Node)}
}

// Make creates the object. One of its name that is there already is left if it is as good, and replaced if it is of an earlier Node of
// the name. One with other labels is replaced, too, unless it may be somebody else's: then the name is taken.
func (c *Cluster[O, P]) Make(ctx context.Context, o P, mayBeTaken bool) (taken bool, err error) {
	again, _ := o.DeepCopyObject().(P)
	err = c.Writer.Create(ctx, o)
	if apierrors.IsAlreadyExists(err) {
		taken, err = c.replace(ctx, again, mayBeTaken)
	}
	if err != nil {
		return false, fmt.Errorf("creating %s %q: %w", c.Kind, again.GetName(), err)
	}
	return taken, nil
}

// replace makes the object be there in place of the one of its name.
func (c *Cluster[O, P]) replace(ctx context.Context, o P, mayBeTaken bool) (taken bool, err error) {
	there := P(new(O))
	if err := c.Reader.Get(ctx, client.ObjectKeyFromObject(o), there); client.IgnoreNotFound(err) != nil {
		return false, err
	} else if err == nil {
		alike := isLabeled(there, o.GetLabels())
		if !alike && mayBeTaken {
			return true, nil
		}
		if alike && GoesWith(there, o.GetOwnerReferences()[0].UID) {
			return false, nil
		}
		uid := there.GetUID()
		if err := c.Writer.Delete(ctx, there, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
			return false, err
		}
	}
	return false, c.Writer.Create(ctx, o)
}

func isLabeled(o metav1.Object, labels map[string]string) bool {
	for key, value := range labels {
		if o.GetLabels()[key] != value {
			return false
		}
	}
	return true
}

// Replace replaces the object's status as a whole, whoever wrote it before.
func (c *Cluster[O, P]) Replace(ctx context.Context, name string, status any) error {
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": "/status", "value": status}})
	if err != nil {
		return fmt.Errorf("encoding the status of %s %q: %w", c.Kind, name, err)
	}
	if err := c.Writer.Status().Patch(ctx, c.named(name), client.RawPatch(types.JSONPatchType, patch)); err != nil {
		return fmt.Errorf("writing the status of %s %q: %w", c.Kind, name, err)
	}
	return nil
}

// Delete deletes the object, if it is there.
func (c *Cluster[O, P]) Delete(ctx context.Context, name string) error {
	if err := client.IgnoreNotFound(c.Writer.Delete(ctx, c.named(name))); err != nil {
		return fmt.Errorf("deleting %s %q: %w", c.Kind, name, err)
	}
	return nil
}

// DeleteAll deletes all objects of the node, in one request.
func (c *Cluster[O, P]) DeleteAll(ctx context.Context) error {
	if err := c.Writer.DeleteAllOf(ctx, P(new(O)), client.InNamespace(c.Namespace), c.ofNode()); err != nil {
		return fmt.Errorf("deleting objects of kind %s: %w", c.Kind, err)
	}
	return nil
}

func (c *Cluster[O, P]) named(name string) P {
	o := P(new(O))
	o.SetNamespace(c.Namespace)
	o.SetName(name)
	return o
}
