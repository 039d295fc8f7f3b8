// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/freeport"
	"metallb.io/metallb/test/monitoring"
)

var _ = Describe("Metrics of the controller", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("are those of docs/metrics.md", func(ctx SpecContext) {
		address := freeport.Address(GinkgoTB())
		// Both name one router, which the webhook would not admit: one of them is not in use.
		create(ctx, builder.MakePeer("router", "10.96.0.100").Obj(), builder.MakePeer("twin", "10.96.0.100").Obj())
		startWebhook(ctx, "--metrics-secure=false", "--metrics-bind-address="+address)
		create(ctx, tutorialPool(), builder.MakeService("web").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		Eventually(func() (string, error) {
			page, err := get(ctx, "http://"+address+"/metrics")()
			return monitoring.Difference(GinkgoTB(), "Controller", page), err
		}).Should(BeEmpty())
	})

	It("are for those who may get them", func() {
		out, err := server.Kubectl(GinkgoTB(), "", "apply", "--namespace", envtest.Namespace, "--kustomize", "../config/rbac")
		Expect(err).NotTo(HaveOccurred(), out)
		address := freeport.Address(GinkgoTB())
		startControllerWith(impersonating("system:serviceaccount:metallb-system:controller"), "--metrics-bind-address="+address)
		access := monitoring.AccessTo(GinkgoTB(), server, "https://"+address+"/metrics")
		Expect(access.Page).To(ContainSubstring("metallb_build_info"))
		Expect([]int{access.Nobody, access.Stranger, access.Reader}).To(Equal([]int{401, 403, 200}))
		Expect(access.Liar).NotTo(Equal(200))
	})

	It("are served with the certificate that is given", func(ctx SpecContext) {
		authority, directory := envtest.NewAuthority(GinkgoTB()), GinkgoT().TempDir()
		for name, content := range authority.Certificate(GinkgoTB()) {
			Expect(os.WriteFile(filepath.Join(directory, name), content, 0o600)).To(Succeed())
		}
		port := freeport.Get(GinkgoTB())
		startController(fmt.Sprintf("--metrics-bind-address=127.0.0.1:%d", port), "--metrics-cert-dir="+directory)
		Eventually(func() (string, error) {
			connection, err := connect(ctx, port, "127.0.0.1", string(authority.Bundle))
			return connection.NegotiatedProtocol, err
		}).Should(Equal("http/1.1"))
	})
})

var _ = Describe("config/prometheus", func() {
	It("has what Prometheus and Grafana look for", func() {
		objects := rendered("../config/prometheus")
		Expect(objects).To(And(
			HaveKey("PrometheusRule/metallb-alerts"), HaveKey("ConfigMap/metallb-dashboard"),
			HaveKey("ServiceMonitor/controller-monitor"), HaveKey("ServiceMonitor/speaker-monitor"),
			HaveKey("Service/controller-monitor-service"), HaveKey("Service/speaker-monitor-service"),
			HaveKey("ClusterRoleBinding/metallb-metrics-reader"), HaveKey("Role/metallb-prometheus"), HaveKey("RoleBinding/metallb-prometheus")))
		Expect(objects["ConfigMap/metallb-dashboard"]).To(ContainSubstring(`grafana_dashboard: "1"`))
	})
})
