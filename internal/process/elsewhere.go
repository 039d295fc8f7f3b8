// SPDX-License-Identifier: Apache-2.0

package process

import (
	"flag"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// elsewhere says what to write in place of flags that MetalLB's programs have. What is not among them is called otherwise by
// nobody.
func elsewhere() map[string]string {
	const (
		noMembers = "speakers do not talk to each other here; remove it"
		noFRR     = "there is only one BGP implementation here; remove it"
		noChoice  = "TLS 1.2 and later are served, with Go's choice of ciphers; remove it"
	)
	return map[string]string{ //nolint:gosec // These are names of flags, not secrets.
		"port":                  "set --metrics-bind-address=:PORT",
		"host":                  "set --metrics-bind-address=HOST:PORT and --health-probe-bind-address=HOST:PORT",
		"health-probe-port":     "set --health-probe-bind-address=:PORT",
		"node-name":             "set METALLB_NODE_NAME in the environment",
		"pod-name":              "set METALLB_POD_NAME in the environment",
		"config":                "the configuration is custom resources; convert a ConfigMap with 'kubectl metallb migrate'",
		"config-ns":             "set --namespace",
		"kubeconfig":            "set KUBECONFIG in the environment",
		"enable-pprof":          "profiles are on the debug endpoint, see --debug-bind-address",
		"cert-dir":              "the webhook's certificate is read from its Secret, see --webhook-secret-name",
		"pprof-bind-address":    "profiles are on the debug endpoint, see --debug-bind-address",
		"webhook-secret":        "set --webhook-secret-name",
		"tls-min-version":       noChoice,
		"tls-cipher-suites":     noChoice,
		"tls-curve-preferences": noChoice,
		"load-balancer-class":   "set --lb-class",
		"ignore-exclude-lb":     "remove the label node.kubernetes.io/exclude-from-external-load-balancers from the nodes that should announce",
		"webhook-http2":         "the webhook is served over HTTP/1.1; remove it",
		"deployment":            noMembers,
		"ml-bindaddr":           noMembers,
		"ml-bindport":           noMembers,
		"ml-labels":             noMembers,
		"ml-namespace":          noMembers,
		"ml-secret-key-path":    noMembers,
		"ml-secret-name":        noMembers,
		"ml-wan-config":         noMembers,
		"frrk8s-namespace":      noFRR,
		"bgp-type":              noFRR,
		"bgp-debounce-timeout":  noFRR,
	}
}

// refusedValue are the words of the package flag for a value that a flag does not take.
var refusedValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value (".*") for (?:flag )?-([\w-]+): `)

// explain says more of a flag that is not defined, or not so, if there is more to say.
func explain(err error, flags *flag.FlagSet) error {
	name, is := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if instead := elsewhere()[name]; is && instead != "" {
		return fmt.Errorf("--%s: unknown flag; %s; see --help", name, instead)
	}
	if words := refusedValue.FindStringSubmatch(err.Error()); words != nil {
		if value, unquoted := strconv.Unquote(words[1]); unquoted == nil {
			return unfit(flags.Lookup(words[2]), "--"+words[2], value, err)
		}
	}
	return fmt.Errorf("%w; see --help", err)
}

// unfit says what a flag takes in place of the value; setting is what it is called where it was set.
func unfit(f *flag.Flag, setting, value string, err error) error {
	var must string
	if getter, ok := f.Value.(flag.Getter); ok {
		switch getter.Get().(type) {
		case bool:
			must = "true or false"
		case int:
			must = "a number"
		case time.Duration:
			must = "a time such as 500ms or 1m30s"
		}
	}
	if must == "" {
		return fmt.Errorf("%s=%s: %w; see --help", setting, value, err)
	}
	return fmt.Errorf("%s=%s: must be %s", setting, value, must)
}
