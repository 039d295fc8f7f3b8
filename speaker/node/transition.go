// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"net/netip"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/speaker/announce"
)

// state is what was last reported of a service by events, logs and metrics. A service that is not announced has none.
type state struct {
	announced []netip.Addr
	// conflicting is what advertisements contradict each other in about the service.
	conflicting announce.Conflict
}

// adopt takes over what the node announces when the speaker starts. Another speaker may have announced it before, so that
// it marks no transition of the service.
func (s *Speaker) adopt(o observation) {
	s.metrics.announced(o.name.String(), s.services.node, nil, o.decision.Announced)
	s.remember(o)
}

// transition reports what began or ceased to be announced of the service.
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
		reported, waiting := s.apart(o.decision.Peers())
		s.events.assigned(o.service, reported, waiting)
	case len(was) > 0 && len(now) == 0:
		logger.Info("withdrawing service", "addresses", was, "reason", o.reason)
		s.events.unassigned(o.service, o.reason)
	case !slices.Equal(was, now):
		logger.Info("announcing service with other addresses", "addresses", now, "previously", was)
	default:
		logger.V(1).Info("service considered", "addresses", now, "refused", o.decision.Refused, "reason", o.reason)
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
	now := state{announced: d.Announced, conflicting: d.Conflicting}
	if s.announcements.observer != nil && len(s.states[o.name].announced)+len(now.announced) > 0 {
		s.announcements.note(o.name, d.Peers())
	}
	if len(now.announced) == 0 {
		delete(s.states, o.name)
		return
	}
	s.states[o.name] = now
}
