// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/informer"
	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/internal/active"
)

// maxConfirmed is how many impacts are confirmed: more have hardly gone in the moment that the cache is behind.
const maxConfirmed = 10

// observed is what this replica has observed of the cluster. It fills the caches that it reads, on every replica, when it is
// started by a manager.
type observed struct {
	namespace string
	caches    cache.Informers
	reader    client.Reader
	// live reads from the API server itself.
	live  client.Reader
	index *assignment.Index
	// fed reports whether the index is complete.
	fed func() bool
	// parser remembers the objects that it has parsed.
	parser *config.Parser

	filled atomic.Bool
}

// NeedLeaderElection makes the manager start it on every replica.
func (o *observed) NeedLeaderElection() bool { return false }

// Start fills the caches, trying again until the API server answers.
func (o *observed) Start(ctx context.Context) error {
	kinds := []client.Object{
		&v1beta1.IPAddressPool{}, &v1beta2.BGPPeer{}, &v1beta1.BGPAdvertisement{}, &v1beta1.Community{}, &v1beta1.BFDProfile{},
		&v1beta1.ActiveConfiguration{}, &corev1.Namespace{}, &corev1.Node{},
	}
	synced := make([]toolscache.DoneChecker, 0, len(kinds))
	for _, kind := range kinds {
		followed, err := informer.Get(ctx, o.caches, kind)
		if err != nil {
			return nil //nolint:nilerr // stopped before the API server was there, which is no failure
		}
		synced = append(synced, followed.HasSyncedChecker())
	}
	if toolscache.WaitFor(ctx, "", synced...) {
		o.filled.Store(true)
	}
	return nil
}

// complete reports whether everything there is has been observed.
func (o *observed) complete() bool { return o.filled.Load() && o.fed() }

// read returns what was observed.
func (o *observed) read(ctx context.Context) (config.Objects, config.ClusterState, error) {
	if !o.complete() {
		return config.Objects{}, config.ClusterState{}, errStarting
	}
	reader := shared{o.reader}
	objects, err := listing.Configuration(ctx, reader, o.namespace)
	if err != nil {
		return config.Objects{}, config.ClusterState{}, err
	}
	nodes, err := listing.Nodes(ctx, reader)
	if err != nil {
		return config.Objects{}, config.ClusterState{}, err
	}
	inUse, err := listing.Active(ctx, reader, o.namespace)
	if err != nil {
		return config.Objects{}, config.ClusterState{}, err
	}
	return objects, config.ClusterState{
		Holdings: o.index.Snapshot(), NamespaceLabels: listing.NamespaceLabels(ctx, o.reader), Nodes: nodes, Active: inUse, Parser: o.parser,
	}, nil
}

// confirm returns what was observed, but of the configuration, and of the services that lose something, what the API server itself
// has now; false if that is what was seen, as far as it was asked.
func (o *observed) confirm(ctx context.Context, seen config.Objects, impacts config.Impacts) (config.Objects, config.ClusterState, bool, error) {
	objects, err := listing.Configuration(ctx, o.live, o.namespace)
	if err != nil {
		return config.Objects{}, config.ClusterState{}, false, err
	}
	many := len(impacts) > maxConfirmed
	if many && maps.Equal(versions(seen), versions(objects)) {
		return config.Objects{}, config.ClusterState{}, false, nil
	}
	_, state, err := o.read(ctx)
	if err != nil {
		return config.Objects{}, config.ClusterState{}, false, err
	}
	if state.Active, err = listing.Active(ctx, o.live, o.namespace); err != nil || many {
		return objects, state, err == nil, err
	}
	holdings := o.index.Clone()
	for _, c := range impacts {
		svc := &corev1.Service{}
		switch err := o.live.Get(ctx, c.Service, svc); {
		case apierrors.IsNotFound(err):
			holdings.Delete(c.Service)
		case err != nil:
			return config.Objects{}, config.ClusterState{}, false, err
		default:
			holdings.Set(svc)
		}
	}
	state.Holdings = holdings
	return objects, state, true, nil
}

// missed compares the versions of all services that the API server has with those that were observed, and reads the services
// that differ. They are added to what was observed by then: before, it may lack what has been observed meanwhile.
func (o *observed) missed(ctx context.Context) (config.Holdings, error) {
	now := &metav1.PartialObjectMetadataList{}
	now.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ServiceList"))
	if err := o.live.List(ctx, now, client.MatchingFields{"spec.type": string(corev1.ServiceTypeLoadBalancer)}); err != nil {
		return nil, fmt.Errorf("listing services: %w", err)
	}
	var late []*corev1.Service
	for i := range now.Items {
		name := client.ObjectKeyFromObject(&now.Items[i])
		if o.index.HasSeen(name, now.Items[i].ResourceVersion) {
			continue
		}
		svc := &corev1.Service{}
		switch err := o.live.Get(ctx, name, svc); {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("reading service %s: %w", name, err)
		}
		late = append(late, svc)
	}
	if len(late) == 0 {
		return o.index.Snapshot(), nil
	}
	holdings := o.index.Clone()
	for _, svc := range late {
		if !holdings.HasSeen(client.ObjectKeyFromObject(svc), svc.ResourceVersion) {
			holdings.Set(svc)
		}
	}
	return holdings, nil
}

// versions returns the version of each object.
func versions(all config.Objects) map[active.Key]string {
	found := map[active.Key]string{}
	for o := range all.All() {
		found[active.KeyOf(o)] = o.GetResourceVersion()
	}
	return found
}

// shared reads lists from a cache as they are there: what they hold must not be modified.
type shared struct{ client.Reader }

// List reads the list.
func (s shared) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	return s.Reader.List(ctx, list, append(opts, client.UnsafeDisableDeepCopy)...)
}
