// SPDX-License-Identifier: Apache-2.0

package informer

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Follow has the handler told of the objects of the kind until the context ends, and calls the function once it has been told of all
// that there were. To be stopped is no error.
func Follow(ctx context.Context, caches cache.Informers, kind client.Object, handler toolscache.ResourceEventHandler, synced func()) error {
	i, err := Get(ctx, caches, kind)
	if err != nil {
		return nil //nolint:nilerr // stopped before the API server was there
	}
	registration, err := i.AddEventHandler(handler)
	if err != nil {
		return fmt.Errorf("watching %T: %w", kind, err)
	}
	if toolscache.WaitFor(ctx, "", registration.HasSyncedChecker()) {
		synced()
	}
	<-ctx.Done()
	return i.RemoveEventHandler(registration)
}

// Get returns the informer of the kind as soon as the API server answers. It may have nothing yet. The error is that the
// context has ended.
func Get(ctx context.Context, caches cache.Informers, kind client.Object) (found cache.Informer, err error) {
	said := ""
	err = wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		found, err = caches.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil && err.Error() != said {
			said = err.Error()
			log.FromContext(ctx).Error(err, "watching, trying again", "kind", fmt.Sprintf("%T", kind))
		}
		return err == nil, nil
	})
	return found, err
}
