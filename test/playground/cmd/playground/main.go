// SPDX-License-Identifier: Apache-2.0

// Command playground makes and removes the playground, see package playground.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"metallb.io/metallb/test/playground"
)

const usage = `usage: playground up|reload|down|env [--state DIR]

  up [--install kustomize|helm|nothing]
         start a cluster of three nodes with the load balancer, a rack router and a client
  reload build controller, speaker and the plugin of kubectl, and restart the two with what was built
  down   remove it all
  env    print what makes kubectl and helm talk to the cluster`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet("playground "+args[0], flag.ContinueOnError)
	state := flags.String("state", playground.DefaultState, "directory of the playground's files")
	install := string(playground.Kustomize)
	if args[0] == "up" {
		flags.StringVar(&install, "install", install, "how the load balancer is installed: kustomize, helm or nothing")
	}
	if err := flags.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	switch args[0] {
	case "up":
		p, err := playground.Up(ctx, playground.Config{State: *state, Install: playground.Method(install), Progress: os.Stdout})
		if err != nil {
			return err
		}
		fmt.Print(p.NextSteps())
		return nil
	case "down":
		return playground.Down(ctx, *state)
	case "reload":
		p, err := playground.Open(*state)
		if err != nil {
			return err
		}
		return p.Reload(ctx, os.Stdout)
	case "env":
		p, err := playground.Open(*state)
		if err != nil {
			return err
		}
		fmt.Print(p.Environment())
		return nil
	case "serve": // started by up
		return playground.Serve(ctx, *state)
	}
	return errors.New(usage)
}
