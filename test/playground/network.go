// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/programs"
)

// Network namespaces and addresses beside the cluster. An IPv6 address is written with the digits of the IPv4 address that it belongs to.
const (
	RackNamespace   = "rack"
	ClientNamespace = "client"
	RackAddress     = "172.30.0.254" // towards the nodes
	RackAddress6    = "fd00:172:30::254"
	RackASN         = 64513
	clientNetwork   = "192.0.2.0/24"
	clientNetwork6  = "fd00:192:0:2::/64"
	rackClientSide  = "192.0.2.1"
	rackClientSide6 = "fd00:192:0:2::1"
	clientAddress   = "192.0.2.10"
	clientAddress6  = "fd00:192:0:2::10"
	rackLink        = "rack0" // the rack router's port on the nodes' bridge
)

// makeNamespaces makes the rack router's and the client's network namespaces. It comes before the nodes' are made: the first
// time on a machine, ip mounts /run/netns over itself, and a namespace that is there already could not be removed then.
func makeNamespaces(ctx context.Context) error {
	for _, namespace := range []string{RackNamespace, ClientNamespace} {
		if _, err := programs.Run(ctx, "", "ip", "netns", "add", namespace); err != nil {
			return err
		}
	}
	return nil
}

// connect links the rack router, the client and the nodes.
func connect(ctx context.Context, nodes []cluster.Node) error {
	commands := []string{
		"link add " + rackLink + " type veth peer name eth0 netns " + RackNamespace,
		"link set " + rackLink + " master " + cluster.Bridge + " up",
		"-n " + RackNamespace + " link set lo up",
		"-n " + RackNamespace + " addr add " + RackAddress + "/24 dev eth0",
		"-n " + RackNamespace + " addr add " + RackAddress6 + "/64 dev eth0 nodad",
		"-n " + RackNamespace + " link set eth0 up",
		"-n " + RackNamespace + " route add default via " + cluster.HostAddr,
		"-n " + RackNamespace + " route add default via " + cluster.HostAddr6,
		"-n " + RackNamespace + " link add client type veth peer name eth0 netns " + ClientNamespace,
		"-n " + RackNamespace + " addr add " + rackClientSide + "/24 dev client",
		"-n " + RackNamespace + " addr add " + rackClientSide6 + "/64 dev client nodad",
		"-n " + RackNamespace + " link set client up",
		"-n " + ClientNamespace + " link set lo up",
		"-n " + ClientNamespace + " addr add " + clientAddress + "/24 dev eth0",
		"-n " + ClientNamespace + " addr add " + clientAddress6 + "/64 dev eth0 nodad",
		"-n " + ClientNamespace + " link set eth0 up",
		"-n " + ClientNamespace + " route add default via " + rackClientSide,
		"-n " + ClientNamespace + " route add default via " + rackClientSide6,
	}
	for _, command := range slices.Concat(commands, routesBack(nodes)) {
		if _, err := programs.Run(ctx, "", "ip", strings.Fields(command)...); err != nil {
			return err
		}
	}
	return nil
}

// PowerOn starts a node that was powered off, and returns when it is ready. It gives it the way to the client, and has more done as soon as the
// node's network is there.
func (p *Playground) PowerOn(ctx context.Context, node cluster.Node, more func() error) error {
	return p.Cluster.PowerOn(ctx, node, func() error {
		for _, command := range routesBack([]cluster.Node{node}) {
			if _, err := programs.Run(ctx, "", "ip", strings.Fields(command)...); err != nil {
				return err
			}
		}
		return more()
	})
}

// routesBack returns the commands that give the nodes the way to the client.
func routesBack(nodes []cluster.Node) []string {
	commands := make([]string, 0, 2*len(nodes))
	for _, node := range nodes {
		commands = append(commands,
			"-n "+node.Name+" route add "+clientNetwork+" via "+RackAddress,
			"-n "+node.Name+" route add "+clientNetwork6+" via "+RackAddress6)
	}
	return commands
}

// disconnect removes what makeNamespaces and connect made; the links go with the namespaces.
func disconnect(ctx context.Context) error {
	var errs []error
	for _, namespace := range []string{RackNamespace, ClientNamespace} {
		if _, err := os.Stat("/run/netns/" + namespace); err != nil {
			continue
		}
		_, err := programs.Run(ctx, "", "ip", "netns", "delete", namespace)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
