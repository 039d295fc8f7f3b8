// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/explain"
)

// readToExplain reads what every explanation of how an address is announced needs, and these parts.
func (e *environment) readToExplain(ctx context.Context, reader client.Reader, more ...cluster.Part) (*cluster.Cluster, error) {
	c, err := e.read(ctx, reader, append(more, cluster.Configuration, cluster.Nodes, cluster.Sessions, cluster.Workloads)...)
	if err != nil {
		return nil, err
	}
	for _, part := range []cluster.Part{cluster.Nodes, cluster.Sessions} {
		if !c.Has(part) {
			return nil, fmt.Errorf("what is announced cannot be explained without %s", part)
		}
	}
	return c, nil
}

func newExplainService(e *environment) *cobra.Command {
	o := &output{}
	c := &cobra.Command{
		Use:     "service NAME",
		Aliases: []string{"svc", "services"},
		Short:   "Explain how a Service is announced, from its request to the routers, or why it is not",
		Long: `Explain how a Service is announced, from its request to the routers, or why it is not.

It is computed from the Kubernetes API, by the same rules as controller and speakers decide. You need the right to get the Service and its namespace, and to list
endpointslices in it, nodes, and in the namespace of the load balancer all kinds of metallb.io. Services and namespaces are listed only if the Service does not
have what it requests, or may share it.`,
		Example: `  # Why does nobody reach my Service?
  kubectl metallb explain service web -n shop

  # What mends it, for a script.
  kubectl metallb explain service web -o json | jq -r '.links[] | select(.mark == "bad") | .remedies[]?.command'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeName(e, serviceKind),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return o.explainService(c.Context(), e, args[0])
		},
	}
	o.register(c, formatJSON, formatYAML)
	return c
}

func (o *output) explainService(ctx context.Context, e *environment, name string) error {
	reader, err := e.client()
	if err != nil {
		return err
	}
	namespace, err := e.namespace()
	if err != nil {
		return err
	}
	var svc corev1.Service
	if err := reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &svc); apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no Service %q in namespace %q; another namespace is chosen by -n", name, namespace)
	} else if err != nil {
		return err
	}
	var parts []cluster.Part
	if explain.NeedsServices(&svc) {
		parts = append(parts, cluster.Services, cluster.Namespaces)
	}
	read, err := e.readToExplain(ctx, reader, parts...)
	if err != nil {
		return err
	}
	if err := read.AddService(ctx, reader, &svc); err != nil {
		return err
	}
	if err := read.ReadSlices(ctx, reader, client.ObjectKeyFromObject(&svc)); err != nil {
		return err
	}
	return o.writeChain(e, explain.Service(read, &svc))
}

func newExplainAddress(e *environment) *cobra.Command {
	o := &output{}
	c := &cobra.Command{
		Use:     "address IP",
		Aliases: []string{"addr", "ip"},
		Short:   "Explain who holds an address, who waits for it, and how it is announced",
		Example: `  # Whose is this address?
  kubectl metallb explain address 198.51.100.7`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			address, err := netip.ParseAddr(args[0])
			if err != nil || address.Zone() != "" {
				return fmt.Errorf("%q is not an IP address", args[0])
			}
			return o.explainAddress(c.Context(), e, address.Unmap())
		},
	}
	o.register(c, formatJSON, formatYAML)
	return c
}

func (o *output) explainAddress(ctx context.Context, e *environment, address netip.Addr) error {
	reader, err := e.client()
	if err != nil {
		return err
	}
	read, err := e.readToExplain(ctx, reader, cluster.Services, cluster.Namespaces)
	if err != nil {
		return err
	}
	if !read.Has(cluster.Services) {
		return errors.New("an address cannot be explained without services")
	}
	for _, holder := range explain.Holders(read, address) {
		if err := read.ReadSlices(ctx, reader, client.ObjectKeyFromObject(holder)); err != nil {
			return err
		}
	}
	return o.writeChain(e, explain.Address(read, address))
}
