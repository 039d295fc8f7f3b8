// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/image"
	"metallb.io/metallb/test/programs"
)

// DefaultState is where a playground keeps its files if nothing else is said.
const DefaultState = "/var/lib/metallb-playground"

// ErrNotHere tells that the source tree's files are not in the current directory, ErrInterrupted that the playground was
// not finished because the context ended.
var (
	ErrNotHere     = errors.New("config/default/kustomization.yaml is not here: run this in the top directory of the source tree")
	ErrInterrupted = errors.New("interrupted; nothing of the playground is left")
)

// Config says what playground Up is to make.
type Config struct {
	State    string    // directory of its files; DefaultState if empty
	Nodes    int       // of the cluster; 3 if zero
	Install  Method    // how the product is installed; Kustomize if empty
	Progress io.Writer // is told what happens, in lines
}

// Playground is a playground that is up.
type Playground struct {
	Cluster *cluster.Cluster
	state   string
}

// Up makes a playground from the source tree in the current directory. If it fails, or ctx ends, nothing of it is left.
func Up(ctx context.Context, config Config) (_ *Playground, err error) {
	if config.Nodes == 0 {
		config.Nodes = 3
	}
	if config.State == "" {
		config.State = DefaultState
	}
	if config.Install == "" {
		config.Install = Kustomize
	}
	if err := config.Install.check(); err != nil {
		return nil, err
	}
	if _, err := os.Stat("config/default/kustomization.yaml"); err != nil {
		return nil, ErrNotHere
	}
	progress := newProgress(config.Progress)
	if err := installPackages(ctx, progress); err != nil {
		return nil, err
	}
	if err := Vacant(config.State); err != nil {
		return nil, err
	}
	progress.say("checking the programs of the cluster (the first time, they are built from source: about 12 minutes on two cores)")
	if err := cluster.Build(ctx, programs.Dir(), config.Progress); err != nil {
		return nil, fmt.Errorf("building the cluster's programs: %w", err)
	}
	if err := os.MkdirAll(config.State, 0o755); err != nil {
		return nil, err
	}
	defer func() {
		if err == nil {
			return
		}
		progress.say("removing what was started")
		left := Down(context.WithoutCancel(ctx), config.State)
		if ctx.Err() != nil && left == nil {
			err = ErrInterrupted
		}
		err = errors.Join(err, left)
	}()
	return start(ctx, config, progress)
}

// start makes the playground's parts, those that do not need each other at once.
func start(ctx context.Context, config Config, progress *progress) (*Playground, error) {
	p := &Playground{state: config.State}
	if err := makeNamespaces(ctx); err != nil {
		return nil, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		progress.say("starting a cluster of %d nodes", config.Nodes)
		p.Cluster, err = cluster.Up(groupCtx, cluster.Config{State: p.path("cluster"), Nodes: config.Nodes, Progress: config.Progress})
		return err
	})
	var images []string
	group.Go(func() (err error) {
		progress.say("building the images: controller, speaker, router, nginx")
		images, err = image.All(groupCtx, image.Options{Out: p.path("images"), Local: true, Progress: config.Progress})
		if err != nil {
			return err
		}
		return p.buildPlugin(groupCtx)
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	progress.say("loading the images")
	if err := p.Cluster.Load(ctx, images...); err != nil {
		return nil, err
	}
	progress.say("connecting the rack router and the client")
	if err := connect(ctx, p.Cluster.Nodes()); err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.EnvironmentFile(), []byte(p.Environment()), 0o600); err != nil {
		return nil, err
	}
	if err := p.startServing(ctx); err != nil {
		return nil, err
	}
	progress.say("installing the load balancer: %s", config.Install)
	if err := p.Install(ctx, config.Install); err != nil {
		return nil, err
	}
	progress.say("ready")
	return p, nil
}

// Open returns the playground of a state directory.
func Open(state string) (*Playground, error) {
	if state == "" {
		state = DefaultState
	}
	p := &Playground{state: state}
	c, err := cluster.Open(p.path("cluster"))
	if err != nil {
		return nil, fmt.Errorf("there is no playground in %s: %w", state, err)
	}
	p.Cluster = c
	return p, nil
}

// Down removes the playground of a state directory and all that it left on the machine, whatever state it is in. It is no
// error if there is nothing.
func Down(ctx context.Context, state string) error {
	if state == "" {
		state = DefaultState
	}
	p := &Playground{state: state}
	if _, err := os.Stat(state); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	errs := []error{p.stopServing(), disconnect(ctx)}
	c, err := cluster.Open(p.path("cluster"))
	switch {
	case err == nil:
		errs = append(errs, c.Down(ctx))
	case !errors.Is(err, cluster.ErrNoCluster):
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("removing the playground: %w", err)
	}
	return os.RemoveAll(state)
}

// Environment returns shell lines that make kubectl talk to the cluster, and that have it find its plugin.
func (p *Playground) Environment() string {
	return p.Cluster.Environment() + fmt.Sprintf("export PATH='%s':\"$PATH\"\n", p.path(pluginDir))
}

// EnvironmentFile returns the path of a file of shell lines that make kubectl talk to the cluster.
func (p *Playground) EnvironmentFile() string { return p.path("env") }

func (p *Playground) path(elem ...string) string {
	return filepath.Join(append([]string{p.state}, elem...)...)
}

// Vacant returns an error that says what is where a new playground's parts are to be. It comes before anything is started:
// what is there already is not the new playground's to remove, but somebody's.
func Vacant(state string) error {
	if _, err := os.Stat(state); err == nil {
		return fmt.Errorf("there is a playground already, in %s: 'make playground-down' removes it", state)
	}
	if running := cluster.Running(); running != "" {
		return fmt.Errorf("there is a cluster already, in %s: 'go run ./test/cluster/cmd/cluster down' removes it", running)
	}
	for _, namespace := range []string{RackNamespace, ClientNamespace} {
		if _, err := os.Stat("/run/netns/" + namespace); err == nil {
			return fmt.Errorf("network namespace %q exists already and may be somebody's: if not, 'ip netns delete %s' removes it", namespace, namespace)
		}
	}
	for _, address := range []string{TestRoutersPage, RackRouterPage} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return fmt.Errorf("the routers' pages need %s: %w", address, err)
		}
		_ = listener.Close()
	}
	return nil
}

// progress tells what happens and how long it has taken.
type progress struct {
	to    io.Writer
	began time.Time
}

func newProgress(to io.Writer) *progress {
	if to == nil {
		to = io.Discard
	}
	return &progress{to: to, began: time.Now()}
}

func (p *progress) say(format string, args ...any) {
	fmt.Fprintf(p.to, "%5.0fs  %s\n", time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
}

// NextSteps returns what to type next.
func (p *Playground) NextSteps() string {
	return fmt.Sprintf(`
The playground is up. Next, in this terminal:

  . %s      # kubectl now talks to the cluster
  kubectl get nodes
  kubectl -n metallb-system get pods
  kubectl metallb status      # how the load balancer fares, on one screen
  kubectl metallb dashboard   # the same and more in a browser, live

and then docs/tutorial.md from step 2 on. The pages of the routers:

  http://%s      the test routers, once they are installed (step 2)
  http://%s      the rack router

make playground-down removes it all.
`, p.EnvironmentFile(), TestRoutersPage, RackRouterPage)
}
