// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"slices"
	"sync"

	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// promptCache is a cache that lets who waits for it go on at once when it is filled. controller-runtime looks ten times a second whether
// an informer is filled, and then in the same way whether a reconciler has been told of what is in it: a fifth of a second in which a
// program that starts does nothing.
type promptCache struct {
	cache.Cache

	mu sync.Mutex
	// unfinished are the informers and the handlers that nobody has waited for yet.
	unfinished []toolscache.DoneChecker
}

// newCache returns a promptCache; it is a cache.NewCacheFunc.
func newCache(config *rest.Config, options cache.Options) (cache.Cache, error) {
	c, err := cache.New(config, options)
	if err != nil {
		return nil, err
	}
	return &promptCache{Cache: c}, nil
}

// GetInformer returns the informer of the kind. It never waits for it to be filled: WaitForCacheSync does.
func (c *promptCache) GetInformer(ctx context.Context, kind client.Object, options ...cache.InformerGetOption) (cache.Informer, error) {
	informer, err := c.Cache.GetInformer(ctx, kind, append(options, cache.BlockUntilSynced(false))...)
	if err != nil {
		return nil, err
	}
	c.expect(informer.HasSyncedChecker())
	return &promptInformer{Informer: informer, cache: c}, nil
}

// WaitForCacheSync waits until the informers are filled and their handlers have been told of what is in them. It returns false if the
// context ends before.
func (c *promptCache) WaitForCacheSync(ctx context.Context) bool {
	c.mu.Lock()
	c.unfinished = slices.DeleteFunc(c.unfinished, toolscache.IsDone)
	unfinished := slices.Clone(c.unfinished)
	c.mu.Unlock()
	return toolscache.WaitFor(ctx, "", unfinished...) && c.Cache.WaitForCacheSync(ctx)
}

func (c *promptCache) expect(d toolscache.DoneChecker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unfinished = append(c.unfinished, d)
}

// promptInformer tells its cache of the handlers that it gets by the method that reconcilers add theirs with.
type promptInformer struct {
	cache.Informer

	cache *promptCache
}

// AddEventHandlerWithOptions adds a handler, for which the cache waits.
func (i *promptInformer) AddEventHandlerWithOptions(
	handler toolscache.ResourceEventHandler, options toolscache.HandlerOptions,
) (toolscache.ResourceEventHandlerRegistration, error) {
	registration, err := i.Informer.AddEventHandlerWithOptions(handler, options)
	if err != nil {
		return nil, err
	}
	i.cache.expect(registration.HasSyncedChecker())
	return registration, nil
}
