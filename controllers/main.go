// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/controllers/migrate"
	"metallb.io/metallb/controllers/validate"
	"metallb.io/metallb/internal/process"
)

func main() {
	os.Exit(newProgram().Main(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

func newProgram() *process.Program {
	o := &options{}
	return &process.Program{
		Name:     "controller",
		Purpose:  "Gives Services of type LoadBalancer addresses from IPAddressPools.",
		Options:  o,
		Commands: []*process.Command{validate.NewCommand(os.Stdin), migrate.NewCommand(os.Stdin)},
		Run: func(ctx context.Context, config *rest.Config, settings *process.Settings) error {
			return start(ctx, config, settings, o)
		},
		DebugAddress: debugAddress,
	}
}
