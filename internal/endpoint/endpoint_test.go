// SPDX-License-Identifier: Apache-2.0

package endpoint_test

import (
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"

	"metallb.io/metallb/internal/endpoint"
)

func TestAnEndpointServes(t *testing.T) {
	t.Parallel()
	yes, no := new(bool), new(bool)
	*yes = true
	for name, tc := range map[string]struct {
		addresses []string
		is        discoveryv1.EndpointConditions
		want      bool
	}{
		"if it is ready":                        {[]string{"10.0.0.1"}, discoveryv1.EndpointConditions{Ready: yes}, true},
		"if nobody says that it is not ready":   {[]string{"10.0.0.1"}, discoveryv1.EndpointConditions{}, true},
		"not if it is not ready":                {[]string{"10.0.0.1"}, discoveryv1.EndpointConditions{Ready: no}, false},
		"if it serves while it terminates":      {[]string{"10.0.0.1"}, discoveryv1.EndpointConditions{Ready: no, Serving: yes, Terminating: yes}, true},
		"not if it terminates and serves not":   {[]string{"10.0.0.1"}, discoveryv1.EndpointConditions{Ready: no, Serving: no, Terminating: yes}, false},
		"not without an address, ready or not":  {nil, discoveryv1.EndpointConditions{Ready: yes}, false},
		"if it is ready, whether it serves too": {[]string{"10.0.0.1"}, discoveryv1.EndpointConditions{Ready: yes, Serving: no}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := endpoint.Serves(&discoveryv1.Endpoint{Addresses: tc.addresses, Conditions: tc.is}); got != tc.want {
				t.Errorf("serves: %v", got)
			}
		})
	}
}
