// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
)

func slice(endpoints ...discoveryv1.Endpoint) discoveryv1.EndpointSlice {
	return discoveryv1.EndpointSlice{Ports: []discoveryv1.EndpointPort{{Port: new(int32(8080))}}, Endpoints: endpoints}
}

func endpoint(address string, ready bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}
}

func TestThePageIsThatOfTheFirstReadyEndpoint(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		slices []discoveryv1.EndpointSlice
		want   string
	}{
		"no slice":          {nil, ""},
		"no endpoint":       {[]discoveryv1.EndpointSlice{slice()}, ""},
		"one not ready":     {[]discoveryv1.EndpointSlice{slice(endpoint("10.244.1.2", false))}, ""},
		"one of two":        {[]discoveryv1.EndpointSlice{slice(endpoint("10.244.1.2", false), endpoint("10.244.2.2", true))}, "10.244.2.2:8080"},
		"one in the second": {[]discoveryv1.EndpointSlice{slice(), slice(endpoint("10.244.3.2", true))}, "10.244.3.2:8080"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readyEndpoint(test.slices)
			if test.want == "" {
				if err == nil {
					t.Errorf("found %s", got)
				}
				return
			}
			if err != nil || got.String() != test.want {
				t.Errorf("found %s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func get(t *testing.T, handler http.Handler) (status int, body string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/routers", http.NoBody))
	return recorder.Code, recorder.Body.String()
}

func TestTheProxyServesWhatIsFoundAtTheMoment(t *testing.T) {
	t.Parallel()
	page := func(text string) netip.AddrPort {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, text, " ", r.URL.Path)
		}))
		t.Cleanup(server.Close)
		return netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))
	}
	now := page("first")
	handler := proxy(func(context.Context) (netip.AddrPort, error) { return now, nil })
	if status, body := get(t, handler); status != http.StatusOK || body != "first /api/routers" {
		t.Errorf("got %d %q", status, body)
	}
	now = page("second")
	if status, body := get(t, handler); status != http.StatusOK || body != "second /api/routers" {
		t.Errorf("got %d %q", status, body)
	}
}

func TestTheProxySaysWhatToDoWhereThereIsNoPage(t *testing.T) {
	t.Parallel()
	handler := proxy(func(context.Context) (netip.AddrPort, error) { return netip.AddrPort{}, errNotDeployed })
	status, body := get(t, handler)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "kubectl apply -f config/tutorial/test-bgp-router.yaml") {
		t.Errorf("got %d %q", status, body)
	}
}

func TestAnotherProcessIsNotTakenForThePlaygrounds(t *testing.T) {
	t.Parallel()
	p := &Playground{state: t.TempDir()}
	if p.serves(os.Getpid()) {
		t.Error("this test is taken for the process that serves the pages")
	}
	if err := os.WriteFile(p.path("serve.pid"), []byte(fmt.Sprint(os.Getpid())), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.stopServing(); err != nil { // and this test goes on
		t.Error(err)
	}
}

func TestUpRefusesToRunElsewhereThanInTheSourceTree(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := Up(t.Context(), Config{State: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "top directory") {
		t.Errorf("got %v", err)
	}
}

func TestDownOfNothingIsNoError(t *testing.T) {
	t.Parallel()
	if err := Down(t.Context(), t.TempDir()+"/none"); err != nil {
		t.Error(err)
	}
}
