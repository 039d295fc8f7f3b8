// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"metallb.io/metallb/controllers/informer"
)

// certificate is the one that the webhook serves with, as its Secret has it: new connections get the new one as soon as the
// Secret changes. It reads the Secret through the API and not from a volume, since the kubelet may take a minute to bring
// that up to date. A Secret that is deleted or broken changes nothing. A new one, given caches, is ready to be started by a
// manager.
type certificate struct {
	secret types.NamespacedName
	caches cache.Informers
	logger logr.Logger

	current atomic.Pointer[tls.Certificate]

	mu sync.Mutex
	// problem is what is wrong with the Secret as it is now.
	problem error
	// public is the current certificate in PEM.
	public []byte
	// found is closed when the Secret was first seen.
	found chan struct{}
}

func newCertificate(secret types.NamespacedName, logger logr.Logger) *certificate {
	return &certificate{
		secret: secret, logger: logger, problem: fmt.Errorf("secret %q has not been read", secret),
		found: make(chan struct{}),
	}
}

// get returns the certificate for a connection.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if current := c.current.Load(); current != nil {
		return current, nil
	}
	return nil, errors.New("there is no certificate yet")
}

// why returns what is wrong with the Secret as it is now.
func (c *certificate) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}

// publicPEM returns the current certificate, without its key.
func (c *certificate) publicPEM() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.public
}

// NeedLeaderElection makes the manager start it on every replica.
func (c *certificate) NeedLeaderElection() bool { return false }

// Start follows the Secret until the context ends.
func (c *certificate) Start(ctx context.Context) error {
	return informer.Follow(ctx, c.caches, &corev1.Secret{}, toolscache.ResourceEventHandlerFuncs{
		AddFunc:    c.observe,
		UpdateFunc: func(_, secret any) { c.observe(secret) },
		DeleteFunc: func(any) { c.miss() },
	}, func() {
		if !c.wasFound() {
			c.miss()
		}
	})
}

// wasFound reports whether the Secret was ever seen.
func (c *certificate) wasFound() bool {
	select {
	case <-c.found:
		return true
	default:
		return false
	}
}

// miss notes that there is no Secret.
func (c *certificate) miss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problem = fmt.Errorf("there is no secret %q", c.secret)
	c.logger.Info("waiting for the webhook's secret", "secret", c.secret.String())
}

// observe takes the certificate from the Secret, if there is a new one.
func (c *certificate) observe(object any) {
	secret, ok := object.(*corev1.Secret)
	if !ok || secret.Namespace != c.secret.Namespace || secret.Name != c.secret.Name {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.wasFound() {
		close(c.found)
	}
	chain, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if len(chain) == 0 || len(key) == 0 {
		c.problem = fmt.Errorf("secret %q has no certificate yet", c.secret)
		return
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		c.problem = fmt.Errorf("secret %q: %w", c.secret, err)
		c.logger.Error(err, "keeping the webhook's certificate, since the new one is broken", "secret", c.secret.String())
		return
	}
	c.problem = nil
	if bytes.Equal(c.public, chain) {
		return
	}
	c.logger.Info("serving the webhook with a new certificate", "secret", c.secret.String(), "notAfter", pair.Leaf.NotAfter)
	c.public = bytes.Clone(chain)
	c.current.Store(&pair)
}
