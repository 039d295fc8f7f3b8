// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/policy"
)

// +kubebuilder:rbac:groups="",resources=nodes,verbs=list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=bgppeers;bgpadvertisements;bfdprofiles;communities;ipaddresspools;activeconfigurations,verbs=list;watch,namespace=metallb-system
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// askInterval is between questions to the data plane.
const askInterval = time.Second

// DataPlane is the node's service proxy.
type DataPlane interface {
	// Pending returns the families whose connections are not forwarded yet. They only ever become fewer.
	Pending(ctx context.Context) endpoint.FamilySet
	// Signal returns whether the node is to drain by what the proxy tells of itself and the node, as of the last time that it was asked.
	Signal() drain.Signal
}

// Routers finds the routers that the configuration does not name by address.
type Routers interface {
	// Follow has the routers on these interfaces found.
	Follow(devices []string)
	// Router and Gateway are policy.Node's.
	Router(device string) (netip.Addr, error)
	Gateway(family v1beta2.GatewayFamily) (netip.Addr, error)
}

// ConfigurationReconciler keeps the Speaker's policy and sessions as the node and the configuration objects say. There is
// one thing to reconcile: all of it.
type ConfigurationReconciler struct {
	Client  client.Reader
	Speaker *Speaker
	// DataPlane may be nil.
	DataPlane DataPlane
	// Routers may be nil.
	Routers Routers
	// SourceTo is policy.Node's.
	SourceTo func(peer netip.Addr, device string) netip.Addr

	// rejections as last reported. Reconcile never runs twice at a time.
	rejections []policy.Rejection
}

// Reconcile compiles the policy and puts it to use.
func (r *ConfigurationReconciler) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	node, err := r.node(ctx)
	if err != nil {
		return ctrl.Result{}, err
	}
	if node == nil {
		log.FromContext(ctx).Info("waiting for this node's Node object; what was in use stays so")
		return ctrl.Result{}, nil
	}
	in, unreadable, err := r.input(ctx, node)
	if err != nil {
		return ctrl.Result{}, err
	}
	in.Node.SourceTo = r.SourceTo
	if r.DataPlane != nil {
		in.Node.ProxyPending = r.DataPlane.Pending(ctx)
	}
	in.Node.Drain = r.Speaker.drainer.decide(ctx, node, r.signal(node), r.Speaker.Policy() == nil)
	if r.Routers != nil {
		in.Node.Router, in.Node.Gateway = r.Routers.Router, r.Routers.Gateway
	}
	p, rejections := policy.Compile(in, r.Speaker.Policy())
	if r.Routers != nil {
		r.Routers.Follow(p.Interfaces)
	}
	r.report(ctx, in, slices.Concat(unreadable, rejections))
	if err := r.Speaker.Reconfigure(ctx, p); err != nil {
		return ctrl.Result{}, err
	}
	r.Speaker.nodeState.configure(p)
	r.Speaker.drainer.applied(p.Drain)
	if p.ProxyPending.Empty() {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{RequeueAfter: askInterval}, nil
}

