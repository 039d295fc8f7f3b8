// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"metallb.io/metallb/test/authority"
)

// controlPlane is the control group and etcdPort and etcdPeerPort are the ports on the loopback interface of the control plane.
const (
	controlPlane = "control-plane"
	etcdPort     = 2479 // not 2379, which is of any other etcd on the machine
	etcdPeerPort = 2480
)

// writeCredentials makes the certificate authority, certificates and kubeconfigs of all programs and of the user.
func (c *Cluster) writeCredentials() error {
	ca, err := newCredentials(c.path("pki"))
	if err != nil {
		return err
	}
	_, _, err = ca.issue("apiserver", authority.Identity{
		User: "kube-apiserver",
		DNS:  []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"},
		IPs:  []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(HostAddr), firstOf(ServiceCIDR).AsSlice()},
	})
	errs := []error{ca.issueTokenKey(), err}
	users := map[string]authority.Identity{"admin": {User: "admin", Group: "system:masters"}}
	for _, name := range []string{"kube-controller-manager", "kube-scheduler", "kube-proxy"} {
		users[name] = authority.Identity{User: "system:" + name}
	}
	for _, n := range c.Nodes() {
		users[n.Name] = authority.Identity{
			User: "system:node:" + n.Name, Group: "system:nodes", DNS: []string{n.Name}, IPs: []net.IP{n.Addr.AsSlice(), n.Addr6.AsSlice()},
		}
	}
	for name, id := range users {
		errs = append(errs, ca.issueKubeconfig(name, id, apiServer, c.path(name+".conf")))
	}
	return errors.Join(errs...)
}

// firstOf returns the first address of a network that hosts can have. That of the Services is the API server's.
func firstOf(network string) netip.Addr { return netip.MustParsePrefix(network).Addr().Next() }

// startAPIServer starts etcd and the API server, without waiting for them.
func (r *runner) startAPIServer(ctx context.Context) error {
	pki := func(file string) string { return r.cluster.path("pki", file) }
	client := fmt.Sprintf("http://127.0.0.1:%d", etcdPort)
	peer := fmt.Sprintf("http://127.0.0.1:%d", etcdPeerPort)
	return errors.Join(
		r.start(ctx, controlPlane, "etcd", "etcd", "--data-dir", r.cluster.path("etcd"), "--unsafe-no-fsync",
			"--listen-client-urls", client, "--advertise-client-urls", client,
			"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer),
		r.start(ctx, controlPlane, "kube-apiserver", "kube-apiserver",
			"--etcd-servers="+client,
			"--cert-dir="+pki(""),
			"--bind-address="+HostAddr, "--advertise-address="+HostAddr,
			"--service-cluster-ip-range="+ServiceCIDR+","+ServiceCIDR6,
			"--allow-privileged=true",
			"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
			"--enable-aggregator-routing=true", // the control plane has no kube-proxy: webhooks are reached by pod address
			"--client-ca-file="+pki("ca.crt"),
			"--tls-cert-file="+pki("apiserver.crt"), "--tls-private-key-file="+pki("apiserver.key"),
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file="+pki("sa.pub"), "--service-account-signing-key-file="+pki("sa.key"),
			"--kubelet-client-certificate="+pki("admin.crt"), "--kubelet-client-key="+pki("admin.key"),
			"--kubelet-certificate-authority="+pki("ca.crt"),
			"--kubelet-preferred-address-types=InternalIP"), // node names cannot be resolved
	)
}

// startControllers waits for the API server and starts the controller manager and the scheduler.
func (r *runner) startControllers(ctx context.Context) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	ready := func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}
	if err := r.until(ctx, "the API server", ready, "etcd", "kube-apiserver"); err != nil {
		return err
	}
	c := r.cluster
	return errors.Join(
		r.start(ctx, controlPlane, "kube-controller-manager", "kube-controller-manager",
			"--kubeconfig="+c.path("kube-controller-manager.conf"), "--bind-address="+HostAddr,
			"--service-account-private-key-file="+c.path("pki", "sa.key"), "--root-ca-file="+c.path("pki", "ca.crt"),
			"--flex-volume-plugin-dir="+c.path("volume-plugins"), // it makes the directory
			"--use-service-account-credentials", "--leader-elect=false",
			"--node-monitor-grace-period=20s"), // four of nodeStatusUpdateFrequency: tests wait for it
		r.start(ctx, controlPlane, "kube-scheduler", "kube-scheduler",
			"--kubeconfig="+c.path("kube-scheduler.conf"), "--bind-address="+HostAddr, "--leader-elect=false"),
	)
}

// waitReady waits until the nodes can take pods and the default namespace has its service account, without which pods
// would be refused.
func (r *runner) waitReady(ctx context.Context) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	logs := []string{"kube-controller-manager"}
	for _, n := range r.cluster.Nodes() {
		logs = append(logs, n.Name+"-kubelet")
	}
	return r.until(ctx, "the nodes", func(ctx context.Context) error {
		for _, n := range r.cluster.Nodes() {
			if err := nodeReady(ctx, client, n.Name, time.Time{}); err != nil {
				return err
			}
		}
		_, err := client.CoreV1().ServiceAccounts(corev1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	}, logs...)
}

// nodeReady returns nil if a node has told after a moment that it is ready, else the reason that it has given.
func nodeReady(ctx context.Context, client kubernetes.Interface, name string, after time.Time) error {
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == corev1.NodeReady })
	if i < 0 {
		return fmt.Errorf("%s has no status yet", name)
	}
	if condition := node.Status.Conditions[i]; condition.Status != corev1.ConditionTrue {
		return fmt.Errorf("%s is not ready: %s", name, condition.Message)
	} else if told := condition.LastHeartbeatTime.Time; !told.After(after) {
		return fmt.Errorf("%s has not told how it is since %s", name, told.Format(time.TimeOnly))
	}
	return nil
}

// client returns a client of the cluster as its administrator.
func (r *runner) client() (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", r.cluster.Kubeconfig())
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1
	config.Timeout = 5 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of the cluster: %w", err)
	}
	return client, nil
}
