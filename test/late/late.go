// SPDX-License-Identifier: Apache-2.0

// Package late has fakes of what is not there at first.
package late

import (
	"context"
	"errors"
	"sync"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Informers has one informer, from the second time on that it is asked for it.
type Informers struct {
	cache.Informers
	Informer toolscache.SharedIndexInformer

	mu    sync.Mutex
	asked int
}

// GetInformer implements cache.Informers.
func (i *Informers) GetInformer(context.Context, client.Object, ...cache.InformerGetOption) (cache.Informer, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.asked++
	if i.asked == 1 {
		return nil, errors.New("the API server is away")
	}
	return i.Informer, nil
}
