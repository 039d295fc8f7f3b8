// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Informer returns the one of the kind as soon as the API server answers. It may have nothing yet. The error is that the
// context has ended.
func Informer(ctx context.Context, caches cache.Informers, kind client.Object) (informer cache.Informer, err error) {
	err = wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		informer, err = caches.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		if err != nil {
			log.FromContext(ctx).Error(err, "watching, trying again", "kind", fmt.Sprintf("%T", kind))
		}
		return err == nil, nil
	})
	return informer, err
}
