// SPDX-License-Identifier: Apache-2.0

package overview

import (
	"strings"
	"testing"

	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/test/builder"
)

func TestWhatMayNotBeReadIsNotSaidToBeWell(t *testing.T) {
	t.Parallel()
	c := well()
	c.Services, c.Unread = nil, []cluster.Unread{{Part: cluster.Services}}
	screen := printed(t, Of(c), false)
	if strings.Contains(screen, "none") || strings.Contains(screen, "All is well") || !strings.Contains(screen, "not known: you may not list services") {
		t.Errorf("on the screen:\n%s", screen)
	}
	c = well()
	c.Services = append(c.Services, *builder.MakeService("other").Class("example.com/lb").Obj())
	c.Controller, c.Speakers, c.Unread = nil, nil, []cluster.Unread{{Part: cluster.Workloads}}
	screen = printed(t, Of(c), false)
	if strings.Contains(screen, "not found") || strings.Contains(screen, "are not MetalLB's") {
		t.Errorf("on the screen:\n%s", screen)
	}
}
