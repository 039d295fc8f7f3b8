// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"

	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/internal/process"
	"metallb.io/metallb/speaker/dataplane"
)

// nodeNameVariable is the variable of the environment that names the node.
const nodeNameVariable = "METALLB_NODE_NAME"

// podNameVariable is the variable of the environment that names the speaker's pod.
const podNameVariable = "METALLB_POD_NAME"

// options are the settings that only the speaker has.
type options struct {
	node string
	// pod is empty outside of one.
	pod   string
	drain time.Duration
	// nodeHealthzURL is of the node's service proxy; empty if that is not asked.
	nodeHealthzURL string
	// proxyTimeout is for how long the proxy may be unhealthy until the node drains; 0 for ever.
	proxyTimeout time.Duration
	// drainDelay is how long routers get to use other nodes before a node that drains withdraws its routes.
	drainDelay time.Duration
	// drainTaints are the keys of taints, with commas between; drainRules are made of them.
	drainTaints string
	drainRules  drain.Rules
	// serviceBGPStatus is whether ServiceBGPStatuses are written.
	serviceBGPStatus bool
}

// Register adds the flags.
func (o *options) Register(flags *flag.FlagSet) {
	flags.DurationVar(&o.drain, "shutdown-delay", time.Second,
		"when the speaker stops, the `time` during which it asks routers to prefer other nodes (GRACEFUL_SHUTDOWN, RFC 8326) before it withdraws its routes")
	flags.StringVar(&o.nodeHealthzURL, "node-healthz-url", "http://127.0.0.1:10256/healthz",
		"`URL` of the health endpoint of the node's service proxy (kube-proxy or its replacement): when the speaker starts, it announces nothing until the proxy forwards connections; if 0 or empty, the proxy is not asked")
	flags.DurationVar(&o.proxyTimeout, "proxy-timeout", time.Minute,
		"`time` for which the node's service proxy may be unhealthy, or not answer any more, until the speaker asks routers to prefer other nodes; nothing is withdrawn for it; if 0, for ever")
	flags.DurationVar(&o.drainDelay, "drain-delay", 10*time.Second,
		"when the node is taken out of service, the `time` during which the speaker asks routers to prefer other nodes before it withdraws its routes")
	flags.StringVar(&o.drainTaints, "drain-taints", strings.Join(drain.DefaultTaints(), ","),
		"`keys` of taints, with commas between, that take the node out of service, whatever their value and effect")
	flags.BoolVar(&o.drainRules.Unschedulable, "drain-unschedulable", false,
		"cordoning the node takes it out of service, which moves its traffic to other nodes")
	flags.BoolVar(&o.serviceBGPStatus, "service-bgp-status", false,
		"write a ServiceBGPStatus for each service that the node announces; the number of these objects is services × nodes, and they need the rights in config/service-bgp-status")
}

// Complete reads the node's name.
func (o *options) Complete(_ *process.Settings, getenv func(string) string) error {
	for name, value := range map[string]time.Duration{"shutdown-delay": o.drain, "drain-delay": o.drainDelay, "proxy-timeout": o.proxyTimeout} {
		if value < 0 {
			return fmt.Errorf("--%s=%s: must be 0 or more", name, value)
		}
	}
	if err := o.completeTaints(); err != nil {
		return err
	}
	if err := o.completeURL(); err != nil {
		return err
	}
	o.node, o.pod = getenv(nodeNameVariable), getenv(podNameVariable)
	switch {
	case o.node == "":
		return errors.New(nodeNameVariable + " is not set: set it to the name of the Node that the speaker runs on (in a pod, from spec.nodeName)")
	case len(validation.IsDNS1123Subdomain(o.node)) > 0:
		return fmt.Errorf("%s=%s: is not the name of a Node, see kubectl get nodes", nodeNameVariable, o.node)
	case o.pod != "" && len(validation.IsDNS1123Subdomain(o.pod)) > 0:
		return fmt.Errorf("%s=%s: is not the name of a Pod", podNameVariable, o.pod)
	}
	return nil
}

// completeURL accepts what a client without certificates can ask.
func (o *options) completeURL() error {
	if o.nodeHealthzURL == "0" {
		o.nodeHealthzURL = "" // A variable of the environment that is empty is as good as unset.
	}
	if o.nodeHealthzURL == "" {
		return nil
	}
	if u, err := url.Parse(o.nodeHealthzURL); err != nil || u.Scheme != "http" || u.Hostname() == "" {
		return fmt.Errorf("--node-healthz-url=%s: must be a URL such as http://127.0.0.1:10256/healthz", o.nodeHealthzURL)
	}
	return nil
}

// completeTaints accepts keys as taints have them.
func (o *options) completeTaints() error {
	o.drainRules.Taints = nil
	for key := range strings.SplitSeq(o.drainTaints, ",") {
		if key = strings.TrimSpace(key); key == "" {
			continue
		}
		if len(validation.IsQualifiedName(key)) > 0 {
			return fmt.Errorf("--drain-taints=%s: %q is not the key of a taint, such as example.com/maintenance; give it without value and effect", o.drainTaints, key)
		}
		o.drainRules.Taints = append(o.drainRules.Taints, key)
	}
	return nil
}

// probe returns what asks the node's service proxy, and calls the function when its signal has changed; nil if the proxy is not asked.
func (o *options) probe(changed func()) *dataplane.Probe {
	if o.nodeHealthzURL == "" {
		return nil
	}
	return dataplane.NewProbe(dataplane.Options{
		URL: o.nodeHealthzURL, Clock: clock.RealClock{}, Uptime: dataplane.Uptime, Timeout: o.proxyTimeout, Changed: changed,
	})
}
