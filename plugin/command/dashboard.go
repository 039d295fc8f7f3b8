// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/internal/process"
	"metallb.io/metallb/plugin/dashboard"
	"metallb.io/metallb/plugin/dashboard/store"
)

// dashboardOptions are the flags of "dashboard".
type dashboardOptions struct {
	address string
	port    uint16
	open    bool
}

func newDashboard(e *environment) *cobra.Command {
	o := &dashboardOptions{}
	c := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve a page that shows live who announces what",
		Long: `Serve a page, for a browser on this computer, that shows live who announces what: routers, nodes and services with the sessions between them, the last
hour of each session, what is used of each pool, and what has changed lately.

The page shows what you may read, and changes nothing. Only who has the printed address, with the token in it, is served, and only on this computer.
The command runs until Ctrl-C is pressed.`,
		Example: `  # Serve the page; open the printed address in a browser.
  kubectl metallb dashboard

  # Have the browser opened.
  kubectl metallb dashboard --open

  # At the same port each time, for a tunnel: ssh -L 9090:127.0.0.1:9090 host
  kubectl metallb dashboard --port 9090`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context(), e) },
	}
	c.Flags().StringVar(&o.address, "address", "127.0.0.1", "loopback address to serve the page at")
	c.Flags().Uint16Var(&o.port, "port", 0, "port to serve the page at; 0 is any that is free")
	c.Flags().BoolVar(&o.open, "open", false, "open the page in the browser")
	return c
}

func (o *dashboardOptions) run(ctx context.Context, e *environment) error {
	// What goes wrong with a watch is shown on the page.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	config, err := e.config()
	if err != nil {
		return err
	}
	scheme, err := process.NewScheme()
	if err != nil {
		return err
	}
	server, err := dashboard.Listen(ctx, o.address, o.port, store.New(config, scheme, e.systemNamespace, e.now))
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Out, "The dashboard is at %s\nPress Ctrl-C to end it.\n", server.URL())
	if o.open {
		if err := openBrowser(ctx, server.URL()); err != nil {
			fmt.Fprintf(e.ErrOut, "warning: the browser could not be opened, open the address yourself: %v\n", err)
		}
	}
	return server.Run(ctx)
}

// openBrowser has the desktop open the address. It does not wait for a browser that stays.
func openBrowser(ctx context.Context, url string) error {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	browser := exec.CommandContext(ctx, name, args...) //nolint:gosec // The address is this command's own.
	if err := browser.Start(); err != nil {
		return err
	}
	go func() { _ = browser.Wait() }() // It ends at the latest with the command.
	return nil
}
