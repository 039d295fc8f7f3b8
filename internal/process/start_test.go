// SPDX-License-Identifier: Apache-2.0

package process

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/api/v1beta1"
)

func TestAManagerThatIsMadeAsksTheAPIServerOnceWhatItKnows(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		group := metav1.APIGroup{Name: v1beta1.GroupVersion.Group, Versions: []metav1.GroupVersionForDiscovery{{GroupVersion: v1beta1.GroupVersion.String(), Version: v1beta1.GroupVersion.Version}}}
		switch r.URL.Path {
		case "/api":
			write(w, http.StatusOK, metav1.APIVersions{})
		case "/apis":
			write(w, http.StatusOK, metav1.APIGroupList{Groups: []metav1.APIGroup{group}})
		case "/apis/" + v1beta1.GroupVersion.String():
			write(w, http.StatusOK, metav1.APIResourceList{GroupVersion: v1beta1.GroupVersion.String(), APIResources: []metav1.APIResource{
				{Name: "activeconfigurations", Kind: "ActiveConfiguration", Namespaced: true},
				{Name: "bfdprofiles", Kind: "BFDProfile", Namespaced: true},
			}})
		default:
			write(w, http.StatusOK, metav1.List{})
		}
	}))
	defer server.Close()
	s := &Settings{metricsAddress: off, probeAddress: off}
	mgr, err := s.NewManager(t.Context(), &rest.Config{Host: server.URL}, ctrl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	kind := v1beta1.GroupVersion.WithKind("ActiveConfiguration")
	if _, err := mgr.GetRESTMapper().RESTMapping(kind.GroupKind(), kind.Version); err != nil {
		t.Error(err)
	}
	if want := []string{"/api", "/apis", "/apis/" + v1beta1.GroupVersion.String()}; !slices.Equal(asked, want) {
		t.Errorf("the API server was asked for %q, want %q", asked, want)
	}
}

func TestACertificateOfItsOwnIsMadeWhenMetricsAreFirstAskedFor(t *testing.T) {
	t.Parallel()
	s := &Settings{metricsAddress: ":0", metricsSecure: true}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	for _, set := range s.metricsServer().TLSOpts {
		set(c)
	}
	if c.GetCertificate == nil {
		t.Fatal("a start makes the certificate")
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = c
	server.StartTLS()
	defer server.Close()
	one, err := c.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.GetCertificate(nil); again != one || err != nil {
		t.Errorf("another certificate for the next connection: %v", err)
	}
	trusted := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(one.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	trusted.AddCert(leaf)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, ServerName: "localhost", MinVersion: tls.VersionTLS12}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}
