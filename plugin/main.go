// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/plugin/command"
)

func main() {
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(command.Main(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, streams))
}
