// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// updateTimes are the times at which services, or their endpoints, were first seen to have changed since the last update of the
// peers. Methods may be called concurrently. The zero value is ready to use.
type updateTimes struct {
	mu sync.Mutex
	at map[types.NamespacedName]time.Time
}

// noting returns what f does, and has the services noted that it returns.
func (s *updateTimes) noting(f handler.MapFunc) handler.MapFunc {
	return func(ctx context.Context, o client.Object) []reconcile.Request {
		requests := f(ctx, o)
		now := time.Now()
		for _, r := range requests {
			s.note(r.NamespacedName, now)
		}
		return requests
	}
}

// note keeps the earliest time.
func (s *updateTimes) note(name types.NamespacedName, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[types.NamespacedName]time.Time{}
	}
	if known, ok := s.at[name]; !ok || at.Before(known) {
		s.at[name] = at
	}
}

// take removes the time of a service and returns it. It is to be done before the service is read, so that what changes
// later is noted anew.
func (s *updateTimes) take(name types.NamespacedName) (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok = s.at[name]
	delete(s.at, name)
	return at, ok
}
