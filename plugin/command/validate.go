// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/validate"
)

// againstCluster is the flag by which files are checked beside a cluster's objects.
const againstCluster = "against-cluster"

// validateOptions are the flags of "validate".
type validateOptions struct {
	input
	output
	againstCluster bool
	class          string
}

func newValidate(e *environment) *cobra.Command {
	o := &validateOptions{}
	c := &cobra.Command{
		Use:   "validate -f FILE...",
		Short: "Check manifests before you apply them",
		Long: `Check manifests before you apply them. Nothing is written.

A FILE is a file of YAML or JSON with any number of objects, a directory of them (*.yaml, *.yml and *.json, not those of
directories in it), or - for standard input. IPAddressPools, BGPPeers, BGPAdvertisements, Communities and BFDProfiles are
checked, each by itself and beside the others; what other API groups have is passed over.

No cluster is asked, unless you say --against-cluster. Then its configuration and Services are read, the files are taken as
applied to it, and what would take an address or a route from a Service is found too.

Each finding is a line on standard output:
  FILE:LINE: IPAddressPool metallb-system/example: spec.addresses[0]: Invalid value: ...
LINE is where the object begins; a finding that is legal but suspicious begins with "warning: ".

The exit status is 0 if there are no findings but warnings, 1 if there are, 2 if something cannot be read.`,
		Example: `  # Are the files right, by themselves and together?
  kubectl metallb validate -f deploy/metallb/

  # Would they take something from a Service of the cluster?
  kubectl metallb validate -f deploy/metallb/ --against-cluster

  # In a pipeline, without kubectl.
  docker run --rm -i --entrypoint /kubectl-metallb IMAGE-OF-THE-CONTROLLER validate -f - < metallb.yaml`,
		RunE: func(c *cobra.Command, args []string) error {
			findings, err := o.find(c, e, o.take(args))
			if err == nil {
				err = o.write(e, findings)
			}
			if err != nil {
				return cannotRead(err)
			}
			for _, f := range findings {
				if !f.Warning {
					return somethingIsWrong
				}
			}
			return nil
		},
	}
	o.input.register(c, "file, directory or - to check; may be given several times")
	o.registerFormats(c, formatJSON, formatYAML)
	c.Flags().BoolVar(&o.againstCluster, againstCluster, false, "check the files beside the configuration and the Services of the cluster")
	c.Flags().StringVar(&o.class, "lb-class", "", "loadBalancerClass of the Services to look at, as the flag of the controller")
	return c
}

// find returns what is found in the files.
func (o *validateOptions) find(c *cobra.Command, e *environment, files []string) ([]validate.Finding, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("no files; give them with -f, or - for standard input; see --help")
	}
	if !o.againstCluster {
		if err := refuseCluster(c); err != nil {
			return nil, err
		}
		return validate.Files(files, e.In, e.systemNamespace, validate.World{})
	}
	world, err := o.world(c.Context(), e)
	if err != nil {
		return nil, err
	}
	return validate.Files(files, e.In, e.systemNamespace, world)
}

// refuseCluster refuses flags that name a cluster which is not asked: whoever gives one believes that it is.
func refuseCluster(c *cobra.Command) error {
	for _, name := range []string{"kubeconfig", "context", "cluster", "server"} {
		if f := c.Flag(name); f.Changed {
			return fmt.Errorf("--%s=%s: no cluster is asked; add --%s, or remove it", name, f.Value, againstCluster)
		}
	}
	return nil
}

// world reads the cluster.
func (o *validateOptions) world(ctx context.Context, e *environment) (validate.World, error) {
	reader, err := e.client()
	if err != nil {
		return validate.World{}, err
	}
	c, err := cluster.Read(ctx, reader, e.systemNamespace, e.now(), cluster.Configuration, cluster.Nodes, cluster.Namespaces, cluster.Services)
	if err == nil && len(c.Unread) > 0 {
		err = c.Unread[0].Err
	}
	if err != nil {
		return validate.World{}, fmt.Errorf("reading the cluster: %w", err)
	}
	return validate.Beside(c, o.class), nil
}

func (o *validateOptions) write(e *environment, findings []validate.Finding) error {
	if findings == nil {
		findings = []validate.Finding{}
	}
	if written, err := o.data(e.Out, findings); written || err != nil {
		return err
	}
	for _, f := range findings {
		if _, err := fmt.Fprintln(e.Out, f); err != nil {
			return fmt.Errorf("writing the findings: %w", err)
		}
	}
	return nil
}
