// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// reader lists from a cache as from the API server. A cache knows no pages, so each list is whole; and it has only what it was told to select.
type reader struct{ client.Reader }

// List lists all objects of a kind, and returns them without a copy.
func (r reader) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	asked := client.ListOptions{}
	asked.ApplyOptions(opts)
	asked.Limit, asked.Continue, asked.FieldSelector = 0, "", nil
	err := r.Reader.List(ctx, list, &asked, client.UnsafeDisableDeepCopy)
	list.SetContinue("")
	return err
}
