// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	. "github.com/onsi/gomega"

	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/monitoring"
)

func TestMetricsAreForThoseWhoMayGetThem(t *testing.T) {
	bgptest.Require(t)
	g, node := newGomega(t), lab.NewNode(t)
	kube := newKubectl(t, node)
	kube.run(t, "apply", "--namespace", envtest.Namespace, "--kustomize", "../config/rbac")
	s := startSpeaker(t, kube, "--metrics-secure=true")
	access := monitoring.AccessTo(t, kube.Server, "https://"+s.metrics+"/metrics")
	g.Expect(access.Page).To(ContainSubstring("metallb_build_info"))
	g.Expect([]int{access.Nobody, access.Stranger, access.Reader}).To(Equal([]int{401, 403, 200}))
	g.Expect(access.Liar).NotTo(Equal(200))
}
