// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/route"
	"metallb.io/metallb/plugin/terminal"
)

// routesOptions are the flags of "routes".
type routesOptions struct {
	output
	node, peer, service string
}

func newRoutes(e *environment) *cobra.Command {
	o := &routesOptions{}
	c := &cobra.Command{
		Use:   "routes",
		Short: "Show what each node tells each router",
		Long: `Show what each node tells each router: the prefixes, and the attributes as they are sent. TOLD is "yes" if the session is established and carries
the route, else it says why the router is not told of it.

No speaker is asked. The routes are computed from what the Kubernetes API says, by the same code as in the speakers, together with the session
states that the speakers report. You need the right to list, in all namespaces, nodes, services and endpointslices (discovery.k8s.io), and in the
namespace of the load balancer all kinds of metallb.io. With the right to list deployments, daemonsets (apps) and pods there, the settings of
controller and speakers are taken into account; without it, the default settings are assumed.

In a large cluster all routes are very many: each node tells each router of nearly all services. Use --node, --peer or --service there.`,
		Example: `  # All routes.
  kubectl metallb routes

  # What one node tells one router, and with which next hops, where these are known.
  kubectl metallb routes --node node-1 --peer rack-1 -o wide

  # From where the service "web" is announced, and how.
  kubectl metallb routes --service web

  # The prefixes alone, such as for a filter on a router.
  kubectl metallb routes --peer rack-1 -o name`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return o.run(c.Context(), e)
		},
	}
	o.register(c, formatWide, formatJSON, formatYAML, formatName)
	c.Flags().StringVar(&o.node, "node", "", "only routes of the node of this name")
	c.Flags().StringVar(&o.peer, "peer", "", "only routes to the BGPPeer of this name")
	c.Flags().StringVar(&o.service, "service", "", "only routes to addresses of this service: NAME in the namespace of -n, or NAMESPACE/NAME")
	completeFlag(e, c, "node", nodeKind)
	completeFlag(e, c, "peer", peerKind)
	completeFlag(e, c, "service", serviceKind)
	return c
}

func (o *routesOptions) run(ctx context.Context, e *environment) error {
	filter := route.Filter{Node: o.node, Peer: o.peer}
	var err error
	if filter.Service, err = e.serviceName(o.service); err != nil {
		return err
	}
	reader, err := e.client()
	if err != nil {
		return err
	}
	c, err := e.readForRoutes(ctx, reader)
	if err != nil {
		return err
	}
	if err := checkFilter(c, filter); err != nil {
		return err
	}
	routes := slices.AppendSeq([]route.Route{}, route.New(c).All(filter))
	if written, err := o.data(e.Out, struct {
		Routes []route.Route `json:"routes"`
	}{routes}); written || err != nil {
		return err
	}
	if len(routes) == 0 {
		fmt.Fprintln(e.ErrOut, "No routes. To see why, run: kubectl metallb explain service NAME, or node NAME, or peer NAME")
		return nil
	}
	return o.print(e.Out, e.palette, routes)
}

// checkFilter returns an error for a name of nothing.
func checkFilter(c *cluster.Cluster, f route.Filter) error {
	if _, found := c.Node(f.Node); !found && f.Node != "" {
		return fmt.Errorf("--node=%s: there is no node of this name; see kubectl get nodes", f.Node)
	}
	isPeer := func(p v1beta2.BGPPeer) bool { return p.Name == f.Peer }
	if f.Peer != "" && !slices.ContainsFunc(c.InUse().Peers, isPeer) && !slices.ContainsFunc(c.Written.Peers, isPeer) {
		return fmt.Errorf("--peer=%s: there is no BGPPeer of this name; see kubectl get bgppeers.metallb.io -n %s", f.Peer, c.Namespace)
	}
	if _, found := c.Service(f.Service); !found && f.Service != (types.NamespacedName{}) {
		return fmt.Errorf("--service=%s: there is no service of type LoadBalancer of this name; see kubectl get services -n %s", f.Service, f.Service.Namespace)
	}
	return nil
}

// fewServices are as many as a table shows that is not wide.
const fewServices = 3

func (o *routesOptions) print(w io.Writer, p terminal.Palette, routes []route.Route) error {
	if o.format == formatName {
		return printPrefixes(w, routes)
	}
	header := []string{"NODE", "PEER", "PREFIX", "SERVICES", "ATTRIBUTES", "TOLD"}
	wide := o.format == formatWide
	if wide {
		header = slices.Insert(header, 3, "NEXT HOP")
	}
	if o.noHeaders {
		header = nil
	}
	t := terminal.NewTable(header...)
	for _, r := range routes {
		services, told := message.First(r.Services, fewServices), "yes"
		if wide {
			services = strings.Join(r.Services, ", ")
		}
		if !r.Told {
			told = p.Bad("no") + ": " + r.Why()
		}
		cells := []string{r.Node, r.Peer, r.Prefix.String(), services, dash(r.Attributes.String()), told}
		if wide {
			cells = slices.Insert(cells, 3, dash(r.Hop()))
		}
		t.Row(cells...)
	}
	_, err := t.WriteTo(w)
	return err
}

// dash stands for what is empty.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// printPrefixes writes each prefix once.
func printPrefixes(w io.Writer, routes []route.Route) error {
	slices.SortFunc(routes, func(a, b route.Route) int { return a.Prefix.Compare(b.Prefix) })
	var text strings.Builder
	for i, r := range routes {
		if i == 0 || r.Prefix != routes[i-1].Prefix {
			text.WriteString(r.Prefix.String() + "\n")
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}
