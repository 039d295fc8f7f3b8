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
	mu sync.Mutex
	// peers are those with a session.
	peers map[string]*fakePeer
	// configured and applied count the calls; changes the prefixes told in the latter.
	configured, applied, changes int
	// fail makes the next calls of Apply fail, having done nothing.
	fail error
	// hang makes calls of Apply take until their context ends.
	hang bool
	// down is what the states say of all sessions.
	down bool
	// closed is whether Close was called with time left.
	closed bool
}

type fakePeer struct {
	config bgp.Peer
	// starts counts the sessions; initial is what the last one started with.
	starts  int
	initial []netip.Prefix
	// withdrawn counts the prefixes that it was told are gone.
	withdrawn int
	routes    map[netip.Prefix]rib.Path
}

func newFakeSessions() *fakeSessions { return &fakeSessions{peers: map[string]*fakePeer{}} }

func (f *fakeSessions) Configure(_ context.Context, configs []bgp.Peer, paths func(string) []rib.Path) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.configured++
	wanted := map[string]bgp.Peer{}
	for _, c := range configs {
		wanted[c.Name] = c
	}
	maps.DeleteFunc(f.peers, func(name string, _ *fakePeer) bool { _, found := wanted[name]; return !found })
	for name, c := range wanted {
		p := f.peers[name]
		if p == nil {
			p = &fakePeer{}
			f.peers[name] = p
		}
		if p.config.Equal(c) {
			continue
		}
		p.config, p.initial, p.routes = c, nil, map[netip.Prefix]rib.Path{}
		p.starts++
		for _, path := range paths(name) {
			p.routes[path.Prefix] = path
			p.initial = append(p.initial, path.Prefix)
		}
	}
	return nil
}

func (f *fakeSessions) Apply(ctx context.Context, changes []rib.Change) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if f.fail != nil {
		return f.fail
	}
	f.applied++
	for _, c := range changes {
		f.changes += len(c.Announce) + len(c.Withdraw)
		p := f.peers[c.Peer]
		if p == nil {
			continue
		}
		for _, path := range c.Announce {
			p.routes[path.Prefix] = path
		}
		for _, prefix := range c.Withdraw {
			delete(p.routes, prefix)
			p.withdrawn++
		}
	}
	return nil
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
		state := session.State{Peer: name, FSM: session.Established}
		if f.down {
			state.FSM = session.Active
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

// setFail makes Apply fail from now on, or work if the error is nil.
func (f *fakeSessions) setFail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

// routes returns what the peer was told, as strings, sorted; nil if it has no session.
func (f *fakeSessions) routes(peer string) []string {
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
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.peers[peer]
	if p == nil {
		return fakePeer{}, false
	}
	return fakePeer{config: p.config, starts: p.starts, initial: slices.Clone(p.initial), withdrawn: p.withdrawn}, true
}

// counts returns how often sessions were configured and told of changes.
func (f *fakeSessions) counts() (configured, applied, changes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.configured, f.applied, f.changes
}
