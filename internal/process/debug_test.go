// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// serveDebug serves the debug endpoint with the pages, and returns its address.
func serveDebug(t *testing.T, logger logr.Logger, level zap.AtomicLevel, pages ...Page) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := newDebug(logger, level)
	stop := d.serve(listener)
	t.Cleanup(func() {
		stop()
		http.DefaultClient.CloseIdleConnections()
	})
	s := &Settings{diagnostics: diagnostics{debug: d}}
	s.AddPages(pages...)
	return listener.Addr().String()
}

// ask returns status and body of the answer to a request.
func ask(t *testing.T, method, url, body string, edit ...func(*http.Request)) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range edit {
		e(request)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", response.StatusCode, answer)
}

// pots is a page that tells what it was asked.
func pots() Page {
	return Page{Name: "pots", Purpose: "pots of paint", Filters: []string{"colour", "size"}, Answer: func(_ context.Context, f url.Values) (any, error) {
		switch f.Get("colour") {
		case "none":
			return nil, fmt.Errorf("a pot of %s: %w", "none", ErrNoMatch)
		case "later":
			return nil, fmt.Errorf("colours: %w", ErrNotYet)
		case "broken":
			return nil, errors.New("broken")
		case "odd":
			return func() {}, nil
		}
		return map[string]any{"colour": f.Get("colour"), "sizes": []string{"<1", "2"}}, nil
	}}
}

func TestTheDebugEndpointAnswers(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	address := serveDebug(t, logr.Discard(), zap.NewAtomicLevel(), pots())
	for question, want := range map[string]string{
		"GET /debug/pots?colour=red": "200 {\n  \"colour\": \"red\",\n  \"sizes\": [\n    \"<1\",\n    \"2\"\n  ]\n}\n",
		"GET /debug/": "200 {\n  \"/debug/log-level\": \"the log level; to change it, PUT one of: all, debug, info, warn, error or none\",\n" +
			"  \"/debug/pots?colour=&size=\": \"pots of paint\",\n  \"/debug/pprof/\": \"profiles of this process for `go tool pprof`\"\n}\n",
		"GET /debug/pots?colour=none":         "404 {\n  \"error\": \"a pot of none: nothing matches\"\n}\n",
		"GET /debug/pots?colour=later":        "503 {\n  \"error\": \"colours: not known yet\"\n}\n",
		"GET /debug/pots?colour=broken":       "500 {\n  \"error\": \"broken\"\n}\n",
		"GET /debug/pots?colour=odd":          "500 json: unsupported type: func()\n",
		"GET /debug/pots?color=red":           "400 {\n  \"error\": \"unknown filter \\\"color\\\": /debug/pots has colour, size\"\n}\n",
		"GET /debug/pots?colour=a&colour=b":   "400 {\n  \"error\": \"filter \\\"colour\\\" is given 2 times: give it once\"\n}\n",
		"POST /debug/pots":                    "405 Method Not Allowed\n",
		"GET /debug/nothing":                  "404 404 page not found\n",
		"GET /":                               "404 404 page not found\n",
		"POST /debug/pprof/profile?seconds=1": "405 Method Not Allowed\n",
	} {
		method, path, _ := strings.Cut(question, " ")
		if diff := cmp.Diff(want, ask(t, method, "http://"+address+path, "")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", question, diff)
		}
	}
	if got := ask(t, http.MethodGet, "http://"+address+"/debug/pprof/goroutine?debug=1", ""); !strings.HasPrefix(got, "200 goroutine profile:") {
		t.Errorf("profile: %s", got)
	}
}

func TestTheDebugEndpointIsForThisMachine(t *testing.T) {
	address := serveDebug(t, logr.Discard(), zap.NewAtomicLevel(), pots())
	for host, want := range map[string]string{
		"localhost:7474": "200", "localhost": "200", "127.0.0.1": "200", "[::1]:7474": "200", "[::1]": "200",
		"example.com:7474": "403 {\n  \"error\": \"ask for localhost, not for \\\"example.com\\\"\"\n}\n", "192.0.2.1": "403",
	} {
		got := ask(t, http.MethodGet, "http://"+address+"/debug/pots", "", func(r *http.Request) { r.Host = host })
		if !strings.HasPrefix(got, want) {
			t.Errorf("asked for %s: %s, want %s", host, got, want)
		}
	}
}

func TestTheLevelIsChangedAtRunTime(t *testing.T) {
	var log bytes.Buffer
	level := zap.NewAtomicLevel()
	logger := newLogger(level, newJSONEncoder(), &log)
	address := serveDebug(t, logger, level)
	for _, tc := range []struct{ put, want string }{
		{"debug", "200 {\n  \"level\": \"debug\"\n}\n"},
		{"all\n", "200 {\n  \"level\": \"all\"\n}\n"},
		{`{"level":"error"}`, "200 {\n  \"level\": \"error\"\n}\n"},
		{"loud", "400 {\n  \"error\": \"level \\\"loud\\\": must be all, debug, info, warn, error or none\"\n}\n"},
		{`{"level":7}`, "400 {\n  \"error\": \"level \\\"{\\\\\\\"level\\\\\\\":7}\\\": must be all, debug, info, warn, error or none\"\n}\n"},
		{strings.Repeat("x", 257), "400 {\n  \"error\": \"http: request body too large\"\n}\n"},
		{"none", "200 {\n  \"level\": \"none\"\n}\n"},
	} {
		if diff := cmp.Diff(tc.want, ask(t, http.MethodPut, "http://"+address+"/debug/log-level", tc.put)); diff != "" {
			t.Errorf("put %q (-want +got):\n%s", tc.put, diff)
		}
		logger.V(1).Info("detail after " + strings.TrimSpace(tc.put))
	}
	if got := ask(t, http.MethodGet, "http://"+address+"/debug/log-level", ""); got != "200 {\n  \"level\": \"none\"\n}\n" {
		t.Errorf("the level is %s", got)
	}
	want := []string{
		"info: changing the level of the log", "debug: detail after debug", "info: changing the level of the log", "debug: detail after all",
		"info: changing the level of the log",
	}
	if diff := cmp.Diff(want, messages(t, log.String())); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestPagesAreAnsweredOneAfterAnother(t *testing.T) {
	began, end := make(chan string, 2), make(chan struct{})
	slow := Page{Name: "slow", Filters: []string{"n"}, Answer: func(_ context.Context, f url.Values) (any, error) {
		began <- f.Get("n")
		<-end
		return f.Get("n"), nil
	}}
	d := newDebug(logr.Discard(), zap.NewAtomicLevelAt(zapcore.InfoLevel))
	d.add([]Page{slow})
	first, answers := make(chan struct{}), make(chan string, 2)
	put := func(ctx context.Context, path string, done func()) {
		defer done()
		w := &answer{header: http.Header{}}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, http.NoBody)
		if err != nil {
			t.Error(err)
		}
		d.ServeHTTP(w, r)
		answers <- w.String()
	}
	go put(t.Context(), "/debug/slow?n=1", func() { close(first) })
	if n := <-began; n != "1" {
		t.Fatalf("began with %s", n)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	put(gone, "/debug/slow?n=2", func() {}) // It gives up, as the first is not answered yet.
	if got := <-answers; got != "" {
		t.Errorf("second answer %q before the first", got)
	}
	close(end)
	<-first
	if got := <-answers; got != "\"1\"\n" {
		t.Errorf("first answer %q", got)
	}
	if len(began) > 0 {
		t.Errorf("began with %s too", <-began)
	}
}

// answer is what is written to a client.
type answer struct {
	bytes.Buffer

	header http.Header
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(int)     {}
