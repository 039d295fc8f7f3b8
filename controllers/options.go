// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"

	"metallb.io/metallb/internal/process"
)

// The modes of the webhook.
const (
	webhookEnabled  = "enabled"
	webhookDisabled = "disabled"
	// webhookOnly leaves everything else to other controllers.
	webhookOnly = "onlywebhook"
)

// options are the settings that only the controller has.
type options struct {
	leaderElect bool
	webhookMode string
	webhookPort int
	// webhookService and webhookSecret are the names of the Service and of the certificate's Secret.
	webhookService, webhookSecret string
	// webhookConfiguration is the name of the ValidatingWebhookConfiguration.
	webhookConfiguration string
	// disableRotation leaves the certificate to somebody else.
	disableRotation bool
}

// Register adds the flags.
func (o *options) Register(flags *flag.FlagSet) {
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "if several controllers run, let only one of them, the holder of a Lease, be active")
	flags.StringVar(&o.webhookMode, "webhook-mode", webhookEnabled,
		"`mode` of the webhook that checks changes to the configuration: enabled, disabled, or onlywebhook, which serves the webhook and leaves services to other controllers")
	flags.IntVar(&o.webhookPort, "webhook-port", 9443, "`port` to serve the webhook on, over TLS")
	flags.StringVar(&o.webhookService, "cert-service-name", "metallb-webhook-service",
		"`name` of the Service through which the API server calls the webhook; the certificate is issued for it")
	flags.StringVar(&o.webhookConfiguration, "webhook-configuration-name", "metallb-webhook-configuration",
		"`name` of the ValidatingWebhookConfiguration of the webhook")
	flags.StringVar(&o.webhookSecret, "webhook-secret-name", "metallb-webhook-cert", "`name` of the Secret with the webhook's certificate")
	flags.BoolVar(&o.disableRotation, "disable-cert-rotation", false,
		"do not create and renew the webhook's certificate, because something else does, such as cert-manager")
}

// Complete refuses settings that are wrong or contradict each other.
func (o *options) Complete(common *process.Settings, _ func(string) string) error {
	switch o.webhookMode {
	case webhookEnabled, webhookOnly:
	case webhookDisabled:
		if o.disableRotation {
			return fmt.Errorf("--disable-cert-rotation: has no effect with --webhook-mode=%s; remove it", webhookDisabled)
		}
	default:
		return fmt.Errorf("--webhook-mode=%s: must be %s, %s or %s", o.webhookMode, webhookEnabled, webhookDisabled, webhookOnly)
	}
	if o.webhookPort < 1 || o.webhookPort > 65535 {
		return fmt.Errorf("--webhook-port=%d: must be 1 to 65535; to serve no webhook set --webhook-mode=%s", o.webhookPort, webhookDisabled)
	}
	if taken := common.Serving(o.webhookPort); taken != "" && o.servesWebhook() {
		return fmt.Errorf("--webhook-port=%d and %s use the same port; choose different ports", o.webhookPort, taken)
	}
	if len(validation.IsDNS1035Label(o.webhookService)) > 0 {
		return fmt.Errorf("--cert-service-name=%s: is not the name of a Service such as metallb-webhook-service", o.webhookService)
	}
	if len(validation.IsDNS1123Subdomain(o.webhookSecret)) > 0 {
		return fmt.Errorf("--webhook-secret-name=%s: is not the name of a Secret such as metallb-webhook-cert", o.webhookSecret)
	}
	if len(validation.IsDNS1123Subdomain(o.webhookConfiguration)) > 0 {
		return fmt.Errorf("--webhook-configuration-name=%s: is not the name of an object such as metallb-webhook-configuration", o.webhookConfiguration)
	}
	return nil
}

// servesWebhook reports whether this controller answers API servers.
func (o *options) servesWebhook() bool { return o.webhookMode != webhookDisabled }

// reconciles reports whether this controller gives services their addresses.
func (o *options) reconciles() bool { return o.webhookMode != webhookOnly }

// lease returns the name of the Lease by which one controller of several is the active one; empty if each may be. Those that
// only serve the webhook have one of their own, for the rotation of its certificate: they must not keep others from leading.
func (o *options) lease() string {
	switch {
	case !o.leaderElect:
		return ""
	case o.reconciles():
		return leaseName
	case !o.disableRotation:
		return webhookLeaseName
	}
	return ""
}
