// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/speaker/policy"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=bgppeers;bgpadvertisements;communities;ipaddresspools,verbs=list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// ConfigurationReconciler keeps the Speaker's policy and sessions as the node and the configuration objects say. There is
// one thing to reconcile: all of it.
type ConfigurationReconciler struct {
	Client  client.Reader
	Speaker *Speaker

	waivers waivers
	// rejections as last told. Reconcile never runs twice at a time.
	rejections []policy.Rejection
}

// Reconcile compiles the policy and puts it into force.
func (r *ConfigurationReconciler) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	// The caches had each change before it was noted: what is taken before they are read is in what is read.
	before, waived := r.Speaker.Policy(), r.waivers.take()
	err := r.reconfigure(ctx, waived)
	if r.Speaker.Policy() == before {
		r.waivers.add(waived)
	}
	if apierrors.IsNotFound(err) {
		log.FromContext(ctx).Info("waiting for this node's Node object; what was in force stays so")
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, err
}

func (r *ConfigurationReconciler) reconfigure(ctx context.Context, waived map[policy.Object]bool) error {
	in, err := r.input(ctx)
	if err != nil {
		return err
	}
	in.Waived = waived
	p, rejections := policy.Compile(in, r.Speaker.Policy())
	r.report(ctx, in, rejections)
	defer r.Speaker.situations.configure(refused(in, rejections))
	return r.Speaker.Reconfigure(ctx, p)
}

func (r *ConfigurationReconciler) input(ctx context.Context) (policy.Input, error) {
	var node corev1.Node
	if err := r.Client.Get(ctx, types.NamespacedName{Name: r.Speaker.services.node}, &node); err != nil {
		return policy.Input{}, fmt.Errorf("reading node %s: %w", r.Speaker.services.node, err)
	}
	var (
		peers          v1beta2.BGPPeerList
		advertisements v1beta1.BGPAdvertisementList
		communities    v1beta1.CommunityList
		pools          v1beta1.IPAddressPoolList
		secrets        corev1.SecretList
	)
	for _, list := range []client.ObjectList{&peers, &advertisements, &communities, &pools, &secrets} {
		if err := r.Client.List(ctx, list); err != nil {
			return policy.Input{}, fmt.Errorf("listing %T: %w", list, err)
		}
	}
	inUse, err := r.Speaker.services.pools(ctx)
	if err != nil {
		return policy.Input{}, err
	}
	return policy.Input{
		Node:           policy.NodeOf(&node),
		Peers:          peers.Items,
		Advertisements: advertisements.Items,
		Communities:    communities.Items,
		Pools:          pools.Items,
		Secrets:        secrets.Items,
		PoolInUse:      func(name string) bool { return inUse[name] },
	}, nil
}

// report tells of rejections that were not told of before: all of them in the log, and one of each object in an event.
func (r *ConfigurationReconciler) report(ctx context.Context, in policy.Input, rejections []policy.Rejection) {
	logger := log.FromContext(ctx)
	r.Speaker.metrics.configured(len(rejections) > 0)
	told := map[client.Object]bool{}
	for _, rejection := range rejections {
		if slices.Contains(r.rejections, rejection) {
			continue
		}
		logger.Error(nil, "not putting object into force", "kind", rejection.Kind, "name", rejection.Name,
			"reason", rejection.Reason, "lastGoodInForce", rejection.LastGood)
		if o := objectOf(in, rejection); o != nil && !told[o] {
			told[o] = true
			r.Speaker.events.rejected(o, rejection)
		}
	}
	if len(rejections) == 0 && len(r.rejections) > 0 {
		logger.Info("all configuration is in force")
	}
	r.rejections = rejections
	r.Speaker.rejections.Store(&rejections)
}

// objectOf returns the object that was rejected.
func objectOf(in policy.Input, r policy.Rejection) client.Object {
	switch r.Kind {
	case "BGPPeer":
		return named[v1beta2.BGPPeer](in.Peers, r.Name)
	case "BGPAdvertisement":
		return named[v1beta1.BGPAdvertisement](in.Advertisements, r.Name)
	case "Community":
		return named[v1beta1.Community](in.Communities, r.Name)
	case "IPAddressPool":
		return named[v1beta1.IPAddressPool](in.Pools, r.Name)
	default:
		return nil
	}
}

func named[O any, P interface {
	*O
	client.Object
}](objects []O, name string) client.Object {
	for i := range objects {
		if o := P(&objects[i]); o.GetName() == name {
			return o
		}
	}
	return nil
}

// SetupWithManager makes the manager run the reconciler.
func (r *ConfigurationReconciler) SetupWithManager(mgr ctrl.Manager) error {
	all := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Name: r.Speaker.services.node}}}
	})
	return ctrl.NewControllerManagedBy(mgr).
		Named("configuration").
		WithLogConstructor(logConstructor(mgr, "configuration")).
		Watches(&corev1.Node{}, all, builder.WithPredicates(nodeChanged())).
		Watches(&corev1.Secret{}, all, builder.WithPredicates(changed())).
		Watches(&v1beta2.BGPPeer{}, all, builder.WithPredicates(changed())).
		Watches(&v1beta1.BGPAdvertisement{}, r.waivers.watching(all), builder.WithPredicates(changed())).
		Watches(&v1beta1.Community{}, all, builder.WithPredicates(changed())).
		Watches(&v1beta1.IPAddressPool{}, r.waivers.watching(all), builder.WithPredicates(changed())).
		Complete(r)
}
