// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"metallb.io/metallb/test/programs"
)

// DefaultState is where a cluster keeps its files if nothing else is said.
const DefaultState = "/var/lib/metallb-cluster"

// Names and addresses of every cluster. An IPv6 address is written with the digits of the IPv4 address that it belongs to.
const (
	Bridge       = "kbr0"             // joins the nodes; the machine has HostAddr and HostAddr6 on it
	HostAddr     = "172.30.0.1"       // of the machine and the control plane
	HostAddr6    = "fd00:172:30::1"   // of the machine
	NodeNetwork  = "172.30.0.0/24"    // nodes have .11 and up; .101 and up are for guests, such as routers
	NodeNetwork6 = "fd00:172:30::/64" // nodes have ::11 and up, and guests ::101 and up
	PodNetwork   = "10.244.0.0/16"    // node N has 10.244.N.0/24
	PodNetwork6  = "fd00:10:244::/56" // node N has fd00:10:244:N::/64
	ServiceCIDR  = "10.96.0.0/16"     // cluster addresses of Services
	ServiceCIDR6 = "fd00:10:96::/112" // likewise
	MaxNodes     = 89                 // as many as there are addresses from .11 to .99
	apiServer    = "https://" + HostAddr + ":6443"
)

// ErrNoCluster tells that there is no cluster where one was looked for.
var ErrNoCluster = errors.New("there is no cluster")

// Config says what cluster Up is to make.
type Config struct {
	State    string    // directory of its files, which must not have others in it; DefaultState if empty
	Nodes    int       // how many; 1 if zero
	Bin      string    // directory of the programs; programs.Dir if empty
	Progress io.Writer // is told what happens, in lines; nil for nothing
}

// Cluster is a cluster that is up, or was.
type Cluster struct {
	record record
}

// Node is one node of a cluster.
type Node struct {
	Name     string       // node-1, for Kubernetes and `ip netns exec` alike
	Addr     netip.Addr   // on the bridge
	Addr6    netip.Addr   // likewise, IPv6
	PodCIDR  netip.Prefix // addresses of its pods
	PodCIDR6 netip.Prefix // likewise, IPv6
	NetNS    string       // path of its network namespace
	index    int          // from 1
	dir      string       // its files
}

// Addrs returns the node's address of each family, IPv4 first.
func (n Node) Addrs() []netip.Addr { return []netip.Addr{n.Addr, n.Addr6} }

// podCIDRs returns the addresses of the node's pods of each family, IPv4 first.
func (n Node) podCIDRs() []netip.Prefix { return []netip.Prefix{n.PodCIDR, n.PodCIDR6} }

// Open returns the cluster of a state directory, or the one that is up on this machine if state is empty.
// Without one it returns an error that is ErrNoCluster.
func Open(state string) (*Cluster, error) {
	if state == "" {
		state = Running()
		if state == "" {
			return nil, ErrNoCluster
		}
	}
	state, err := filepath.Abs(state)
	if err != nil {
		return nil, err
	}
	r, err := readRecord(filepath.Join(state, recordFile))
	if errors.Is(err, os.ErrNotExist) { // somebody may have removed the directory of a cluster that is up
		r, err = readRecord(claimFile)
	}
	if errors.Is(err, os.ErrNotExist) || (err == nil && r.State != state) {
		return nil, fmt.Errorf("%w in %s", ErrNoCluster, state)
	} else if err != nil {
		return nil, err
	}
	return &Cluster{record: r}, nil
}

// State returns the directory of the cluster's files.
func (c *Cluster) State() string { return c.record.State }

// Bin returns the directory of the cluster's programs, kubectl among them.
func (c *Cluster) Bin() string { return c.record.Bin }

// Kubeconfig returns the path of the kubeconfig of the cluster's administrator.
func (c *Cluster) Kubeconfig() string { return c.path("admin.conf") }

// Log returns the path of the log of a program: one of the control plane such as "kube-apiserver", or one of a node such
// as "node-1-kubelet".
func (c *Cluster) Log(program string) string { return c.path("log", program+".log") }

// Processes returns the programs that Up started, with their process ids: the control plane's, and of each node
// containerd, kubelet and kube-proxy. They may have ended meanwhile, see [Process.Alive].
func (c *Cluster) Processes() ([]Process, error) { return readProcesses(c.path(processFile)) }

// Nodes returns the nodes in order.
func (c *Cluster) Nodes() []Node {
	nodes := make([]Node, c.record.Nodes)
	for i := range nodes {
		n := i + 1
		name := fmt.Sprintf("node-%d", n)
		nodes[i] = Node{
			Name:     name,
			Addr:     netip.AddrFrom4([4]byte{172, 30, 0, byte(10 + n)}),
			Addr6:    netip.MustParseAddr(fmt.Sprintf("fd00:172:30::%d", 10+n)),
			PodCIDR:  netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, byte(n), 0}), 24),
			PodCIDR6: netip.MustParsePrefix(fmt.Sprintf("fd00:10:244:%d::/64", n)),
			NetNS:    "/run/netns/" + name,
			index:    n,
			dir:      c.path(name),
		}
	}
	return nodes
}

// Load makes images known to every node. Each tar is a docker-archive or an OCI archive and names its images; a pod that
// uses them must not have imagePullPolicy Always.
func (c *Cluster) Load(ctx context.Context, tars ...string) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, n := range c.Nodes() {
		group.Go(func() error {
			for _, tar := range tars {
				tar, err := filepath.Abs(tar)
				if err != nil {
					return err
				}
				if err := c.ctr(ctx, n, "--namespace", "k8s.io", "images", "import", tar); err != nil {
					return fmt.Errorf("loading %s on %s: %w", tar, n.Name, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// ctr runs containerd's client against the node. It does so in the node's directory, and names the socket by that: a Unix
// socket's path can have no more than 107 characters, see unix(7), and that of a state directory may have more.
func (c *Cluster) ctr(ctx context.Context, n Node, args ...string) error {
	socket, err := filepath.Rel(n.dir, n.socket())
	if err != nil {
		return err
	}
	args = append([]string{"--address", filepath.Join("/proc/self/cwd", socket)}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(c.Bin(), "ctr"), args...)
	cmd.Dir = n.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, programs.LastLines(out, 5))
	}
	return nil
}

func (c *Cluster) path(elem ...string) string {
	return filepath.Join(append([]string{c.record.State}, elem...)...)
}

// socket is where containerd listens, as seen from outside the node.
func (n Node) socket() string { return filepath.Join(n.dir, "run-containerd", "containerd.sock") }

// Environment returns the lines of shell that make kubectl talk to the cluster.
func (c *Cluster) Environment() string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	return fmt.Sprintf("export KUBECONFIG=%s\nexport PATH=%s:\"$PATH\"\n", quote(c.Kubeconfig()), quote(c.Bin()))
}

// InUseError tells that another cluster is in the way of a new one.
type InUseError struct {
	State string // state directory of the other
}

// Error names the other cluster and the command that ends it.
func (e *InUseError) Error() string {
	return fmt.Sprintf("a cluster is up on this machine already, with its state in %s; "+
		"to end it: go run metallb.io/metallb/test/cluster/cmd/cluster down --state %[1]s", e.State)
}
