// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/speaker/departure"
)

// departureTimeout bounds how long the API server is asked why the speaker is to stop.
const departureTimeout = time.Second

// +kubebuilder:rbac:groups="",resources=pods,verbs=get,namespace=metallb-system
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get,namespace=metallb-system
// +kubebuilder:rbac:groups=apps,resources=daemonsets,verbs=get,namespace=metallb-system
// +kubebuilder:rbac:groups="",resources=nodes,verbs=get

// departing finds out whether another speaker takes the place of this one.
type departing struct {
	// reader asks the API server itself: a cache may not know yet what the speaker is stopped for.
	reader               client.Reader
	namespace, pod, node string
	// rules are by which signals the node drains.
	rules drain.Rules
}

// decide logs what is to be done, and why.
func (d departing) decide(ctx context.Context) departure.Decision {
	ctx, cancel := context.WithTimeout(ctx, departureTimeout)
	defer cancel()
	var decision departure.Decision
	if facts, err := d.read(ctx); err != nil {
		decision = departure.Unknown(err)
	} else {
		decision = departure.Decide(facts, d.rules)
	}
	log.FromContext(ctx).Info("stopping", "routersKeepRoutes", decision.KeepRoutes, "reason", decision.Reason)
	return decision
}

func (d departing) read(ctx context.Context) (departure.Facts, error) {
	var f departure.Facts
	if d.pod == "" {
		return f, errors.New(podNameVariable + " is not set")
	}
	reading, ctx := errgroup.WithContext(ctx)
	reading.Go(func() (err error) {
		f.Pod, err = get(ctx, d.reader, client.ObjectKey{Namespace: d.namespace, Name: d.pod}, &corev1.Pod{})
		if err != nil || f.Pod == nil || departure.Owner(f.Pod) == "" {
			return err
		}
		f.DaemonSet, err = get(ctx, d.reader, client.ObjectKey{Namespace: d.namespace, Name: departure.Owner(f.Pod)}, &appsv1.DaemonSet{})
		return err
	})
	reading.Go(func() (err error) {
		f.Namespace, err = get(ctx, d.reader, client.ObjectKey{Name: d.namespace}, &corev1.Namespace{})
		return err
	})
	reading.Go(func() (err error) {
		f.Node, err = get(ctx, d.reader, client.ObjectKey{Name: d.node}, &corev1.Node{})
		return err
	})
	err := reading.Wait()
	return f, err
}

// get reads the object; nil if there is none.
func get[O client.Object](ctx context.Context, reader client.Reader, key client.ObjectKey, object O) (O, error) {
	var none O
	err := reader.Get(ctx, key, object)
	if apierrors.IsNotFound(err) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("reading %T %s: %w", object, key.Name, err)
	}
	return object, nil
}
