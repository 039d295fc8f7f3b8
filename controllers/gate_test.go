// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// gate is a way to the API server on which a request can be stopped.
type gate struct {
	url   string
	proxy *httputil.ReverseProxy
	// held receives the request that is stopped, answered the status that it gets afterwards.
	held, answered chan int

	mu sync.Mutex
	// stops says which request is to be stopped, the first one only.
	stops func(r *http.Request, body string) bool
	open  chan struct{}
}

// newGate returns a gate that is open until the end of the spec.
func newGate() *gate {
	GinkgoHelper()
	upstream, err := url.Parse(server.Config.Host)
	Expect(err).NotTo(HaveOccurred())
	transport, err := rest.TransportFor(server.Config)
	Expect(err).NotTo(HaveOccurred())
	g := &gate{held: make(chan int, 1), answered: make(chan int, 1), open: make(chan struct{})}
	g.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) }, Transport: transport, FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	listener := httptest.NewServer(g)
	g.url = listener.URL
	DeferCleanup(func() {
		listener.CloseClientConnections()
		listener.Close()
	})
	return g
}

// kubeconfig returns one that leads through the gate.
func (g *gate) kubeconfig() string {
	GinkgoHelper()
	config := clientcmdapi.NewConfig()
	config.Clusters["gate"] = &clientcmdapi.Cluster{Server: g.url}
	config.Contexts["gate"] = &clientcmdapi.Context{Cluster: "gate"}
	config.CurrentContext = "gate"
	path := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(clientcmd.WriteToFile(*config, path)).To(Succeed())
	return path
}

// stop stops the next request of which this is true, until release.
func (g *gate) stop(which func(r *http.Request, body string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stops = which
}

// release lets the request pass that was stopped.
func (g *gate) release() { close(g.open) }

// ServeHTTP forwards the request, or stops it before. One that was stopped is forwarded whether or not anybody waits for its answer: it
// was sent already.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !g.isToStop(r, string(body)) {
		g.proxy.ServeHTTP(w, r)
		return
	}
	g.held <- 0
	<-g.open
	answer := httptest.NewRecorder()
	g.proxy.ServeHTTP(answer, r.WithContext(context.WithoutCancel(r.Context())))
	g.answered <- answer.Code
}

func (g *gate) isToStop(r *http.Request, body string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stops == nil || !g.stops(r, body) {
		return false
	}
	g.stops = nil
	return true
}
