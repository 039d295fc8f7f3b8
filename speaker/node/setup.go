// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-logr/logr"
	discoveryv1 "k8s.io/api/discovery/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"metallb.io/metallb/speaker/transport"
)

// errNotReady is what the readiness check answers until the speaker announces what it should.
var errNotReady = errors.New("services have not been computed yet, or sessions are not up yet")

// SetupWithManager makes the manager, whose caches must have CacheOptions, run the speaker's reconcilers and its readiness
// check.
func (s *Speaker) SetupWithManager(mgr ctrl.Manager) error {
	// A manager whose caches have an index before it starts does not stop until they are filled, asked or not.
	s.prepare = func(ctx context.Context) error {
		return mgr.GetFieldIndexer().IndexField(ctx, &discoveryv1.EndpointSlice{}, serviceIndex, indexEndpointSlices)
	}
	configuration := &ConfigurationReconciler{Client: mgr.GetClient(), Speaker: s, DataPlane: s.dataPlane, Routers: s.routers, SourceTo: transport.SourceTo}
	if err := configuration.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the configuration reconciler: %w", err)
	}
	nodeState := &StateReconciler{Client: mgr.GetClient(), Speaker: s}
	if err := nodeState.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the reconciler of the node's state: %w", err)
	}
	services := &ServiceReconciler{Speaker: s}
	if err := services.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the service reconciler: %w", err)
	}
	return mgr.AddReadyzCheck("announcing", func(*http.Request) error {
		if !s.Ready() {
			return errNotReady
		}
		return nil
	})
}

// logConstructor names the reconciler in its log lines. What they are about, they say themselves.
func logConstructor(mgr ctrl.Manager, name string) func(*reconcile.Request) logr.Logger {
	logger := mgr.GetLogger().WithName(name)
	return func(*reconcile.Request) logr.Logger { return logger }
}
