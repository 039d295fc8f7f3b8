// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"net/netip"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/controllers/config"
)

func TestTheSentenceOfARefusal(t *testing.T) {
	t.Parallel()
	of := func(service string, loss config.Loss) config.Impact {
		return config.Impact{
			Service: types.NamespacedName{Namespace: "default", Name: service}, Address: netip.MustParseAddr("198.51.100.0"), Loss: loss,
		}
	}
	var twelve config.Impacts
	for c := range strings.SplitSeq("a b c d e f g h i j k l", " ") {
		twelve = append(twelve, of(c, config.Ownership))
	}
	const start = "new config not compatible with assigned IPs: "
	for name, test := range map[string]struct {
		impacts            config.Impacts
		wantStart, wantEnd string
	}{
		"none":     {},
		"an owner": {config.Impacts{of("nginx", config.Ownership)}, start, `: service "default/nginx" cannot own "198.51.100.0" under new config`},
		"a route": {
			config.Impacts{of("nginx", config.Route)}, start,
			`: service "default/nginx" would not be announced at "198.51.100.0" under new config`,
		},
		"more than ten": {twelve, start, `, service "default/j" cannot own "198.51.100.0" under new config, and 2 more`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := test.impacts.String()
			if !strings.HasPrefix(got, test.wantStart) || !strings.HasSuffix(got, test.wantEnd) || len(test.impacts) == 0 && got != "" {
				t.Errorf("got %s", got)
			}
		})
	}
}
