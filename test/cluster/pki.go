// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/keyutil"

	"metallb.io/metallb/test/authority"
)

// credentials are the certificate authority of one cluster, and the directory to which it writes.
type credentials struct {
	*authority.Authority
	dir string
}

// newCredentials makes an authority and writes its ca.crt to dir.
func newCredentials(dir string) (credentials, error) {
	a, err := authority.New("kubernetes")
	if err != nil {
		return credentials{}, err
	}
	c := credentials{a, dir}
	return c, os.WriteFile(c.path("ca.crt"), a.Bundle, 0o644)
}

// issue makes a certificate and its key, and writes them to files of that name.
func (c credentials) issue(name string, id authority.Identity) (certificate, key []byte, err error) {
	certificate, key, err = c.Issue(id)
	if err != nil {
		return nil, nil, err
	}
	return certificate, key, errors.Join(os.WriteFile(c.path(name+".crt"), certificate, 0o644), os.WriteFile(c.path(name+".key"), key, 0o600))
}

// issueKubeconfig issues a certificate and writes a kubeconfig that has it to the file.
func (c credentials) issueKubeconfig(name string, id authority.Identity, server, file string) error {
	certificate, key, err := c.issue(name, id)
	if err != nil {
		return err
	}
	const cluster = "metallb"
	config := clientcmdapi.NewConfig()
	config.Clusters[cluster] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: c.Bundle}
	config.AuthInfos[id.User] = &clientcmdapi.AuthInfo{ClientCertificateData: certificate, ClientKeyData: key}
	config.Contexts[cluster] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: id.User}
	config.CurrentContext = cluster
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", id.User, err)
	}
	return nil
}

// issueTokenKey writes the pair of keys by which service account tokens are signed and checked: sa.key and sa.pub.
func (c credentials) issueTokenKey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the key of service account tokens: %w", err)
	}
	private, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return fmt.Errorf("making the key of service account tokens: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("making the key of service account tokens: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: keyutil.PublicKeyBlockType, Bytes: public})
	return errors.Join(os.WriteFile(c.path("sa.pub"), text, 0o644), os.WriteFile(c.path("sa.key"), private, 0o600))
}

func (c credentials) path(file string) string { return filepath.Join(c.dir, file) }
