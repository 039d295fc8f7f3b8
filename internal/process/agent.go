// SPDX-License-Identifier: Apache-2.0

package process

import (
	"net/http"
	"strings"

	"k8s.io/client-go/rest"

	"metallb.io/metallb/internal/version"
)

// identify has every request to the API server name the program and its version. The election of a leader, which knows no
// better than to call itself after the binary, keeps what it appends to that.
func identify(config *rest.Config, program string) {
	agent := version.UserAgent(program)
	config.UserAgent = agent
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &identified{next, agent} })
}

type identified struct {
	next  http.RoundTripper
	agent string
}

// RoundTrip asks under the program's name.
func (i *identified) RoundTrip(request *http.Request) (*http.Response, error) {
	const header = "User-Agent"
	if suffix, unnamed := strings.CutPrefix(request.Header.Get(header), rest.DefaultKubernetesUserAgent()); unnamed {
		request = request.Clone(request.Context())
		request.Header.Set(header, i.agent+suffix)
	}
	return i.next.RoundTrip(request)
}
