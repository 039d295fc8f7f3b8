// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

// webhookSecret is where the webhook's certificate is.
const webhookSecret = "metallb-webhook-cert"

// webhookProcess is a controller whose webhook the API server asks.
type webhookProcess struct {
	*controllerProcess
	authority *envtest.Authority
	port      int
	// probes is the address of its health probes.
	probes string
}

// startWebhook runs a controller whose certificate this test makes, and returns when the API server asks it.
func startWebhook(ctx context.Context, flags ...string) *webhookProcess {
	GinkgoHelper()
	p := &webhookProcess{authority: envtest.NewAuthority(GinkgoTB()), port: freePort(ctx)}
	p.probes = fmt.Sprintf("127.0.0.1:%d", freePort(ctx))
	create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: envtest.Namespace, Name: webhookSecret},
		Data:       p.authority.Certificate(GinkgoTB()),
	})
	p.controllerProcess = startController(append([]string{
		"--webhook-mode=enabled", "--disable-cert-rotation", fmt.Sprintf("--webhook-port=%d", p.port),
		"--health-probe-bind-address=" + p.probes,
	}, flags...)...)
	Eventually(get(ctx, "http://"+p.probes+"/readyz/webhook")).Should(ContainSubstring("there is no ValidatingWebhookConfiguration"))
	server.InstallWebhook(GinkgoTB(), p.port, p.authority)
	Eventually(get(ctx, "http://"+p.probes+"/readyz")).Should(Equal("ok"))
	return p
}

// freePort returns a port of 127.0.0.1 that nobody listened on a moment ago.
func freePort(ctx context.Context) int {
	GinkgoHelper()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// kubectl runs it and returns all that it prints, refused or not.
func kubectl(stdin string, args ...string) string {
	GinkgoHelper()
	out, _ := server.Kubectl(GinkgoTB(), stdin, args...)
	return out
}

var _ = Describe("The webhook", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	const tutorial3 = "../config/tutorial/tutorial-3.yaml"

	It("refuses what takes an address from a service, and admits it once the service has another", func(ctx SpecContext) {
		startWebhook(ctx)
		fmt.Fprint(GinkgoWriter, kubectl("", "apply", "-f", "../config/tutorial/tutorial-1.yaml"))
		nginx := builder.MakeService("nginx").Obj()
		create(ctx, nginx)
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		out := kubectl("", "apply", "-f", tutorial3)
		fmt.Fprint(GinkgoWriter, out)
		Expect(out).To(ContainSubstring(
			`new config not compatible with assigned IPs: service "default/nginx" cannot own "198.51.100.0" under new config`))
		fmt.Fprint(GinkgoWriter, kubectl("", "apply", "--dry-run=server", "-f", tutorial3))
	})

	It("is missed where it guards, and not where it would be in the way", func(ctx SpecContext) {
		p := startWebhook(ctx)
		create(ctx, tutorialPool())
		p.stop(syscall.SIGKILL)
		err := server.Client.Create(ctx, builder.MakePool("other", "192.0.2.0/24").Obj())
		Expect(err).To(MatchError(ContainSubstring("failed calling webhook")))
		remove(ctx, tutorialPool())
		Expect(client.IgnoreNotFound(server.Client.Get(ctx, client.ObjectKeyFromObject(tutorialPool()), &v1beta1.IPAddressPool{}))).To(Succeed())
	})
})
