// SPDX-License-Identifier: Apache-2.0

package dashboard

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"metallb.io/metallb/plugin/look"
)

// newToken returns a token that nobody guesses.
func newToken() string { return rand.Text() }

// guard lets only those through that the page is for: a browser on this computer that was given the token, and no page of another site in it.
type guard struct {
	token string
	// hosts are the names by which a browser may know the server. A site that has its own name resolved to a loopback address is found out by
	// them.
	hosts []string
	next  http.Handler
}

// newGuard returns the guard of a server that listens on the address.
func newGuard(token string, listens netip.AddrPort, next http.Handler) *guard {
	_, port, _ := net.SplitHostPort(listens.String())
	return &guard{token: token, hosts: []string{listens.String(), net.JoinHostPort("localhost", port)}, next: next}
}

// The reasons why a request is refused.
const (
	onlyReads    = "this page can only be read"
	foreignHost  = "this page is only served to a browser that asks for it by the address that the command has printed"
	foreignSite  = "another site has asked for this page"
	unknownToken = "the token is missing, or of another start: open the address that the command has printed"
)

// ServeHTTP passes what is allowed on, without the token, and answers the rest with 403 or 405.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	look.Protect(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, onlyReads, http.StatusMethodNotAllowed)
		return
	}
	token, rest, slash := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	reason := g.refusal(r, token)
	switch {
	case reason != "":
		http.Error(w, reason, http.StatusForbidden)
	case !slash:
		http.Redirect(w, r, "/"+g.token+"/", http.StatusFound)
	default:
		inner := r.Clone(r.Context())
		inner.URL.Path, inner.URL.RawPath = "/"+rest, ""
		g.next.ServeHTTP(w, inner)
	}
}

// refusal returns why a request is refused; empty if it is not.
func (g *guard) refusal(r *http.Request, token string) string {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	switch {
	case !slices.Contains(g.hosts, r.Host):
		return foreignHost
	case origin != "" && origin != "http://"+r.Host, site != "" && site != "same-origin" && site != "none":
		return foreignSite
	case subtle.ConstantTimeCompare([]byte(token), []byte(g.token)) != 1:
		return unknownToken
	}
	return ""
}
