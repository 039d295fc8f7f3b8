// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	ctrl "sigs.k8s.io/controller-runtime"
)

// errNotReady is what the readiness check answers until the speaker announces what it should.
var errNotReady = errors.New("services have not been computed yet")

// SetupWithManager makes the manager, whose caches must have CacheOptions, run the speaker's reconcilers and its readiness
// check.
func (s *Speaker) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	configuration := &ConfigurationReconciler{Client: mgr.GetClient(), Speaker: s}
	if err := configuration.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the configuration reconciler: %w", err)
	}
	services := &ServiceReconciler{Speaker: s}
	if err := services.SetupWithManager(ctx, mgr); err != nil {
		return fmt.Errorf("setting up the service reconciler: %w", err)
	}
	return mgr.AddReadyzCheck("announcing", func(*http.Request) error {
		if !s.Ready() {
			return errNotReady
		}
		return nil
	})
}
