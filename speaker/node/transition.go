// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"net/netip"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/log"
)

// state is what was last told of a service by events, logs and metrics. A service that is not announced has none.
type state struct {
	announced []netip.Addr
	// conflicting is whether advertisements contradict each other about the service.
	conflicting bool
}

// adopt takes over what the node announces when the speaker starts. Another speaker may have announced it before, so that
// it marks no transition of the service.
func (s *Speaker) adopt(o observation) {
	s.metrics.announced(o.name.String(), s.services.node, nil, o.decision.Announced)
	s.remember(o)
}

// transition tells of what began or ceased to be announced of the service.
func (s *Speaker) transition(ctx context.Context, o observation) {
	was, now := s.states[o.name].announced, o.decision.Announced
	conflicted := s.states[o.name].conflicting
	s.remember(o)

	if !slices.Equal(was, now) {
		s.metrics.announced(o.name.String(), s.services.node, was, now)
	}
	logger := log.FromContext(ctx).WithValues("service", o.name)
	switch {
	case len(was) == 0 && len(now) > 0:
		logger.Info("announcing service", "addresses", now)
		s.events.assigned(o.service)
	case len(was) > 0 && len(now) == 0:
		logger.Info("withdrawing service", "addresses", was, "reason", o.reason)
		s.events.unassigned(o.service, o.reason)
	case !slices.Equal(was, now):
		logger.Info("announcing service with other addresses", "addresses", now, "previously", was)
	default:
		logger.V(1).Info("service considered", "addresses", now, "refused", o.decision.Refused, "reason", o.reason)
	}
	if o.decision.Conflicting && !conflicted {
		logger.Info("announcing the highest of contradictory local preferences", "addresses", now)
		s.events.conflicting(o.service)
	}
}

func (s *Speaker) remember(o observation) {
	if len(o.decision.Announced) == 0 {
		delete(s.states, o.name)
		return
	}
	s.states[o.name] = state{announced: o.decision.Announced, conflicting: o.decision.Conflicting}
}
