// SPDX-License-Identifier: Apache-2.0

// Package endpoint says which endpoints of a service get connections, by the rule of kube-proxy. It is pure, and the same for
// the speaker, which announces by it, and the controller, which reports what is announced.
//
// An address is served by the EndpointSlices of its own family. Of their endpoints those that are ready get connections; where
// none is, those that terminate and still serve (KEP-1669). Where is a node for traffic policy Local and the cluster for Cluster.
package endpoint
