// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/test/lifetime"
)

// Addresses of the routers' pages.
const (
	TestRoutersPage = "127.0.0.1:8080"
	RackRouterPage  = "127.0.0.1:8081"
	rackPage        = RackAddress + ":8080" // as seen from the machine
	rackBFD         = 50 * time.Millisecond // BFD of the rack router is at most as fast as this
)

// errNotDeployed tells that the test routers are not in the cluster, or not ready.
var errNotDeployed = errors.New("the test routers are not there yet: kubectl apply -f config/tutorial/test-bgp-router.yaml")

// Serve runs the rack router and serves the pages until ctx ends.
func Serve(ctx context.Context, state string) error {
	p, err := Open(state)
	if err != nil {
		return err
	}
	find, err := p.testRouters()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.runRackRouter(ctx) })
	group.Go(func() error { return serveHTTP(ctx, TestRoutersPage, proxy(find)) })
	rack := netip.MustParseAddrPort(rackPage)
	group.Go(func() error {
		return serveHTTP(ctx, RackRouterPage, proxy(func(context.Context) (netip.AddrPort, error) { return rack, nil }))
	})
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// runRackRouter runs the rack router in its network namespace until ctx ends.
func (p *Playground) runRackRouter(ctx context.Context) error {
	args := slices.Concat([]string{
		"netns", "exec", RackNamespace, p.path("bin", "router"),
		"--title", "Rack router", "--routers", "bird", "--forward", "bird",
		"--asn", strconv.Itoa(RackASN), "--peer-asn", "external",
		"--bird-address", RackAddress + "," + RackAddress6, "--listen", rackPage, "--bfd", rackBFD.String(),
	}, p.nodeFlags())
	command := exec.CommandContext(ctx, "ip", args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	lifetime.Bind(command, syscall.SIGTERM)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Second
	if err := command.Run(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("running the rack router: %w", err))
	}
	return ctx.Err()
}

// nodeFlags tells the rack router the nodes' names.
func (p *Playground) nodeFlags() []string {
	nodes := p.Cluster.Nodes()
	flags := make([]string, 0, 4*len(nodes))
	for _, node := range nodes {
		for _, addr := range node.Addrs() {
			flags = append(flags, "--node", node.Name+"="+addr.String())
		}
	}
	return flags
}

// finder finds where a page is served now.
type finder func(context.Context) (netip.AddrPort, error)

// testRouters returns the finder of the test routers' page: the ready endpoint of its Service.
func (p *Playground) testRouters() (finder, error) {
	config, err := clientcmd.BuildConfigFromFlags("", p.Cluster.Kubeconfig())
	if err != nil {
		return nil, err
	}
	reader, err := client.New(config, client.Options{})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (netip.AddrPort, error) {
		var slices discoveryv1.EndpointSliceList
		err := reader.List(ctx, &slices, client.InNamespace("metallb-system"), client.MatchingLabels{discoveryv1.LabelServiceName: "test-bgp-router-ui"})
		if err != nil {
			return netip.AddrPort{}, err
		}
		return readyEndpoint(slices.Items)
	}, nil
}

// readyEndpoint returns the first ready endpoint.
func readyEndpoint(slices []discoveryv1.EndpointSlice) (netip.AddrPort, error) {
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || !*endpoint.Conditions.Ready || len(endpoint.Addresses) == 0 || len(slice.Ports) == 0 || slice.Ports[0].Port == nil {
				continue
			}
			address, err := netip.ParseAddr(endpoint.Addresses[0])
			return netip.AddrPortFrom(address, uint16(*slice.Ports[0].Port)), err
		}
	}
	return netip.AddrPort{}, errNotDeployed
}

// proxy serves what the page that find finds serves, and says so if there is none.
func proxy(find finder) http.Handler {
	return &httputil.ReverseProxy{
		FlushInterval: -1, // the page's event stream
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "router" // DialContext knows where that is
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{
			DisableKeepAlives: true, // the next request may go elsewhere
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				address, err := find(ctx)
				if err != nil {
					return nil, err
				}
				dialer := net.Dialer{Timeout: 3 * time.Second}
				return dialer.DialContext(ctx, network, address.String())
			},
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Refresh", "2")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintf(w, "<!doctype html><title>Not there yet</title><meta name=viewport content=\"width=device-width\">"+
				"<body style=\"font:1rem system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark\"><h1>Not there yet</h1><p>%s</p>\n",
				html.EscapeString(err.Error()))
		},
	}
}

// serveHTTP serves until ctx ends.
func serveHTTP(ctx context.Context, address string, handler http.Handler) error {
	server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", address, err)
	}
	return ctx.Err()
}
