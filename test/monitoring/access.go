// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/envtest"
)

// Access is what is answered to those who ask for metrics.
type Access struct {
	// Nobody shows no token, Liar one that is none, Stranger that of a ServiceAccount without rights, and Reader that of one that
	// has the ClusterRole metallb-metrics-reader. The values are statuses of HTTP.
	Nobody, Liar, Stranger, Reader int
	// Page is what the last one gets.
	Page string
}

// AccessTo asks for the page of metrics, over HTTPS without a look at the certificate. config/rbac must have been applied.
func AccessTo(tb testing.TB, s *envtest.Server, url string) Access {
	tb.Helper()
	stranger, reader := makeAccount(tb, s, "metrics-stranger"), makeAccount(tb, s, "metrics-reader")
	create(tb, s, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "metrics-reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "metallb-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: envtest.Namespace, Name: "metrics-reader"}},
	})
	var a Access
	a.Nobody, _ = get(tb, url, "")
	a.Liar, _ = get(tb, url, "not-a-token")
	a.Stranger, _ = get(tb, url, stranger)
	a.Reader, a.Page = get(tb, url, reader)
	return a
}

// makeAccount makes a ServiceAccount and returns a token of it.
func makeAccount(tb testing.TB, s *envtest.Server, name string) string {
	tb.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: envtest.Namespace, Name: name}}
	create(tb, s, account)
	request := &authenticationv1.TokenRequest{}
	if err := s.Client.SubResource("token").Create(tb.Context(), account, request); err != nil {
		tb.Fatalf("asking for a token: %v", err)
	}
	return request.Status.Token
}

// create creates the object until the end of the test.
func create(tb testing.TB, s *envtest.Server, o client.Object) {
	tb.Helper()
	if err := s.Client.Create(tb.Context(), o); err != nil {
		tb.Fatal(err)
	}
	// At the end of a test its context is done.
	ctx := context.WithoutCancel(tb.Context())
	tb.Cleanup(func() {
		if err := s.Client.Delete(ctx, o); err != nil {
			tb.Error(err)
		}
	})
}

// get returns the status and the page, once somebody answers.
func get(tb testing.TB, url, token string) (status int, page string) {
	tb.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	err := wait.PollUntilContextTimeout(tb.Context(), 50*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return false, err
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			return false, nil // Nobody listens yet.
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		status, page = response.StatusCode, string(body)
		return err == nil, err
	})
	if err != nil {
		tb.Fatalf("getting %s: %v", url, err)
	}
	return status, page
}
