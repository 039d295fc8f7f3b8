// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"testing"
	"time"

	"metallb.io/metallb/test/builder"
)

func TestAPeerThatIsMadeAgainHasEventsOfItsOwn(t *testing.T) {
	t.Parallel()
	p := builder.MakePeer("router", "192.0.2.1").Obj()
	p.UID = "1"
	r, now := &Reconciler{}, time.Now()
	r.outage(p, now).reported = true
	again := p.DeepCopy()
	again.UID = "2"
	if r.outage(again, now).reported {
		t.Error("the outage of the peer is taken for reported by an event about one that is gone")
	}
}
