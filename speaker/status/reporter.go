// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"iter"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/endpoint"
	"metallb.io/metallb/speaker/publisher"
	"metallb.io/metallb/speaker/session"
)

// rereadTime is after which it is made sure, once more, that what the API server has after the node has become ready is this
// node's word: the controller may not have noticed yet that it is.
const rereadTime = 10 * time.Second

// Last errors of sessions that ended because the speaker did: for good, as far as it knows, or because another one takes its place.
const (
	Stopped    = "the node's speaker was stopped"
	Restarting = "the node's speaker is restarting"
)

// +kubebuilder:rbac:groups=metallb.io,resources=bgpsessionstates,verbs=get;list;create;delete,namespace=metallb-system
// +kubebuilder:rbac:groups=metallb.io,resources=bgpsessionstates/status,verbs=patch,namespace=metallb-system

// Store is where BGPSessionStates are kept.
type Store = publisher.Store[*v1beta1.BGPSessionState]

// Options of a Reporter.
type Options struct {
	// Node is the name of the node.
	Node string
	// Pod is the name of the speaker's Pod, by which the controller knows whether it still runs; empty outside of one.
	Pod string
	// Sessions returns how the node's sessions fare.
	Sessions func() []session.State
	Store    Store
	Clock    clock.Clock
	// Random returns numbers from 0 to 1.
	Random func() float64
}

// Situation is what must be known besides the sessions.
type Situation struct {
	// Node is the UID of the node's object, and Ready whether nobody says that it is not.
	Node  types.UID
	Ready bool
	// Refused are the peers that the node should have a session with, and does not try to.
	Refused []Refusal
	// Withheld are the families that the node announces nothing of for now.
	Withheld endpoint.FamilySet
	// Drain is how far the node is, if it drains.
	Drain Drain
}

// Refusal says why there is no session.
type Refusal struct{ Peer, Address, Reason string }

// Reporter writes the node's BGPSessionStates. It is to be started once, and then to be shut down.
type Reporter struct {
	publisher *publisher.Publisher[string, *v1beta1.BGPSessionState, v1beta1.BGPSessionStateStatus]
	options   Options
	refused   []Refusal
	withheld  endpoint.FamilySet
	drain     Drain
	// desired is what is to be told, by peer, and byLabel the peer for a label of an object.
	desired map[string]v1beta1.BGPSessionStateStatus
	byLabel map[string]string
}

// NewReporter returns a Reporter that waits for the first situation.
func NewReporter(o Options) *Reporter {
	r := &Reporter{options: o}
	r.publisher = publisher.New(publisher.Options[string, *v1beta1.BGPSessionState, v1beta1.BGPSessionStateStatus]{
		Kind: "BGPSessionState", Store: o.Store, Clock: o.Clock, Random: o.Random, RereadTime: rereadTime,
		Refresh: r.refresh, All: func() iter.Seq[string] { return maps.Keys(r.desired) }, Desired: r.desire, Differ: compare,
		Make: func(peer string) []*v1beta1.BGPSessionState { return Objects(o.Node, peer) }, Read: r.read,
	})
	return r
}

// Start writes until the context ends.
func (r *Reporter) Start(ctx context.Context) error { return r.publisher.Start(ctx) }

// Observe tells how a session fares that has changed. It may be called from any goroutine, in order for the same session, and never
// blocks. A session that was not there when the situation was last told of is left until it is.
func (r *Reporter) Observe(s session.State) {
	r.publisher.Do(func() {
		if _, known := r.desired[s.Peer]; known {
			r.desired[s.Peer] = r.statusOf(s)
			r.publisher.Changed(s.Peer)
		}
	})
}

// Situate tells of the situation, after the sessions are what it says. It may be called from any goroutine and never blocks.
func (r *Reporter) Situate(s Situation) {
	r.publisher.Do(func() {
		r.refused, r.withheld, r.drain = s.Refused, s.Withheld, s.Drain
		r.publisher.SetNode(s.Node, s.Ready)
		r.refresh()
		r.publisher.ChangedAll()
	})
}

// Shutdown says of all sessions that they are no more, which stays true without a speaker, and why. It is to be called after Start has returned, and tries once, until the
// context ends.
func (r *Reporter) Shutdown(ctx context.Context, why string) {
	const atOnce = 8
	since := timeOf(r.options.Clock.Now())
	r.publisher.Close(func(written map[string]v1beta1.BGPSessionStateStatus) {
		var writing errgroup.Group
		writing.SetLimit(atOnce)
		for name, w := range written {
			if w.State == v1beta1.SessionIdle && w.Pod == "" {
				continue
			}
			idle := v1beta1.BGPSessionStateStatus{
				Node: w.Node, Peer: w.Peer, Address: w.Address, State: v1beta1.SessionIdle, Since: since, LastError: why, LastErrorTime: since,
				LocalRouterID: w.LocalRouterID, Conditions: afterEnd(w.Conditions, since),
			}
			writing.Go(func() error {
				if err := r.options.Store.Write(ctx, name, &idle); err != nil {
					log.FromContext(ctx).Error(err, "state of session cannot be written any more", "object", name)
				}
				return nil
			})
		}
		_ = writing.Wait()
	})
}