// node reads the speaker's node; nil if it is not there. One that drains is then as it was last seen: its object is often deleted before
// the routes are withdrawn.
func (r *ConfigurationReconciler) node(ctx context.Context) (*corev1.Node, error) {
	node := &corev1.Node{}
	err := r.Client.Get(ctx, types.NamespacedName{Name: r.Speaker.services.node}, node)
	if apierrors.IsNotFound(err) {
		return r.Speaker.drainer.leaving(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading node %s: %w", r.Speaker.services.node, err)
	}
	return node, nil
}

// signal returns why the node is to drain: what its object says comes before what its service proxy says.
func (r *ConfigurationReconciler) signal(node *corev1.Node) drain.Signal {
	signal := r.Speaker.drainRules.Of(node)
	if !signal.Any() && r.DataPlane != nil {
		signal = r.DataPlane.Signal()
	}
	return signal
}

// input reads the configuration in use. The rejections are of ActiveConfigurations that cannot be read.
func (r *ConfigurationReconciler) input(ctx context.Context, node *corev1.Node) (policy.Input, []policy.Rejection, error) {
	var (
		peers          v1beta2.BGPPeerList
		advertisements v1beta1.BGPAdvertisementList
		communities    v1beta1.CommunityList
		profiles       v1beta1.BFDProfileList
		pools          v1beta1.IPAddressPoolList
		actives        v1beta1.ActiveConfigurationList
		secrets        corev1.SecretList
	)
	for _, list := range []client.ObjectList{&peers, &advertisements, &communities, &profiles, &pools, &actives, &secrets} {
		if err := r.Client.List(ctx, list); err != nil {
			return policy.Input{}, nil, fmt.Errorf("listing %T: %w", list, err)
		}
	}
	in := policy.Input{Node: policy.NodeOf(node), Active: map[active.Key]bool{}, Secrets: secrets.Items}
	written := active.Objects{
		Pools: pools.Items, Peers: peers.Items, Advertisements: advertisements.Items, Communities: communities.Items, BFDProfiles: profiles.Items,
	}
	readable, unreadable := decode(actives.Items, in.Active)
	in.Objects = active.InUse(written, readable)
	return in, unreadable, nil
}

// decode returns the objects of the ActiveConfigurations and notes which these are. The objects of ActiveConfigurations that
// cannot be read are used as they are written.
func decode(list []v1beta1.ActiveConfiguration, decoded map[active.Key]bool) (active.Objects, []policy.Rejection) {
	var all active.Objects
	var unreadable []policy.Rejection
	for i := range list {
		if err := all.Add(&list[i]); err != nil {
			unreadable = append(unreadable, policy.Rejection{
				Kind: "ActiveConfiguration", Namespace: list[i].Namespace, Name: list[i].Name, Reason: err.Error(),
			})
			continue
		}
		decoded[active.KeyOfActive(&list[i])] = true
	}
	return all, unreadable
}

// report reports rejections that were not reported before: all of them in the log, and one of each object in an event.
func (r *ConfigurationReconciler) report(ctx context.Context, in policy.Input, rejections []policy.Rejection) {
	logger := log.FromContext(ctx)
	r.Speaker.metrics.configured(slices.ContainsFunc(rejections, func(r policy.Rejection) bool { return r.Effect.IsStale() }))
	reported := map[client.Object]bool{}
	for _, rejection := range rejections {
		if slices.Contains(r.rejections, rejection) {
			continue
		}
		if rejection.Effect == policy.NoSession {
			logger.Info("not connecting to peer", "peer", rejection.Name, "reason", rejection.Reason)
			continue
		}
		logger.Error(nil, "rejecting object of the configuration", "kind", rejection.Kind, "name", rejection.Name,
			"reason", rejection.Reason, "effect", rejection.Effect.String())
		if o := objectOf(in, rejection); o != nil && !reported[o] {
			reported[o] = true
			r.Speaker.reports.events.rejected(o, rejection)
		}
	}
	if len(rejections) == 0 && len(r.rejections) > 0 {
		logger.Info("all configuration is in use")
	}
	r.rejections = rejections
	r.Speaker.rejections.Store(&rejections)
}

// objectOf returns the object that was rejected.
func objectOf(in policy.Input, r policy.Rejection) client.Object {
	for o := range in.All() {
		if active.KeyOf(o) == (active.Key{Kind: r.Kind, Name: r.Name}) {
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
		Watches(&v1beta1.BGPAdvertisement{}, all, builder.WithPredicates(changed())).
		Watches(&v1beta1.Community{}, all, builder.WithPredicates(changed())).
		Watches(&v1beta1.BFDProfile{}, all, builder.WithPredicates(changed())).
		Watches(&v1beta1.IPAddressPool{}, all, builder.WithPredicates(changed())).
		Watches(&v1beta1.ActiveConfiguration{}, all, builder.WithPredicates(changed())).
		WatchesRawSource(source.Channel(r.Speaker.changes, all)).
		Complete(r)
}
