// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"metallb.io/metallb/test/router/bird"
	"metallb.io/metallb/test/router/capture"
	"metallb.io/metallb/test/router/forward"
	"metallb.io/metallb/test/router/frr"
	"metallb.io/metallb/test/router/page"
	"metallb.io/metallb/test/router/router"
	"metallb.io/metallb/test/router/routers"
)

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		err = run(ctx, logger(o.verbose), o)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "router:", err)
		os.Exit(1)
	}
}

func logger(verbose bool) logr.Logger {
	encoder := zap.NewProductionEncoderConfig()
	encoder.EncodeTime = zapcore.ISO8601TimeEncoder
	level := zapcore.InfoLevel
	if verbose {
		level = zapcore.DebugLevel
	}
	return zapr.NewLogger(zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(encoder), zapcore.Lock(os.Stderr), level)))
}

// run serves until ctx is done, and leaves no daemon, route or directory behind.
func run(ctx context.Context, log logr.Logger, o options) (err error) {
	if err := o.makeDir(); err != nil {
		return err
	}
	if o.ownedDir {
		defer func() { err = errors.Join(err, os.RemoveAll(o.dir)) }()
	}
	if o.forward != "" {
		if err := errors.Join(forward.Enable(o.netNS), forward.RemoveRoutes(o.netNS)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, forward.RemoveRoutes(o.netNS)) }()
	}
	recorder, ports, closeRecorder := record(log, o)
	defer closeRecorder()

	// The page is bound first: an address in use is then reported before anything was started.
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", o.listen, err)
	}
	defer listener.Close()
	running, err := start(ctx, log, o)
	defer func() {
		for _, r := range running {
			r.Stop()
		}
	}()
	if err != nil {
		return err
	}
	observer := routers.New(running, routers.Options{Title: o.title, Forwarding: o.forward, Names: o.names})
	handler, err := page.New(page.Config{Source: observer.Read, Recorder: recorder, Ports: ports, Log: log})
	if err != nil {
		return err
	}
	log.Info("serving page", "address", listener.Addr().String(), "title", o.title)
	return serve(ctx, listener, handler)
}

// start starts the daemons. What it returns must be stopped even when it fails.
func start(ctx context.Context, log logr.Logger, o options) ([]router.Router, error) {
	var running []router.Router
	for _, name := range o.routers {
		cfg := o.configs[name]
		log.Info("starting router", "router", name, "asn", cfg.ASN, "accepts", cfg.Peers.String(), "port", cfg.Port, "forward", cfg.Forward)
		var r router.Router
		var err error
		if name == bird.Name {
			r, err = bird.Start(ctx, log, cfg)
		} else {
			r, err = frr.Start(ctx, log, cfg)
		}
		if err != nil {
			return running, err
		}
		running = append(running, r)
	}
	return running, nil
}

// record starts to record the BGP packets. A program that may not is a router all the same, so it is only logged.
func record(log logr.Logger, o options) (page.Recorder, []uint16, func()) {
	var ports []uint16
	for _, name := range o.routers {
		if port := o.configs[name].Port; !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	if o.capture <= 0 {
		return nil, ports, func() {}
	}
	c, err := capture.Start(o.netNS, o.capture, ports...)
	if err != nil {
		log.Info("not recording packets", "cause", err.Error())
		return nil, ports, func() {}
	}
	return c, ports, func() { _ = c.Close() }
}

// serve serves until ctx is done. Open pages are streams that never end by themselves, so they are cut off.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving page: %w", err)
	case <-ctx.Done():
	}
	if err := server.Close(); err != nil {
		return fmt.Errorf("closing page: %w", err)
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving page: %w", err)
	}
	return nil
}
