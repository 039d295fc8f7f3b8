// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/test/builder"
)

// town is a cluster with a pool, an advertisement of it to the one peer, and a service in it.
func town() *memory {
	m := &memory{namespaces: map[string]*corev1.Namespace{}}
	m.pools.Items = []v1beta1.IPAddressPool{*pool().Obj()}
	m.advertisements.Items = []v1beta1.BGPAdvertisement{*builder.MakeAdvertisement("public", "my-ip-space").Peers("router").Obj()}
	m.peers.Items = []v1beta2.BGPPeer{*builder.MakePeer("router", "192.0.2.1").Obj()}
	m.serve(builder.MakeService("nginx").Holds("my-ip-space", "198.51.100.0").Obj())
	return m
}

// serve adds services.
func (m *memory) serve(services ...*corev1.Service) {
	if m.services == nil {
		m.services = map[client.ObjectKey]*corev1.Service{}
	}
	for _, svc := range services {
		if svc.ResourceVersion == "" {
			svc.ResourceVersion = fmt.Sprint(len(svc.Status.LoadBalancer.Ingress)) + svc.Status.LoadBalancer.Ingress[0].IP
		}
		m.services[client.ObjectKeyFromObject(svc)] = svc
	}
}

// observedOf returns what was observed of the cluster before it became as it is now.
func observedOf(was, is *memory) *observed {
	o := &observed{namespace: namespace, reader: was, live: is, index: assignment.NewIndex(""), fed: func() bool { return true }}
	for _, svc := range was.services {
		o.index.Set(svc)
	}
	o.filled.Store(true)
	return o
}

