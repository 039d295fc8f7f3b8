// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"metallb.io/metallb/internal/scheme"
)

// NewManager returns a manager with the options and with what all programs have in common: the types, the addresses in the settings,
// and a liveness check. It waits for the CRD of ActiveConfigurations.
func (s *Settings) NewManager(ctx context.Context, config *rest.Config, options ctrl.Options) (ctrl.Manager, error) {
	types, err := scheme.New()
	if err != nil {
		return nil, err
	}
	options.Scheme = types
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, client)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	if err := s.awaitCRDs(ctx, mapper); err != nil {
		return nil, err
	}
	options.NewCache = newCache
	// controller-runtime's own queue passes each object through two goroutines more than client-go's (docs/decisions/0014).
	options.Controller.UsePriorityQueue = new(false)
	options.MapperProvider = func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return mapper, nil }
	options.Metrics = s.metricsServer()
	options.HealthProbeBindAddress = s.probeAddress
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("setting up the manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("setting up the liveness check: %w", err)
	}
	return mgr, nil
}
