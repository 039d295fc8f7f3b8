// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"metallb.io/metallb/test/programs"
)

// startPatience is how long any one step of starting may take on a slow or busy machine.
const startPatience = 2 * time.Minute

// Up makes a cluster and returns when all its nodes are ready and the default namespace can take pods. It builds the
// programs it lacks. If it fails or ctx ends, it removes what it made. Interrupting the calling program afterwards does
// not end the cluster: Down does.
//
// Up refuses to make a second cluster while there is one on the machine. What is left of one whose processes are all
// gone, as after a reboot, it removes first.
func Up(ctx context.Context, config Config) (*Cluster, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	if err := Preflight(config.Bin); err != nil {
		return nil, err
	}
	if err := Build(ctx, config.Bin, config.Progress, clusterPrograms()...); err != nil {
		return nil, err
	}
	unlock, err := lockClaim(ctx, config.Progress)
	if err != nil {
		return nil, err
	}
	defer unlock()
	groups, err := findCgroups(cgroupMount)
	if err != nil {
		return nil, err
	}
	if err := clearWay(ctx, config, groups); err != nil {
		return nil, err
	}
	c := &Cluster{record: record{State: config.State, Nodes: config.Nodes, Bin: config.Bin}}
	if err := checkNetwork(c.Nodes()); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := c.up(ctx, groups, config.Progress); err != nil {
		fmt.Fprintln(config.Progress, "removing what was started")
		return nil, errors.Join(err, c.remove(context.WithoutCancel(ctx), groups))
	}
	fmt.Fprintf(config.Progress, "%d nodes ready in %.1f s\n", config.Nodes, time.Since(start).Seconds())
	return c, nil
}

// complete fills in defaults and makes paths absolute, for programs of the cluster run elsewhere.
func (c Config) complete() (Config, error) {
	if c.State == "" {
		c.State = DefaultState
	}
	if c.Bin == "" {
		c.Bin = programs.Dir()
	}
	if c.Nodes == 0 {
		c.Nodes = 1
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	if c.Nodes < 1 || c.Nodes > MaxNodes {
		return c, fmt.Errorf("a cluster of %d nodes: want 1 to %d", c.Nodes, MaxNodes)
	}
	var err error
	if c.State, err = filepath.Abs(c.State); err != nil {
		return c, err
	}
	c.Bin, err = filepath.Abs(c.Bin)
	return c, err
}

// clearWay refuses what would be harmed by a new cluster: a living one, or somebody's files. It removes a dead one.
func clearWay(ctx context.Context, config Config, groups *cgroups) error {
	for _, state := range []string{Running(), config.State} {
		old, err := Open(state)
		if errors.Is(err, ErrNoCluster) {
			continue
		} else if err != nil {
			return err
		}
		if old.alive(groups) {
			return &InUseError{State: old.State()}
		}
		fmt.Fprintf(config.Progress, "removing what is left of the cluster in %s\n", old.State())
		if err := old.remove(ctx, groups); err != nil {
			return err
		}
	}
	if groups.exists() {
		return fmt.Errorf("there is a control group %s, which is of no cluster that is known here; remove it first", cgroupTree)
	}
	entries, err := os.ReadDir(config.State)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == recordFile+newSuffix })
	if len(entries) > 0 {
		return fmt.Errorf("%s has other files in it, and a cluster removes its state directory in the end; choose another", config.State)
	}
	return nil
}

// alive tells whether any process of the cluster runs.
func (c *Cluster) alive(groups *cgroups) bool {
	if list, err := c.Processes(); err == nil {
		for _, p := range list {
			if p.Alive() {
				return true
			}
		}
	}
	pids, err := groups.processes("")
	return err == nil && len(pids) > 0 && Running() == c.State()
}

// prepare writes down what is about to be changed, then makes the files and groups of the cluster.
func (c *Cluster) prepare(groups *cgroups) error {
	c.record.Sysctls = make(map[string]string)
	for _, name := range hostSysctls() {
		if value, err := readSysctl(name); err == nil { // not every kernel has all
			c.record.Sysctls[name] = value
		}
	}
	c.record.MadeDirs = missingDirs()
	if err := os.MkdirAll(c.State(), 0o755); err != nil {
		return err
	}
	if err := c.record.write(); err != nil {
		return err
	}
	for _, dir := range append([]string{c.path("pki"), c.path("log")}, c.record.MadeDirs...) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := groups.create(controlPlane); err != nil {
		return err
	}
	for _, n := range c.Nodes() {
		if err := groups.create(filepath.Join(n.Name, cgroupDaemons)); err != nil {
			return err
		}
	}
	return nil
}

// up makes the cluster. The control plane and the nodes' container runtimes start at the same time; the rest follows when
// these are ready.
func (c *Cluster) up(ctx context.Context, groups *cgroups, progress io.Writer) error {
	if err := c.prepare(groups); err != nil {
		return err
	}
	if err := c.writeCredentials(); err != nil {
		return err
	}
	if err := makeBridge(); err != nil {
		return err
	}
	r := newRunner(c, groups)
	fmt.Fprintln(progress, "starting the control plane")
	if err := r.startAPIServer(ctx); err != nil {
		return err
	}
	fmt.Fprintf(progress, "starting %d container runtimes\n", c.record.Nodes)
	spaces, err := r.startRuntimes(ctx, c.Nodes())
	defer func() {
		for _, s := range spaces {
			s.close()
		}
	}()
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.startControllers(groupCtx) })
	group.Go(func() error { return r.loadPause(groupCtx) })
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(progress, "starting %d kubelets\n", c.record.Nodes)
	if err := r.startKubelets(ctx, c.Nodes(), spaces); err != nil {
		return err
	}
	return r.waitReady(ctx)
}
