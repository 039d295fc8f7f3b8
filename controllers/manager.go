// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/pool"
	"metallb.io/metallb/controllers/service"
	"metallb.io/metallb/controllers/validity"
	"metallb.io/metallb/controllers/wake"
)

const (
	// leaseName is the name of the Lease by which one controller of several is the active one.
	leaseName = "metallb-controller"
	// eventSource is what events name as their origin.
	eventSource = "metallb-controller"
	// concurrency is how many services are worked on side by side; the work is mostly waiting for the API server.
	concurrency = 8
	// stopTimeout bounds how long work under way may take to end; a pod is given 10 seconds.
	stopTimeout = 5 * time.Second
)

// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=create,namespace=metallb-system
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,resourceNames=metallb-controller,verbs=get;update;patch,namespace=metallb-system
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch,namespace=metallb-system

// start runs the reconcilers until the context ends.
func start(ctx context.Context, config *rest.Config, o *options) error {
	// Priority and fairness of the API server are all the rate limit there is.
	config.QPS = -1
	mgr, err := newManager(config, o)
	if err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	if err := setupReconcilers(mgr, o); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	return mgr.Start(ctx)
}

func newManager(config *rest.Config, o *options) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1beta1.AddToScheme, v1beta2.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	timeout := stopTimeout
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         cacheOptions(o.namespace),
		Metrics:                       metricsserver.Options{BindAddress: o.metricsAddress},
		HealthProbeBindAddress:        o.probeAddress,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       o.namespace,
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &timeout,
	})
	if err != nil {
		return nil, err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return mgr, mgr.AddReadyzCheck("ping", healthz.Ping)
}

// cacheOptions keep in memory what is needed and no more: services of type LoadBalancer, labels of namespaces, and
// the configuration in one namespace.
func cacheOptions(namespace string) cache.Options {
	inNamespace := cache.ByObject{Namespaces: map[string]cache.Config{namespace: {}}}
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Service{}: {
				Field:     fields.OneTermEqualSelector("spec.type", string(corev1.ServiceTypeLoadBalancer)),
				Transform: service.Strip,
			},
			&v1beta1.IPAddressPool{}:    inNamespace,
			&v1beta1.BGPAdvertisement{}: inNamespace,
			&v1beta1.Community{}:        inNamespace,
			&v1beta2.BGPPeer{}:          inNamespace,
		},
	}
}

func setupReconcilers(mgr ctrl.Manager, o *options) error {
	addresses := allocator.New()
	services, pools := &wake.Queue{}, &wake.Queue{}
	recorder := mgr.GetEventRecorder(eventSource)
	configuration := pool.NewConfiguration(mgr.GetClient(), o.namespace, addresses)
	hydration := service.NewHydration(mgr.GetAPIReader(), addresses, configuration, o.class, services)
	if err := mgr.Add(hydration); err != nil {
		return err
	}
	if err := metrics.Registry.Register(pool.NewMetrics(addresses, configuration)); err != nil {
		return err
	}
	serviceMetrics, err := service.NewMetrics(metrics.Registry)
	if err != nil {
		return err
	}
	for _, r := range []interface{ SetupWithManager(ctrl.Manager) error }{
		&pool.ConfigurationReconciler{Configuration: configuration, Gate: hydration, Services: services, Pools: pools},
		&pool.StatusReconciler{
			Client: mgr.GetClient(), Configuration: configuration, Allocator: addresses, Gate: hydration,
			Recorder: recorder, Clock: clock.RealClock{}, Pools: pools,
		},
		&service.Reconciler{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Allocator: addresses, Hydration: hydration,
			Recorder: recorder, Metrics: serviceMetrics, Class: o.class, Services: services, Pools: pools,
			PoolNamespace: o.namespace, Concurrency: concurrency,
		},
	} {
		if err := r.SetupWithManager(mgr); err != nil {
			return err
		}
	}
	return validity.Setup(mgr, recorder)
}
