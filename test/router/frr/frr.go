// SPDX-License-Identifier: Apache-2.0

package frr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"metallb.io/metallb/test/router/child"
	"metallb.io/metallb/test/router/router"
	"metallb.io/metallb/test/router/vty"
)

// Name is the router's short name.
const Name = "frr"

// daemons is where FRR's programs are installed, outside PATH, and daemonUser the account that zebra drops its privileges to.
const (
	daemons    = "/usr/lib/frr/"
	daemonUser = "frr"
)

// readTimeout bounds one reading of the daemon.
const readTimeout = 10 * time.Second

// The commands whose output is shown, as a person types them into vtysh, and those that are parsed.
const (
	showSummary   = "show bgp summary"
	showIPv4      = "show bgp ipv4 unicast"
	showIPv6      = "show bgp ipv6 unicast"
	showNeighbors = "show bgp neighbors json"
	showIPv4JSON  = "show bgp ipv4 unicast json detail"
	showIPv6JSON  = "show bgp ipv6 unicast json detail"
)

// Router is a running FRR.
type Router struct {
	cfg   router.Config
	zebra *child.Child // nil without zebra
	bgpd  *child.Child
	read  sync.Mutex
}

var _ router.Router = (*Router)(nil)

// Start starts zebra, unless told otherwise, and bgpd, and returns once they answer. The caller must Stop it.
func Start(ctx context.Context, log logr.Logger, cfg router.Config) (*Router, error) {
	if err := validate(cfg); err != nil {
		return nil, fmt.Errorf("configuration of frr: %w", err)
	}
	r := &Router{cfg: cfg}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	if err := r.start(ctx, log); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

func validate(cfg router.Config) error {
	err := cfg.Validate()
	if cfg.Forward && cfg.NoZebra {
		err = errors.Join(err, errors.New("forwarding needs zebra"))
	}
	if cfg.BFD > 0 {
		err = errors.Join(err, errors.New("FRR is run without BFD: use bird"))
	}
	if cfg.Forward && len(cfg.Addresses) > 0 {
		err = errors.Join(err, errors.New("bgpd installs no routes when it listens on chosen addresses: forward with bird, or give frr no address"))
	}
	return err
}

func (r *Router) path(name string) string { return filepath.Join(r.cfg.Dir, name) }

// prepare writes the configuration. zebra drops to FRR's account, which therefore owns the directory.
func (r *Router) prepare() error {
	if err := os.MkdirAll(r.cfg.Dir, 0o755); err != nil {
		return fmt.Errorf("directory of frr: %w", err)
	}
	files := map[string]string{"zebra.conf": zebraConfiguration, "bgpd.conf": bgpdConfiguration(r.cfg), "vtysh.conf": ""}
	for name, text := range files {
		if err := os.WriteFile(r.path(name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("configuration of frr: %w", err)
		}
	}
	if r.cfg.NoZebra {
		return nil
	}
	uid, gid, err := account()
	if err != nil {
		return err
	}
	if err := reachable(r.cfg.Dir); err != nil {
		return err
	}
	if err := os.Chown(r.cfg.Dir, uid, gid); err != nil {
		return fmt.Errorf("directory of frr: %w", err)
	}
	return nil
}

// reachable refuses a directory that zebra could not get to under its own account.
func reachable(dir string) error {
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return fmt.Errorf("directory of frr: %w", err)
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("directory of frr: zebra's account cannot pass through %s: choose a directory beneath another, such as /tmp", parent)
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

func account() (uid, gid int, err error) {
	u, err := user.Lookup(daemonUser)
	if err != nil {
		return 0, 0, fmt.Errorf("account of zebra: %w: install the frr package", err)
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(uidErr, gidErr)
}

// start starts the daemons, zebra first: bgpd would retry a missing zebra only after a while.
func (r *Router) start(ctx context.Context, log logr.Logger) error {
	var err error
	if !r.cfg.NoZebra {
		if r.zebra, err = r.daemon(log, "zebra", "-u", daemonUser); err != nil {
			return err
		}
		if err := r.await(ctx, r.zebra, "zserv.api"); err != nil {
			return err
		}
	}
	// bgpd is given its port by us and needs no privilege but, below 1024, to bind it: -S keeps it from asking for more.
	args := []string{"-S", "-p", strconv.Itoa(int(r.cfg.Port))}
	if r.cfg.NoZebra {
		args = append(args, "-Z")
	}
	for _, a := range r.cfg.Addresses {
		args = append(args, "-l", a.String())
	}
	if r.bgpd, err = r.daemon(log, "bgpd", args...); err != nil {
		return err
	}
	return r.await(ctx, r.bgpd, "bgpd.vty")
}

// daemon starts one of FRR's daemons with private sockets and no TCP command port.
func (r *Router) daemon(log logr.Logger, name string, args ...string) (*child.Child, error) {
	return child.Start(child.Config{
		Name: name,
		Args: append([]string{
			daemons + name, "-f", r.path(name + ".conf"), "-i", r.path(name + ".pid"), "--vty_socket", r.cfg.Dir,
			"-z", r.path("zserv.api"), "-P", "0", "--log", "stdout", "--log-level", "warnings",
		}, args...),
		Dir:   r.cfg.Dir,
		NetNS: r.cfg.NetNS,
		Log:   log,
	})
}

func (r *Router) await(ctx context.Context, c *child.Child, socket string) error {
	if err := vty.Await(ctx, r.path(socket)); err != nil {
		if died := c.Err(); died != nil {
			err = died
		}
		return fmt.Errorf("waiting for frr: %w", err)
	}
	return nil
}

// Name implements router.Router.
func (r *Router) Name() string { return Name }

// Stop implements router.Router.
func (r *Router) Stop() {
	for _, c := range []*child.Child{r.bgpd, r.zebra} {
		if c != nil {
			c.Stop()
		}
	}
}

// Read implements router.Router.
func (r *Router) Read(ctx context.Context) router.Report {
	r.read.Lock()
	defer r.read.Unlock()
	report := router.Report{
		Name: Name, Software: "FRR", ASN: r.cfg.ASN, PeerASN: r.cfg.Peers.String(), Listen: r.cfg.Listen(),
		Endpoint: r.cfg.Endpoint, Neighbors: []router.Neighbor{}, Routes: []router.Route{},
	}
	err := r.fill(ctx, &report)
	if r.zebra != nil && r.zebra.Err() != nil {
		err = r.zebra.Err()
	}
	if died := r.bgpd.Err(); died != nil {
		err = died
	}
	if err != nil {
		report.Error = err.Error()
	}
	return report
}

func (r *Router) fill(ctx context.Context, report *router.Report) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	v, err := vty.Dial(ctx, r.path("bgpd.vty"))
	if err != nil {
		return err
	}
	defer v.Close()
	answers := map[string]string{}
	for _, command := range []string{showIPv4JSON, showIPv6JSON, showNeighbors, showSummary, showIPv4, showIPv6} {
		if answers[command], err = v.Ask(command); err != nil {
			return err
		}
	}
	for _, command := range []string{showSummary, showIPv4, showIPv6} {
		report.Raw = append(report.Raw, router.Output{Command: "vtysh -c '" + command + "'", Text: answers[command]})
	}
	for _, command := range []string{showIPv4JSON, showIPv6JSON} {
		routes, err := ParseRoutes(answers[command])
		if err != nil {
			return fmt.Errorf("reading %q: %w", command, err)
		}
		report.Routes = append(report.Routes, routes...)
	}
	if report.Neighbors, err = parseNeighbors(answers[showNeighbors], report.Routes); err != nil {
		return fmt.Errorf("reading %q: %w", showNeighbors, err)
	}
	return nil
}
