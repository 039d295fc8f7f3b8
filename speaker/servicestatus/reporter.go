// SPDX-License-Identifier: Apache-2.0

package servicestatus

import (
	"context"
	"iter"
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/publisher"
	"metallb.io/metallb/speaker/session"
	"metallb.io/metallb/speaker/status"
)

const (
	// writesPerSecond is how many objects are written, or deleted, in a second at most.
	writesPerSecond = 20
	// gatherTime is waited for more before what has changed is looked at.
	gatherTime = 100 * time.Millisecond
)

// Store is where ServiceBGPStatuses are kept. What the speaker may do there is in config/service-bgp-status, apart from its other rights.
type Store = publisher.Store[*v1beta1.ServiceBGPStatus]

// Options of a Reporter.
type Options struct {
	// Node is the name of the node.
	Node string
	// Sessions returns how the node's sessions fare.
	Sessions func() []session.State
	Store    Store
	Clock    clock.Clock
	// Random returns numbers from 0 to 1.
	Random func() float64
}

// condition is how a session fares: the families whose routes it carries, and whether it is untried, that is, has not been up and has not
// failed.
type condition struct {
	carried bgp.Families
	untried bool
}

// Reporter writes the node's ServiceBGPStatuses. It is to be started once, and then to be shut down.
type Reporter struct {
	publisher *publisher.Publisher[types.NamespacedName, *v1beta1.ServiceBGPStatus, v1beta1.ServiceBGPStatusStatus]
	options   Options
	// node is the UID of the node's object, once it is known.
	node types.UID
	// complete is whether every service that is announced is in announced: the peers to be told, by service.
	complete  bool
	announced map[types.NamespacedName]map[string]bgp.Families
	sessions  map[string]condition
}

// NewReporter returns a Reporter that waits for the node and its services.
func NewReporter(o Options) *Reporter {
	r := &Reporter{options: o, announced: map[types.NamespacedName]map[string]bgp.Families{}}
	r.publisher = publisher.New(publisher.Options[types.NamespacedName, *v1beta1.ServiceBGPStatus, v1beta1.ServiceBGPStatusStatus]{
		Kind: "ServiceBGPStatus", Store: o.Store, Clock: o.Clock, Random: o.Random, WritesPerSecond: writesPerSecond, GatherTime: gatherTime,
		Refresh: r.refresh, All: func() iter.Seq[types.NamespacedName] { return maps.Keys(r.announced) },
		Desired: r.desire, Differ: compare,
		Make: func(service types.NamespacedName) []*v1beta1.ServiceBGPStatus {
			return []*v1beta1.ServiceBGPStatus{Object(o.Node, service)}
		},
		Read: r.read,
	})
	return r
}

// Start writes until the context ends.
func (r *Reporter) Start(ctx context.Context) error { return r.publisher.Start(ctx) }

// Observe tells how a session fares that has changed. It may be called from any goroutine, in order for the same session, and never
// blocks. A session that was not there when the node was last told of is left until it is.
func (r *Reporter) Observe(s session.State) {
	r.publisher.Do(func() {
		was, known := r.sessions[s.Peer]
		if is := conditionOf(s); known && is != was {
			r.sessions[s.Peer] = is
			r.changedOf(func(peer string) bool { return peer == s.Peer })
		}
	})
}

// Situate tells of the node, after its sessions are what they are to be. It may be called from any goroutine and never blocks.
func (r *Reporter) Situate(s status.Situation) {
	r.publisher.Do(func() {
		r.node = s.Node
		r.activate()
		before := r.sessions
		r.refresh()
		if !maps.Equal(before, r.sessions) {
			r.changedOf(func(peer string) bool { return before[peer] != r.sessions[peer] })
		}
	})
}

// Announce tells which peers have been told of services, and of which families; none if a service is not announced any more. The first call has
// all that are announced. It may be called from any goroutine and never blocks. The map must not be changed afterwards.
func (r *Reporter) Announce(peers map[types.NamespacedName]map[string]bgp.Families) {
	r.publisher.Do(func() {
		r.complete = true
		r.activate()
		for service, peers := range peers {
			r.publisher.Changed(service)
			if r.announced[service] = peers; len(peers) == 0 {
				delete(r.announced, service)
			}
		}
	})
}

// activate has objects written once all is known.
func (r *Reporter) activate() {
	if r.complete {
		r.publisher.SetNode(r.node, true)
	}
}

// changedOf has the services looked at that are announced to such a peer.
func (r *Reporter) changedOf(such func(peer string) bool) {
	for service, peers := range r.announced {
		for peer := range peers {
			if such(peer) {
				r.publisher.Changed(service)
				break
			}
		}
	}
}

// Shutdown says that the node announces nothing any more. It is to be called after Start has returned, and tries once, until
// the context ends.
func (r *Reporter) Shutdown(ctx context.Context) {
	r.publisher.Close(func(map[string]v1beta1.ServiceBGPStatusStatus) {
		if err := r.options.Store.DeleteAll(ctx); err != nil {
			log.FromContext(ctx).Error(err, "statuses of services cannot be deleted any more")
		}
	})
}
