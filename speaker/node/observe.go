// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
)

// serviceReader reads services from the caches and decides what is announced of them.
type serviceReader struct {
	client      client.Reader
	node, class string
}

// observe reads one service.
func (r serviceReader) observe(ctx context.Context, name types.NamespacedName, p *policy.Policy) (observation, error) {
	svc := &corev1.Service{}
	err := r.client.Get(ctx, name, svc)
	if apierrors.IsNotFound(err) {
		return observation{name: name, reason: announce.NotLoadBalancer}, nil
	}
	if err != nil {
		return observation{}, fmt.Errorf("reading service %s: %w", name, err)
	}
	view, reason := announce.ServiceOf(svc, r.class)
	return r.decide(ctx, svc, view, reason, p)
}

// observeConcerned reads every service that the change from the previous policy to p concerns, and none if it concerns none.
func (r serviceReader) observeConcerned(ctx context.Context, p, previous *policy.Policy) ([]observation, error) {
	if !p.ConcernsAny(previous) {
		return nil, nil
	}
	var services corev1.ServiceList
	if err := r.client.List(ctx, &services); err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	var observed []observation
	for i := range services.Items {
		svc := &services.Items[i]
		view, reason := announce.ServiceOf(svc, r.class)
		if reason != "" || !concerned(view, p, previous) {
			continue
		}
		o, err := r.decide(ctx, svc, view, reason, p)
		if err != nil {
			return nil, err
		}
		observed = append(observed, o)
	}
	return observed, nil
}

func concerned(s announce.Service, p, previous *policy.Policy) bool {
	for _, addr := range s.Addresses {
		if p.Concerns(previous, addr, s.AllocatedFrom) {
			return true
		}
	}
	return false
}

// decide decides about a service of which the view, or the reason why there is none, is what matters.
func (r serviceReader) decide(
	ctx context.Context, svc *corev1.Service, view announce.Service, reason announce.Reason, p *policy.Policy,
) (observation, error) {
	o := observation{name: client.ObjectKeyFromObject(svc), service: svc, reason: reason}
	if reason != "" {
		return o, nil
	}
	endpoints, err := r.endpoints(ctx, o.name)
	if err != nil {
		return observation{}, err
	}
	o.decision = announce.Decide(p, view, endpoints)
	if len(o.decision.Announced) == 0 {
		o.reason = o.decision.Refused[view.Addresses[0]]
	}
	return o, nil
}

func (r serviceReader) endpoints(ctx context.Context, service types.NamespacedName) (announce.Endpoints, error) {
	var slices discoveryv1.EndpointSliceList
	err := r.client.List(ctx, &slices, client.InNamespace(service.Namespace), client.MatchingFields{serviceIndex: service.Name})
	if err != nil {
		return announce.Endpoints{}, fmt.Errorf("listing endpoint slices of service %s: %w", service, err)
	}
	return announce.EndpointsOf(slices.Items, r.node), nil
}
