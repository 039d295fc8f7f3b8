// SPDX-License-Identifier: Apache-2.0

// Command cluster makes a real Kubernetes cluster on this machine, and ends it. See the package cluster.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"metallb.io/metallb/test/cluster"
	"metallb.io/metallb/test/programs"
)

const usage = `usage: cluster COMMAND

  build [PROGRAM...]              build the programs of a cluster that are missing, or those named
  up [--state DIR] [--nodes N]    make a cluster of N nodes
  load [--state DIR] IMAGE.tar... make images known to every node
  env [--state DIR]               print the lines of shell that make kubectl talk to the cluster
  down [--state DIR]              end the cluster

Programs are kept in $K8S_BIN, or ~/.cache/k8s-from-modules. Without --state, load, env and down are about the cluster
that is up on this machine, and up keeps its files in ` + cluster.DefaultState + `.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// options are the flags of all commands.
type options struct {
	state string
	nodes int
}

// commands are what can be asked for, by name.
func commands() map[string]func(context.Context, options, []string) error {
	return map[string]func(context.Context, options, []string) error{
		"build": func(ctx context.Context, _ options, names []string) error {
			return cluster.Build(ctx, programs.Dir(), os.Stderr, names...)
		},
		"up":   up,
		"load": load,
		"env":  env,
		"down": down,
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("no command given")
	}
	name := args[0]
	command, ok := commands()[name]
	if !ok {
		fmt.Fprint(os.Stderr, usage)
		return fmt.Errorf("no command is called %q", name)
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	var o options
	if name != "build" {
		flags.StringVar(&o.state, "state", "", "directory of the cluster's files")
	}
	if name == "up" {
		flags.IntVar(&o.nodes, "nodes", 1, "number of nodes")
	}
	if err := flags.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 && name != "build" && name != "load" {
		return fmt.Errorf("%s takes no argument %q", name, flags.Arg(0))
	}
	return command(ctx, o, flags.Args())
}

func up(ctx context.Context, o options, _ []string) error {
	c, err := cluster.Up(ctx, cluster.Config{State: o.state, Nodes: o.nodes, Progress: os.Stderr})
	if err != nil {
		return err
	}
	_, err = fmt.Print(c.Environment())
	return err
}

func load(ctx context.Context, o options, tars []string) error {
	if len(tars) == 0 {
		return errors.New("load: name the tars of the images")
	}
	c, err := cluster.Open(o.state)
	if err != nil {
		return err
	}
	return c.Load(ctx, tars...)
}

func env(_ context.Context, o options, _ []string) error {
	c, err := cluster.Open(o.state)
	if err != nil {
		return err
	}
	_, err = fmt.Print(c.Environment())
	return err
}

func down(ctx context.Context, o options, _ []string) error {
	c, err := cluster.Open(o.state)
	if errors.Is(err, cluster.ErrNoCluster) {
		fmt.Fprintln(os.Stderr, err)
		return nil
	} else if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "ending the cluster in", c.State())
	return c.Down(ctx)
}
