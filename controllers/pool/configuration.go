// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/wake"
	"metallb.io/metallb/internal/process"
)

// Configuration is the pools in force.
type Configuration struct {
	client    client.Reader
	namespace string
	allocator *allocator.Allocator

	mu       sync.Mutex
	current  resolution
	verdicts map[string]Verdict
	// abandoned are pools that allowed disruption when they were deleted, until another of that name is created. It is the
	// event of the deletion that tells, and nothing after it: after a restart, or with another leader, services keep what
	// they hold from such a pool, which is the safe side.
	abandoned map[string]types.UID
	// told are the abandoned pools that the allocator knows of.
	told map[string]types.UID
	// asked is set by the first attempt to load, loaded by the first success.
	asked, loaded bool
}

// Verdict is what became of one IPAddressPool.
type Verdict struct {
	// UID and Generation of the object that was judged.
	UID        types.UID
	Generation int64
	// Rejection says why what the object says is not in force; empty if it is.
	Rejection string
}

// NewConfiguration returns a Configuration of the pools in the namespace, for the allocator.
func NewConfiguration(c client.Reader, namespace string, a *allocator.Allocator) *Configuration {
	return &Configuration{client: c, namespace: namespace, allocator: a, abandoned: map[string]types.UID{}}
}

// Load reads the pools and gives them to the allocator. It returns the pools in force.
func (c *Configuration) Load(ctx context.Context) (ipam.Pools, error) {
	pools, _, _, err := c.load(ctx)
	return pools, err
}

// load returns the pools in force, whether they, or a verdict, have changed, and the services that this concerns.
func (c *Configuration) load(ctx context.Context) (pools ipam.Pools, changed bool, concerned []types.NamespacedName, err error) {
	c.setAsked()
	list := &v1beta1.IPAddressPoolList{}
	if err := c.client.List(ctx, list, client.InNamespace(c.namespace)); err != nil {
		return nil, false, nil, fmt.Errorf("listing pools: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := resolve(list.Items, c.current.inForce)
	verdicts := make(map[string]Verdict, len(list.Items))
	for i := range list.Items {
		p := &list.Items[i]
		verdicts[p.Name] = Verdict{UID: p.UID, Generation: p.Generation, Rejection: next.rejections[p.Name]}
		if uid, ok := c.abandoned[p.Name]; ok && uid != p.UID {
			delete(c.abandoned, p.Name)
		}
	}
	pools = next.pools()
	if !c.loaded || !reflect.DeepEqual(next.inForce, c.current.inForce) || !maps.Equal(c.abandoned, c.told) {
		log.FromContext(ctx).Info("using pools", "pools", slices.Sorted(maps.Keys(next.inForce)))
		c.told = maps.Clone(c.abandoned)
		concerned = c.allocator.SetPools(pools, slices.Sorted(maps.Keys(c.told))...)
		changed = true
	}
	changed = changed || !maps.Equal(verdicts, c.verdicts)
	c.current, c.verdicts, c.loaded = next, verdicts, true
	return pools, changed, concerned, nil
}

// abandon notes that the pool, which allowed disruption, is deleted.
func (c *Configuration) abandon(p client.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abandoned[p.GetName()] = p.GetUID()
}

// Verdict returns what became of the pool; false if it has not been judged yet.
func (c *Configuration) Verdict(name string) (Verdict, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.verdicts[name]
	return v, ok
}

func (c *Configuration) setAsked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = true
}

// State tells how the pools are. A replica that is not the leader has not asked for them.
func (c *Configuration) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return State{Asked: c.asked, Loaded: c.loaded, Rejected: len(c.current.rejections) > 0}
}

// State is whether pools were asked for, whether they were loaded at least once, and whether one is rejected.
type State struct{ Asked, Loaded, Rejected bool }

// Gate holds reconcilers back.
type Gate interface {
	// Wait returns when the allocator knows what all Services hold, or with the context's error.
	Wait(ctx context.Context) error
}

// +kubebuilder:rbac:groups=metallb.io,resources=ipaddresspools,verbs=list;watch,namespace=metallb-system

// ConfigurationReconciler keeps the Configuration up to date.
type ConfigurationReconciler struct {
	Configuration *Configuration
	Gate          Gate
	// Services and Pools are the queues of those who depend on the pools.
	Services, Pools *wake.Queue
}

// SetupWithManager registers the reconciler.
func (r *ConfigurationReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("pool-configuration").
		WithLogConstructor(process.ReconcilerLog(mgr, "pool-configuration", "")).
		Watches(&v1beta1.IPAddressPool{}, deletions{handler.EnqueueRequestsFromMapFunc(toConfiguration), r.Configuration},
			builder.WithPredicates(predicate.Funcs{UpdateFunc: meaningChanged})).
		Complete(r)
}

// meaningChanged reports whether the pool is another, has another spec, or allows disruption where it did not, or the
// reverse: an annotation does not count as a generation. Its counters change with every service, and say nothing about
// the configuration; neither do its labels.
func meaningChanged(e event.UpdateEvent) bool {
	return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() || e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
		v1beta1.AllowsDisruption(e.ObjectOld) != v1beta1.AllowsDisruption(e.ObjectNew)
}

// toConfiguration maps every pool to the one request that stands for all: they are judged together.
func toConfiguration(context.Context, client.Object) []ctrl.Request {
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Name: "pools"}}}
}

// deletions is a handler that tells the Configuration what only the event of a deletion knows: the last version.
type deletions struct {
	handler.EventHandler

	configuration *Configuration
}

// Delete notes whether the pool that is gone allowed disruption. If that may not be its last version, services stay where
// they are.
func (d deletions) Delete(ctx context.Context, e event.DeleteEvent, q workqueue.TypedRateLimitingInterface[ctrl.Request]) {
	if v1beta1.AllowsDisruption(e.Object) && !e.DeleteStateUnknown {
		d.configuration.abandon(e.Object)
	}
	d.EventHandler.Delete(ctx, e, q)
}

// Reconcile loads the pools and wakes those who depend on them.
func (r *ConfigurationReconciler) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	if err := r.Gate.Wait(ctx); err != nil {
		return ctrl.Result{}, err
	}
	_, changed, concerned, err := r.Configuration.load(ctx)
	if err != nil || !changed {
		return ctrl.Result{}, err
	}
	r.Services.Add(concerned...)
	r.Pools.Add(r.Configuration.names()...)
	return ctrl.Result{}, nil
}

// names returns the pools that have been judged.
func (c *Configuration) names() []types.NamespacedName {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := make([]types.NamespacedName, 0, len(c.verdicts))
	for name := range c.verdicts {
		found = append(found, types.NamespacedName{Namespace: c.namespace, Name: name})
	}
	return found
}
