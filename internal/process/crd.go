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

// missingCRD returns an error about the first kind that neither program does without and that the API server does not know; nil if it knows
// them, or does not answer.
func missingCRD(mapper meta.RESTMapper) error {
	for _, kind := range []string{"ActiveConfiguration", "BFDProfile"} {
		gvk := v1beta1.GroupVersion.WithKind(kind)
		if _, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version); isUnknown(err) {
			resource, _ := meta.UnsafeGuessKindToResource(gvk)
			return fmt.Errorf("the CustomResourceDefinition %s is missing, so that nobody knows what is in use; "+
				"apply the CRDs of this version: kubectl apply -k config/crd", resource.GroupResource())
		}
	}
	return nil
}

// awaitCRDs returns when the API server knows ActiveConfigurations and BFDProfiles, or does not answer. While it does not know them the program
// is alive but not ready. It does nothing without them: a program that took "there is no such kind" for "nothing is in use" would let a change
// take effect that is held back, and take BFD from sessions.
//
// The mapper is the manager's own, so that a start asks the API server once what it knows.
func (s *Settings) awaitCRDs(ctx context.Context, mapper meta.RESTMapper) error {
	missing := missingCRD(mapper)
	if missing == nil {
		return nil
	}
	logger := log.FromContext(ctx)
	logger.Error(missing, "waiting for a CRD")
	stop := s.serveUnready(logger, missing)
	defer stop()
	err := wait.PollUntilContextCancel(ctx, crdPeriod, false, func(context.Context) (bool, error) { return missingCRD(mapper) == nil, nil })
	if err != nil {
		return fmt.Errorf("stopped while waiting: %w", missing)
	}
	logger.Info("the CRD that was missing is there")
	return nil
}

// isUnknown reports whether the error says that the API server does not know the kind.
func isUnknown(err error) bool { return meta.IsNoMatchError(err) || apierrors.IsNotFound(err) }

// serveUnready answers probes until it is stopped.
func (s *Settings) serveUnready(logger logr.Logger, reason error) (stop func()) {
	if s.probeAddress == "0" {
		return func() {}
	}
	server := &http.Server{Addr: s.probeAddress, Handler: unready(reason), ReadHeaderTimeout: time.Second}
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
func unready(reason error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/healthz", http.StripPrefix("/healthz", &healthz.Handler{Checks: map[string]healthz.Checker{"ping": healthz.Ping}}))
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, reason.Error(), http.StatusServiceUnavailable)
	})
	return mux
}
