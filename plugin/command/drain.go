// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/terminal"
	"metallb.io/metallb/plugin/withdrawal"
)

const (
	// drainTimeout is how long drain waits unless told otherwise: longer than a node takes with the default delay.
	drainTimeout = 2 * time.Minute
	// reportTime is after how long what a speaker reports of a drain is of the present: it writes within two seconds.
	reportTime = 3 * time.Second
	// namedServices is how many services a warning names.
	namedServices = 10
)

// drainOptions are the flags of "drain".
type drainOptions struct {
	wait, force bool
	timeout     time.Duration
}

func newDrain(e *environment) *cobra.Command {
	o := &drainOptions{}
	c := &cobra.Command{
		Use:   "drain NODE...",
		Short: "Take nodes out of service without losing connections, and wait until they are safe to switch off",
		Long: `Take nodes out of service without losing connections, and wait until they are safe to switch off.

The nodes get the label ` + v1beta1.LabelDrain + `. Their speakers ask routers to prefer other nodes, and withdraw the routes after --drain-delay of the
speakers. Pods stay where they are. For this you need the right to patch Nodes.

Services that no other node announces would lose their last route: then nothing is done without --force.

The exit status is 1 if a node is not drained when --timeout has passed.`,
		Example: `  # Take a node out of service, then switch it off.
  kubectl metallb drain node-1

  # Put it back.
  kubectl metallb undrain node-1`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, names []string) error {
			return o.run(c.Context(), e, slices.Compact(slices.Sorted(slices.Values(names))))
		},
		ValidArgsFunction: e.complete(&corev1.NodeList{}),
	}
	c.Flags().BoolVar(&o.wait, "wait", true, "wait until the nodes are drained")
	c.Flags().DurationVar(&o.timeout, "timeout", drainTimeout, "how long to wait; 0 waits for ever")
	c.Flags().BoolVar(&o.force, "force", false, "drain the nodes even if services lose their last route by it")
	return c
}

func (o *drainOptions) run(ctx context.Context, e *environment, names []string) error {
	asked, err := e.client()
	if err != nil {
		return err
	}
	c, err := e.read(ctx, asked, withdrawal.Parts()...)
	if err != nil {
		return err
	}
	nodes, err := nodesOf(c, names)
	if err != nil {
		return err
	}
	serving := slices.DeleteFunc(slices.Clone(nodes), isLabeled)
	if err := o.announceLoss(e, c, serving); err != nil {
		return err
	}
	for _, n := range nodes {
		if isLabeled(n) {
			fmt.Fprintf(e.Out, "node/%s is labeled %s already\n", n.Name, v1beta1.LabelDrain)
			continue
		}
		if err := label(ctx, asked, n, true); err != nil {
			return err
		}
		fmt.Fprintf(e.Out, "node/%s labeled %s\n", n.Name, v1beta1.LabelDrain)
	}
	if !o.wait {
		return nil
	}
	if saysDrained(c, serving) {
		// What was reported before the label may be of another drain, which has ended.
		if err := pause(ctx, reportTime); err != nil {
			return err
		}
	}
	return o.await(ctx, e, asked, newProgress(e, c, names))
}

// nodesOf returns the nodes of these names.
func nodesOf(c *cluster.Cluster, names []string) ([]*corev1.Node, error) {
	for _, u := range c.Unread {
		if u.Part == cluster.Nodes {
			return nil, u.Err
		}
	}
	all := make([]string, 0, len(c.Nodes))
	for i := range c.Nodes {
		all = append(all, c.Nodes[i].Name)
	}
	nodes := make([]*corev1.Node, 0, len(names))
	for _, name := range names {
		n, found := c.Node(name)
		if !found {
			return nil, unknownName("Node", name, all)
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func isLabeled(n *corev1.Node) bool {
	_, labeled := n.Labels[v1beta1.LabelDrain]
	return labeled
}

// label adds the label that drains the node, or removes it.
func label(ctx context.Context, asked client.Client, n *corev1.Node, drains bool) error {
	changed := n.DeepCopy()
	if delete(changed.Labels, v1beta1.LabelDrain); drains {
		if changed.Labels == nil {
			changed.Labels = map[string]string{}
		}
		changed.Labels[v1beta1.LabelDrain] = ""
	}
	if err := asked.Patch(ctx, changed, client.MergeFrom(n)); err != nil {
		return fmt.Errorf("labeling node %s: %w", n.Name, err)
	}
	return nil
}

// announceLoss says what will happen to services. The error is for services that lose their last route, unless that is forced.
func (o *drainOptions) announceLoss(e *environment, c *cluster.Cluster, nodes []*corev1.Node) error {
	if len(nodes) == 0 {
		return nil
	}
	names := make([]string, 0, len(nodes))
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	if len(c.Unread) > 0 && !o.force {
		return errors.New("what you may not read keeps the answer to which services would lose their last route; use --force to drain without it")
	}
	loss, by := withdrawal.LossOf(c, names), strings.Join(names, ", ")
	switch {
	case loss.Announced == 0:
		fmt.Fprintf(e.Out, "no service is announced by %s\n", by)
		return nil
	case len(loss.Last) == 0:
		fmt.Fprintf(e.Out, "all services that are announced by %s are announced by other nodes too: %d\n", by, loss.Announced)
		return nil
	}
	last := make([]string, 0, namedServices)
	for _, name := range loss.Last[:min(len(loss.Last), namedServices)] {
		last = append(last, name.String())
	}
	text := fmt.Sprintf("%d of %d services that are announced by %s would lose their last route, since no other node announces them: %s",
		len(loss.Last), loss.Announced, by, message.Some(last, len(loss.Last), ", "))
	if !o.force {
		return fmt.Errorf("%s; nothing is done; use --force to drain nevertheless", text)
	}
	fmt.Fprintln(e.ErrOut, e.palette.Doubtful("warning: "+text))
	return nil
}

// saysDrained reports whether a session of one of the nodes says that its node drains or is drained.
func saysDrained(c *cluster.Cluster, nodes []*corev1.Node) bool {
	return slices.ContainsFunc(nodes, func(n *corev1.Node) bool {
		p := withdrawal.ProgressOf(n.Name, c.Sessions, true)
		return p.Phase == withdrawal.Withdrawing || p.Phase == withdrawal.Drained
	})
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// await waits until all nodes are drained.
func (o *drainOptions) await(ctx context.Context, e *environment, asked client.WithWatch, p *progress) error {
	limited := ctx
	if o.timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	err := p.follow(limited, asked)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		fmt.Fprintf(e.ErrOut, "%s\n", e.palette.Doubtful("The nodes stay labeled, and drain: kubectl metallb undrain ends that."))
		return somethingIsWrong
	case limited.Err() == nil:
		return err
	}
	for _, name := range p.nodes {
		if now := p.of(name); !now.Phase.Over() {
			fmt.Fprintf(e.ErrOut, "%s node/%s is not drained after %s: %s\n", e.palette.Mark(terminal.Bad), name, o.timeout, now.Lacks())
		}
	}
	return somethingIsWrong
}
