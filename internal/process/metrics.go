// SPDX-License-Identifier: Apache-2.0

package process

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"metallb.io/metallb/internal/version"
)

// metricsServer returns how metrics are served. Over HTTPS, who asks must show a token that the API server knows and be
// allowed to get the path /metrics; without a certificate in a directory, the program makes itself one that nobody can check, at the
// first connection: controller-runtime would make one of RSA, for which a start waits longer than for the API server.
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
		if s.metricsCertDir == "" {
			selfSigned := sync.OnceValues(newSelfSigned)
			c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return selfSigned() }
		}
	}}
	return options
}

// newSelfSigned returns a certificate for localhost that is valid for ten years, which no process runs for.
func newSelfSigned() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key for the metrics endpoint: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for the metrics endpoint: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}, nil
}

// registerBuildInfo adds the version to the metrics.
func registerBuildInfo() error {
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "metallb_build_info",
		Help:        "Always 1; the labels are the version, the source revision and the Go version of the program.",
		ConstLabels: prometheus.Labels{"version": version.Version, "revision": version.Revision(), "goversion": runtime.Version()},
	}, func() float64 { return 1 })
	if err := metrics.Registry.Register(info); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	return nil
}
