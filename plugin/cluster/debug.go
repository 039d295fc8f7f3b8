// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// The ports of the debug endpoints unless they are set.
const (
	speakerDebugPort    = 7474
	controllerDebugPort = 7475
)

// DebugPort returns the port of the pod's loopback where the debug endpoint is, if it is served.
func DebugPort(p *corev1.Pod) (port int, served bool) {
	address, set := setting(&corev1.PodTemplateSpec{Spec: p.Spec}, "debug-bind-address")
	switch {
	case !set && IsSpeaker(p):
		return speakerDebugPort, true
	case !set:
		return controllerDebugPort, true
	}
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, false // 0 serves nothing.
	}
	port, err = strconv.Atoi(text)
	return port, err == nil && port > 0
}
