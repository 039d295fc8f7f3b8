// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/process"
	"metallb.io/metallb/speaker/node"
	"metallb.io/metallb/speaker/publisher"
	"metallb.io/metallb/speaker/servicestatus"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/status"
)

// reporters tell the cluster how the sessions fare and, if somebody has asked for it, which peers have been told of which service.
type reporters struct {
	sessions *status.Reporter
	// services is nil if nobody has asked for it.
	services *servicestatus.Reporter
}

// newReporters returns the reporters, which the manager runs.
func newReporters(mgr ctrl.Manager, settings *process.Settings, o *options, sessions func() []session.State) (*reporters, error) {
	r := &reporters{sessions: status.NewReporter(status.Options{
		Node: o.node, Pod: o.pod, Sessions: sessions, Clock: clock.RealClock{}, Random: rand.Float64,
		Store: publisher.NewCluster(mgr.GetAPIReader(), mgr.GetClient(), o.node, settings.Namespace,
			&v1beta1.BGPSessionState{}, &v1beta1.BGPSessionStateList{}),
	})}
	if err := mgr.Add(r.sessions); err != nil {
		return nil, fmt.Errorf("setting up the states of sessions: %w", err)
	}
	if !o.serviceBGPStatus {
		return r, nil
	}
	r.services = servicestatus.NewReporter(servicestatus.Options{
		Node: o.node, Sessions: sessions, Clock: clock.RealClock{}, Random: rand.Float64,
		Store: publisher.NewCluster(mgr.GetAPIReader(), mgr.GetClient(), o.node, settings.Namespace,
			&v1beta1.ServiceBGPStatus{}, &v1beta1.ServiceBGPStatusList{}),
	})
	if err := mgr.Add(r.services); err != nil {
		return nil, fmt.Errorf("setting up the statuses of services: %w", err)
	}
	return r, nil
}

// Situate implements node.StateObserver.
func (r *reporters) Situate(s status.Situation) {
	r.sessions.Situate(s)
	if r.services != nil {
		r.services.Situate(s)
	}
}

// observe tells of a session that has changed.
func (r *reporters) observe(s session.State) {
	r.sessions.Observe(s)
	if r.services != nil {
		r.services.Observe(s)
	}
}

// announcements returns who is to be told of announcements; nil if nobody is.
func (r *reporters) announcements() node.AnnouncementObserver {
	if r.services == nil {
		return nil
	}
	return r.services
}

// tellEnd tells the cluster that the sessions have ended, and whether the speaker is restarting.
func (r *reporters) tellEnd(ctx context.Context, isRestart bool) {
	why := status.Stopped
	if isRestart {
		why = status.Restarting
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusTimeout)
	defer cancel()
	var telling sync.WaitGroup
	telling.Go(func() { r.sessions.Shutdown(ctx, why) })
	if r.services != nil {
		telling.Go(func() { r.services.Shutdown(ctx) })
	}
	telling.Wait()
}
