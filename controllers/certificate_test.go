// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/freeport"
)

// webhookHost is the name by which API servers know the webhook.
const webhookHost = "metallb-webhook-service.metallb-system.svc"

// emptySecret is the one of config/webhook.
func emptySecret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: envtest.Namespace, Name: webhookSecret}}
}

// installByService makes the API server ask the webhook by its Service, which nobody can reach here, until the end of the
// spec.
func installByService(ctx context.Context) {
	GinkgoHelper()
	configuration := envtest.WebhookConfiguration(GinkgoTB())
	create(ctx, configuration)
	DeferCleanup(func(ctx SpecContext) { remove(ctx, configuration) })
}

// bundles returns the CA bundles by which the API server knows the webhook, each once.
func bundles(ctx context.Context) []string {
	GinkgoHelper()
	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	Expect(server.Client.Get(ctx, client.ObjectKeyFromObject(envtest.WebhookConfiguration(GinkgoTB())), configuration)).To(Succeed())
	found := map[string]bool{}
	var list []string
	for _, w := range configuration.Webhooks {
		if bundle := string(w.ClientConfig.CABundle); !found[bundle] {
			found[bundle] = true
			list = append(list, bundle)
		}
	}
	return list
}

// connect connects to the webhook, trusting the bundle, and returns how.
func connect(ctx context.Context, port int, host, bundle string) (tls.ConnectionState, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(bundle))
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: host, NextProtos: []string{"h2", "http/1.1"}}}
	connection, err := dialer.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer connection.Close()
	return connection.(*tls.Conn).ConnectionState(), nil
}

// complaints returns the lines of the log that are errors, or no JSON.
func complaints(log []byte) []string {
	var found []string
	for line := range strings.Lines(string(log)) {
		var values map[string]any
		if err := json.Unmarshal([]byte(line), &values); err != nil || values["level"] != "info" {
			found = append(found, line)
		}
	}
	return found
}

var _ = Describe("The webhook's certificate", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("is made, trusted, and followed when it is made anew", func(ctx SpecContext) {
		out, err := server.Kubectl(GinkgoTB(), "", "apply", "--namespace", "metallb-system", "--kustomize", "../config/rbac")
		Expect(err).NotTo(HaveOccurred(), out)
		create(ctx, emptySecret())
		installByService(ctx)
		port, probes := freeport.Get(GinkgoTB()), freeport.Address(GinkgoTB())
		started := time.Now()
		p := startControllerWith(impersonating("system:serviceaccount:metallb-system:controller"), "--leader-elect=true",
			"--webhook-mode=enabled", fmt.Sprintf("--webhook-port=%d", port), "--health-probe-bind-address="+probes)
		Eventually(get(ctx, "http://"+probes+"/readyz")).Should(Equal("ok"))
		GinkgoWriter.Printf("ready after %v, with an empty secret\n", time.Since(started))

		By("trusting it for the name of the Service only")
		trusted := bundles(ctx)
		Expect(trusted).To(HaveLen(1), "all webhooks trust one authority")
		connection, err := connect(ctx, port, webhookHost, trusted[0])
		Expect(err).NotTo(HaveOccurred())
		Expect(connection.Version).To(Equal(uint16(tls.VersionTLS13)))
		Expect(connection.NegotiatedProtocol).To(Equal("http/1.1"))
		_, err = connect(ctx, port, "somebody.else.svc", trusted[0])
		Expect(err).To(MatchError(ContainSubstring("certificate is valid for " + webhookHost)))

		By("leaving nothing but the public certificate on the disk")
		files, err := filepath.Glob(filepath.Join(p.temporary, "metallb-webhook-*", "*"))
		Expect(err).NotTo(HaveOccurred())
		Expect(files).To(HaveLen(1))
		Expect(os.ReadFile(files[0])).NotTo(ContainSubstring("PRIVATE KEY"))

		By("making another")
		change(ctx, emptySecret(), func(s *corev1.Secret) { s.Data = nil })
		Eventually(func(g Gomega) {
			anew := bundles(ctx)
			g.Expect(anew).NotTo(Equal(trusted))
			now, err := connect(ctx, port, webhookHost, anew[0])
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(now.PeerCertificates[0].Equal(connection.PeerCertificates[0])).To(BeFalse())
		}).Should(Succeed())
		Expect(get(ctx, "http://"+probes+"/readyz")()).To(Equal("ok"))

		Expect(complaints(p.log.Contents())).To(BeEmpty())

		By("ending without a trace")
		p.stop(syscall.SIGTERM)
		Expect(p.cmd.ProcessState.ExitCode()).To(Equal(0))
		Expect(filepath.Glob(filepath.Join(p.temporary, "metallb-webhook-*"))).To(BeEmpty())
	})

	It("is waited for, while services get their addresses", func(ctx SpecContext) {
		installByService(ctx)
		port, probes := freeport.Get(GinkgoTB()), freeport.Address(GinkgoTB())
		p := startController("--webhook-mode=enabled", fmt.Sprintf("--webhook-port=%d", port), "--health-probe-bind-address="+probes)
		Eventually(get(ctx, "http://"+probes+"/readyz/webhook")).Should(ContainSubstring(
			`there is no secret "metallb-system/metallb-webhook-cert"`))
		// The pool cannot be created while the webhook is trusted by nobody.
		create(ctx, builder.MakeService("web").Obj())
		Eventually(events(ctx, "Service", "web")).Should(HaveLen(1))
		create(ctx, emptySecret())
		Eventually(get(ctx, "http://"+probes+"/readyz")).Should(Equal("ok"))
		Expect(complaints(p.log.Contents())).To(BeEmpty())
	})

	It("is taken from whoever makes it, and kept if what comes next is broken", func(ctx SpecContext) {
		p := startWebhook(ctx)
		before, err := connect(ctx, p.port, "127.0.0.1", string(p.authority.Bundle))
		Expect(err).NotTo(HaveOccurred())
		served := func() bool {
			now, err := connect(ctx, p.port, "127.0.0.1", string(p.authority.Bundle))
			return err == nil && now.PeerCertificates[0].Equal(before.PeerCertificates[0])
		}

		By("breaking it")
		change(ctx, emptySecret(), func(s *corev1.Secret) { s.Data[corev1.TLSPrivateKeyKey] = []byte("no key") })
		Eventually(func() int { return bytes.Count(p.log.Contents(), []byte("keeping the webhook's certificate")) }).Should(Equal(1))
		Expect(served()).To(BeTrue())

		By("removing it")
		remove(ctx, emptySecret())
		Eventually(p.log.Contents).Should(ContainSubstring("waiting for the webhook's secret"))
		Expect(served()).To(BeTrue())

		By("putting another in its place")
		secret := emptySecret()
		secret.Data = p.authority.Certificate(GinkgoTB())
		create(ctx, secret)
		Eventually(served).Should(BeFalse())
		create(ctx, tutorialPool())
	})
})
