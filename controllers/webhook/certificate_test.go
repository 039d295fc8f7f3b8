// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"go.uber.org/goleak"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	cachetesting "k8s.io/client-go/tools/cache/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/freeport"
	"metallb.io/metallb/test/late"
)

const host = "metallb-webhook-service.metallb-system.svc"

func secretName() types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: "metallb-webhook-cert"}
}

func secretOf(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: secretName().Name}, Data: data}
}

// served returns a Webhook that serves, and follows the secrets of the source, until the test ends.
func served(t *testing.T, l *logs) (*Webhook, *cachetesting.FakeControllerSource) {
	t.Helper()
	port := freeport.Get(t)
	w := New(Options{Namespace: namespace, Port: port, Service: "metallb-webhook-service", Secret: secretName().Name, Configuration: "metallb-webhook-configuration", Logger: l.logger()})
	source := cachetesting.NewFakeControllerSource()
	informer := toolscache.NewSharedIndexInformer(source, &corev1.Secret{}, 0, nil)
	w.certificate.caches = &late.Informers{Informer: informer}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { informer.RunWithContext(ctx) })
	for _, r := range []interface{ Start(context.Context) error }{w.certificate, w.Server()} {
		running.Go(func() {
			if err := r.Start(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		source.Shutdown()
		running.Wait()
	})
	return w, source
}

// connection returns the certificate that the webhook shows to a client that trusts the authority, and the connection.
func connection(t *testing.T, w *Webhook, a *envtest.Authority, maxVersion uint16) (*tls.Conn, error) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.Bundle)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: host, MaxVersion: maxVersion, NextProtos: []string{"h2", "http/1.1"}}}
	c, err := dialer.DialContext(t.Context(), "tcp4", fmt.Sprintf("127.0.0.1:%d", w.options.Port))
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close() }) // It may be closed already.
	return c.(*tls.Conn), nil
}

func TestNewConnectionsGetTheNewCertificateAndOldOnesGoOn(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("served", func(t *testing.T) {
		g := NewWithT(t)
		var l logs
		w, source := served(t, &l)
		a := envtest.NewAuthority(t)
		g.Eventually(func() error {
			_, err := connection(t, w, a, 0)
			return err
		}).Should(MatchError(ContainSubstring("remote error: tls")), "there is no certificate yet")

		source.Add(secretOf(a.Certificate(t, host)))
		g.Eventually(w.certificate.current.Load).WithTimeout(10 * time.Second).ShouldNot(BeNil())
		before, err := connection(t, w, a, 0)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(before.ConnectionState().Version).To(Equal(uint16(tls.VersionTLS13)))
		g.Expect(before.ConnectionState().NegotiatedProtocol).To(Equal("http/1.1"))
		_, err = connection(t, w, a, tls.VersionTLS11)
		g.Expect(err).To(HaveOccurred(), "TLS 1.1 is not served")
		_, err = connection(t, w, a, tls.VersionTLS12)
		g.Expect(err).NotTo(HaveOccurred())

		source.Modify(secretOf(a.Certificate(t, host)))
		g.Eventually(func(g Gomega) {
			now, err := connection(t, w, a, 0)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(now.ConnectionState().PeerCertificates[0].Equal(before.ConnectionState().PeerCertificates[0])).To(BeFalse())
		}).Should(Succeed())
		_, err = before.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		g.Expect(err).NotTo(HaveOccurred())
		answer := make([]byte, 12)
		g.Expect(before.Read(answer)).To(Equal(12))
		g.Expect(string(answer)).To(Equal("HTTP/1.1 404"))
	})
}

