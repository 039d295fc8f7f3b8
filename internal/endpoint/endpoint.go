// SPDX-License-Identifier: Apache-2.0

package endpoint

import discoveryv1 "k8s.io/api/discovery/v1"

// Serves reports whether connections to the endpoint are answered: it has an address and is ready, which unset means
// as well, or it still serves while it terminates, to which kube-proxy falls back where none is ready. For a service with
// publishNotReadyAddresses, the EndpointSlice controller sets ready to true throughout.
func Serves(e *discoveryv1.Endpoint) bool {
	c := e.Conditions
	ready := c.Ready == nil || *c.Ready
	serving := c.Serving != nil && *c.Serving
	return len(e.Addresses) > 0 && (ready || serving)
}
