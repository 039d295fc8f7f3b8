// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package discovery

import (
	"context"
	"errors"
	"net/netip"

	"github.com/go-logr/logr"

	"metallb.io/metallb/api/v1beta2"
)

// errNoLinux is why nothing is found.
var errNoLinux = errors.New("finding routers needs Linux")

// Options are those of Linux.
type Options struct {
	Logger  logr.Logger
	Changed func()
}

// Finder finds nothing.
type Finder struct{}

// New returns a Finder.
func New(Options) *Finder { return &Finder{} }

// Follow does nothing.
func (*Finder) Follow([]string) {}

// Router knows none.
func (*Finder) Router(string) (netip.Addr, error) { return netip.Addr{}, errNoLinux }

// Gateway knows none.
func (*Finder) Gateway(v1beta2.GatewayFamily) (netip.Addr, error) { return netip.Addr{}, errNoLinux }

// NeedLeaderElection tells the manager that every node has routers of its own.
func (*Finder) NeedLeaderElection() bool { return false }

// Start waits for the end of the context.
func (*Finder) Start(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
