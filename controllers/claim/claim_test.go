// SPDX-License-Identifier: Apache-2.0

package claim_test

import (
	"net/netip"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/claim"
)

func TestTheSentenceOfARefusal(t *testing.T) {
	t.Parallel()
	of := func(service string, loss claim.Loss) claim.Claim {
		return claim.Claim{
			Service: types.NamespacedName{Namespace: "default", Name: service}, Address: netip.MustParseAddr("198.51.100.0"), Loss: loss,
		}
	}
	var twelve claim.Claims
	for c := range strings.SplitSeq("a b c d e f g h i j k l", " ") {
		twelve = append(twelve, of(c, claim.Ownership))
	}
	const start = "new config not compatible with assigned IPs: "
	for name, test := range map[string]struct {
		claims             claim.Claims
		wantStart, wantEnd string
	}{
		"none":     {},
		"an owner": {claim.Claims{of("nginx", claim.Ownership)}, start, `: service "default/nginx" cannot own "198.51.100.0" under new config`},
		"a route": {
			claim.Claims{of("nginx", claim.Route)}, start,
			`: service "default/nginx" would not be announced at "198.51.100.0" under new config`,
		},
		"more than ten": {twelve, start, `, service "default/j" cannot own "198.51.100.0" under new config, and 2 more`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := test.claims.String()
			if !strings.HasPrefix(got, test.wantStart) || !strings.HasSuffix(got, test.wantEnd) || len(test.claims) == 0 && got != "" {
				t.Errorf("got %s", got)
			}
		})
	}
}
