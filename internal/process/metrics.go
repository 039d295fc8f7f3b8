// SPDX-License-Identifier: Apache-2.0

package process

import (
	"crypto/tls"
	"fmt"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"metallb.io/metallb/internal/version"
)

// metricsServer returns how metrics are served. Over HTTPS, who asks must show a token that the API server knows and be
// allowed to get the path /metrics; without a certificate in a directory, the program makes itself one that nobody can check.
func (s *Settings) metricsServer() metricsserver.Options {
	options := metricsserver.Options{BindAddress: s.metricsAddress, SecureServing: s.metricsSecure, CertDir: s.metricsCertDir}
	if !s.metricsSecure {
		return options
	}
	options.FilterProvider = filters.WithAuthenticationAndAuthorization
	// Nobody who scrapes needs HTTP/2, and in it an unauthorized client can ask for more than it waits for.
	options.TLSOpts = []func(*tls.Config){func(c *tls.Config) {
		c.MinVersion = tls.VersionTLS12
		c.NextProtos = []string{"http/1.1"}
	}}
	return options
}

// registerBuildInfo adds the version to the metrics.
func registerBuildInfo() error {
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "metallb_build_info",
		Help:        "Always 1; the labels say which version runs, of which revision of the source it was built, and by which version of Go.",
		ConstLabels: prometheus.Labels{"version": version.Version, "revision": version.Revision(), "goversion": runtime.Version()},
	}, func() float64 { return 1 })
	if err := metrics.Registry.Register(info); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return nil
}
