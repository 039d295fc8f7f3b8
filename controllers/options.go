// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	defaultNamespace = "metallb-system"
	// namespaceFile is where a pod finds the namespace that it runs in.
	namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
)

// options are the settings of the controller.
type options struct {
	metricsAddress, probeAddress string
	leaderElect                  bool
	logLevel                     zapcore.Level
	class                        string
	namespace                    string
	version                      bool
}

// parseOptions reads the command line and the environment. The error is one line that says what to change.
func parseOptions(args []string, getenv func(string) string, usage io.Writer) (options, error) {
	var o options
	var webhookMode, logLevel string
	fs := flag.NewFlagSet("controller", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.metricsAddress, "metrics-bind-address", ":7472", "address to serve metrics on, over HTTP; 0 serves none")
	fs.StringVar(&o.probeAddress, "health-probe-bind-address", ":7473", "address to serve /healthz and /readyz on; 0 serves none")
	fs.BoolVar(&o.leaderElect, "leader-elect", true, "of several controllers let only one, the holder of a Lease, be active")
	fs.StringVar(&webhookMode, "webhook-mode", "disabled", "disabled; this release has no webhook to be enabled")
	fs.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error")
	fs.StringVar(&o.class, "lb-class", "", "serve services of this loadBalancerClass only; unset, those without a class")
	fs.BoolVar(&o.version, "version", false, "print the version and exit")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fs.SetOutput(usage)
			fs.Usage()
		}
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: the controller takes flags only", fs.Arg(0))
	}
	if err := checkWebhookMode(webhookMode); err != nil {
		return o, err
	}
	var err error
	if o.logLevel, err = parseLevel(logLevel); err != nil {
		return o, err
	}
	if o.namespace, err = namespaceFrom(getenv); err != nil {
		return o, err
	}
	return o, o.check()
}

func checkWebhookMode(mode string) error {
	switch mode {
	case "disabled":
		return nil
	case "enabled":
		return errors.New("--webhook-mode=enabled: this release has no webhook; leave the flag out or set it to disabled")
	}
	return fmt.Errorf("--webhook-mode=%s: must be enabled or disabled", mode)
}

func parseLevel(text string) (zapcore.Level, error) {
	levels := map[string]zapcore.Level{
		"debug": zapcore.DebugLevel, "info": zapcore.InfoLevel, "warn": zapcore.WarnLevel, "error": zapcore.ErrorLevel,
	}
	level, ok := levels[text]
	if !ok {
		return 0, fmt.Errorf("--log-level=%s: must be debug, info, warn or error", text)
	}
	return level, nil
}

// namespaceFrom returns the namespace of pools and Lease: METALLB_NAMESPACE, else the pod's own, else metallb-system.
func namespaceFrom(getenv func(string) string) (string, error) {
	namespace := getenv("METALLB_NAMESPACE")
	if namespace == "" {
		if content, err := os.ReadFile(namespaceFile); err == nil {
			namespace = strings.TrimSpace(string(content))
		}
	}
	if namespace == "" {
		namespace = defaultNamespace
	}
	if errs := validation.IsDNS1123Label(namespace); len(errs) > 0 {
		return "", fmt.Errorf("METALLB_NAMESPACE=%s: is not the name of a namespace", namespace)
	}
	return namespace, nil
}

// check looks for settings that are wrong or contradict each other.
func (o *options) check() error {
	for _, f := range []struct{ name, address string }{
		{"metrics-bind-address", o.metricsAddress}, {"health-probe-bind-address", o.probeAddress},
	} {
		if f.address == "0" {
			continue
		}
		_, port, err := net.SplitHostPort(f.address)
		if n, convErr := strconv.ParseUint(port, 10, 16); err != nil || convErr != nil || n == 0 {
			return fmt.Errorf("--%s=%s: must be host:port, :port or 0", f.name, f.address)
		}
	}
	if o.metricsAddress != "0" && o.metricsAddress == o.probeAddress {
		return fmt.Errorf("--metrics-bind-address and --health-probe-bind-address are both %s: choose two ports", o.metricsAddress)
	}
	if errs := validation.IsQualifiedName(o.class); o.class != "" && len(errs) > 0 {
		return fmt.Errorf("--lb-class=%s: is not a loadBalancerClass such as example.com/name", o.class)
	}
	return nil
}
