// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// validity of certificates: longer than anyone keeps a test cluster.
const validity = 365 * 24 * time.Hour

// authority is the certificate authority of one cluster. Its key is never written.
type authority struct {
	dir  string // where files go
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	now  time.Time
}

// identity is who a certificate is for.
type identity struct {
	file  string // name of .crt and .key
	user  string // common name
	group string // organization, if any
	dns   []string
	ips   []netip.Addr
}

// newAuthority makes an authority and writes its ca.crt to dir.
func newAuthority(dir string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of the certificate authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "kubernetes"},
		NotBefore:    now.Add(-time.Hour), // clocks of others may lag
		NotAfter:     now.Add(validity),
		IsCA:         true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the certificate authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("making the certificate authority: %w", err)
	}
	a := &authority{dir: dir, cert: cert, key: key, pem: encodePEM("CERTIFICATE", der), now: now}
	return a, os.WriteFile(filepath.Join(dir, "ca.crt"), a.pem, 0o644)
}

// issue writes a certificate for servers and clients alike, and its key, to files named after the identity.
func (a *authority) issue(id identity) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the key of %s: %w", id.file, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return fmt.Errorf("numbering the certificate of %s: %w", id.file, err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: id.user},
		DNSNames:     id.dns,
		NotBefore:    a.cert.NotBefore,
		NotAfter:     a.cert.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if id.group != "" {
		template.Subject.Organization = []string{id.group}
	}
	for _, ip := range id.ips {
		template.IPAddresses = append(template.IPAddresses, net.IP(ip.AsSlice()))
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("signing the certificate of %s: %w", id.file, err)
	}
	if err := os.WriteFile(a.path(id.file+".crt"), encodePEM("CERTIFICATE", der), 0o644); err != nil {
		return err
	}
	return writeKey(a.path(id.file+".key"), key)
}

// issueKubeconfig issues a certificate and writes a kubeconfig that uses it to file.
func (a *authority) issueKubeconfig(id identity, server, file string) error {
	if err := a.issue(id); err != nil {
		return err
	}
	cert, err := os.ReadFile(a.path(id.file + ".crt"))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(a.path(id.file + ".key"))
	if err != nil {
		return err
	}
	const name = "metallb"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: a.pem}
	config.AuthInfos[id.user] = &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: id.user}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", id.file, err)
	}
	return nil
}

// issueTokenKey writes the pair of keys by which service account tokens are signed and checked: sa.key and sa.pub.
func (a *authority) issueTokenKey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the key of service account tokens: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("making the key of service account tokens: %w", err)
	}
	if err := os.WriteFile(a.path("sa.pub"), encodePEM("PUBLIC KEY", public), 0o644); err != nil {
		return err
	}
	return writeKey(a.path("sa.key"), key)
}

func (a *authority) path(file string) string { return filepath.Join(a.dir, file) }

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.WriteFile(path, encodePEM("EC PRIVATE KEY", der), 0o600)
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
