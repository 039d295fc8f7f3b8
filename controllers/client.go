// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/controllers/leadership"
	"metallb.io/metallb/controllers/service"
)

// newClient returns a function that makes the manager's client. Not only does that give a request up after service.WriteTimeout, it
// asks the API server to do so too. With a lock, it sends a write only while this process holds the lease.
func newClient(lock *leadership.Lock) client.NewClientFunc {
	return func(config *rest.Config, options client.Options) (client.Client, error) {
		bounded := *options.HTTPClient
		bounded.Timeout = service.WriteTimeout
		if lock != nil {
			bounded.Transport = lock.Transport(transportOf(&bounded))
		}
		options.HTTPClient = &bounded
		return client.New(config, options)
	}
}

func transportOf(c *http.Client) http.RoundTripper {
	if c.Transport == nil {
		return http.DefaultTransport
	}
	return c.Transport
}
