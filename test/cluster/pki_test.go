// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"

	"metallb.io/metallb/test/authority"
)

func TestCertificatesServeBothEndsOfAConnection(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca, err := newCredentials(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id := authority.Identity{
		User: "system:node:node-1", Group: "system:nodes", DNS: []string{"node-1"},
		IPs: []net.IP{net.ParseIP("172.30.0.11"), net.ParseIP("2001:db8::1")},
	}
	if _, _, err := ca.issue("node-1", id); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(ca.path("node-1.crt"), ca.path("node-1.key"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"system:nodes"}, pair.Leaf.Subject.Organization); diff != "" {
		t.Errorf("organization (-want +got):\n%s", diff)
	}
	if got, want := pair.Leaf.Subject.CommonName, "system:node:node-1"; got != want {
		t.Errorf("common name %q, want %q", got, want)
	}
	caText, err := os.ReadFile(ca.path("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(caText)
	for _, name := range []string{"node-1", "172.30.0.11", "2001:db8::1"} {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			options := x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}}
			if _, err := pair.Leaf.Verify(options); err != nil {
				t.Errorf("as %s: %v", name, err)
			}
		}
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "node-2", Roots: roots, CurrentTime: now}); err == nil {
		t.Error("the certificate of node-1 is good for node-2")
	}
}

func TestKeysAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	ca, err := newCredentials(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "admin.conf")
	if err := ca.issueKubeconfig("admin", authority.Identity{User: "admin"}, apiServer, kubeconfig); err != nil {
		t.Fatal(err)
	}
	if err := ca.issueTokenKey(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{kubeconfig, ca.path("admin.key"), ca.path("sa.key")} {
		stat, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := stat.Mode().Perm(); got != 0o600 {
			t.Errorf("%s has mode %o, want 600", file, got)
		}
	}
}

func TestKubeconfigLeadsToTheAPIServer(t *testing.T) {
	t.Parallel()
	ca, err := newCredentials(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "admin.conf")
	if err := ca.issueKubeconfig("admin", authority.Identity{User: "admin", Group: "system:masters"}, apiServer, file); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != apiServer {
		t.Errorf("server %s, want %s", config.Host, apiServer)
	}
	if diff := cmp.Diff(ca.Bundle, config.CAData); diff != "" {
		t.Errorf("certificate authority (-want +got):\n%s", diff)
	}
	if _, err := tls.X509KeyPair(config.CertData, config.KeyData); err != nil {
		t.Errorf("client certificate: %v", err)
	}
}
