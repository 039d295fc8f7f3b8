// SPDX-License-Identifier: Apache-2.0

//go:build linux

package traffic

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Watch follows the routes of a network namespace. The kernel tells every change, so none is too short to be seen.
type Watch struct {
	prefixes []netip.Prefix
	ended    chan struct{}
	done     sync.WaitGroup

	changes []Change
	mu      sync.Mutex
	err     error
}

// StartWatch follows the routes to the prefixes in the kernel of the network namespace at path netNS, empty for the caller's, beginning
// with what there is. The caller must Stop it.
func StartWatch(netNS string, prefixes ...netip.Prefix) (*Watch, error) {
	options := netlink.RouteSubscribeOptions{ListExisting: true}
	if netNS != "" {
		ns, err := netns.GetFromPath(netNS)
		if err != nil {
			return nil, fmt.Errorf("opening network namespace %s: %w", netNS, err)
		}
		defer ns.Close()
		options.Namespace = &ns
	}
	w := &Watch{prefixes: prefixes, ended: make(chan struct{})}
	options.ErrorCallback = func(err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		select {
		case <-w.ended: // what is read from a socket that has been closed is an error
		default:
			w.err = err
		}
	}
	updates := make(chan netlink.RouteUpdate, 1024)
	if err := netlink.RouteSubscribeWithOptions(updates, w.ended, options); err != nil {
		return nil, fmt.Errorf("following the routes of network namespace %q: %w", netNS, err)
	}
	w.done.Go(func() {
		for update := range updates {
			w.note(update)
		}
	})
	return w, nil
}

// note notes a change if it is of one of the prefixes.
func (w *Watch) note(update netlink.RouteUpdate) {
	if update.Dst == nil || update.Table != unix.RT_TABLE_MAIN {
		return
	}
	addr, ok := netip.AddrFromSlice(update.Dst.IP)
	ones, _ := update.Dst.Mask.Size()
	prefix := netip.PrefixFrom(addr.Unmap(), ones)
	if !ok || !slices.Contains(w.prefixes, prefix) {
		return
	}
	change := Change{At: time.Now(), Prefix: prefix}
	if update.Type == unix.RTM_NEWROUTE {
		change.Gateways = gateways(update.Route)
	}
	w.changes = append(w.changes, change)
}

// gateways returns the gateways of a route in order.
func gateways(route netlink.Route) []netip.Addr {
	hops := []*netlink.NexthopInfo{{Gw: route.Gw}}
	if len(route.MultiPath) > 0 {
		hops = route.MultiPath
	}
	found := make([]netip.Addr, 0, len(hops))
	for _, hop := range hops {
		if addr, ok := netip.AddrFromSlice(hop.Gw); ok {
			found = append(found, addr.Unmap())
		}
	}
	slices.SortFunc(found, netip.Addr.Compare)
	return found
}

// Stop ends the watch and returns when paths were missing. The error tells that the kernel told more than was read.
func (w *Watch) Stop() (Paths, error) {
	w.mu.Lock()
	close(w.ended)
	w.mu.Unlock()
	w.done.Wait()
	return absences(w.changes), w.err
}
