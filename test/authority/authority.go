// SPDX-License-Identifier: Apache-2.0

// Package authority makes the certificates of test clusters and of webhooks in tests.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// Authority is a certificate authority that nobody else trusts. Its key is never written.
type Authority struct {
	// Bundle is its own certificate in PEM.
	Bundle []byte

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Identity is who a certificate is for.
type Identity struct {
	User  string // common name
	Group string // organization, if any
	DNS   []string
	IPs   []net.IP
}

// New makes an authority of that name. Its certificate and those that it makes are good for longer than a test cluster is kept.
func New(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of a certificate authority: %w", err)
	}
	certificate, err := cert.NewSelfSignedCACert(cert.Config{CommonName: name, NotBefore: time.Now().Add(-time.Hour)}, key) // clocks of others may lag
	if err != nil {
		return nil, fmt.Errorf("making a certificate authority: %w", err)
	}
	bundle, err := cert.EncodeCertificates(certificate)
	return &Authority{Bundle: bundle, certificate: certificate, key: key}, err
}

// Issue makes a certificate for servers and clients alike, and its key, both in PEM.
func (a *Authority) Issue(id Identity) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making the key of %s: %w", id.User, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, nil, fmt.Errorf("numbering the certificate of %s: %w", id.User, err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: id.User}, DNSNames: id.DNS, IPAddresses: id.IPs,
		NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if id.Group != "" {
		template.Subject.Organization = []string{id.Group}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("signing the certificate of %s: %w", id.User, err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("signing the certificate of %s: %w", id.User, err)
	}
	if certificate, err = cert.EncodeCertificates(signed); err != nil {
		return nil, nil, err
	}
	key, err = keyutil.MarshalPrivateKeyToPEM(private)
	return certificate, key, err
}
