// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"net/http"
	"path"

	"k8s.io/client-go/rest"
)

// narrowed returns how to reach the cluster when of each resource only the object of a name is to be listed and watched. The
// caches of cert-controller would hold every Secret of the namespace, and every configuration of a webhook; RBAC lets a
// program with the right to one object list just that one.
func narrowed(config *rest.Config, names map[string]string) *rest.Config {
	config = rest.CopyConfig(config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &narrow{next, names} })
	return config
}

// narrow asks for one object where all of a resource are asked for.
type narrow struct {
	next http.RoundTripper
	// names are those of the objects, by resource.
	names map[string]string
}

// RoundTrip asks.
func (n *narrow) RoundTrip(request *http.Request) (*http.Response, error) {
	name, known := n.names[path.Base(request.URL.Path)]
	if !known || request.Method != http.MethodGet {
		return n.next.RoundTrip(request)
	}
	request = request.Clone(request.Context())
	query := request.URL.Query()
	query.Set("fieldSelector", "metadata.name="+name)
	request.URL.RawQuery = query.Encode()
	return n.next.RoundTrip(request)
}
