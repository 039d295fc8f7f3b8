// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// defaultNamespace is where the configuration is, unless METALLB_NAMESPACE says otherwise.
const defaultNamespace = "metallb-system"

// options are what flags and environment say.
type options struct {
	node, namespace, class string
	metrics, health        string
	logLevel               string
	drain                  time.Duration
	version                bool
}

// parseOptions reads flags and environment. If help is asked for, it is written to out and flag.ErrHelp returned.
func parseOptions(args []string, getenv func(string) string, out io.Writer) (options, error) {
	o := options{node: getenv("METALLB_NODE_NAME"), namespace: getenv("METALLB_NAMESPACE")}
	flags := flag.NewFlagSet("speaker", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are returned
	flags.StringVar(&o.metrics, "metrics-bind-address", ":7472", "Address to serve Prometheus metrics on; 0 for none.")
	flags.StringVar(&o.health, "health-probe-bind-address", ":7473", "Address to serve /healthz and /readyz on; 0 for none.")
	flags.StringVar(&o.logLevel, "log-level", "info", "Least severe messages to log: all, debug, info, warn, error or none.")
	flags.StringVar(&o.class, "lb-class", "", "Announce services of this spec.loadBalancerClass only; empty for services without one.")
	flags.DurationVar(&o.drain, "shutdown-delay", time.Second,
		"How long to announce routes with the community GRACEFUL_SHUTDOWN (RFC 8326) before they are withdrawn when the speaker stops.")
	flags.BoolVar(&o.version, "version", false, "Print the version and exit.")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(out, "Usage: METALLB_NODE_NAME=node [METALLB_NAMESPACE=metallb-system] [KUBECONFIG=file] speaker [flags]")
		flags.SetOutput(out)
		flags.PrintDefaults()
		return options{}, err
	case err != nil:
		return options{}, fmt.Errorf("%w; see --help", err)
	}
	switch {
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q: everything is set by flags, see --help", flags.Arg(0))
	case o.drain < 0:
		return options{}, fmt.Errorf("--shutdown-delay %s: must be 0 or more", o.drain)
	case o.node == "" && !o.version:
		return options{}, errors.New("METALLB_NODE_NAME is not set: set it to the name of the Node that the speaker runs on (in a pod, from spec.nodeName)")
	}
	if o.namespace == "" {
		o.namespace = defaultNamespace
	}
	return o, nil
}

// newLogger returns a logger of JSON lines on standard error.
func newLogger(level string) (logr.Logger, error) {
	levels := map[string]zapcore.Level{
		"all": -10, "debug": zapcore.DebugLevel, "info": zapcore.InfoLevel,
		"warn": zapcore.WarnLevel, "error": zapcore.ErrorLevel, "none": zapcore.InvalidLevel,
	}
	least, known := levels[level]
	if !known {
		return logr.Logger{}, fmt.Errorf("--log-level %q: must be all, debug, info, warn, error or none", level)
	}
	config := zap.NewProductionConfig()
	config.Level = zap.NewAtomicLevelAt(least)
	config.EncoderConfig.EncodeTime = zapcore.ISO8601TimeEncoder
	// Every line counts: none may be dropped by sampling.
	config.Sampling = nil
	config.DisableStacktrace = true
	logger, err := config.Build()
	if err != nil {
		return logr.Logger{}, fmt.Errorf("setting up the log: %w", err)
	}
	return zapr.NewLogger(logger), nil
}
