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

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("no command given")
	}
	command := args[0]
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	var state string
	var nodes int
	if command != "build" {
		flags.StringVar(&state, "state", "", "directory of the cluster's files")
	}
	if command == "up" {
		flags.IntVar(&nodes, "nodes", 1, "number of nodes")
	}
	if err := flags.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	rest := flags.Args()
	if len(rest) > 0 && command != "build" && command != "load" {
		return fmt.Errorf("%s takes no argument %q", command, rest[0])
	}
	switch command {
	case "build":
		return cluster.Build(ctx, cluster.DefaultBin(), os.Stderr, rest...)
	case "up":
		c, err := cluster.Up(ctx, cluster.Config{State: state, Nodes: nodes, Progress: os.Stderr})
		if err == nil {
			fmt.Print(c.Environment())
		}
		return err
	case "load":
		return withCluster(state, func(c *cluster.Cluster) error { return c.Load(ctx, rest...) })
	case "env":
		return withCluster(state, func(c *cluster.Cluster) error { _, err := fmt.Print(c.Environment()); return err })
	case "down":
		err := withCluster(state, func(c *cluster.Cluster) error { return c.Down(ctx) })
		if errors.Is(err, cluster.ErrNoCluster) {
			fmt.Fprintln(os.Stderr, err)
			return nil
		}
		return err
	}
	fmt.Fprint(os.Stderr, usage)
	return fmt.Errorf("no command is called %q", command)
}

// withCluster calls f with an existing cluster.
func withCluster(state string, f func(*cluster.Cluster) error) error {
	c, err := cluster.Open(state)
	if err != nil {
		return err
	}
	return f(c)
}