func TestWhatIsInTheWayInTheCacheOnlyRefusesNothing(t *testing.T) {
	t.Parallel()
	advertisement := builder.MakeAdvertisement("public", "my-ip-space").Peers("router").Obj()
	for name, tc := range map[string]struct {
		was, is config.Object
		// meanwhile is what has changed in the cluster since it was observed.
		meanwhile func(*memory)
		// wantRefusal is part of why it is refused all the same; empty if it is not.
		wantRefusal string
	}{
		"an advertisement that named the peer has gone": {
			was: builder.MakePeer("router", "192.0.2.1").Obj(), meanwhile: func(m *memory) { m.advertisements.Items = nil },
		},
		"another pool has given up the range": {
			is:        builder.MakePool("other", "198.51.100.128/25").Obj(),
			meanwhile: func(m *memory) { m.pools.Items[0] = *builder.MakePool("my-ip-space", "198.51.100.0/25").Obj() },
		},
		"another advertisement has come": {
			was: advertisement,
			meanwhile: func(m *memory) {
				m.advertisements.Items = append(m.advertisements.Items, *builder.MakeAdvertisement("new").Obj())
			},
		},
		"the service has gone": {was: pool().Obj(), meanwhile: func(m *memory) { m.services = nil }},
		"the service has moved": {
			was: pool().Obj(), is: pool().AvoidBuggyIPs().Obj(),
			meanwhile: func(m *memory) { m.serve(builder.MakeService("nginx").Holds("my-ip-space", "198.51.100.1").Obj()) },
		},
		"nothing has changed": {was: pool().Obj(), meanwhile: func(*memory) {}, wantRefusal: inUse},
		"another service has come": {
			was: pool().Obj(), meanwhile: func(m *memory) { m.serve(builder.MakeService("late").Holds("my-ip-space", "198.51.100.9").Obj()) },
			wantRefusal: inUse,
		},
		"the API server does not tell of the configuration": {
			was: builder.MakePeer("router", "192.0.2.1").Obj(), meanwhile: func(m *memory) { m.advertisements.Items, m.err = nil, errors.New("no answer") },
			wantRefusal: `would not be announced at "198.51.100.0"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := town()
			tc.meanwhile(now)
			d := openAny(t, tc.was, tc.is, observedOf(town(), now))
			response := ask(t, d, tc.was, tc.is)
			if response.Allowed != (tc.wantRefusal == "") || !strings.Contains(response.Result.Message, tc.wantRefusal) {
				t.Errorf("allowed %t, %+v; want %q", response.Allowed, response.Result, tc.wantRefusal)
			}
		})
	}
}

// The only advertisement was deleted past the webhook, and is in use still.
func TestWhatIsNeededByWhatIsInUseIsNotTakenAwayThoughNothingWrittenNeedsIt(t *testing.T) {
	t.Parallel()
	held := func(m *memory) {
		in := config.Inputs{Written: config.Objects{Pools: m.pools.Items, Peers: m.peers.Items, Advertisements: m.advertisements.Items}}
		for _, c := range config.Next(in, nil).Changes {
			c.New.Status.Held = c.New.Spec.Kind == active.KindBGPAdvertisement
			m.active = append(m.active, *c.New)
		}
		m.advertisements.Items = nil
	}
	for name, meanwhile := range map[string]func(*memory){"it is": held, "not any more": func(m *memory) { m.advertisements.Items = nil }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was, is := town(), town()
			held(was)
			meanwhile(is)
			peer := builder.MakePeer("router", "192.0.2.1").Obj()
			response := ask(t, open(t, peer, observedOf(was, is)), peer, nil)
			if response.Allowed != (name == "not any more") || !response.Allowed && !strings.Contains(response.Result.Message, `would not be announced at "198.51.100.0"`) {
				t.Errorf("allowed %t, %+v", response.Allowed, response.Result)
			}
		})
	}
}

// One kubectl apply may create an advertisement and at once the pool that it announces.
func TestWhatIsMissingInTheCacheOnlyIsNotWarnedOf(t *testing.T) {
	t.Parallel()
	for name, has := range map[string]bool{"the advertisement has come": true, "there is none": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after, p := town(), town(), pool().Obj()
			before.pools.Items, after.pools.Items, before.advertisements.Items = nil, nil, nil
			if !has {
				after.advertisements.Items = nil
			}
			response := ask(t, open(t, p, observedOf(before, after)), nil, p)
			if !response.Allowed || (len(response.Warnings) == 0) != has {
				t.Errorf("allowed %t, warnings %q", response.Allowed, response.Warnings)
			}
		})
	}
}

// Many services have hardly all gone in a moment, but what announces them may have been exchanged.
func TestTheAPIServerIsNotAskedAboutManyServices(t *testing.T) {
	t.Parallel()
	was, is := town(), town()
	for i := range 10 {
		was.serve(builder.MakeService(fmt.Sprintf("web-%d", i)).Holds("my-ip-space", fmt.Sprintf("198.51.100.%d", i+1)).Obj())
	}
	advertisement := &was.advertisements.Items[0]
	if ask(t, open(t, advertisement, observedOf(was, is)), advertisement, nil).Allowed || is.asked > 0 {
		t.Errorf("admitted, or asked about %d services", is.asked)
	}
	is.advertisements.Items = append(is.advertisements.Items, *builder.MakeAdvertisement("new").Obj())
	if !ask(t, open(t, advertisement, observedOf(was, is)), advertisement, nil).Allowed || is.asked > 0 {
		t.Errorf("refused, or asked about %d services", is.asked)
	}
}

// A service that was given an address a moment ago may be on its way into the cache.
func TestWhatTheCacheDoesNotShowYetIsNotTakenAway(t *testing.T) {
	t.Parallel()
	late := func(m *memory) { m.serve(builder.MakeService("late").Holds("my-ip-space", "198.51.100.9").Obj()) }
	const lost = `service "default/late" cannot own "198.51.100.9"`
	for name, tc := range map[string]struct {
		was, is   config.Object
		meanwhile func(*memory)
		// wantRefusal is part of why it is refused; empty if it is not.
		wantRefusal string
		wantListed  int
	}{
		"the deletion of its pool":           {was: pool().Obj(), meanwhile: late, wantRefusal: lost, wantListed: 1},
		"a narrowing of its pool":            {was: pool().Obj(), is: builder.MakePool("my-ip-space", "198.51.100.128/25").Obj(), meanwhile: late, wantRefusal: lost, wantListed: 1},
		"the deletion of its advertisement":  {was: builder.MakeAdvertisement("public", "my-ip-space").Peers("router").Obj(), meanwhile: late, wantRefusal: `would not be announced at "198.51.100.9"`, wantListed: 1},
		"the deletion of a pool in no use":   {was: pool().Obj(), meanwhile: func(*memory) {}, wantListed: 1},
		"more addresses take nothing away":   {was: pool().Obj(), is: builder.MakePool("my-ip-space", "198.51.100.0/24", "192.0.2.0/24").Obj(), meanwhile: late},
		"another service that holds nothing": {was: pool().Obj(), meanwhile: func(m *memory) { m.services = map[client.ObjectKey]*corev1.Service{{Name: "x"}: {}} }, wantListed: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, now := town(), town()
			before.services, now.services = nil, nil
			tc.meanwhile(now)
			response := ask(t, openAny(t, tc.was, tc.is, observedOf(before, now)), tc.was, tc.is)
			if response.Allowed != (tc.wantRefusal == "") || !strings.Contains(response.Result.Message, tc.wantRefusal) {
				t.Errorf("allowed %t, %+v; want %q", response.Allowed, response.Result, tc.wantRefusal)
			}
			if now.listed != tc.wantListed {
				t.Errorf("the services were listed %d times, want %d", now.listed, tc.wantListed)
			}
		})
	}
}

// What was found to have gone stays gone when the services that the cache lacks are added to what it shows.
func TestWhatHasGoneRefusesNothingThoughAnotherServiceHasCome(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		is *builder.Pool
		// before is what is in the cache still.
		before func(*memory)
		// services that the API server has.
		services []*corev1.Service
	}{
		"the service that holds an address": {before: func(*memory) {}},
		"another pool that has the range": {
			is: builder.MakePool("my-ip-space", "198.51.100.0/25", "192.0.2.0/24"),
			before: func(m *memory) {
				m.pools.Items = append(m.pools.Items, *builder.MakePool("other", "192.0.2.0/24").Obj())
			},
			services: []*corev1.Service{builder.MakeService("nginx").Holds("my-ip-space", "198.51.100.0").Obj()},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was, now := town(), town()
			tc.before(was)
			now.services = nil
			now.serve(append(tc.services, builder.MakeService("new").Holds("elsewhere", "203.0.113.1").Obj())...)
			if response := ask(t, open(t, pool().Obj(), observedOf(was, now)), pool().Obj(), object(tc.is)); !response.Allowed {
				t.Errorf("refused: %+v", response.Result)
			}
		})
	}
}

// The cache may catch up while the webhook asks the API server what it lacks.
func TestWhatComesIntoTheCacheDuringTheCheckIsNotTakenAway(t *testing.T) {
	t.Parallel()
	for name, during := range map[string]func(*memory, func()){
		"while services are listed": func(m *memory, catchUp func()) { m.listing = catchUp },
		"while the second one is read": func(m *memory, catchUp func()) {
			m.reading = func() {
				if m.asked == 2 {
					catchUp()
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was, now := town(), town()
			was.services, now.services = nil, nil
			late := builder.MakeService("late").Holds("my-ip-space", "198.51.100.9").Obj()
			now.serve(builder.MakeService("a").Holds("elsewhere", "203.0.113.1").Obj(), builder.MakeService("b").Holds("elsewhere", "203.0.113.2").Obj(), late)
			o := observedOf(was, now)
			during(now, func() { o.index.Set(late) })
			response := ask(t, open(t, pool().Obj(), o), pool().Obj(), nil)
			if want := `service "default/late" cannot own "198.51.100.9"`; response.Allowed || !strings.Contains(response.Result.Message, want) {
				t.Errorf("allowed %t, %+v; want %q", response.Allowed, response.Result, want)
			}
		})
	}
}

func TestADeletionIsAdmittedWhileTheNamespaceGoesThoughTheCacheDoesNotShowTheServiceYet(t *testing.T) {
	t.Parallel()
	was, now := town(), town()
	was.services = nil
	d := open(t, pool().Obj(), observedOf(was, now))
	d.live.terminating = true
	if response := ask(t, d, pool().Obj(), nil); !response.Allowed {
		t.Errorf("refused: %+v", response.Result)
	}
}

// A script may delete one object after the other, faster than the cache follows.
func TestWhatTheCacheStillShowsDoesNotStandInForWhatIsTakenAway(t *testing.T) {
	t.Parallel()
	labelled := pool().Label("use", "public").Obj()
	byLabel := builder.MakeAdvertisement("public").PoolsWithLabel("use", "public").Obj()
	anotherAdvertisement := func(m *memory) {
		m.advertisements.Items = append(m.advertisements.Items, *builder.MakeAdvertisement("other", "my-ip-space").Obj())
	}
	anotherPeer := func(m *memory) { m.peers.Items = append(m.peers.Items, *builder.MakePeer("other", "192.0.2.2").Obj()) }
	for name, tc := range map[string]struct {
		was, is config.Object
		// gone is what the cache still has.
		gone func(*memory)
	}{
		"the deletion of an advertisement": {was: byLabel, gone: anotherAdvertisement},
		"an update of an advertisement": {
			was: byLabel, is: builder.MakeAdvertisement("public").PoolsWithLabel("use", "public").ServicesWithLabel("app", "none").Obj(),
			gone: anotherAdvertisement,
		},
		"the deletion of a peer":       {was: builder.MakePeer("router", "192.0.2.1").Obj(), gone: anotherPeer},
		"an update of a pool's labels": {was: labelled, is: pool().Label("use", "private").Obj(), gone: anotherAdvertisement},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was, now := town(), town()
			for _, m := range []*memory{was, now} {
				m.pools.Items, m.advertisements.Items = []v1beta1.IPAddressPool{*labelled}, []v1beta1.BGPAdvertisement{*byLabel}
			}
			tc.gone(was)
			response := ask(t, openAny(t, tc.was, tc.is, observedOf(was, now)), tc.was, tc.is)
			if want := `would not be announced at "198.51.100.0"`; response.Allowed || !strings.Contains(response.Result.Message, want) {
				t.Errorf("allowed %t, %+v, warnings %q; want %q", response.Allowed, response.Result, response.Warnings, want)
			}
		})
	}
}

func TestABFDProfileThatAPeerHasJustComeToNameIsNotDeleted(t *testing.T) {
	t.Parallel()
	was, now := town(), town()
	now.peers.Items = append(now.peers.Items, *builder.MakePeer("tor", "192.0.2.9").BFDProfile("fast").Obj())
	profile := builder.MakeBFDProfile("fast").Obj()
	response := ask(t, open(t, profile, observedOf(was, now)), profile, nil)
	if want := `used by BGPPeer "tor"`; response.Allowed || !strings.Contains(response.Result.Message, want) {
		t.Errorf("allowed %t, %+v; want %q", response.Allowed, response.Result, want)
	}
}
