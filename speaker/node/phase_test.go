// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"
	"time"

	"metallb.io/metallb/internal/drain"
)

func TestAPhaseFollowsFromTheOneBeforeAndFromTheCircumstances(t *testing.T) {
	t.Parallel()
	const delay = 10 * time.Second
	leave, none, failing := drain.Signal{Kind: drain.Label, Key: "metallb.io/drain"}, drain.Signal{}, drain.Signal{Kind: drain.ProxyFailing}
	for name, tc := range map[string]struct {
		is   phase
		when circumstances
		want phase
	}{
		"a node that serves":           {serving, circumstances{signal: none}, serving},
		"a speaker that starts on one": {serving, circumstances{signal: none, starts: true}, serving},
		"a signal":                     {serving, circumstances{signal: leave}, telling},
		"a speaker that starts where there is a signal": {serving, circumstances{signal: leave, starts: true}, withdrawing},
		"sessions that are told":                        {telling, circumstances{signal: leave, since: time.Second}, telling},
		"sessions that have been told":                  {telling, circumstances{signal: leave, taken: true}, waiting},
		"a session that takes too long":                 {telling, circumstances{signal: leave, since: 2 * time.Second}, waiting},
		"routers that get time":                         {waiting, circumstances{signal: leave, taken: true, since: delay - 1}, waiting},
		"routers that have had time":                    {waiting, circumstances{signal: leave, since: delay}, withdrawing},
		"sessions that withdraw":                        {withdrawing, circumstances{signal: leave, since: time.Hour}, withdrawing},
		"sessions that have withdrawn":                  {withdrawing, circumstances{signal: leave, taken: true}, drained},
		"a node that is drained":                        {drained, circumstances{signal: leave, taken: true, since: time.Hour}, drained},
		"a session that has to withdraw once more":      {drained, circumstances{signal: leave}, drained},

		"the end of the signal while sessions are told": {telling, circumstances{signal: none, taken: true}, serving},
		"the end while routers get time":                {waiting, circumstances{signal: none, since: delay}, serving},
		"the end while sessions withdraw":               {withdrawing, circumstances{signal: none, taken: true}, serving},
		"the end when all is withdrawn":                 {drained, circumstances{signal: none}, serving},

		"a proxy that fails":                             {serving, circumstances{signal: failing}, telling},
		"a proxy that fails when the speaker starts":     {serving, circumstances{signal: failing, starts: true}, telling},
		"a proxy that fails, of which sessions are told": {telling, circumstances{signal: failing, taken: true}, waiting},
		"a proxy that fails for long":                    {waiting, circumstances{signal: failing, taken: true, since: time.Hour}, waiting},
		"a signal to leave after that":                   {waiting, circumstances{signal: leave, since: time.Hour}, withdrawing},
		"a proxy that fails still, when the signal ends": {drained, circumstances{signal: failing}, telling},
		"or while sessions withdraw":                     {withdrawing, circumstances{signal: failing, taken: true}, telling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.when.delay = delay
			if got := tc.is.next(tc.when); got != tc.want {
				t.Errorf("phase %d, want %d", got, tc.want)
			}
		})
	}
}
