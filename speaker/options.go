// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"

	"metallb.io/metallb/internal/process"
	"metallb.io/metallb/speaker/dataplane"
	"metallb.io/metallb/speaker/node"
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
	// serviceBGPStatus is whether ServiceBGPStatuses are written.
	serviceBGPStatus bool
}

// Register adds the flags.
func (o *options) Register(flags *flag.FlagSet) {
	flags.DurationVar(&o.drain, "shutdown-delay", time.Second,
		"when the speaker stops, the `time` during which it asks routers to prefer other nodes (GRACEFUL_SHUTDOWN, RFC 8326) before it withdraws its routes")
	flags.StringVar(&o.nodeHealthzURL, "node-healthz-url", "http://127.0.0.1:10256/healthz",
		"`URL` of the health endpoint of the node's service proxy (kube-proxy or its replacement): when the speaker starts, it announces nothing until the proxy forwards connections; if 0 or empty, the proxy is not asked")
	flags.BoolVar(&o.serviceBGPStatus, "service-bgp-status", false,
		"write a ServiceBGPStatus for each service that the node announces; the number of these objects is services × nodes, and they need the rights in config/service-bgp-status")
}

// Complete reads the node's name.
func (o *options) Complete(_ *process.Settings, getenv func(string) string) error {
	if o.drain < 0 {
		return fmt.Errorf("--shutdown-delay=%s: must be 0 or more", o.drain)
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

// dataPlane returns what is to be asked whether the node forwards connections; nil if nothing is.
func (o *options) dataPlane() node.DataPlane {
	if o.nodeHealthzURL == "" {
		return nil
	}
	return dataplane.NewProbe(dataplane.Options{URL: o.nodeHealthzURL, Clock: clock.RealClock{}, Uptime: dataplane.Uptime})
}
