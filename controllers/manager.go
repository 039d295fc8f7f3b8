// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/announcement"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/configuration"
	"metallb.io/metallb/controllers/debug"
	"metallb.io/metallb/controllers/leadership"
	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/controllers/peer"
	"metallb.io/metallb/controllers/pool"
	"metallb.io/metallb/controllers/service"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/controllers/webhook"
	"metallb.io/metallb/internal/process"
)

const (
	// leaseName is the name of the Lease by which one controller of several is the active one, webhookLeaseName of that of
	// controllers that only serve the webhook.
	leaseName        = "metallb-controller"
	webhookLeaseName = "metallb-webhook"
	// eventSource is what events name as their origin.
	eventSource = "metallb-controller"
	// debugAddress differs from the speaker's, which has its node's network.
	debugAddress = "127.0.0.1:7475"
	// concurrency is how many services are worked on side by side; the work is mostly waiting for the API server.
	concurrency = 8
	// stopTimeout bounds how long work under way may take to end, after which the lease is given away; a pod is given 10 seconds.
	stopTimeout = 5 * time.Second
)

// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=create,namespace=metallb-system
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,resourceNames=metallb-controller;metallb-webhook,verbs=get;update,namespace=metallb-system
// +kubebuilder:rbac:groups="",resources=events,verbs=create,namespace=metallb-system
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// start runs the reconcilers and the webhook until the context ends, or until another controller has become the active one.
func start(ctx context.Context, cluster *rest.Config, settings *process.Settings, o *options) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	timeout := stopTimeout
	managed := ctrl.Options{
		Cache:                   cacheOptions(settings.Namespace),
		GracefulShutdownTimeout: &timeout,
	}
	lock, err := elect(&managed, cluster, settings.Namespace, o.lease())
	if err != nil {
		return err
	}
	managed.NewClient = newClient(lock)
	hook := newWebhook(log.FromContext(ctx), settings, o)
	if o.servesWebhook() {
		managed.WebhookServer = hook.Server()
		managed.Cache.ByObject[&corev1.Secret{}] = hook.Secrets()
	}
	mgr, err := settings.NewManager(ctx, cluster, managed)
	if err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("setting up the readiness check: %w", err)
	}
	assigned := assignment.NewFeed(assignment.NewIndex(settings.Class), mgr.GetCache())
	if err := mgr.Add(assigned); err != nil {
		return err
	}
	parser := config.NewParser()
	if o.servesWebhook() {
		if err := hook.SetupWithManager(mgr, assigned, parser, metrics.Registry); err != nil {
			return fmt.Errorf("setting up the webhook: %w", err)
		}
	}
	if lock != nil {
		lock.LockConfig.EventRecorder = mgr.GetEventRecorderFor(lock.Identity()) //nolint:staticcheck // leader election has no other yet
		lock.OnLost(func() { stop(leadership.ErrLost) })
	}
	if o.reconciles() {
		if err := setupReconcilers(mgr, settings, assigned, parser, lock, log.FromContext(ctx)); err != nil {
			return fmt.Errorf("setting up: %w", err)
		}
	}
	if err := mgr.Start(ctx); err != nil {
		return err
	}
	if cause := context.Cause(ctx); errors.Is(cause, leadership.ErrLost) {
		return cause
	}
	return nil
}

// elect makes the manager lead only while it holds the lease of that name, which it returns; none, and no name, if each may lead.
func elect(managed *ctrl.Options, config *rest.Config, namespace, name string) (*leadership.Lock, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // there is no lease then
	}
	lock, err := leadership.NewLock(config, namespace, name)
	if err != nil {
		return nil, err
	}
	managed.LeaderElection = true
	managed.LeaderElectionID = name
	managed.LeaderElectionResourceLockInterface = lock
	managed.LeaderElectionReleaseOnCancel = true
	managed.LeaseDuration = new(leadership.LeaseDuration)
	managed.RenewDeadline = new(leadership.RenewDeadline)
	managed.RetryPeriod = new(leadership.RetryPeriod)
	return lock, nil
}

func newWebhook(logger logr.Logger, settings *process.Settings, o *options) *webhook.Webhook {
	return webhook.New(webhook.Options{
		Namespace: settings.Namespace, Port: o.webhookPort, Service: o.webhookService, Secret: o.webhookSecret, Configuration: o.webhookConfiguration,
		Rotate: !o.disableRotation, Logger: logger,
	})
}

// activation is what happens when this controller becomes the active one.
type activation struct {
	*service.Hydration
	logger logr.Logger
}

// Start hydrates the allocator, and logs that as news of this program.
func (a activation) Start(ctx context.Context) error {
	a.logger.Info("became the active controller")
	return a.Hydration.Start(log.IntoContext(ctx, a.logger))
}

