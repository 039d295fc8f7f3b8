// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Presence is whether an object is there.
type Presence int

// What is known of it.
const (
	// Unknown: the user may not ask.
	Unknown Presence = iota
	Absent
	Present
)

// SecretPresence returns whether there is a Secret of the name. Its content is not asked for: the API server sends metadata alone.
func SecretPresence(ctx context.Context, reader client.Reader, key types.NamespacedName) (Presence, error) {
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	switch err := reader.Get(ctx, key, secret); {
	case err == nil:
		return Present, nil
	case apierrors.IsNotFound(err):
		return Absent, nil
	case apierrors.IsForbidden(err):
		return Unknown, nil
	default:
		return Unknown, fmt.Errorf("asking whether there is a secret %s: %w", key, err)
	}
}

// Names returns the names of all objects of a kind in the namespace; of a kind without namespaces, that is empty.
func Names(ctx context.Context, reader client.Reader, kind schema.GroupVersionKind, namespace string) ([]string, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := reader.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	return names, nil
}
