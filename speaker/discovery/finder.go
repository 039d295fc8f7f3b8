// SPDX-License-Identifier: Apache-2.0

//go:build linux

package discovery

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"metallb.io/metallb/api/v1beta2"
)

const (
	// pause is the least time between two readings of the same thing from the kernel. What happens within it is read together.
	pause = 100 * time.Millisecond
	// retry is how long to wait after something has failed.
	retry = time.Second
)

// Options of a Finder.
type Options struct {
	Logger logr.Logger
	// Changed is called after an answer of Router or Gateway has changed. It must not block. Nil is not called.
	Changed func()
}

// Finder finds routers. Its methods may be called concurrently, and before it is started.
type Finder struct {
	options Options
	// routes has the default routes read again, and follow has Start look at what is to be followed.
	routes, follow signal

	// mu is held by who uses what follows.
	mu sync.Mutex
	// wanted are the interfaces to be followed; routers has what is known of those that are.
	wanted   map[string]bool
	routers  map[string]answer
	gateways map[v1beta2.GatewayFamily]answer
	// followers are of the interfaces that are followed. Only Start changes them.
	followers map[string]*follower
}

// signal wakes one goroutine, however often it is given.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) give() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// answer is a router, or why none is known.
type answer struct {
	router netip.Addr
	err    error
}

func (a answer) equal(b answer) bool {
	return a.router == b.router && fmt.Sprint(a.err) == fmt.Sprint(b.err)
}

// New returns a Finder that knows nothing until it is started.
func New(o Options) *Finder {
	unread := answer{err: errors.New("the node's routes have not been read yet")}
	return &Finder{
		options: o, routes: newSignal(), follow: newSignal(),
		wanted: map[string]bool{}, routers: map[string]answer{}, gateways: map[v1beta2.GatewayFamily]answer{v1beta2.IPv4Gateway: unread, v1beta2.IPv6Gateway: unread},
		followers: map[string]*follower{},
	}
}

// Follow has the routers on these interfaces found, and those on all others forgotten.
func (f *Finder) Follow(interfaces []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.wanted)
	for _, name := range interfaces {
		f.wanted[name] = true
	}
	f.follow.give()
}

// Router returns the link-local address of the router on the interface, with its name as zone, or why none is known.
func (f *Finder) Router(iface string) (netip.Addr, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a, followed := f.routers[iface]; followed {
		return a.router, a.err
	}
	return netip.Addr{}, fmt.Errorf("the router on interface %s is not known yet", iface)
}

// Gateway returns the node's default gateway of the family, or why none is known. A link-local address has its interface's name as zone.
func (f *Finder) Gateway(family v1beta2.GatewayFamily) (netip.Addr, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.gateways[family]
	return a.router, a.err
}

// NeedLeaderElection tells the manager that every node has routers of its own.
func (f *Finder) NeedLeaderElection() bool { return false }

// Start finds routers until the context ends.
func (f *Finder) Start(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { f.watch(ctx) })
	running.Go(func() { f.readGateways(ctx) })
	for {
		f.adjust(ctx, &running)
		select {
		case <-f.follow:
		case <-ctx.Done():
			running.Wait()
			return nil
		}
	}
}

// adjust starts and stops followers, as is wanted. Each that stops has ended before another one of its interface may start.
func (f *Finder) adjust(ctx context.Context, running *sync.WaitGroup) {
	f.mu.Lock()
	var superfluous []*follower
	for name, follower := range f.followers {
		if !f.wanted[name] {
			superfluous = append(superfluous, follower)
			delete(f.followers, name)
		}
	}
	for name := range f.wanted {
		if f.followers[name] == nil {
			follower := f.newFollower(ctx, name)
			f.followers[name] = follower
			running.Go(follower.run)
		}
	}
	f.mu.Unlock()
	for _, follower := range superfluous {
		follower.stop()
		f.mu.Lock()
		delete(f.routers, follower.name)
		f.mu.Unlock()
	}
}

// tell publishes what is known of the router on an interface.
func (f *Finder) tell(iface string, now answer) {
	f.mu.Lock()
	before, known := f.routers[iface]
	f.routers[iface] = now
	f.mu.Unlock()
	if known && before.equal(now) {
		return
	}
	logger := f.options.Logger.WithValues("interface", iface)
	if now.err != nil {
		logger.Info("no router to have a session with", "reason", now.err.Error())
	} else {
		logger.Info("found the router", "address", now.router.String())
	}
	f.changed()
}

func (f *Finder) changed() {
	if f.options.Changed != nil {
		f.options.Changed()
	}
}
