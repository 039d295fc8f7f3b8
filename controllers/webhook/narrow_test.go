// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
)

func TestOnlyTheObjectsOfTheWebhookAreListed(t *testing.T) {
	t.Parallel()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.RequestURI()) }))
	defer server.Close()
	client, err := rest.HTTPClientFor(narrowed(&rest.Config{Host: server.URL}, map[string]string{"secrets": "cert"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{
		"/api/v1/namespaces/lb/secrets", "/api/v1/namespaces/lb/secrets?watch=true", "/api/v1/namespaces/lb/secrets/cert", "/api/v1/namespaces/lb/services",
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+uri, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	if diff := cmp.Diff([]string{
		"/api/v1/namespaces/lb/secrets?fieldSelector=metadata.name%3Dcert",
		"/api/v1/namespaces/lb/secrets?fieldSelector=metadata.name%3Dcert&watch=true",
		"/api/v1/namespaces/lb/secrets/cert", "/api/v1/namespaces/lb/services",
	}, asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}
