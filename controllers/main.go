// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/internal/process"
)

func main() {
	os.Exit(newProgram().Main(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// inImage says where the plugin of kubectl is, for those who ran its commands by the image.
const inImage = ", in this image the entry point /kubectl-metallb"

func newProgram() *process.Program {
	o := &options{}
	return &process.Program{
		Name:    "controller",
		Purpose: "Gives Services of type LoadBalancer addresses from IPAddressPools.",
		Options: o,
		Moved: map[string]string{
			"validate": `"kubectl metallb validate"` + inImage, "migrate": `"kubectl metallb migrate"` + inImage,
		},
		Run: func(ctx context.Context, config *rest.Config, settings *process.Settings) error {
			return start(ctx, config, settings, o)
		},
		DebugAddress: debugAddress,
	}
}
