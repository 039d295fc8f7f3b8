// SPDX-License-Identifier: Apache-2.0

// Package envtest runs tests against a real API server: etcd and kube-apiserver as processes, with this project's CRDs
// installed and no other part of a cluster. What controllers of Kubernetes do, tests do themselves, or do without:
// Services get cluster IPs and node ports, but no EndpointSlices, and deleted namespaces stay.
//
// The programs etcd, kube-apiserver and kubectl are looked for in $KUBEBUILDER_ASSETS, $K8S_BIN and
// ~/.cache/k8s-from-modules. Where they are missing, tests are skipped, or fail if $CI is true. No server outlives the
// test's process, however that ends.
//
// A package whose tests share one server has
//
//	var server envtest.Shared
//
//	func TestMain(m *testing.M) { os.Exit(server.Main(m)) }
//
// and calls server.Get(t) in each test.
package envtest
