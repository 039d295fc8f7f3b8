// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/plugin/command"
)

func main() {
	// Libraries say in logs what commands say in errors.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(command.Main(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, streams))
}
