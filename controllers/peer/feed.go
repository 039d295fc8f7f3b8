// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"fmt"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/informer"
	"metallb.io/metallb/controllers/trigger"
)

// feed keeps the index as the cache is, and has the peers and sessions looked at that a change concerns, some time after it: what
// changes together is looked at together. It is started by a manager, on the leader.
type feed struct {
	index     *index
	caches    cache.Informers
	namespace string

	peers, sessions trigger.Queue
	synced          atomic.Bool
}

// NeedLeaderElection makes the manager start the feed with the reconcilers.
func (f *feed) NeedLeaderElection() bool { return true }

// summary returns that of the peer; false if not everything is known yet, or the peer is not.
func (f *feed) summary(peer string) (summary, bool) {
	if !f.synced.Load() {
		return summary{}, false
	}
	return f.index.summary(peer)
}

// summaries returns those of all peers, by name; none if not everything is known yet.
func (f *feed) summaries() map[string]summary {
	if !f.synced.Load() {
		return nil
	}
	return f.index.summaries()
}

// Start feeds the index until the context ends.
func (f *feed) Start(ctx context.Context) error {
	synced := make([]toolscache.DoneChecker, 0, 4)
	for kind, handler := range map[client.Object]toolscache.ResourceEventHandlerFuncs{
		&v1beta2.BGPPeer{}: handle(f.setPeer, func(name string) {
			f.index.deletePeer(name)
			f.lookAt([]string{name}, nil)
		}),
		&v1beta1.BGPSessionState{}: handle(f.setSession, func(name string) {
			f.lookAt(f.index.setSession(name, nil), []string{name})
		}),
		&corev1.Node{}: handle(func(_, n *corev1.Node) { f.lookAt(f.index.setNode(n)) }, func(name string) {
			f.lookAt(f.index.deleteNode(name))
		}),
		&corev1.Pod{}: handle(f.setPod, func(name string) { f.lookAt(nil, f.index.ofPod(name)) }),
	} {
		followed, err := informer.Get(ctx, f.caches, kind)
		if err != nil {
			return nil //nolint:nilerr // stopped before the API server was there, which is no failure
		}
		registration, err := followed.AddEventHandler(handler)
		if err != nil {
			return fmt.Errorf("watching %T: %w", kind, err)
		}
		synced = append(synced, registration.HasSyncedChecker())
	}
	if toolscache.WaitFor(ctx, "", synced...) {
		f.synced.Store(true)
	}
	<-ctx.Done()
	return nil
}

// handle returns the handler of one kind. Before is nil of an object that is new.
func handle[T client.Object](set func(before, after T), remove func(name string)) toolscache.ResourceEventHandlerFuncs {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			if after, ok := object.(T); ok {
				var none T
				set(none, after)
			}
		},
		UpdateFunc: func(old, object any) {
			before, was := old.(T)
			if after, ok := object.(T); ok && was {
				set(before, after)
			}
		},
		DeleteFunc: func(object any) {
			if name, err := toolscache.DeletionHandlingObjectToName(object); err == nil {
				remove(name.Name)
			}
		},
	}
}

func (f *feed) setPeer(before, p *v1beta2.BGPPeer) {
	if before == nil || before.UID != p.UID || before.Generation != p.Generation {
		f.index.setPeer(p)
	} else if equality.Semantic.DeepEqual(before.Status, p.Status) {
		return
	}
	// A change of the status too: the cache may have been late when that was compared.
	f.lookAt([]string{p.Name}, nil)
}

func (f *feed) setSession(_, s *v1beta1.BGPSessionState) {
	f.lookAt(f.index.setSession(s.Name, &s.Status), []string{s.Name})
}

func (f *feed) setPod(before, p *corev1.Pod) {
	if before == nil || podChanged(before, p) {
		f.lookAt(nil, f.index.ofPod(p.Name))
	}
}

// lookAt has the peers and the sessions looked at.
func (f *feed) lookAt(peers, sessions []string) {
	f.peers.AddAfter(settleTime, f.keys(peers)...)
	f.sessions.AddAfter(settleTime, f.keys(sessions)...)
}

func (f *feed) keys(names []string) []types.NamespacedName {
	keys := make([]types.NamespacedName, 0, len(names))
	for _, name := range names {
		keys = append(keys, types.NamespacedName{Namespace: f.namespace, Name: name})
	}
	return keys
}
