// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/speaker/announce"
)

// state is what was last told of a service by events, logs and metrics, and what is remembered of it. A service that is
// neither announced nor remembered has none.
type state struct {
	announced []netip.Addr
	// conflicting is what advertisements contradict each other in about the service.
	conflicting announce.Conflict
	// held is whether addresses are announced that the configuration does not cover any more.
	held   bool
	memory announce.Memory
	// uid is of the service that this is the state of.
	uid types.UID
}

// memoryOf returns what is remembered of the service; nothing if that was another of the same name.
func (s state) memoryOf(svc *corev1.Service) announce.Memory {
	if s.uid != svc.UID {
		return nil
	}
	return s.memory
}

// adopt takes over what the node announces when the speaker starts. Another speaker may have announced it before, so that
// it marks no transition of the service.
func (s *Speaker) adopt(o observation) {
	s.metrics.announced(o.name.String(), s.services.node, nil, o.decision.Announced)
	s.remember(o)
}

// transition tells of what began or ceased to be announced of the service.
func (s *Speaker) transition(ctx context.Context, o observation) {
	before := s.states[o.name]
	was, now := before.announced, o.decision.Announced
	s.remember(o)

	if !slices.Equal(was, now) {
		s.metrics.announced(o.name.String(), s.services.node, was, now)
	}
	logger := log.FromContext(ctx).WithValues("service", o.name.String())
	switch {
	case len(was) == 0 && len(now) > 0:
		logger.Info("announcing service", "addresses", now)
		told, waiting := s.apart(o.decision.Peers())
		s.events.assigned(o.service, told, waiting)
	case len(was) > 0 && len(now) == 0:
		logger.Info("withdrawing service", "addresses", was, "reason", o.reason)
		s.events.unassigned(o.service, o.reason)
	case !slices.Equal(was, now):
		logger.Info("announcing service with other addresses", "addresses", now, "previously", was)
	default:
		logger.V(1).Info("service considered", "addresses", now, "refused", o.decision.Refused, "reason", o.reason)
	}
	switch held := o.decision.Held; {
	case len(held) > 0 && !before.held:
		logger.Info("holding routes of service that the configuration does not cover any more", "reasons", held)
	case len(held) == 0 && before.held && len(now) > 0:
		logger.Info("no longer holding routes of service", "addresses", now)
	}
	if c := o.decision.Conflicting; c.Plus(before.conflicting) != before.conflicting {
		logger.Info("announcing the highest of contradictory local preferences and the shortest of contradictory AS paths", "addresses", now,
			"localPref", c.LocalPref, "asPathPrepend", c.ASPathPrepend)
		s.events.conflicting(o.service, c)
	}
}

// apart returns the peers that have a session and those that have none.
func (s *Speaker) apart(peers []string) (up, down []string) {
	states := map[string]bool{}
	for _, state := range s.sessions.States() {
		states[state.Peer] = state.Up()
	}
	for _, peer := range peers {
		if states[peer] {
			up = append(up, peer)
		} else {
			down = append(down, peer)
		}
	}
	return up, down
}

func (s *Speaker) remember(o observation) {
	d := o.decision
	now := state{announced: d.Announced, conflicting: d.Conflicting, held: len(d.Held) > 0, memory: d.Memory}
	if o.service != nil {
		now.uid = o.service.UID
	}
	s.metrics.held(s.states[o.name].held, now.held)
	if s.told.observer != nil && len(s.states[o.name].announced)+len(now.announced) > 0 {
		s.told.note(o.name, d.Peers())
	}
	if len(now.announced) == 0 && len(now.memory) == 0 {
		delete(s.states, o.name)
		return
	}
	s.states[o.name] = now
}
