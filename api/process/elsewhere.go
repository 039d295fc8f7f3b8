// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"strings"
)

// elsewhere says what to write in place of flags that MetalLB's programs have. What is not among them is called otherwise by
// nobody.
func elsewhere() map[string]string {
	const (
		noMembers = "speakers do not talk to each other here, leave it out"
		noFRR     = "there is one way to speak BGP here, leave it out"
	)
	return map[string]string{
		"port":                "set --metrics-bind-address=:PORT",
		"host":                "set --metrics-bind-address=HOST:PORT and --health-probe-bind-address=HOST:PORT",
		"node-name":           "set METALLB_NODE_NAME in the environment",
		"config":              "configuration is in objects, which 'controller migrate' makes of a ConfigMap",
		"config-ns":           "set --namespace",
		"kubeconfig":          "set KUBECONFIG in the environment",
		"enable-pprof":        "profiles are on the debug endpoint, see --debug-bind-address",
		"cert-dir":            "the webhook's certificate is read from its Secret, see --webhook-secret-name",
		"load-balancer-class": "set --lb-class",
		"ignore-exclude-lb":   "remove the label node.kubernetes.io/exclude-from-external-load-balancers from the nodes that are to announce",
		"webhook-http2":       "the webhook is served over HTTP/1.1, leave it out",
		"deployment":          noMembers,
		"ml-bindaddr":         noMembers,
		"ml-bindport":         noMembers,
		"ml-labels":           noMembers,
		"ml-namespace":        noMembers,
		"ml-secret-key-path":  noMembers,
		"ml-secret-name":      noMembers,
		"ml-wan-config":       noMembers,
		"frrk8s-namespace":    noFRR,
		"bgp-type":            noFRR,
	}
}

// unknownFlag says more of a flag that is not defined, if there is more to say.
func unknownFlag(err error) error {
	name, is := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if instead := elsewhere()[name]; is && instead != "" {
		return fmt.Errorf("--%s: is no flag of this program: %s; see --help", name, instead)
	}
	return fmt.Errorf("%w; see --help", err)
}
