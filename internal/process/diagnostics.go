// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"flag"
	"io"
	"net"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
)

// diagnostics are the settings of what tells people how the program fares, and what serves that.
type diagnostics struct {
	logFormat    string
	debugAddress string
	// debug is nil if nothing is served.
	debug *debug
}

func (d *diagnostics) registerDiagnostics(flags *flag.FlagSet, debugAddress string) {
	if debugAddress == "" {
		debugAddress = off
	}
	flags.StringVar(&d.logFormat, "log-format", formatJSON, "`format` of the log: "+formatJSON+", or "+formatConsole+" for people, with colours on a terminal unless "+noColourVariable+" is set")
	flags.StringVar(&d.debugAddress, debugFlag, debugAddress,
		"loopback `address` to serve the internal state of the program on, over HTTP under /debug/; 0 serves nothing")
}

// diagnose sets up the log and the debug endpoint, and returns the logger and what ends them. A program that does its work
// but cannot serve the endpoint says so and goes on.
func (s *Settings) diagnose(ctx context.Context, stderr io.Writer, getenv func(string) string) (logger logr.Logger, end func()) {
	level := zap.NewAtomicLevelAt(s.level)
	logger = setUpLog(level, encoderOf(s.logFormat, stderr, getenv), stderr)
	if s.debugAddress == off {
		return logger, func() {}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.debugAddress)
	if err != nil {
		logger.Error(err, "serving no debug endpoint", "address", s.debugAddress)
		return logger, func() {}
	}
	s.debug = newDebug(logger, level)
	return logger, s.debug.serve(listener)
}

// AddPages adds pages to the debug endpoint, if it is served.
func (s *Settings) AddPages(pages ...Page) {
	if s.debug != nil {
		s.debug.add(pages)
	}
}
