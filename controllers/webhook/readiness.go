// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
)

// trustTimeout bounds how long a readiness probe waits for the API server.
const trustTimeout = time.Second

// readiness tells whether the webhook can answer API servers.
type readiness struct {
	certificate *certificate
	// configuration is the name of the ValidatingWebhookConfiguration.
	configuration string
	observed      interface{ complete() bool }
	started       healthz.Checker
	live          client.Reader
	logger        logr.Logger

	mu sync.Mutex
	// trusted is whether API servers were found to trust the certificate once. They are not asked again: renewing the
	// certificate is not the time to take all replicas out of service.
	trusted bool
	// logged is the last reason that was logged; empty if the webhook was ready.
	logged string
}

// check returns why the webhook cannot answer.
func (r *readiness) check(request *http.Request) error {
	err := r.reason(request)
	r.mu.Lock()
	defer r.mu.Unlock()
	reason := "ready"
	if err != nil {
		reason = err.Error()
	}
	if reason == r.logged {
		return err
	}
	r.logged = reason
	if err != nil {
		r.logger.Info("the webhook is not ready", "reason", reason)
	} else {
		r.logger.Info("the webhook is ready")
	}
	return err
}

func (r *readiness) reason(request *http.Request) error {
	if r.certificate.current.Load() == nil {
		return r.certificate.why()
	}
	if !r.observed.complete() {
		return errStarting
	}
	if err := r.started(request); err != nil {
		return err
	}
	return r.trust(request.Context())
}

// trust returns why an API server would not believe that it talks to this webhook.
func (r *readiness) trust(ctx context.Context) error {
	r.mu.Lock()
	trusted := r.trusted
	r.mu.Unlock()
	if trusted {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, trustTimeout)
	defer cancel()
	configuration := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	switch err := r.live.Get(ctx, client.ObjectKey{Name: r.configuration}, configuration); {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("there is no ValidatingWebhookConfiguration %q, so nobody asks the webhook", r.configuration)
	case err != nil:
		return fmt.Errorf("reading ValidatingWebhookConfiguration %q: %w", r.configuration, err)
	}
	for i := range configuration.Webhooks {
		if err := trusts(&configuration.Webhooks[i].ClientConfig, r.certificate); err != nil {
			return fmt.Errorf("ValidatingWebhookConfiguration %q, webhook %q: %w", r.configuration, configuration.Webhooks[i].Name, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trusted = true
	return nil
}

// trusts returns why an API server that is configured so would not accept the certificate.
func trusts(config *admissionregistrationv1.WebhookClientConfig, c *certificate) error {
	served, err := c.get(nil)
	if err != nil {
		return err
	}
	if len(config.CABundle) == 0 {
		return errors.New("there is no CA bundle yet")
	}
	host, err := hostOf(config)
	if err != nil {
		return err
	}
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	if !roots.AppendCertsFromPEM(config.CABundle) {
		return errors.New("the CA bundle holds no certificate")
	}
	for _, der := range served.Certificate[1:] {
		if intermediate, err := x509.ParseCertificate(der); err == nil {
			others.AddCert(intermediate)
		}
	}
	if _, err := served.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: others}); err != nil {
		return fmt.Errorf("the certificate in secret %q is not what the CA bundle vouches for: %w", c.secret, err)
	}
	return nil
}

// hostOf returns the name that the API server expects in the certificate.
func hostOf(config *admissionregistrationv1.WebhookClientConfig) (string, error) {
	if config.Service != nil {
		return hostOfService(config.Service.Namespace, config.Service.Name), nil
	}
	if config.URL == nil {
		return "", errors.New("there is neither a service nor a URL")
	}
	u, err := url.Parse(*config.URL)
	if err != nil {
		return "", err
	}
	return u.Hostname(), nil
}

// hostOfService returns the name by which an API server addresses a Service.
func hostOfService(namespace, name string) string { return name + "." + namespace + ".svc" }
