// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/terminal"
	"metallb.io/metallb/plugin/withdrawal"
)

func newUndrain(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "undrain NODE...",
		Short: "Put nodes back into service that were drained",
		Long: `Put nodes back into service that were drained: remove the label ` + v1beta1.LabelDrain + `. The nodes announce again at once.

Other labels, taints and the service proxy may take a node out of service too. They are named, with the command that removes them.`,
		Example: `  kubectl metallb undrain node-1`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, names []string) error {
			return undrain(c.Context(), e, slices.Compact(slices.Sorted(slices.Values(names))))
		},
		ValidArgsFunction: e.complete(&corev1.NodeList{}),
	}
}

func undrain(ctx context.Context, e *environment, names []string) error {
	asked, err := e.client()
	if err != nil {
		return err
	}
	c, err := e.read(ctx, asked, cluster.Configuration, cluster.Nodes, cluster.Sessions, cluster.Workloads)
	if err != nil {
		return err
	}
	nodes, err := nodesOf(c, names)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if !isLabeled(n) {
			fmt.Fprintf(e.Out, "node/%s is not labeled %s\n", n.Name, v1beta1.LabelDrain)
		} else if err := label(ctx, asked, n, false); err != nil {
			return err
		} else {
			fmt.Fprintf(e.Out, "node/%s unlabeled %s\n", n.Name, v1beta1.LabelDrain)
		}
		tellOthers(e, c, n)
	}
	return nil
}

// tellOthers says what else takes the node out of service.
func tellOthers(e *environment, c *cluster.Cluster, n *corev1.Node) {
	unlabeled := n.DeepCopy()
	delete(unlabeled.Labels, v1beta1.LabelDrain)
	for _, s := range withdrawal.Signals(c.DrainRules(), unlabeled) {
		remedy := withdrawal.Remedy(s, n.Name)
		if remedy != "" {
			remedy = "; to end that, run " + remedy
		}
		fmt.Fprintf(e.Out, "  %s it drains still: %s%s\n", e.palette.Mark(terminal.Doubtful), s, remedy)
	}
	for i := range c.Sessions {
		s := &c.Sessions[i].Status
		condition := meta.FindStatusCondition(s.Conditions, v1beta1.ConditionDrained)
		if s.Node == n.Name && condition != nil && condition.Reason == v1beta1.ReasonProxyFailing {
			fmt.Fprintf(e.Out, "  %s routers are asked to prefer other nodes: its service proxy is not healthy\n", e.palette.Mark(terminal.Doubtful))
			return
		}
	}
}
