// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/scheme"
	"metallb.io/metallb/test/bench/proc"
	"metallb.io/metallb/test/freeport"
)

// accounts are the names that the measured programs have at the API server, each a service account's in metallb-system, so
// that the API server rations their requests as it does a pod's.
const accountPrefix = "system:serviceaccount:metallb-system:"

// auditPolicy logs one line per request of the measured programs and nothing else.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts:metallb-system"]
- level: None
`

// cluster is an etcd and a kube-apiserver.
type cluster struct {
	env    *envtest.Environment
	client client.WithWatch // an administrator's, without a limit
	dir    string
	audit  *auditLog
	server int // process ids
	etcd   int
	ports  []func() // give back the ports of freeAddress
}

// startCluster starts both programs from the folder bin, with the CRDs of the folder crds; files go to dir.
func startCluster(bin, crds, dir string) (*cluster, error) {
	policy, auditPath := filepath.Join(dir, "audit-policy.yaml"), filepath.Join(dir, "audit.log")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return nil, err
	}
	env := &envtest.Environment{
		BinaryAssetsDirectory:    bin,
		CRDDirectoryPaths:        []string{crds},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: 2 * time.Minute,
		ControlPlaneStopTimeout:  30 * time.Second,
	}
	args := env.ControlPlane.GetAPIServer().Configure()
	args.Set("service-cluster-ip-range", "10.96.0.0/12").
		Set("audit-policy-file", policy).
		Set("audit-log-path", auditPath).
		Set("audit-log-maxsize", "10000") // MB: one file for the whole run
	config, err := env.Start()
	if err != nil {
		return nil, fmt.Errorf("starting etcd and kube-apiserver from %s (K8S_BIN): %w", bin, errors.Join(err, env.Stop()))
	}
	c := &cluster{env: env, dir: dir, audit: &auditLog{path: auditPath}}
	if err := c.connect(config); err != nil {
		return nil, errors.Join(err, env.Stop())
	}
	return c, nil
}

func (c *cluster) connect(config *rest.Config) error {
	children, err := proc.Children()
	if err != nil {
		return err
	}
	c.server, c.etcd = children["kube-apiserver"], children["etcd"]
	if c.server == 0 || c.etcd == 0 {
		return fmt.Errorf("no kube-apiserver or etcd among the child processes %v", children)
	}
	types, err := scheme.New()
	if err != nil {
		return err
	}
	config = rest.CopyConfig(config)
	config.QPS = -1
	c.client, err = client.NewWithWatch(config, client.Options{Scheme: types})
	return err
}

// stop ends both programs.
func (c *cluster) stop() error {
	for _, release := range c.ports {
		release()
	}
	return c.env.Stop()
}

// freeAddress returns an address of loopback that is one program's until the cluster stops.
func (c *cluster) freeAddress() (string, error) {
	port, release, err := freeport.Reserve()
	if err != nil {
		return "", err
	}
	c.ports = append(c.ports, release)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), nil
}

// account makes a user of the cluster for the program of that name and returns the path of its kubeconfig file.
func (c *cluster) account(ctx context.Context, name string) (string, error) {
	user, err := c.env.AddUser(envtest.User{
		Name:   accountPrefix + name,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:metallb-system", "system:authenticated"},
	}, nil)
	if err != nil {
		return "", fmt.Errorf("making the user %s: %w", name, err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return "", fmt.Errorf("making the kubeconfig of %s: %w", name, err)
	}
	path := filepath.Join(c.dir, name+".kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		return "", err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "bench-" + name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: accountPrefix + name}},
	}
	return path, c.client.Create(ctx, binding)
}

// prepare creates what the services need around them: namespaces, nodes, the peer and the advertisement; not the pool.
func (c *cluster) prepare(ctx context.Context, peer *v1beta2.BGPPeer) error {
	for _, name := range []string{productNamespace, serviceNamespace} {
		if err := c.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return err
		}
	}
	for i := range nodeCount {
		node := makeNode(i)
		status := node.Status
		if err := c.client.Create(ctx, node); err != nil {
			return err
		}
		node.Status = status
		if err := c.client.Status().Update(ctx, node); err != nil {
			return err
		}
	}
	for _, o := range []client.Object{peer, makeAdvertisement()} {
		if err := c.client.Create(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// programOf returns the name under which an account was made, from its user name.
func programOf(user string) (string, bool) { return strings.CutPrefix(user, accountPrefix) }
