// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/plugin/cluster"
)

// interval is how far apart two states of the cluster are told at least.
const interval = 500 * time.Millisecond

// alive is how often the API server is asked for a sign of life.
const alive = 5 * time.Second

// Store follows a cluster.
type Store struct {
	config    *rest.Config
	scheme    *runtime.Scheme
	namespace string
	now       func() time.Time
	// changed has an entry if something has changed that is not told yet.
	changed chan struct{}
	// refused are the kinds that the user may list and not watch.
	refused refusals
}

// State is the cluster as it was at one time.
type State struct {
	Cluster *cluster.Cluster
	// Events are those about BGPPeers.
	Events []corev1.Event
}

// Receiver is told what the store sees, by one goroutine.
type Receiver interface {
	// Changed is told the state of the cluster, at the beginning and whenever it has changed.
	Changed(State)
	// Answered is told every few seconds whether the API server answers; the error says why it does not.
	Answered(at time.Time, err error)
}

// New returns a store of the cluster that the load balancer serves from this namespace.
func New(config *rest.Config, scheme *runtime.Scheme, namespace string, now func() time.Time) *Store {
	return &Store{config: config, scheme: scheme, namespace: namespace, now: now, changed: make(chan struct{}, 1)}
}

// kind is a kind of object that is followed.
type kind struct {
	object client.Object
	list   client.ObjectList
	part   cluster.Part
	by     cache.ByObject
}

// noPart is for events, which are no part of a Cluster.
const noPart cluster.Part = ""

func (s *Store) kinds() []kind {
	own := map[string]cache.Config{s.namespace: {}}
	ours := cache.ByObject{Namespaces: own}
	labelled := cache.ByObject{Namespaces: own, Label: labels.SelectorFromSet(labels.Set{"app": "metallb"})}
	return []kind{
		{object: &v1beta1.IPAddressPool{}, list: &v1beta1.IPAddressPoolList{}, part: cluster.Configuration, by: ours},
		{object: &v1beta2.BGPPeer{}, list: &v1beta2.BGPPeerList{}, part: cluster.Configuration, by: ours},
		{object: &v1beta1.BGPAdvertisement{}, list: &v1beta1.BGPAdvertisementList{}, part: cluster.Configuration, by: ours},
		{object: &v1beta1.Community{}, list: &v1beta1.CommunityList{}, part: cluster.Configuration, by: ours},
		{object: &v1beta1.BFDProfile{}, list: &v1beta1.BFDProfileList{}, part: cluster.Configuration, by: ours},
		{object: &v1beta1.ActiveConfiguration{}, list: &v1beta1.ActiveConfigurationList{}, part: cluster.Configuration, by: ours},
		{object: &v1beta1.BGPSessionState{}, list: &v1beta1.BGPSessionStateList{}, part: cluster.Sessions, by: ours},
		{object: &corev1.Node{}, list: &corev1.NodeList{}, part: cluster.Nodes},
		{object: &corev1.Namespace{}, list: &corev1.NamespaceList{}, part: cluster.Namespaces},
		{
			object: &corev1.Service{}, list: &corev1.ServiceList{}, part: cluster.Services,
			by: cache.ByObject{Field: fields.OneTermEqualSelector("spec.type", string(corev1.ServiceTypeLoadBalancer))},
		},
		{object: &discoveryv1.EndpointSlice{}, list: &discoveryv1.EndpointSliceList{}, part: cluster.Endpoints},
		{object: &appsv1.Deployment{}, list: &appsv1.DeploymentList{}, part: cluster.Workloads, by: labelled},
		{object: &appsv1.DaemonSet{}, list: &appsv1.DaemonSetList{}, part: cluster.Workloads, by: labelled},
		{object: &corev1.Pod{}, list: &corev1.PodList{}, part: cluster.Workloads, by: labelled},
		{
			object: &corev1.Event{}, list: &corev1.EventList{}, part: noPart,
			by: cache.ByObject{Namespaces: own, Field: fields.OneTermEqualSelector("involvedObject.kind", "BGPPeer")},
		},
	}
}

// Run tells the receiver until the context ends. The error says why the cluster cannot be shown at all.
func (s *Store) Run(ctx context.Context, r Receiver) error {
	asked, err := client.New(s.config, client.Options{Scheme: s.scheme})
	if err != nil {
		return err
	}
	kinds, unread, err := s.readable(ctx, asked)
	if err != nil {
		return err
	}
	followed, err := s.follow(ctx, kinds)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var started sync.WaitGroup
	started.Go(func() { _ = followed.Start(ctx) }) // It ends with the context, without an error.
	defer func() { cancel(); started.Wait() }()
	if !followed.WaitForCacheSync(ctx) {
		return ctx.Err()
	}
	return s.tell(ctx, r, asked, reader{followed}, kinds, unread)
}

