// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
)

// publishedPeriod is how often the API server is asked for what is missing.
const publishedPeriod = 2 * time.Second

var (
	errUnknown = errors.New("the API server has not been asked yet whether it knows ActiveConfigurations")
	errMissing = errors.New("the CustomResourceDefinition activeconfigurations.metallb.io is missing, so that nobody knows what is in use; " +
		"apply the CRDs of this version: kubectl apply -k config/crd")
)

// published tells whether the API server knows ActiveConfigurations. Without them nothing is done: a program that took "there is no such kind"
// for "nothing is in use" would let a change take effect that is held back.
type published struct {
	reader    client.Reader
	namespace string
	logger    logr.Logger

	mu sync.Mutex
	// missing is why the program is not ready; nil once the kind is known.
	missing error
}

// NeedLeaderElection makes the manager start it on every replica.
func (p *published) NeedLeaderElection() bool { return false }

// Start asks until the kind is known, and says once if it is not.
func (p *published) Start(ctx context.Context) error {
	err := wait.PollUntilContextCancel(ctx, publishedPeriod, true, func(ctx context.Context) (bool, error) { return p.ask(ctx), nil })
	if err != nil {
		return nil //nolint:nilerr // stopped before the kind was known
	}
	return nil
}

// ask asks once, and reports whether the kind is known. What the API server does not answer leaves open what it knows.
func (p *published) ask(ctx context.Context) bool {
	err := p.reader.List(ctx, &v1beta1.ActiveConfigurationList{}, client.InNamespace(p.namespace), client.Limit(1))
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		if errors.Is(p.missing, errMissing) {
			p.logger.Info("the CRD that was missing is there")
		}
		p.missing = nil
	case meta.IsNoMatchError(err) || apierrors.IsNotFound(err):
		if !errors.Is(p.missing, errMissing) {
			p.logger.Error(errMissing, "waiting for a CRD")
		}
		p.missing = errMissing
	}
	return err == nil
}

// check returns why the program is not ready.
func (p *published) check(*http.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.missing
}
