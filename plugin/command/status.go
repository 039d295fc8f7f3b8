// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"context"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/overview"
)

// watchInterval is how often what is watched is read again.
const watchInterval = 2 * time.Second

// statusOptions are the flags of "status".
type statusOptions struct {
	output
	watch bool
}

func newStatus(e *environment) *cobra.Command {
	o := &statusOptions{}
	c := &cobra.Command{
		Use:   "status",
		Short: "Show on one screen how the load balancer fares",
		Long: `Show on one screen how the load balancer fares: its pods, peers, pools and services, and what of the configuration is not in use.

The exit status is 1 if something is wrong.`,
		Example: `  # Is all well?
  kubectl metallb status

  # Look on while something changes.
  kubectl metallb status --watch

  # What is wrong, for a script.
  kubectl metallb status -o json | jq -r '.problems[]'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return o.run(c.Context(), e)
		},
	}
	o.register(c, formatWide, formatJSON, formatYAML)
	c.Flags().BoolVarP(&o.watch, "watch", "w", false, "read the status every 2 seconds and show it whenever it changes, until Ctrl-C is pressed")
	return c
}

func (o *statusOptions) run(ctx context.Context, e *environment) error {
	reader, err := e.client()
	if err != nil {
		return err
	}
	var shown []byte
	show := func(ctx context.Context) (done bool, err error) {
		now, view, err := o.view(ctx, e, reader)
		if err != nil {
			return false, err
		}
		if !bytes.Equal(view, shown) {
			shown = view
			if o.watch {
				view = append([]byte(clearScreen(e.palette.Colored())), view...)
			}
			_, err = e.Out.Write(view)
		}
		if err == nil && !o.watch && len(now.Problems) > 0 {
			err = somethingIsWrong
		}
		return !o.watch, err
	}
	err = wait.PollUntilContextCancel(ctx, watchInterval, true, show)
	if ctx.Err() != nil && o.watch {
		return nil // Somebody has seen enough.
	}
	return err
}

// clearScreen returns what clears a terminal; what separates two screens where there is none.
func clearScreen(isTerminal bool) string {
	if isTerminal {
		return "\x1b[H\x1b[2J"
	}
	return "---\n"
}

// view reads the cluster, and returns what is to be shown of it.
func (o *statusOptions) view(ctx context.Context, e *environment, reader client.Reader) (overview.Overview, []byte, error) {
	c, err := e.read(ctx, reader, cluster.Configuration, cluster.Services, cluster.Sessions, cluster.Workloads)
	if err != nil {
		return overview.Overview{}, nil, err
	}
	now := overview.Of(c)
	var text bytes.Buffer
	if written, err := o.data(&text, now); written || err != nil {
		return now, text.Bytes(), err
	}
	err = now.Print(&text, e.palette, o.format == formatWide)
	return now, text.Bytes(), err
}