func TestABrokenOrMissingSecretChangesNothing(t *testing.T) {
	t.Parallel()
	a := envtest.NewAuthority(t)
	good, other := a.Certificate(t, host), a.Certificate(t, host)
	for name, tc := range map[string]struct {
		data    map[string][]byte
		missing bool
		wantWhy string
	}{
		"no data":       {wantWhy: `secret "metallb-system/metallb-webhook-cert" has no certificate yet`},
		"no key":        {data: map[string][]byte{"tls.crt": good["tls.crt"]}, wantWhy: `secret "metallb-system/metallb-webhook-cert" has no certificate yet`},
		"another's key": {data: map[string][]byte{"tls.crt": good["tls.crt"], "tls.key": other["tls.key"]}, wantWhy: `secret "metallb-system/metallb-webhook-cert": tls: private key does not match public key`},
		"no PEM":        {data: map[string][]byte{"tls.crt": []byte("x"), "tls.key": []byte("y")}, wantWhy: `secret "metallb-system/metallb-webhook-cert": tls: failed to find any PEM data in certificate input`},
		"no secret":     {missing: true, wantWhy: `there is no secret "metallb-system/metallb-webhook-cert"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, served := range []bool{false, true} {
				var l logs
				c := newCertificate(secretName(), l.logger())
				if served {
					c.observe(secretOf(good))
				}
				if tc.missing {
					c.miss()
				} else {
					c.observe(secretOf(tc.data))
				}
				if why := c.why(); why == nil || why.Error() != tc.wantWhy {
					t.Errorf("after a good one: %t: %v, want %s", served, why, tc.wantWhy)
				}
				if _, err := c.get(nil); (err == nil) != served {
					t.Errorf("after a good one: %t: %v", served, err)
				}
			}
		})
	}
}

func TestASecretThatSaysTheSameIsNoNews(t *testing.T) {
	t.Parallel()
	var l logs
	c := newCertificate(secretName(), l.logger())
	data := envtest.NewAuthority(t).Certificate(t, host)
	c.observe(secretOf(data))
	c.observe(secretOf(data))
	stranger := secretOf(nil)
	stranger.Name = "password"
	c.observe(stranger)
	if n := len(l.all()); n != 1 || c.why() != nil {
		t.Errorf("%d lines, %v: %s", n, c.why(), &l)
	}
}

// api is the API server, which has that configuration or none.
type api struct {
	client.Reader
	configuration *admissionregistrationv1.ValidatingWebhookConfiguration
	err           error
	asked         int
}

func (a *api) Get(ctx context.Context, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
	a.asked++
	into, ok := object.(*admissionregistrationv1.ValidatingWebhookConfiguration)
	switch {
	case a.err != nil:
		return a.err
	case !ok || a.configuration == nil || key.Name != a.configuration.Name:
		return (&namespaces{gone: true}).Get(ctx, key, object, opts...)
	}
	*into = *a.configuration
	return nil
}

// whole is an observed that is complete or is not.
type whole bool

func (w whole) complete() bool { return bool(w) }

func TestTheWebhookIsReadyWhenItCanAnswer(t *testing.T) {
	t.Parallel()
	a := envtest.NewAuthority(t)
	trusting := func(bundle []byte, edit func(*admissionregistrationv1.ValidatingWebhookConfiguration)) *admissionregistrationv1.ValidatingWebhookConfiguration {
		c := envtest.WebhookConfiguration(t)
		for i := range c.Webhooks {
			c.Webhooks[i].ClientConfig.CABundle = bundle
		}
		if edit != nil {
			edit(c)
		}
		return c
	}
	const configuration = `ValidatingWebhookConfiguration "metallb-webhook-configuration"`
	for name, tc := range map[string]struct {
		uncertified, unobserved bool
		serverErr, apiErr       error
		names                   []string
		configuration           *admissionregistrationv1.ValidatingWebhookConfiguration
		// want is how the reason begins; empty if the webhook is ready.
		want string
	}{
		"all is there":            {configuration: trusting(a.Bundle, nil)},
		"no certificate":          {uncertified: true, want: `secret "metallb-system/metallb-webhook-cert" has not been read`},
		"caches that are filling": {unobserved: true, want: errStarting.Error()},
		"a server that starts":    {serverErr: errors.New("not yet"), want: "not yet"},
		"no configuration":        {want: "there is no " + configuration},
		"no answer":               {apiErr: errors.New("no answer"), want: "reading " + configuration + ": no answer"},
		"no CA bundle": {
			configuration: trusting(nil, nil),
			want:          configuration + `, webhook "ipaddresspoolvalidationwebhook.metallb.io": there is no CA bundle yet`,
		},
		"one CA bundle missing": {
			configuration: trusting(a.Bundle, func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
				c.Webhooks[8].ClientConfig.CABundle = nil
			}),
			want: configuration + `, webhook "communitydeletionwebhook.metallb.io": there is no CA bundle yet`,
		},
		"a CA bundle that is none": {
			configuration: trusting([]byte("x"), nil),
			want:          configuration + `, webhook "ipaddresspoolvalidationwebhook.metallb.io": the CA bundle holds no certificate`,
		},
		"another authority": {
			configuration: trusting(envtest.NewAuthority(t).Bundle, nil),
			want:          configuration + `, webhook "ipaddresspoolvalidationwebhook.metallb.io": the certificate in secret "metallb-system/metallb-webhook-cert" is not what the CA bundle vouches for`,
		},
		"a certificate of another name": {
			configuration: trusting(a.Bundle, nil), names: []string{"other.metallb-system.svc"},
			want: configuration + `, webhook "ipaddresspoolvalidationwebhook.metallb.io": the certificate in secret "metallb-system/metallb-webhook-cert" is not what the CA bundle vouches for: x509: certificate is valid for other.metallb-system.svc, not ` + host,
		},
		"a URL": {configuration: trusting(a.Bundle, func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
			c.Webhooks[0].ClientConfig.Service, c.Webhooks[0].ClientConfig.URL = nil, new("https://127.0.0.1:9443/x")
		})},
		"a URL of another host": {
			configuration: trusting(a.Bundle, func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
				c.Webhooks[0].ClientConfig.Service, c.Webhooks[0].ClientConfig.URL = nil, new("https://127.0.0.2/x")
			}),
			want: configuration + `, webhook "ipaddresspoolvalidationwebhook.metallb.io": the certificate in secret "metallb-system/metallb-webhook-cert" is not what the CA bundle vouches for: x509`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l logs
			c := newCertificate(secretName(), l.logger())
			if !tc.uncertified {
				names := tc.names
				if names == nil {
					names = []string{host}
				}
				c.observe(secretOf(a.Certificate(t, names...)))
			}
			server := &api{configuration: tc.configuration, err: tc.apiErr}
			r := &readiness{
				certificate: c, configuration: "metallb-webhook-configuration", observed: whole(!tc.unobserved), started: func(*http.Request) error { return tc.serverErr }, live: server, logger: l.logger(),
			}
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody)
			for range 3 {
				switch err := r.check(request); {
				case tc.want == "" && err != nil:
					t.Errorf("not ready: %v", err)
				case tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want)):
					t.Errorf("got %v, want %s", err, tc.want)
				}
			}
			if tc.want == "" && server.asked != 1 {
				t.Errorf("the API server is asked %d times, want once", server.asked)
			}
			if n := strings.Count(l.String(), `"msg":"the webhook is`); n != 1 {
				t.Errorf("%d lines about it, want 1: %s", n, &l)
			}
		})
	}
}
