// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/explain"
)

func newExplain(e *environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "explain",
		Short: "Explain why something is as it is, and what mends it",
		Long: `Explain why something is as it is: everything that it depends on, from the first cause to the routers, and what mends what is broken.

  ✓ as it should be
  ✗ broken
  ! deserves a look
  · neither good nor bad
  → mends it; any one of several does

The exit status is 1 if something is broken.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newExplainService(e))
	c.AddCommand(newExplainAddress(e))
	c.AddCommand(newExplainNode(e))
	c.AddCommand(newExplainPeer(e))
	return c
}

// writeChain writes an explanation, and ends the command with an error if something is broken.
func (o *output) writeChain(e *environment, c explain.Chain) error {
	written, err := o.data(e.Out, c)
	if !written {
		err = c.Print(e.Out, e.palette)
	}
	if err == nil && c.Broken() {
		err = somethingIsWrong
	}
	return err
}

func newExplainNode(e *environment) *cobra.Command {
	o := &output{}
	c := &cobra.Command{
		Use:   "node NAME",
		Short: "Explain what a node announces, to whom, and why not more",
		Long: `Explain what a node announces, to whom, and why not more: whether the node and its speaker are well, whether it is taken out of service, which
BGPPeers and BGPAdvertisements select it, how its sessions fare, and how many services it announces.

It is computed from the Kubernetes API, as "kubectl metallb routes" is, and needs the same rights.`,
		Example: `  kubectl metallb explain node node-1`,
		Args:    cobra.ExactArgs(1), ValidArgsFunction: completeName(e, nodeKind),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			reader, err := e.client()
			if err != nil {
				return err
			}
			read, err := e.readForRoutes(c.Context(), reader)
			if err != nil {
				return err
			}
			chain, found := explain.Node(read, args[0])
			if !found {
				return fmt.Errorf("there is no node %q; see kubectl get nodes", args[0])
			}
			return o.writeChain(e, chain)
		},
	}
	o.register(c, formatJSON, formatYAML)
	return c
}

func newExplainPeer(e *environment) *cobra.Command {
	o := &output{}
	c := &cobra.Command{
		Use:   "peer NAME",
		Short: "Explain which nodes have a session with a router, and why others have none",
		Long: `Explain which nodes have a session with a router, and why others have none: whether the BGPPeer is in use as written, which nodes it selects, why
sessions are not established, and which settings to compare on the router.

It is computed from the Kubernetes API. You need the right to list nodes, and in the namespace of the load balancer all kinds of metallb.io. If you may
get secrets there, it is asked whether the one of passwordSecret is there; its content is not.`,
		Example: `  kubectl metallb explain peer rack-1`,
		Args:    cobra.ExactArgs(1), ValidArgsFunction: completeName(e, peerKind),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			chain, err := explainPeer(c.Context(), e, args[0])
			if err != nil {
				return err
			}
			return o.writeChain(e, chain)
		},
	}
	o.register(c, formatJSON, formatYAML)
	return c
}

func explainPeer(ctx context.Context, e *environment, name string) (explain.Chain, error) {
	reader, err := e.client()
	if err != nil {
		return explain.Chain{}, err
	}
	c, err := e.read(ctx, reader, cluster.Configuration, cluster.Nodes, cluster.Sessions, cluster.Workloads)
	if err != nil {
		return explain.Chain{}, err
	}
	for _, part := range []cluster.Part{cluster.Nodes, cluster.Sessions} {
		if !c.Has(part) {
			return explain.Chain{}, fmt.Errorf("a peer cannot be explained without %s", part)
		}
	}
	secrets := explain.Secrets{}
	for _, ref := range explain.SecretsOf(c, name) {
		if secrets[ref], err = cluster.SecretPresence(ctx, reader, ref); err != nil {
			return explain.Chain{}, err
		}
	}
	chain, found := explain.Peer(c, secrets, name)
	if !found {
		return explain.Chain{}, fmt.Errorf("there is no BGPPeer %q; see kubectl get bgppeers.metallb.io -n %s", name, c.Namespace)
	}
	return chain, nil
}
