// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
)

// crdPeriod is how often the API server is asked for the CRD that is missing.
const crdPeriod = 2 * time.Second

var errNoCRD = errors.New("the CustomResourceDefinition activeconfigurations.metallb.io is missing, so that nobody knows what is in use; " +
	"apply the CRDs of this version: kubectl apply -k config/crd")

// awaitCRD returns when the API server knows ActiveConfigurations, or does not answer. While it does not know them the program is alive but
// not ready. It does nothing without them: a program that took "there is no such kind" for "nothing is in use" would let a change take
// effect that is held back.
//
// The mapper is the manager's own, so that a start asks the API server once what it knows.
func (s *Settings) awaitCRD(ctx context.Context, mapper meta.RESTMapper) error {
	kind := v1beta1.GroupVersion.WithKind("ActiveConfiguration")
	known := func() bool {
		_, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		return !isUnknown(err)
	}
	if known() {
		return nil
	}
	logger := log.FromContext(ctx)
	logger.Error(errNoCRD, "waiting for a CRD")
	stop := s.serveUnready(logger)
	defer stop()
	err := wait.PollUntilContextCancel(ctx, crdPeriod, false, func(context.Context) (bool, error) { return known(), nil })
	if err != nil {
		return fmt.Errorf("stopped while waiting: %w", errNoCRD)
	}
	logger.Info("the CRD that was missing is there")
	return nil
}

// isUnknown reports whether the error says that the API server does not know the kind.
func isUnknown(err error) bool { return meta.IsNoMatchError(err) || apierrors.IsNotFound(err) }

// serveUnready answers probes until it is stopped.
func (s *Settings) serveUnready(logger logr.Logger) (stop func()) {
	if s.probeAddress == "0" {
		return func() {}
	}
	server := &http.Server{Addr: s.probeAddress, Handler: unready(), ReadHeaderTimeout: time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			logger.Error(err, "answering probes")
		}
	}()
	return func() {
		_ = server.Close() // A probe that is cut off is tried again.
		<-ended
	}
}

// unready says that the program is alive, and why it is not ready.
func unready() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/healthz", http.StripPrefix("/healthz", &healthz.Handler{Checks: map[string]healthz.Checker{"ping": healthz.Ping}}))
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, errNoCRD.Error(), http.StatusServiceUnavailable)
	})
	return mux
}
