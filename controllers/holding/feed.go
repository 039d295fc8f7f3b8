// SPDX-License-Identifier: Apache-2.0

package holding

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Feed keeps an Index as the cached Services are, on every replica. It is to be started by a manager.
type Feed struct {
	Index *Index
	Cache cache.Informers

	synced atomic.Bool
}

// NeedLeaderElection makes the manager start the Feed on every replica.
func (f *Feed) NeedLeaderElection() bool { return false }

// Synced reports whether the Index has had all Services that there were when the Feed was started.
func (f *Feed) Synced() bool { return f.synced.Load() }

// Start feeds the Index until the context ends.
func (f *Feed) Start(ctx context.Context) error {
	informer, err := f.informer(ctx)
	if err != nil {
		return nil //nolint:nilerr // stopped before the API server was there, which is no failure
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    f.set,
		UpdateFunc: func(_, svc any) { f.set(svc) },
		DeleteFunc: f.remove,
	})
	if err != nil {
		return fmt.Errorf("watching services: %w", err)
	}
	if toolscache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		f.synced.Store(true)
	}
	<-ctx.Done()
	return informer.RemoveEventHandler(registration)
}

// informer returns the one of Services, as soon as the API server answers.
func (f *Feed) informer(ctx context.Context) (informer cache.Informer, err error) {
	err = wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		informer, err = f.Cache.GetInformer(ctx, &corev1.Service{}, cache.BlockUntilSynced(false))
		if err != nil {
			log.FromContext(ctx).Error(err, "watching services, trying again")
		}
		return err == nil, nil
	})
	return informer, err
}

func (f *Feed) set(object any) {
	if svc, ok := object.(*corev1.Service); ok {
		f.Index.Set(svc)
	}
}

func (f *Feed) remove(object any) {
	if name, err := toolscache.DeletionHandlingObjectToName(object); err == nil {
		f.Index.Delete(types.NamespacedName(name))
	}
}
