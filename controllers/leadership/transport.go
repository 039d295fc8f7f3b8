// SPDX-License-Identifier: Apache-2.0

package leadership

import "net/http"

// Transport returns a RoundTripper that sends a write by way of the one given only after Check. Reads pass.
func (l *Lock) Transport(base http.RoundTripper) http.RoundTripper { return transport{l, base} }

type transport struct {
	lock *Lock
	base http.RoundTripper
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return t.base.RoundTrip(r)
	}
	if err := t.lock.Check(r.Context()); err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // As a RoundTripper has to; the error of Check says more.
		}
		return nil, err
	}
	response, err := t.base.RoundTrip(r)
	if err != nil {
		t.lock.leftUnanswered()
	}
	return response, err
}

func (l *Lock) leftUnanswered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unanswered = l.clock.Now()
}
