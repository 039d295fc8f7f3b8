// SPDX-License-Identifier: Apache-2.0

package envtest

import (
	"context"
	"fmt"
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
	"metallb.io/metallb/test/authority"
	"metallb.io/metallb/test/programs"
)

// Authority makes certificates of servers.
type Authority struct{ *authority.Authority }

// NewAuthority returns an authority that nobody else trusts.
func NewAuthority(tb testing.TB) *Authority {
	tb.Helper()
	a, err := authority.New("test authority")
	if err != nil {
		tb.Fatal(err)
	}
	return &Authority{a}
}

// Certificate returns a certificate for 127.0.0.1 and the names, as a TLS Secret has it.
func (a *Authority) Certificate(tb testing.TB, names ...string) map[string][]byte {
	tb.Helper()
	certificate, key, err := a.Issue(authority.Identity{User: "test", DNS: names, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}})
	if err != nil {
		tb.Fatal(err)
	}
	return map[string][]byte{corev1.TLSCertKey: certificate, corev1.TLSPrivateKeyKey: key}
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
