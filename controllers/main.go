// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"runtime"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/internal/process"
)

func main() {
	useProcessors(os.Getenv)
	os.Exit(newProgram().Main(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// processorsVariable is read by Go itself, for how many threads run Go code at a time.
const processorsVariable = "GOMAXPROCS"

// useProcessors runs the program on one processor unless the environment says otherwise (docs/decisions/0014). It mostly waits for the API
// server; with more processors, Go wakes and parks a thread for each short step between two waits.
func useProcessors(getenv func(string) string) {
	if getenv(processorsVariable) == "" {
		runtime.GOMAXPROCS(1)
	}
}

// inImage says where the plugin of kubectl is, for those who ran its commands by the image.
const inImage = ", in this image the entry point /kubectl-metallb"

func newProgram() *process.Program {
	o := &options{}
	return &process.Program{
		Name:      "controller",
		Purpose:   "Gives Services of type LoadBalancer addresses from IPAddressPools.",
		Options:   o,
		Variables: []process.Variable{{Name: processorsVariable, Usage: "number of processors that the program uses; 1 if unset"}},
		Moved: map[string]string{
			"validate": `"kubectl metallb validate"` + inImage, "migrate": `"kubectl metallb migrate"` + inImage,
		},
		Run: func(ctx context.Context, config *rest.Config, settings *process.Settings) error {
			return start(ctx, config, settings, o)
		},
		DebugAddress: debugAddress,
	}
}
