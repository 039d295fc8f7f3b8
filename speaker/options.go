// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"metallb.io/metallb/internal/process"
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
	// serviceBGPStatus is whether ServiceBGPStatuses are written.
	serviceBGPStatus bool
}

// Register adds the flags.
func (o *options) Register(flags *flag.FlagSet) {
	flags.DurationVar(&o.drain, "shutdown-delay", time.Second,
		"`time` for which routers are asked to prefer other nodes (GRACEFUL_SHUTDOWN, RFC 8326) before routes are withdrawn when the speaker stops")
	flags.BoolVar(&o.serviceBGPStatus, "service-bgp-status", false,
		"write a ServiceBGPStatus for each service that the node announces; costs services × nodes objects, and needs the rights in config/service-bgp-status")
}

// Complete reads the node's name.
func (o *options) Complete(_ *process.Settings, getenv func(string) string) error {
	if o.drain < 0 {
		return fmt.Errorf("--shutdown-delay=%s: must be 0 or more", o.drain)
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
