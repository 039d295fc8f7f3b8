// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/speaker/rib"
	"metallb.io/metallb/speaker/session"
)

// fakeCluster is to be an API server with these objects, indexed as the caches are.
func fakeCluster(t *testing.T, objects ...client.Object) *fake.ClientBuilder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientscheme.AddToScheme, v1beta1.AddToScheme, v1beta2.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithIndex(&discoveryv1.EndpointSlice{}, "service",
		func(o client.Object) []string { return []string{o.GetLabels()[discoveryv1.LabelServiceName]} })
}

// fakeSessions stands for the routers: it knows what each peer was told, and counts what sessions had to do for it.
type fakeSessions struct {
	table *rib.Table
	// taking is held while a session takes what has changed, until the table knows.
	taking sync.Mutex

	mu sync.Mutex
	// peers are those with a session.
	peers map[string]*fakePeer
	// configured counts the calls, applied what sessions took after they had begun, changes the prefixes in that.
	configured, applied, changes int
	// hung are the peers whose sessions take nothing.
	hung map[string]bool
	// down is what the states say of all sessions.
	down bool
	// closed is whether Close was called with time left.
	closed bool
	// kept are those whose peers keep the routes.
	kept []*fakePeer
}

type fakePeer struct {
	config bgp.Peer
	feed   *rib.Feed
	// starts counts the sessions; initial is what the last one started with.
	starts  int
	initial []netip.Prefix
	// withdrawn counts the prefixes that it was told are gone.
	withdrawn int
	routes    map[netip.Prefix]rib.Path
}

func newFakeSessions() *fakeSessions {
	return &fakeSessions{table: rib.NewTable(), peers: map[string]*fakePeer{}, hung: map[string]bool{}}
}

func (f *fakeSessions) Configure(peers []bgp.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.configured++
	wanted := map[string]bgp.Peer{}
	for _, c := range peers {
		wanted[c.Name] = c
	}
	for name, p := range f.peers {
		if _, found := wanted[name]; !found {
			p.feed.Close()
			delete(f.peers, name)
		}
	}
	for name, c := range wanted {
		switch p := f.peers[name]; {
		case p == nil:
			f.peers[name] = &fakePeer{config: c, starts: 1, feed: f.table.Subscribe(name, func() { go f.take(name) })}
		case p.config.NeedsReset(c, p.config.PeerASN):
			p.config = c
			p.starts++
			p.feed.Restart()
		default:
			p.config = c
		}
	}
}

// take has the session take what has changed.
func (f *fakeSessions) take(name string) {
	f.taking.Lock()
	defer f.taking.Unlock()
	for {
		feed := f.takeOnce(name)
		if feed == nil {
			return
		}
		feed.Done()
	}
}

// takeOnce returns the feed of which something was taken.
func (f *fakeSessions) takeOnce(name string) *rib.Feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.peers[name]
	if p == nil || f.hung[name] {
		return nil
	}
	c, found := p.feed.Take()
	if !found {
		return nil
	}
	if c.Complete {
		p.routes, p.initial = map[netip.Prefix]rib.Path{}, nil
	} else {
		f.applied++
		f.changes += len(c.Announce) + len(c.Withdraw)
	}
	for _, path := range c.Announce {
		p.routes[path.Prefix] = path
		if c.Complete {
			p.initial = append(p.initial, path.Prefix)
		}
	}
	for _, prefix := range c.Withdraw {
		delete(p.routes, prefix)
		p.withdrawn++
	}
	return p.feed
}

// settle waits until all sessions that do not hang have what the table says.
func (f *fakeSessions) settle() {
	f.mu.Lock()
	names := slices.Collect(maps.Keys(f.peers))
	f.mu.Unlock()
	for _, name := range names {
		f.take(name)
	}
}

// setHung has the session with the peer take nothing, or go on.
func (f *fakeSessions) setHung(peer string, hung bool) {
	f.mu.Lock()
	f.hung[peer] = hung
	f.mu.Unlock()
	f.take(peer)
}

// CloseKeepingRoutes ends the sessions of peers with graceful restart.
func (f *fakeSessions) CloseKeepingRoutes(context.Context) (left int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, p := range f.peers {
		if p.config.RestartTime > 0 {
			p.feed.Close()
			delete(f.peers, name)
			f.kept = append(f.kept, p)
		}
	}
	return len(f.peers), nil
}

func (f *fakeSessions) Close(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = ctx.Err() == nil
	return nil
}

func (f *fakeSessions) States() []session.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	states := make([]session.State, 0, len(f.peers))
	for name := range f.peers {
		state := session.State{Peer: name, FSM: session.Established, Carried: bgp.Families{IPv4: true, IPv6: true}}
		if f.down {
			state.FSM, state.Carried = session.Active, bgp.Families{}
		}
		states = append(states, state)
	}
	return states
}

// setDown sets what the states say of all sessions.
func (f *fakeSessions) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// routes returns what the peer was told, as strings, sorted; nil if it has no session.
func (f *fakeSessions) routes(peer string) []string {
	f.settle()
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.peers[peer]
	if p == nil {
		return nil
	}
	routes := make([]string, 0, len(p.routes))
	for prefix := range p.routes {
		routes = append(routes, prefix.String())
	}
	slices.Sort(routes)
	return routes
}

// path returns how a prefix was announced to the peer that is named router.
func (f *fakeSessions) path(prefix string) (rib.Path, bool) {
	f.settle()
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.peers["router"]
	if p == nil {
		return rib.Path{}, false
	}
	path, found := p.routes[netip.MustParsePrefix(prefix)]
	return path, found
}

// session returns a copy of what is known of the peer's session.
func (f *fakeSessions) session(peer string) (fakePeer, bool) {
	f.settle()
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.peers[peer]
	if p == nil {
		return fakePeer{}, false
	}
	return fakePeer{config: p.config, starts: p.starts, initial: slices.Clone(p.initial), withdrawn: p.withdrawn}, true
}

// counts returns how often sessions were configured, how often they took changes, and of how many prefixes.
func (f *fakeSessions) counts() (configured, applied, changes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.configured, f.applied, f.changes
}