// cacheOptions keep in memory what is needed and no more: services of type LoadBalancer, where endpoints serve, labels of
// namespaces and nodes, and the configuration in one namespace.
func cacheOptions(namespace string) cache.Options {
	inNamespace := cache.ByObject{Namespaces: map[string]cache.Config{namespace: {}}}
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Service{}: {
				Field:     fields.OneTermEqualSelector("spec.type", string(corev1.ServiceTypeLoadBalancer)),
				Transform: service.Strip,
			},
			// Read for each look at a Service, and changed by nobody.
			&corev1.Namespace{}:            {Transform: service.StripNamespace, UnsafeDisableDeepCopy: new(true)},
			&corev1.Node{}:                 {Transform: listing.StripNode},
			&discoveryv1.EndpointSlice{}:   announcement.EndpointSlices(),
			&corev1.Pod{}:                  {Namespaces: map[string]cache.Config{namespace: {}}, Transform: peer.StripPod},
			&v1beta1.ActiveConfiguration{}: inNamespace,
			&v1beta1.IPAddressPool{}:       inNamespace,
			&v1beta1.BGPAdvertisement{}:    inNamespace,
			&v1beta1.Community{}:           inNamespace,
			&v1beta1.BFDProfile{}:          inNamespace,
			&v1beta1.BGPSessionState{}:     inNamespace,
			&v1beta2.BGPPeer{}:             inNamespace,
		},
	}
}

func setupReconcilers(
	mgr ctrl.Manager, settings *process.Settings, assigned *assignment.Feed, parser *config.Parser, lock *leadership.Lock, logger logr.Logger,
) error {
	addresses := allocator.New()
	services, pools := &trigger.Queue{}, &trigger.Queue{}
	recorder := mgr.GetEventRecorder(eventSource)
	tracker := configuration.NewTracker(mgr.GetAPIReader(), mgr.GetClient(), settings.Namespace, assigned, addresses, parser)
	configured := &configuration.Reconciler{
		Client: mgr.GetClient(), Tracker: tracker, Recorder: recorder, Namespace: settings.Namespace,
		Assignments: assigned.Index, Services: services, Pools: pools,
	}
	hydration := service.NewHydration(mgr.GetAPIReader(), addresses, configured, settings.Class, services)
	if lock != nil {
		hydration.Takeover = &service.Takeover{
			Client: mgr.GetClient(), Identity: lock.Identity(), Predecessor: lock.Predecessor, Concurrency: concurrency,
		}
	}
	if err := mgr.Add(activation{hydration, logger}); err != nil {
		return err
	}
	settings.AddPages(debug.Pages(addresses, hydration.Done)...)
	announcements, err := setupAnnouncement(mgr, settings, assigned, tracker)
	if err != nil {
		return err
	}
	configured.Gate, configured.Configured = hydration, announcements.Configure
	for _, c := range []prometheus.Collector{pool.NewMetrics(addresses, tracker), announcement.NewMetrics(announcements)} {
		if err := metrics.Registry.Register(c); err != nil {
			return err
		}
	}
	serviceMetrics, err := service.NewMetrics(metrics.Registry)
	if err != nil {
		return err
	}
	for _, r := range []interface{ SetupWithManager(ctrl.Manager) error }{
		configured,
		&pool.StatusReconciler{
			Client: mgr.GetClient(), Configuration: tracker, Allocator: addresses, Gate: hydration,
			Recorder: recorder, Clock: clock.RealClock{}, Pools: pools,
		},
		&service.Reconciler{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Allocator: addresses, Hydration: hydration,
			Recorder: recorder, Metrics: serviceMetrics, Class: settings.Class, Services: services, Pools: pools,
			PoolNamespace: settings.Namespace, Concurrency: concurrency,
		},
		&peer.Reconciler{
			Client: mgr.GetClient(), Recorder: recorder, Namespace: settings.Namespace, Clock: clock.RealClock{}, Registerer: metrics.Registry,
		},
	} {
		if err := r.SetupWithManager(mgr); err != nil {
			return err
		}
	}
	return nil
}

// setupAnnouncement makes the leader report how services are announced. The Tracker is to be told when the configuration has
// changed.
func setupAnnouncement(
	mgr ctrl.Manager, settings *process.Settings, assigned *assignment.Feed, routes announcement.Configuration,
) (*announcement.Tracker, error) {
	services, advertisements := &trigger.Queue{}, &trigger.Queue{}
	tracker := announcement.NewTracker(routes, assigned.Index, clock.RealClock{})
	err := mgr.Add(&announcement.Feed{
		Tracker: tracker, Assignments: assigned, Cache: mgr.GetCache(), Clock: clock.RealClock{}, Namespace: settings.Namespace,
		Services: services, Advertisements: advertisements,
	})
	if err != nil {
		return nil, err
	}
	for _, r := range []interface{ SetupWithManager(ctrl.Manager) error }{
		&announcement.Reconciler{Client: mgr.GetClient(), Tracker: tracker, Class: settings.Class, Services: services},
		&announcement.AdvertisementReconciler{
			Client: mgr.GetClient(), Tracker: tracker, Clock: clock.RealClock{}, Advertisements: advertisements,
		},
	} {
		if err := r.SetupWithManager(mgr); err != nil {
			return nil, err
		}
	}
	return tracker, nil
}