// readable returns the kinds that the user may list, and the parts of the others.
func (s *Store) readable(ctx context.Context, c client.Reader) (may []kind, not []cluster.Unread, err error) {
	all := s.kinds()
	errs := make([]error, len(all))
	var group sync.WaitGroup
	for i, k := range all {
		group.Go(func() {
			options := []client.ListOption{client.Limit(1)}
			if len(k.by.Namespaces) > 0 {
				options = append(options, client.InNamespace(s.namespace))
			}
			errs[i] = c.List(ctx, k.list, options...)
		})
	}
	group.Wait()
	forbidden := map[cluster.Part]bool{}
	for i, k := range all {
		switch err := errs[i]; {
		case meta.IsNoMatchError(err):
			return nil, nil, &cluster.NotInstalledError{Err: err}
		case err != nil && (!apierrors.IsForbidden(err) || k.part == cluster.Configuration):
			return nil, nil, fmt.Errorf("reading the cluster: %w", err)
		case err != nil && k.part != noPart && !forbidden[k.part]:
			forbidden[k.part] = true
			not = append(not, cluster.Unread{Part: k.part, Err: err})
		}
	}
	for i, k := range all {
		if errs[i] == nil && !forbidden[k.part] {
			may = append(may, k)
		}
	}
	return may, not, nil
}

// follow returns a cache of the kinds, which notes whatever changes.
func (s *Store) follow(ctx context.Context, kinds []kind) (cache.Cache, error) {
	options := cache.Options{
		Scheme: s.scheme, DefaultTransform: strip, ReaderFailOnMissingInformer: true, ByObject: map[client.Object]cache.ByObject{},
		// Whether the API server answers is told by asking it.
		DefaultWatchErrorHandler: func(_ context.Context, r *toolscache.Reflector, err error) {
			if apierrors.IsForbidden(err) {
				s.refused.add(r.TypeDescription(), s.now())
			}
		},
	}
	for _, k := range kinds {
		options.ByObject[k.object] = k.by
	}
	followed, err := cache.New(s.config, options)
	if err != nil {
		return nil, err
	}
	note := func() {
		select {
		case s.changed <- struct{}{}:
		default: // It is noted already.
		}
	}
	for _, k := range kinds {
		informer, err := followed.GetInformer(ctx, k.object, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, err
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { note() }, DeleteFunc: func(any) { note() },
			UpdateFunc: func(was, is any) {
				if !beats(was, is) {
					note()
				}
			},
		}); err != nil {
			return nil, err
		}
	}
	return followed, nil
}

// tell tells the receiver what has changed, and whether the API server answers.
func (s *Store) tell(ctx context.Context, r Receiver, asked, followed client.Reader, kinds []kind, unread []cluster.Unread) error {
	life := time.NewTicker(alive)
	defer life.Stop()
	for {
		state, err := s.read(ctx, followed, kinds)
		if err != nil {
			return err
		}
		state.Cluster.Unread, state.Cluster.Unwatched = unread, s.refused.parts(kinds, s.now())
		r.Changed(state)
		// What changes in the meantime is told together.
		pause := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
		for changed := false; !changed; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-s.changed:
				changed = true
			case <-life.C:
				err := s.ask(ctx, asked)
				r.Answered(s.now(), err)
				changed = !slices.Equal(state.Cluster.Unwatched, s.refused.parts(kinds, s.now()))
			}
		}
	}
}

// ask asks the API server for as little as possible.
func (s *Store) ask(ctx context.Context, c client.Reader) error {
	ctx, cancel := context.WithTimeout(ctx, alive)
	defer cancel()
	return c.List(ctx, &v1beta2.BGPPeerList{}, client.InNamespace(s.namespace), client.Limit(1))
}

// read returns what is followed as it is now.
func (s *Store) read(ctx context.Context, followed client.Reader, kinds []kind) (State, error) {
	var (
		state State
		parts []cluster.Part
		err   error
		seen  = map[cluster.Part]bool{}
	)
	for _, k := range kinds {
		if k.part == noPart {
			list := &corev1.EventList{}
			if err := followed.List(ctx, list); err != nil {
				return State{}, err
			}
			state.Events = list.Items
			continue
		}
		if !seen[k.part] {
			seen[k.part] = true
			parts = append(parts, k.part)
		}
	}
	state.Cluster, err = cluster.Read(ctx, followed, s.namespace, s.now(), parts...)
	return state, err
}

// strip removes from objects, on their way into the cache, what nobody looks at.
func strip(object any) (any, error) {
	o, ok := object.(client.Object)
	if !ok {
		return object, nil
	}
	o.SetManagedFields(nil)
	if annotations := o.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
		delete(annotations, corev1.LastAppliedConfigAnnotation)
		o.SetAnnotations(annotations)
	}
	switch o := object.(type) {
	case *corev1.Node:
		o.Status.Images, o.Status.VolumesAttached, o.Status.VolumesInUse = nil, nil, nil
		for i := range o.Status.Conditions {
			o.Status.Conditions[i].LastHeartbeatTime = metav1.Time{}
		}
	case *corev1.Pod:
		o.Spec.Volumes, o.Spec.Tolerations = nil, nil
		for i := range o.Spec.Containers {
			o.Spec.Containers[i] = corev1.Container{Name: o.Spec.Containers[i].Name, Image: o.Spec.Containers[i].Image}
		}
	}
	return object, nil
}

// beats reports whether an update of a Node only says that the node is alive, as each does all the time. As with the speaker, all that is kept of
// a Node counts but its version: one that is being deleted drains, and another of the name is another node.
func beats(was, is any) bool {
	a, isNode := was.(*corev1.Node)
	b, stillNode := is.(*corev1.Node)
	if !isNode || !stillNode {
		return false
	}
	before := *a // The cache's own is not written to.
	before.ResourceVersion = b.ResourceVersion
	return equality.Semantic.DeepEqual(&before, b)
}
