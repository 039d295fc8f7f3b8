// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
)

// Options are how the webhook is reached and trusted.
type Options struct {
	// Namespace is where the configuration is, and the Service and the Secret.
	Namespace string
	// Port to serve on, at all addresses.
	Port int
	// Service is the name of the Service by which API servers reach the webhook, Secret that of the certificate's.
	Service, Secret string
	// Configuration is the name of the ValidatingWebhookConfiguration by which API servers know the webhook.
	Configuration string
	// Rotate is whether the certificate is made and renewed here; else somebody else does.
	Rotate bool
	// Logger is the program's.
	Logger logr.Logger
}

// Webhook answers API servers that ask whether a change of configuration may be made. Every replica can
// answer.
type Webhook struct {
	options     Options
	certificate *certificate
}

// New returns a Webhook that is to be set up with a manager.
func New(o Options) *Webhook {
	secret := types.NamespacedName{Namespace: o.Namespace, Name: o.Secret}
	return &Webhook{options: o, certificate: newCertificate(secret, o.Logger)}
}

// Server returns the server that the manager must be made with.
func (w *Webhook) Server() ctrlwebhook.Server {
	return ctrlwebhook.NewServer(ctrlwebhook.Options{
		Port: w.options.Port,
		TLSOpts: []func(*tls.Config){func(c *tls.Config) {
			c.GetCertificate = w.certificate.get
			c.MinVersion = tls.VersionTLS12
			// HTTP/2 lets a client make a server work for requests that it has cancelled, and one question needs no multiplexing.
			c.NextProtos = []string{"http/1.1"}
		}},
	})
}

// Secrets are the cache options of Secrets that the manager must be made with: only the certificate's is kept.
func (w *Webhook) Secrets() cache.ByObject {
	return cache.ByObject{Namespaces: map[string]cache.Config{
		w.options.Namespace: {FieldSelector: fields.OneTermEqualSelector("metadata.name", w.options.Secret)},
	}}
}

// SetupWithManager registers the webhook of each kind, and what it takes to answer. The feed is the caller's to start.
func (w *Webhook) SetupWithManager(mgr ctrl.Manager, feed *assignment.Feed, parser *config.Parser, registry prometheus.Registerer) error {
	counted, err := newMetrics(registry)
	if err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	w.certificate.caches = mgr.GetCache()
	o := &observed{
		namespace: w.options.Namespace, caches: mgr.GetCache(), reader: mgr.GetClient(), live: mgr.GetAPIReader(), index: feed.Index, parser: parser,
		fed: func() bool { return toolscache.IsDone(feed) },
	}
	runnables := []manager.Runnable{w.certificate, o}
	if w.options.Rotate {
		r := &rotators{mgr: mgr, certificate: w.certificate, host: hostOfService(w.options.Namespace, w.options.Service), configuration: w.options.Configuration}
		runnables = append(runnables, &rotation{certificate: w.certificate, rotate: r.run, logger: w.options.Logger})
	}
	for _, r := range runnables {
		if err := mgr.Add(r); err != nil {
			return err
		}
	}
	if err := errors.Join(
		register(mgr, &v1beta1.IPAddressPool{}, w.options, o, counted), register(mgr, &v1beta2.BGPPeer{}, w.options, o, counted),
		register(mgr, &v1beta1.BGPAdvertisement{}, w.options, o, counted), register(mgr, &v1beta1.Community{}, w.options, o, counted),
		register(mgr, &v1beta1.BFDProfile{}, w.options, o, counted),
	); err != nil {
		return fmt.Errorf("registering the webhook: %w", err)
	}
	ready := &readiness{
		certificate: w.certificate, configuration: w.options.Configuration, observed: o, started: mgr.GetWebhookServer().StartedChecker(), live: mgr.GetAPIReader(),
		logger: w.options.Logger,
	}
	return mgr.AddReadyzCheck("webhook", ready.check)
}

// register registers the webhook of the object's kind.
func register[T config.Object](mgr ctrl.Manager, object T, o Options, s state, counted *metrics) error {
	kind, err := apiutil.GVKForObject(object, mgr.GetScheme())
	if err != nil {
		return err
	}
	v := &validator[T]{
		kind: kind.GroupKind(), namespace: o.Namespace, state: s,
		cached: mgr.GetClient(), live: mgr.GetAPIReader(), metrics: counted, logger: o.Logger,
	}
	path := "/validate-" + strings.ReplaceAll(kind.Group, ".", "-") + "-" + kind.Version + "-" + strings.ToLower(kind.Kind)
	mgr.GetWebhookServer().Register(path, v.webhook(mgr.GetScheme()))
	return nil
}
