// SPDX-License-Identifier: Apache-2.0

package envtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/programs"
)

// Authority makes certificates of servers.
type Authority struct {
	// Bundle is its own certificate in PEM.
	Bundle []byte

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority returns an authority that nobody else trusts.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{key: newKey(tb)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		tb.Fatalf("making a certificate authority: %v", err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		tb.Fatalf("making a certificate authority: %v", err)
	}
	a.Bundle = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return a
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatalf("making a key: %v", err)
	}
	return key
}

// Certificate returns a certificate for 127.0.0.1 and the names, as a TLS Secret has it.
func (a *Authority) Certificate(tb testing.TB, names ...string) map[string][]byte {
	tb.Helper()
	key := newKey(tb)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		KeyUsage: x509.KeyUsageDigitalSignature, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		tb.Fatalf("making a certificate: %v", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatalf("making a certificate: %v", err)
	}
	return map[string][]byte{
		corev1.TLSCertKey:       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

// WebhookConfiguration returns the one of config/webhook, which reaches the webhook by its Service.
func WebhookConfiguration(tb testing.TB) *admissionregistrationv1.ValidatingWebhookConfiguration {
	tb.Helper()
	root, err := programs.Root()
	if err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "config", "webhook", "configuration.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	if err := yaml.UnmarshalStrict(text, configuration); err != nil {
		tb.Fatalf("config/webhook: %v", err)
	}
	return configuration
}

// InstallWebhook makes the API server ask the webhook at 127.0.0.1 and the port, as config/webhook says, and trust the
// authority, until the end of the test. It returns when the API server does ask.
func (s *Server) InstallWebhook(tb testing.TB, port int, a *Authority) {
	tb.Helper()
	configuration := WebhookConfiguration(tb)
	for i := range configuration.Webhooks {
		config := &configuration.Webhooks[i].ClientConfig
		url := fmt.Sprintf("https://127.0.0.1:%d%s", port, *config.Service.Path)
		config.Service, config.URL, config.CABundle = nil, &url, a.Bundle
	}
	// At the end of a test its context is done.
	ctx := context.WithoutCancel(tb.Context())
	if err := s.Client.Create(ctx, configuration); err != nil {
		tb.Fatalf("creating the webhook's configuration: %v", err)
	}
	tb.Cleanup(func() {
		if err := client.IgnoreNotFound(s.Client.Delete(ctx, configuration)); err != nil {
			tb.Errorf("deleting the webhook's configuration: %v", err)
		}
		s.awaitAdmission(ctx, tb, true)
	})
	s.awaitAdmission(ctx, tb, false)
}

// awaitAdmission waits until the API server admits, or does not admit, an object that only the webhook refuses.
func (s *Server) awaitAdmission(ctx context.Context, tb testing.TB, admitted bool) {
	tb.Helper()
	const elsewhere = metav1.NamespaceDefault
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		probe := &v1beta1.Community{}
		probe.Namespace, probe.GenerateName = elsewhere, "probe-"
		return (s.Client.Create(ctx, probe, client.DryRunAll) == nil) == admitted, nil
	})
	if err != nil {
		tb.Errorf("waiting until the API server asks the webhook, or does not: %v", err)
	}
}
