// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// +kubebuilder:rbac:groups="",resources=secrets,resourceNames=metallb-webhook-cert,verbs=list;watch;update,namespace=metallb-system
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,resourceNames=metallb-webhook-configuration,verbs=get;list;watch;update

// rotation makes a certificate authority and a certificate in the Secret, renews them in time, and tells API servers which
// authority to trust, by cert-controller. One replica does.
//
// What cert-controller takes for a reason to end the process, such as a Secret that is missing, is none here: addresses are
// given to services all the same. It is tried again.
type rotation struct {
	certificate *certificate
	// rotate keeps the certificate valid until the context ends, or it cannot. The attempts are counted from 1.
	rotate func(ctx context.Context, attempt int) error
	logger logr.Logger
}

// NeedLeaderElection makes the manager start the rotation on the leader only.
func (r *rotation) NeedLeaderElection() bool { return true }

// Start keeps the certificate valid until the context ends.
func (r *rotation) Start(ctx context.Context) error {
	backoff := wait.Backoff{Duration: 5 * time.Second, Factor: 2, Steps: 8, Cap: 10 * time.Minute}
	for attempt := 1; ; attempt++ {
		select {
		case <-ctx.Done():
			return nil
		case <-r.certificate.found:
		}
		err := r.rotate(ctx, attempt)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // stopped, which is no failure
		}
		r.logger.Error(err, "keeping the webhook's certificate valid, trying again")
		select {
		case <-ctx.Done():
		case <-time.After(backoff.Step()):
		}
	}
}

// rotators are made of a manager, one for each attempt.
type rotators struct {
	mgr         ctrl.Manager
	certificate *certificate
	// host is the name that the certificate is for.
	host string
	// configuration is the name of the ValidatingWebhookConfiguration.
	configuration string
}

// run runs a rotator until the context ends or the rotator gives up.
func (r *rotators) run(ctx context.Context, attempt int) error {
	directory, err := os.MkdirTemp("", "metallb-webhook-")
	if err != nil {
		return fmt.Errorf("making a directory for the certificate: %w", err)
	}
	defer func() { _ = os.RemoveAll(directory) }() // Nobody misses what is left of it.
	parts := &collector{Manager: r.mgr, config: narrowed(r.mgr.GetConfig(), map[string]string{
		"secrets": r.certificate.secret.Name, "validatingwebhookconfigurations": r.configuration,
	})}
	name := "cert-rotation"
	if attempt > 1 {
		name = fmt.Sprintf("cert-rotation-%d", attempt) // The name of a controller cannot be taken twice.
	}
	err = rotator.AddRotator(parts, &rotator.CertRotator{
		SecretKey:      r.certificate.secret,
		CertDir:        directory,
		CAName:         "metallb-webhook-ca",
		CAOrganization: "metallb",
		DNSName:        r.host,
		IsReady:        make(chan struct{}),
		Webhooks:       []rotator.WebhookInfo{{Name: r.configuration, Type: rotator.Validating}},
		FieldOwner:     "metallb-controller",
		ControllerName: name,
		// Everything the rotator is made of runs on the leader, and waits until the first certificate is there: else it would
		// make two at once.
		RequireLeaderElection: true,
		EnableReadinessCheck:  true,
	})
	if err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	return r.runAll(ctx, directory, parts.runnables)
}

// runAll runs the parts of a rotator until the context ends or one of them has.
func (r *rotators) runAll(ctx context.Context, directory string, runnables []manager.Runnable) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range runnables {
		group.Go(func() error {
			if err := part.Start(ctx); err != nil {
				return err
			}
			return errors.New("ended")
		})
		if view, ok := part.(client.Reader); ok {
			group.Go(func() error { return r.mark(ctx, view, directory) })
		}
	}
	return group.Wait()
}

// mark puts the certificate, without its key, where the rotator looks for the one that it thinks is mounted there, though
// nothing is read from there: it ends if none appears, and it tells API servers of the authority when one has. Its view of
// the Secret may be behind that of this replica then, so that is waited for.
func (r *rotators) mark(ctx context.Context, view client.Reader, directory string) error {
	err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		secret, public := &corev1.Secret{}, r.certificate.publicPEM()
		err := view.Get(ctx, r.certificate.secret, secret)
		return err == nil && len(public) > 0 && bytes.Equal(secret.Data[corev1.TLSCertKey], public), nil
	})
	if err != nil {
		return nil //nolint:nilerr // stopped, which is no failure
	}
	return os.WriteFile(filepath.Join(directory, corev1.TLSCertKey), r.certificate.publicPEM(), 0o600)
}

// collector is a manager that only collects what it is given to run. Caches made by its config hold but what they must.
type collector struct {
	ctrl.Manager
	config    *rest.Config
	runnables []manager.Runnable
}

// GetConfig returns how caches are to reach the cluster.
func (c *collector) GetConfig() *rest.Config { return c.config }

// Add collects the Runnable.
func (c *collector) Add(r manager.Runnable) error {
	c.runnables = append(c.runnables, r)
	return nil
}
