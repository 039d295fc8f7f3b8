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

	"metallb.io/metallb/api/v1beta1"
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

func TestTheFirstCRDThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		known []string
		want  string
	}{
		"none is missing": {known: []string{"ActiveConfiguration", "BFDProfile"}},
		"of what is in use": {
			known: []string{"BFDProfile"},
			want: "the CustomResourceDefinition activeconfigurations.metallb.io is missing, so that nobody knows what is in use; " +
				"apply the CRDs of this version: kubectl apply -k config/crd",
		},
		"of a kind that is new": {
			known: []string{"ActiveConfiguration"},
			want: "the CustomResourceDefinition bfdprofiles.metallb.io is missing, so that nobody knows what is in use; " +
				"apply the CRDs of this version: kubectl apply -k config/crd",
		},
	} {
		mapper := meta.NewDefaultRESTMapper(nil)
		for _, kind := range tc.known {
			mapper.Add(v1beta1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
		}
		got := ""
		if err := missingCRD(mapper); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestAProgramThatWaitsForTheCRDIsAliveAndSaysWhyItIsNotReady(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct {
		code int
		body string
	}{
		"/healthz": {http.StatusOK, "ok"}, "/readyz": {http.StatusServiceUnavailable, "it is missing"},
	} {
		answer := httptest.NewRecorder()
		unready(errors.New("it is missing")).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if answer.Code != want.code || !strings.Contains(answer.Body.String(), want.body) {
			t.Errorf("%s: %d %q", path, answer.Code, answer.Body)
		}
	}
}
