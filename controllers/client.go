// SPDX-License-Identifier: Apache-2.0

package main

import (
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/controllers/service"
)

// newClient returns the manager's client. Not only does it give a request up after service.WriteTimeout, it asks the API server
// to do so too.
func newClient(config *rest.Config, options client.Options) (client.Client, error) {
	bounded := *options.HTTPClient
	bounded.Timeout = service.WriteTimeout
	options.HTTPClient = &bounded
	return client.New(config, options)
}
