// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
)

const (
	// debugPath is where the debug endpoint's pages are.
	debugPath = "/debug/"
	// answerTime bounds how long an answer may take to be read. Profiles take as long as is asked for.
	answerTime = 30 * time.Second
	// headerTime bounds how long a question may take to be put.
	headerTime = 5 * time.Second
)

// Errors of a Page.
var (
	// ErrNoMatch is for filters that nothing matches.
	ErrNoMatch = errors.New("nothing matches")
	// ErrNotYet is for what is not known yet, and will be.
	ErrNotYet = errors.New("not known yet")
)

// Page is what the debug endpoint tells under /debug/.
type Page struct {
	// Name is the last part of the path.
	Name string
	// Purpose says in a line what the page tells.
	Purpose string
	// Filters are the parameters that the page takes, each once.
	Filters []string
	// Answer returns what is to be encoded as JSON. Nobody changes it any more, and no password is in it.
	Answer func(ctx context.Context, filters url.Values) (any, error)
}

// debug is the debug endpoint: a server on loopback that tells what is inside of the program, as JSON.
type debug struct {
	logger logr.Logger
	level  zap.AtomicLevel
	mux    *http.ServeMux
	// busy lets pages be answered one after another, so that questions cost no more memory than the largest answer.
	busy chan struct{}

	mu sync.Mutex
	// overview has the purpose of each page, by its path.
	overview map[string]string
}

func newDebug(logger logr.Logger, level zap.AtomicLevel) *debug {
	d := &debug{logger: logger, level: level, mux: http.NewServeMux(), busy: make(chan struct{}, 1), overview: map[string]string{
		debugPath + "log-level": "the log level; to change it, PUT one of: " + levelNames(),
		debugPath + "pprof/":    "profiles of this process for `go tool pprof`",
	}}
	d.mux.HandleFunc("GET "+debugPath+"{$}", d.tellOverview)
	d.mux.HandleFunc("GET "+debugPath+"log-level", d.tellLevel)
	d.mux.HandleFunc("PUT "+debugPath+"log-level", d.setLevel)
	for name, handle := range map[string]http.HandlerFunc{
		"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		d.mux.HandleFunc("GET "+debugPath+"pprof/"+name, handle)
	}
	return d
}

// add adds pages.
func (d *debug) add(pages []Page) {
	for _, p := range pages {
		path := debugPath + p.Name
		d.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { d.answer(w, r, &p) })
		if len(p.Filters) > 0 {
			path += "?" + strings.Join(p.Filters, "=&") + "="
		}
		d.mu.Lock()
		d.overview[path] = p.Purpose
		d.mu.Unlock()
	}
}

// tellOverview tells what pages there are.
func (d *debug) tellOverview(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	pages := maps.Clone(d.overview)
	d.mu.Unlock()
	write(w, http.StatusOK, pages)
}

// serve answers on the listener until it is told to stop. To stop waits until nothing runs any more.
func (d *debug) serve(listener net.Listener) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:           d,
		ReadHeaderTimeout: headerTime,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.logger.Error(err, "the debug endpoint has ended")
		}
	}()
	return func() {
		cancel()
		_ = server.Close() // What is still read is of no use any more.
		<-done
	}
}

// ServeHTTP answers those who ask for this machine by that name. Pages of the web that have a browser on it ask for
// theirs use another one.
func (d *debug) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	if !isLoopback(host) {
		write(w, http.StatusForbidden, problem{fmt.Sprintf("ask for localhost, not for %q", host)})
		return
	}
	d.mux.ServeHTTP(w, r)
}

// answer answers the question for a page.
func (d *debug) answer(w http.ResponseWriter, r *http.Request, p *Page) {
	filters := r.URL.Query()
	if err := p.check(filters); err != nil {
		write(w, http.StatusBadRequest, problem{err.Error()})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	select {
	case d.busy <- struct{}{}:
		defer func() { <-d.busy }()
	case <-ctx.Done():
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime)) // Every connection of a server has one.
	switch found, err := p.Answer(ctx, filters); {
	case errors.Is(err, ErrNoMatch):
		write(w, http.StatusNotFound, problem{err.Error()})
	case errors.Is(err, ErrNotYet):
		write(w, http.StatusServiceUnavailable, problem{err.Error()})
	case err != nil:
		write(w, http.StatusInternalServerError, problem{err.Error()})
	default:
		write(w, http.StatusOK, found)
	}
}

// check refuses filters that the page does not have, since an answer without regard to them would be misleading.
func (p *Page) check(filters url.Values) error {
	for name, values := range filters {
		switch {
		case !slices.Contains(p.Filters, name):
			return fmt.Errorf("unknown filter %q: %s has %s", name, debugPath+p.Name, strings.Join(p.Filters, ", "))
		case len(values) > 1:
			return fmt.Errorf("filter %q is given %d times: give it once", name, len(values))
		}
	}
	return nil
}

// problem is what is told in place of a page.
type problem struct {
	Error string `json:"error"`
}

// write writes the answer for people and programs.
func write(w http.ResponseWriter, status int, answer any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(answer); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // Whoever has gone needs no answer.
}

// isLoopback reports whether the host is this machine and nothing else.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
