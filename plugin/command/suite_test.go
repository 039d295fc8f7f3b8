// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/plugin/command"
	"metallb.io/metallb/test/envtest"
)

var server envtest.Shared

// TestMain runs the command line in place of the tests if the environment says so.
func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	name := os.Getenv("COMMAND")
	if name == "" {
		os.Exit(server.Main(m))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	streams := genericiooptions.IOStreams{In: noticed{os.Stdin}, Out: os.Stdout, ErrOut: os.Stderr}
	os.Exit(command.Main(ctx, []string{name, "-f", "-"}, os.Getenv, streams)) //nolint:gocritic // There is nothing left to be undone.
}

// result is what comes out of a command line.
type result struct {
	status         int
	stdout, stderr string
}

// run runs the command line with standard input.
func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &stdout, ErrOut: &stderr}
	status := command.Main(t.Context(), args, func(string) string { return "" }, streams)
	return result{status, stdout.String(), stderr.String()}
}
