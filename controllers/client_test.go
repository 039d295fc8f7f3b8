// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/builder"
)

func TestTheAPIServerIsAskedToGiveUpLateWrites(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query().Get("timeout")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"default"}}`))
	}))
	t.Cleanup(server.Close)
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Service"), meta.RESTScopeNamespace)
	c, err := newClient(nil)(&rest.Config{Host: server.URL}, client.Options{HTTPClient: server.Client(), Scheme: scheme, Mapper: mapper})
	if err != nil {
		t.Fatal(err)
	}
	svc := builder.MakeService("web").Obj()
	if err := c.Status().Patch(t.Context(), svc, client.MergeFrom(svc.DeepCopy())); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; got != "4s" {
		t.Errorf("the patch has timeout %q, want 4s", got)
	}
	if server.Client().Timeout != 0 {
		t.Error("watches have a timeout too")
	}
}
