// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/poolmap"
)

// poolsOptions are the flags of "pools".
type poolsOptions struct {
	output
	next  bool
	files []string
}

func newPools(e *environment) *cobra.Command {
	o := &poolsOptions{}
	c := &cobra.Command{
		Use:   "pools [NAME...]",
		Short: "Show which addresses of the pools are used, by whom, and what a service would be given next",
		Long: `Show which addresses of the pools are used, as a map of the ranges. With the name of a pool, or -o wide, also who holds which address.

With --for, tell what the Services in a file would be given next, from which pool, and why. The API server is asked to complete the Services as if
they were applied, and does not store them; for this you need the right to get Services, and to create them, or to update those that exist. The exit
status is 1 if one would not get what it requests.`,
		Example: `  # Which addresses are used?
  kubectl metallb pools

  # Who holds which address of a pool?
  kubectl metallb pools my-ip-space

  # What would be given to the Services of a file?
  kubectl metallb pools --for -f svc.yaml`,
		RunE: func(c *cobra.Command, names []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if o.next {
				return o.answer(c.Context(), e, names)
			}
			return o.show(c.Context(), e, names)
		},
		ValidArgsFunction: e.complete(&v1beta1.IPAddressPoolList{}),
	}
	o.register(c, formatWide, formatJSON, formatYAML, formatName)
	c.Flags().BoolVar(&o.next, "for", false, "tell what the Services in the files of --filename would be given next, and why")
	c.Flags().StringSliceVarP(&o.files, "filename", "f", nil, "file, directory or URL with the Services of --for; - for standard input")
	return c
}

// show shows the pools of these names, all if there are none.
func (o *poolsOptions) show(ctx context.Context, e *environment, names []string) error {
	if len(o.files) > 0 {
		return fmt.Errorf("--filename is for --for: add --for to learn what the Services in the file would be given")
	}
	reader, err := e.client()
	if err != nil {
		return err
	}
	all, err := o.read(ctx, e, reader)
	if err != nil {
		return err
	}
	shown := all.Pools
	if len(names) > 0 {
		shown = nil
	}
	for _, name := range names {
		p, found := all.Pool(name)
		if !found {
			return unknownName("IPAddressPool", name, poolNames(all))
		}
		shown = append(shown, *p)
	}
	if o.format == formatName {
		for i := range shown {
			fmt.Fprintln(e.Out, "ipaddresspool.metallb.io/"+shown[i].Name)
		}
		return nil
	}
	if written, err := o.data(e.Out, shown); written || err != nil {
		return err
	}
	if len(shown) == 0 {
		fmt.Fprintf(e.ErrOut, "No pools found in %s namespace: no service gets an address.\n", e.systemNamespace)
		return nil
	}
	return poolmap.Print(e.Out, e.palette, shown, poolmap.Detail{Holders: o.format == formatWide || len(names) > 0, NoHeaders: o.noHeaders})
}

func (o *poolsOptions) read(ctx context.Context, e *environment, reader client.Reader) (*poolmap.Map, error) {
	c, err := e.read(ctx, reader, poolmap.Parts()...)
	if err != nil {
		return nil, err
	}
	return poolmap.Of(c), nil
}

func poolNames(m *poolmap.Map) []string {
	names := make([]string, 0, len(m.Pools))
	for i := range m.Pools {
		names = append(names, m.Pools[i].Name)
	}
	return names
}

// answer tells what the Services in the files would be given.
func (o *poolsOptions) answer(ctx context.Context, e *environment, names []string) error {
	if len(names) > 0 {
		return fmt.Errorf("pool %s: --for goes through all pools; leave the name out", names[0])
	}
	services, err := e.servicesIn(o.files)
	if err != nil {
		return err
	}
	asked, err := e.client()
	if err != nil {
		return err
	}
	for i := range services {
		if err := complete(ctx, asked, &services[i]); err != nil {
			return err
		}
	}
	all, err := o.read(ctx, e, asked)
	if err != nil {
		return err
	}
	answers := all.Next(services)
	if o.format == formatName {
		for i := range services {
			fmt.Fprintln(e.Out, "service/"+services[i].Name)
		}
	} else if written, err := o.data(e.Out, answers); err != nil {
		return err
	} else if !written {
		if err := poolmap.PrintAnswers(e.Out, e.palette, answers); err != nil {
			return err
		}
	}
	for i := range answers {
		if answers[i].Problem != "" {
			return somethingIsWrong
		}
	}
	return nil
}

// complete has the API server complete the Service, as if it were applied. Nothing is stored.
func complete(ctx context.Context, asked client.Client, svc *corev1.Service) error {
	name := svc.Namespace + "/" + svc.Name
	live := &corev1.Service{}
	err := asked.Get(ctx, client.ObjectKeyFromObject(svc), live)
	switch {
	case apierrors.IsNotFound(err):
		if err := asked.Create(ctx, svc, client.DryRunAll); err != nil {
			return fmt.Errorf("asking the API server how it would complete Service %s: %w", name, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("reading Service %s: %w", name, err)
	}
	svc.ResourceVersion = live.ResourceVersion
	// By this the controller knows its own addresses, and no file has it.
	if pools, found := live.Annotations[v1beta1.AnnotationIPAllocatedFromPool]; found {
		if svc.Annotations == nil {
			svc.Annotations = map[string]string{}
		}
		svc.Annotations[v1beta1.AnnotationIPAllocatedFromPool] = pools
	}
	if err := asked.Update(ctx, svc, client.DryRunAll); err != nil {
		return fmt.Errorf("asking the API server how it would complete Service %s: %w", name, err)
	}
	return nil
}
