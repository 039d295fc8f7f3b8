// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestWhatTheAPIServerDoesNotAnswerIsNotTakenForAMissingCRD(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"no such kind":     {&meta.NoKindMatchError{}, true},
		"no such resource": {apierrors.NewNotFound(schema.GroupResource{}, ""), true},
		"no answer":        {errors.New("connection refused"), false},
		"no rights":        {apierrors.NewForbidden(schema.GroupResource{}, "", nil), false},
		"a list":           {nil, false},
	} {
		if got := isUnknown(tc.err); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAProgramThatWaitsForTheCRDIsAliveAndSaysWhyItIsNotReady(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct {
		code int
		body string
	}{
		"/healthz": {http.StatusOK, "ok"}, "/readyz": {http.StatusServiceUnavailable, "kubectl apply -k config/crd"},
	} {
		answer := httptest.NewRecorder()
		unready().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if answer.Code != want.code || !strings.Contains(answer.Body.String(), want.body) {
			t.Errorf("%s: %d %q", path, answer.Code, answer.Body)
		}
	}
}
