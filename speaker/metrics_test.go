// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	. "github.com/onsi/gomega"
	"github.com/vishvananda/netlink"

	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/monitoring"
)

func TestMetricsAreForThoseWhoMayGetThem(t *testing.T) {
	bgptest.Require(t)
	g, node := newGomega(t), lab.NewNode(t)
	// The API server wants to know an address by which others reach it, and asks for the default route's.
	g.Expect(netlink.RouteReplace(&netlink.Route{Gw: node.Addr4.AsSlice()})).To(Succeed())
	kube := kubectl{apiServer.Get(t)}
	kube.Clean(t)
	kube.run(t, "", "apply", "--namespace", envtest.Namespace, "--kustomize", "../config/rbac")
	s := startSpeaker(t, kube, "--metrics-secure=true")
	access := monitoring.AccessTo(t, kube.Server, "https://"+s.metrics+"/metrics")
	g.Expect(access.Page).To(ContainSubstring("metallb_build_info"))
	g.Expect([]int{access.Nobody, access.Stranger, access.Reader}).To(Equal([]int{401, 403, 200}))
	g.Expect(access.Liar).NotTo(Equal(200))
}
