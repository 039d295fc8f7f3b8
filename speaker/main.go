// SPDX-License-Identifier: Apache-2.0

// Command speaker announces the LoadBalancer services of one node to the network's routers over BGP.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/api/version"
	"metallb.io/metallb/speaker/gobgp"
	"metallb.io/metallb/speaker/node"
)

// closeTimeout bounds how long sessions may take to end, after the drain time.
const closeTimeout = 3 * time.Second

func main() {
	err := run(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	o, err := parseOptions(args, getenv, out)
	if err != nil {
		return err
	}
	if o.version {
		_, err := fmt.Fprintln(out, "speaker", version.Version)
		return err
	}
	logger, err := newLogger(o.logLevel)
	if err != nil {
		return err
	}
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)

	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: run in a pod or set KUBECONFIG: %w", err)
	}
	// The API server limits its clients by itself (API priority and fairness).
	config.QPS = -1
	logger.Info("starting speaker", "version", version.Version, "node", o.node, "namespace", o.namespace)
	return serve(ctx, config, o, logger)
}

// serve runs the speaker until the context ends and then withdraws what it announces.
func serve(ctx context.Context, config *rest.Config, o options, logger logr.Logger) (err error) {
	mgr, err := newManager(config, o, logger)
	if err != nil {
		return err
	}
	sessions, err := gobgp.New(gobgp.Options{Logger: logger.WithName("bgp"), Registerer: metrics.Registry})
	if err != nil {
		return fmt.Errorf("setting up BGP: %w", err)
	}
	speakerMetrics, err := node.NewMetrics(metrics.Registry)
	if err != nil {
		return err
	}
	speaker := node.NewSpeaker(node.Options{
		Node: o.node, Class: o.class, Client: mgr.GetClient(), Sessions: sessions,
		Recorder: mgr.GetEventRecorder("metallb-speaker"), Metrics: speakerMetrics,
	})
	if err := speaker.SetupWithManager(ctx, mgr); err != nil {
		return err
	}
	defer func() {
		logger.Info("withdrawing all routes and ending all sessions", "drain", o.drain)
		// The context has ended already.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.drain+closeTimeout)
		defer cancel()
		err = errors.Join(err, speaker.Shutdown(ctx, o.drain))
	}()
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

func newManager(config *rest.Config, o options, logger logr.Logger) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientscheme.AddToScheme, v1beta1.AddToScheme, v1beta2.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering types: %w", err)
		}
	}
	// Reconcilers must have stopped before sessions end; they never take long.
	stopTimeout := time.Second
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  scheme,
		Logger:                  logger,
		Cache:                   node.CacheOptions(o.node, o.namespace),
		Metrics:                 server.Options{BindAddress: o.metrics},
		HealthProbeBindAddress:  o.health,
		GracefulShutdownTimeout: &stopTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("setting up: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("setting up the liveness check: %w", err)
	}
	return mgr, nil
}
