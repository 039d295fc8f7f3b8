// SPDX-License-Identifier: Apache-2.0

package bird

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"metallb.io/metallb/test/router/child"
	"metallb.io/metallb/test/router/router"
)

// Name is the router's short name.
const Name = "bird"

// readTimeout bounds one reading of the daemon.
const readTimeout = 10 * time.Second

// The commands whose output is shown, as a person types them into birdc.
const (
	showProtocols = "show protocols"
	showDetails   = "show protocols all"
	showRoutes    = "show route all where source = RTS_BGP"
)

// Router is a running BIRD.
type Router struct {
	cfg    router.Config
	socket string
	child  *child.Child
	read   sync.Mutex
}

var _ router.Router = (*Router)(nil)

// Start starts BIRD and returns once it answers. The caller must Stop it.
func Start(ctx context.Context, log logr.Logger, cfg router.Config) (*Router, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuration of bird: %w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("directory of bird: %w", err)
	}
	file, socket := filepath.Join(cfg.Dir, "bird.conf"), filepath.Join(cfg.Dir, "bird.ctl")
	if err := os.WriteFile(file, []byte(configuration(cfg)), 0o644); err != nil {
		return nil, fmt.Errorf("configuration of bird: %w", err)
	}
	c, err := child.Start(child.Config{
		Name:  Name,
		Args:  []string{"bird", "-f", "-c", file, "-s", socket, "-P", filepath.Join(cfg.Dir, "bird.pid")},
		Dir:   cfg.Dir,
		NetNS: cfg.NetNS,
		Log:   log,
	})
	if err != nil {
		return nil, err
	}
	r := &Router{cfg: cfg, socket: socket, child: c}
	if err := awaitSocket(ctx, socket); err != nil {
		r.Stop()
		if died := c.Err(); died != nil {
			err = died
		}
		return nil, fmt.Errorf("waiting for bird: %w", err)
	}
	return r, nil
}

// Name implements router.Router.
func (r *Router) Name() string { return Name }

// Stop implements router.Router.
func (r *Router) Stop() { r.child.Stop() }

// Read implements router.Router.
func (r *Router) Read(ctx context.Context) router.Report {
	r.read.Lock()
	defer r.read.Unlock()
	report := router.Report{
		Name: Name, Software: "BIRD", ASN: r.cfg.ASN, PeerASN: r.cfg.Peers.String(), Listen: r.cfg.Listen(),
		Endpoint: r.cfg.Endpoint, Neighbors: []router.Neighbor{}, Routes: []router.Route{},
	}
	if err := r.fill(ctx, &report); err != nil {
		if died := r.child.Err(); died != nil {
			err = died
		}
		report.Error = err.Error()
	}
	return report
}

func (r *Router) fill(ctx context.Context, report *router.Report) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	c, err := dial(ctx, r.socket)
	if err != nil {
		return err
	}
	defer c.close()
	// Routes first: a neighbour that appears in between is then known, and none vanishes while it has routes.
	routes, err := c.ask(showRoutes)
	if err != nil {
		return err
	}
	details, err := c.ask(showDetails)
	if err != nil {
		return err
	}
	protocols, err := c.ask(showProtocols)
	if err != nil {
		return err
	}
	report.Raw = []router.Output{{Command: "birdc " + showProtocols, Text: protocols}, {Command: "birdc '" + showRoutes + "'", Text: routes}}
	neighbors, err := ParseProtocols(details, time.Local)
	if err != nil {
		return err
	}
	report.Routes, err = ParseRoutes(routes, neighbors)
	if err != nil {
		return err
	}
	report.Neighbors = list(neighbors, report.Routes)
	return nil
}
