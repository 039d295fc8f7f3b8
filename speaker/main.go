// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/internal/process"
	"metallb.io/metallb/speaker/debug"
	"metallb.io/metallb/speaker/discovery"
	"metallb.io/metallb/speaker/gobgp"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

const (
	// debugAddress differs from the controller's, since the speaker has its node's network.
	debugAddress = "127.0.0.1:7474"
	// eventSource is what events name as their origin.
	eventSource = "metallb-speaker"
	// stopTimeout bounds how long work under way may take to end. Reconcilers must have stopped before sessions end; they
	// never take long.
	stopTimeout = time.Second
	// closeTimeout bounds how long sessions may take to end, after the drain time.
	closeTimeout = 3 * time.Second
	// statusTimeout bounds how long it may take to say that the sessions have ended.
	statusTimeout = 2 * time.Second
)

func main() {
	os.Exit(newProgram().Main(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

func newProgram() *process.Program {
	o := &options{}
	return &process.Program{
		Name:    "speaker",
		Purpose: "Announces the LoadBalancer services of one node to the network's routers over BGP.",
		Options: o,
		Variables: []process.Variable{
			{Name: nodeNameVariable, Usage: "name of the Node that the speaker runs on; required"},
			{Name: podNameVariable, Usage: "name of the speaker's Pod, which is in the namespace of the configuration; unset outside of a pod"},
		},
		DebugAddress: debugAddress,
		Run: func(ctx context.Context, config *rest.Config, settings *process.Settings) error {
			return start(ctx, config, settings, o)
		},
	}
}

// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// start runs the speaker until the context ends. Then it leaves its routes to the next speaker, where there is one and the routers keep them, and
// withdraws them elsewhere.
func start(ctx context.Context, config *rest.Config, settings *process.Settings, o *options) (err error) {
	timeout := stopTimeout
	mgr, err := settings.NewManager(ctx, config, ctrl.Options{
		Cache:                   node.CacheOptions(o.node, settings.Namespace, o.drainRules),
		GracefulShutdownTimeout: &timeout,
	})
	if err != nil {
		return err
	}
	logger := log.FromContext(ctx)
	var sessions *gobgp.Sessions
	var speaker *node.Speaker
	routers := discovery.New(discovery.Options{Logger: logger.WithName("discovery"), Changed: func() { speaker.Reconsider() }})
	if err := mgr.Add(routers); err != nil {
		return fmt.Errorf("setting up the search for routers: %w", err)
	}
	reporters, err := newReporters(mgr, settings, o, func() []session.State { return sessions.States() })
	if err != nil {
		return err
	}
	var dataPlane node.DataPlane
	if probe := o.probe(func() { speaker.Reconsider() }); probe != nil {
		if err := mgr.Add(probe); err != nil {
			return fmt.Errorf("setting up the questions to the service proxy: %w", err)
		}
		dataPlane = probe
	}
	table := rib.NewTable()
	sessions, err = gobgp.New(gobgp.Options{
		Logger: logger.WithName("bgp"), Registerer: metrics.Registry, Table: table,
		OnChange: func(s session.State) { reporters.observe(s) }, Preserved: func() bgp.Families { return speaker.Preserved() },
	})
	if err != nil {
		return fmt.Errorf("setting up BGP: %w", err)
	}
	speakerMetrics, err := node.NewMetrics(metrics.Registry)
	if err != nil {
		return err
	}
	speaker = node.NewSpeaker(node.Options{
		Node: o.node, Class: settings.Class, Client: mgr.GetClient(), Table: table, Sessions: sessions,
		Recorder: mgr.GetEventRecorder(eventSource), Metrics: speakerMetrics, NodeState: reporters,
		Announcements: reporters.announcements(), DataPlane: dataPlane, Routers: routers,
		DrainRules: o.drainRules, DrainDelay: o.drainDelay,
	})
	if err := speaker.SetupWithManager(mgr); err != nil {
		return err
	}
	settings.AddPages(debug.Pages(speaker)...)
	defer func() {
		ctx := context.WithoutCancel(ctx) // It has ended already.
		isRestart := speaker.MayKeepRoutes() && departing{mgr.GetAPIReader(), settings.Namespace, o.pod, o.node, o.drainRules}.decide(ctx).KeepRoutes
		err = errors.Join(err, end(ctx, speaker, o.drain, isRestart))
		reporters.tellEnd(ctx, isRestart)
	}()
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

// end ends all sessions: those first whose peers keep the routes, if the speaker is restarting.
func end(ctx context.Context, speaker *node.Speaker, drain time.Duration, isRestart bool) error {
	ctx, cancel := context.WithTimeout(ctx, drain+closeTimeout)
	defer cancel()
	logger := log.FromContext(ctx)
	if !isRestart {
		logger.Info("withdrawing all routes and ending all sessions", "drain", drain.String())
		return speaker.Shutdown(ctx, drain)
	}
	err := speaker.KeepRoutes(ctx)
	logger.Info("withdrawing the routes that no router keeps and ending the other sessions", "drain", drain.String())
	return errors.Join(err, speaker.Shutdown(ctx, drain))
}
