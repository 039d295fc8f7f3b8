// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"metallb.io/metallb/test/bench/proc"
	"metallb.io/metallb/test/programs"
)

// Names of what is measured, and of its programs.
const (
	floorName      = "floor"
	productName    = "product"
	controllerName = "controller"
	speakerName    = "speaker"
)

const stopTimeout = 30 * time.Second

// subject is what does the job: the product's two programs or the floor's one.
type subject struct {
	name     string
	programs []*program
}

// program is one that may be running.
type program struct {
	proc.Program
	process *proc.Process
	spent   time.Duration // CPU time of the processes that ended
}

// assigner is the program that gives services addresses.
func (s *subject) assigner() *program { return s.programs[0] }

// announcer is the program that announces them.
func (s *subject) announcer() *program { return s.programs[len(s.programs)-1] }

// start starts the program.
func (p *program) start() error {
	process, err := p.Start()
	if err != nil {
		return err
	}
	p.process = process
	return nil
}

// stop ends the program if it runs.
func (p *program) stop() error {
	if p.process == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), stopTimeout, fmt.Errorf("%s passed", stopTimeout))
	defer cancel()
	err := p.process.Stop(ctx)
	cpu, cpuErr := p.process.CPU()
	p.spent += cpu
	p.process = nil
	return errors.Join(err, cpuErr)
}

// cpu returns the CPU time of all its processes so far.
func (p *program) cpu() (time.Duration, error) {
	if p.process == nil {
		return p.spent, nil
	}
	cpu, err := p.process.CPU()
	return p.spent + cpu, err
}

// stop ends all programs.
func (s *subject) stop() error {
	errs := make([]error, 0, len(s.programs))
	for _, p := range s.programs {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}

// guard ends the returned context, with the cause, when one of the programs that run now ends by itself.
func (s *subject) guard(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	for _, p := range s.programs {
		process := p.process
		if process == nil {
			continue
		}
		go func() {
			select {
			case <-process.Exited():
				cancel(process.Failure())
			case <-ctx.Done():
			}
		}()
	}
	return ctx, func() { cancel(nil) }
}

// binaries are the paths of the programs.
type binaries struct{ floor, controller, speaker, plugin, fanout, bfd string }

// build builds what has no path yet into dir, as make build does.
func (b *binaries) build(ctx context.Context, dir string) error {
	for _, target := range []struct {
		path *string
		pkg  string
		name string
	}{
		{&b.floor, "./test/bench/floor", floorName},
		{&b.controller, "./controllers", controllerName},
		{&b.speaker, "./speaker", speakerName},
		{&b.plugin, "./plugin", pluginName},
		{&b.fanout, "./test/bench/fanout", fanoutName},
		{&b.bfd, "./test/bench/bfd", bfdName},
	} {
		if *target.path != "" {
			continue
		}
		path := filepath.Join(dir, target.name)
		if err := programs.Build(ctx, programs.Options{}, path, target.pkg); err != nil {
			return fmt.Errorf("building %s (run this in the module's root folder): %w", target.pkg, err)
		}
		*target.path = path
	}
	return nil
}

// floorSubject describes the floor.
func floorSubject(ctx context.Context, c *cluster, b binaries, peer netip.AddrPort, workers int, tells bool) (*subject, error) {
	p, err := newProgram(ctx, c, floorName, b.floor, "--peer", peer.String(), "--asn", strconv.Itoa(asn), "--workers", strconv.Itoa(workers),
		"--tells="+strconv.FormatBool(tells))
	if err != nil {
		return nil, err
	}
	return &subject{name: floorName, programs: []*program{p}}, nil
}

// productSubject describes the controller and the speaker.
func productSubject(ctx context.Context, c *cluster, b binaries) (*subject, error) {
	s := &subject{name: productName}
	for _, target := range []struct {
		name, path string
		args       []string
	}{
		{controllerName, b.controller, []string{"--leader-elect=false", "--webhook-mode=disabled"}},
		{speakerName, b.speaker, nil},
	} {
		args := append([]string{"--metrics-bind-address=0", "--log-level=info", "--health-probe-bind-address=0"}, target.args...)
		p, err := newProgram(ctx, c, target.name, target.path, args...)
		if err != nil {
			return nil, err
		}
		s.programs = append(s.programs, p)
	}
	return s, nil
}

func newProgram(ctx context.Context, c *cluster, name, path string, args ...string) (*program, error) {
	kubeconfig, err := c.account(ctx, name)
	if err != nil {
		return nil, err
	}
	return &program{Program: proc.Program{
		Name: name,
		Path: path,
		Args: args,
		Env:  []string{"KUBECONFIG=" + kubeconfig, "METALLB_NAMESPACE=" + productNamespace, "METALLB_NODE_NAME=" + nodeName(0)},
		Log:  filepath.Join(c.dir, name+".log"),
	}}, nil
}
