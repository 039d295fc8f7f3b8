// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/api/version"
)

func main() {
	os.Exit(run(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run runs the controller until the context ends, and returns the exit status: 2 for wrong settings.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, getenv, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "controller: %v\n", err)
		return 2
	case o.version:
		fmt.Fprintln(stdout, version.Version)
		return 0
	}
	logger := newLogger(o.logLevel, stderr)
	ctrl.SetLogger(logger)
	klog.SetLogger(logger.WithName("client-go"))
	config, err := ctrl.GetConfig()
	if err != nil {
		fmt.Fprintf(stderr, "controller: no Kubernetes cluster: %v; run in a pod, or set KUBECONFIG\n", err)
		return 2
	}
	logger.Info("starting the controller", "version", version.Version, "namespace", o.namespace, "class", o.class)
	if err := start(ctx, config, &o); err != nil {
		logger.Error(err, "stopping for an error")
		return 1
	}
	return 0
}

// newLogger returns a logger that writes lines of JSON.
func newLogger(level zapcore.Level, w io.Writer) logr.Logger {
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey = "time"
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	core := zapcore.NewCore(zapcore.NewJSONEncoder(encoding), zapcore.Lock(zapcore.AddSync(w)), level)
	return zapr.NewLogger(zap.New(core))
}
