// SPDX-License-Identifier: Apache-2.0

package announce_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/speaker/announce"
	"metallb.io/metallb/speaker/policy"
)

// scene is what a decision is taken in, in steps that follow each other.
type scene struct {
	in        policy.Input
	service   announce.Service
	endpoints announce.Endpoints

	policy *policy.Policy
	memory announce.Memory
}

// outcome is what tests compare of a decision: prefixes by peer, why each address is held or refused.
type outcome struct {
	Routes        map[string][]string
	Held, Refused map[string]announce.Reason
	// Remembers is whether there is memory.
	Remembers bool
}

func (s *scene) decide() outcome {
	s.policy, _ = policy.Compile(s.in, s.policy)
	s.in.Waived = nil
	d := announce.Decide(s.policy, s.service, s.endpoints, s.memory)
	s.memory = d.Memory
	reasons := func(m map[netip.Addr]announce.Reason) map[string]announce.Reason {
		byName := map[string]announce.Reason{}
		for addr, reason := range m {
			byName[addr.String()] = reason
		}
		return byName
	}
	o := outcome{Routes: map[string][]string{}, Held: reasons(d.Held), Refused: reasons(d.Refused), Remembers: len(d.Memory) > 0}
	for peer, paths := range d.Paths {
		for _, p := range paths {
			route := p.Prefix.String()
			for _, c := range p.Communities {
				route += " " + c.String()
			}
			o.Routes[peer] = append(o.Routes[peer], route)
		}
	}
	return o
}

func newScene() *scene {
	return &scene{
		in: policy.Input{
			Node:           policy.Node{Name: "node-1", Labels: map[string]string{"rack": "a"}, InternalIPs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
			Peers:          []v1beta2.BGPPeer{peer("p1", "192.0.2.1"), peer("p2", "192.0.2.2")},
			Advertisements: []v1beta1.BGPAdvertisement{adv("all", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}})},
			Pools:          []v1beta1.IPAddressPool{makePool("pool", nil)},
			PoolInUse:      func(string) bool { return true },
		},
		service:   announce.Service{Labels: map[string]string{"color": "blue"}, Addresses: []netip.Addr{netip.MustParseAddr(four)}, AllocatedFrom: []string{"pool"}},
		endpoints: readyHere(),
	}
}

const four, six = "198.51.100.7", "2001:db8:1::7"

func makePool(name string, l labels.Set) v1beta1.IPAddressPool {
	return v1beta1.IPAddressPool{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: l}, Spec: v1beta1.IPAddressPoolSpec{
		Addresses: []string{"198.51.100.0/24", "2001:db8:1::/64"},
	}}
}

func advertise(advertisements ...v1beta1.BGPAdvertisement) func(*scene) {
	return func(s *scene) { s.in.Advertisements = advertisements }
}

// elsewhere is an advertisement for nodes other than this one, of which its status counts as many.
func elsewhere(nodes int32) v1beta1.BGPAdvertisement {
	a := adv("elsewhere", v1beta1.BGPAdvertisementSpec{NodeSelectors: selector("rack", "b")})
	a.Status.NodesIPv4 = nodes
	return a
}

func waive(kind, name string) func(*scene) {
	return func(s *scene) { s.in.Waived = map[policy.Object]bool{{Kind: kind, Name: name}: true} }
}

// step changes the scene; want is what is decided then.
type step struct {
	name   string
	change []func(*scene)
	want   outcome
}

var (
	host = []string{four + "/32 1:1"}
	both = map[string][]string{"p1": host, "p2": host}
	// covered is announced by the configuration as it is, held by what it was.
	covered = outcome{Routes: both, Remembers: true}
	deleted = step{"the advertisement is deleted", []func(*scene){advertise()}, held(announce.NotOwner)}
)

func held(reason announce.Reason) outcome {
	return outcome{Routes: both, Held: map[string]announce.Reason{four: reason}, Remembers: true}
}

// refused is not announced, and forgotten.
func refused(reason announce.Reason) outcome {
	return outcome{Refused: map[string]announce.Reason{four: reason}}
}

// interrupted is not announced, but remembered.
func interrupted(reason announce.Reason) outcome {
	return outcome{Refused: map[string]announce.Reason{four: reason}, Remembers: true}
}

func TestAnAddressThatAChangeOfTheConfigurationDoesNotCoverIsHeld(t *testing.T) {
	t.Parallel()
	spec := func(mutate func(*v1beta1.BGPAdvertisementSpec)) func(*scene) {
		s := v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}}
		mutate(&s)
		return advertise(adv("all", s))
	}
	byLabel := func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPoolSelectors = selector("tier", "gold") }
	relabel := func(l labels.Set) func(*scene) {
		return func(s *scene) { s.in.Pools = []v1beta1.IPAddressPool{makePool("pool", l)} }
	}
	run(t, map[string][]step{
		"its last advertisement is deleted, and created again": {
			deleted,
			{"nothing", nil, held(announce.NotOwner)},
			{"it is back", []func(*scene){spec(func(*v1beta1.BGPAdvertisementSpec) {})}, covered},
			deleted,
		},
		"its last advertisement is narrowed to other pools": {
			{"narrowed", []func(*scene){spec(func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPools = []string{"other"} })}, held(announce.NotOwner)},
		},
		"its last advertisement is narrowed to other services": {
			{"narrowed", []func(*scene){spec(func(s *v1beta1.BGPAdvertisementSpec) { s.ServiceSelectors = selector("color", "red") })}, held(announce.NoMatchingAdvertisement)},
		},
		"its last advertisement is narrowed to other nodes": {
			{"narrowed", []func(*scene){spec(func(s *v1beta1.BGPAdvertisementSpec) { s.NodeSelectors = selector("rack", "b") })}, held(announce.NotOwner)},
		},
		"its last advertisement is narrowed to peers that there are not": {
			{"narrowed", []func(*scene){spec(func(s *v1beta1.BGPAdvertisementSpec) { s.Peers = []string{"nobody"} })}, held(announce.NoPeer)},
		},
		"its pool gets other labels, and its old ones again": {
			{"labels", []func(*scene){spec(byLabel), relabel(map[string]string{"tier": "gold"})}, covered},
			{"others", []func(*scene){relabel(map[string]string{"tier": "tin"})}, held(announce.NotOwner)},
			{"the old ones", []func(*scene){relabel(map[string]string{"tier": "gold"})}, covered},
		},
		"its pool is replaced by one that nothing advertises": {
			{"by name", []func(*scene){spec(func(s *v1beta1.BGPAdvertisementSpec) { s.IPAddressPools = []string{"pool"} })}, covered},
			{"another", []func(*scene){func(s *scene) { s.in.Pools = []v1beta1.IPAddressPool{makePool("another", nil)} }}, held(announce.NotOwner)},
		},
		"its pool is deleted, and where it came from is not on record": {
			{"unrecorded", []func(*scene){func(s *scene) { s.service.AllocatedFrom = nil }}, covered},
			{"deleted", []func(*scene){func(s *scene) { s.in.Pools = nil }}, held(announce.IPNotAllowed)},
		},
		"one of its advertisements goes, then the other": {
			{"a second one", []func(*scene){advertise(
				adv("all", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}}),
				adv("second", v1beta1.BGPAdvertisementSpec{Communities: []string{"2:2"}, Peers: []string{"p2"}}),
			)}, outcome{Routes: map[string][]string{"p1": host, "p2": {four + "/32 1:1 2:2"}}, Remembers: true}},
			{"the first goes", []func(*scene){advertise(adv("second", v1beta1.BGPAdvertisementSpec{Communities: []string{"2:2"}, Peers: []string{"p2"}}))},
				outcome{Routes: map[string][]string{"p2": {four + "/32 2:2"}}, Remembers: true}},
			{"the second goes", []func(*scene){advertise()}, outcome{
				Routes: map[string][]string{"p2": {four + "/32 2:2"}}, Held: map[string]announce.Reason{four: announce.NotOwner}, Remembers: true,
			}},
		},
		"one of its addresses is not covered any more": {
			{"dual-stack", []func(*scene){func(s *scene) {
				s.in.Peers = append(s.in.Peers, peer("p6", "2001:db8::1"))
				s.service.Addresses = append(s.service.Addresses, netip.MustParseAddr(six))
			}}, outcome{Routes: map[string][]string{"p1": host, "p2": host, "p6": {six + "/128 1:1"}}, Remembers: true}},
			{"peers of one family", []func(*scene){spec(func(s *v1beta1.BGPAdvertisementSpec) { s.Peers = []string{"p1"} })}, outcome{
				Routes: map[string][]string{"p1": host, "p6": {six + "/128 1:1"}}, Held: map[string]announce.Reason{six: announce.NoPeer}, Remembers: true,
			}},
		},
		"and sessions come and go": {
			deleted,
			{"a new one", []func(*scene){func(s *scene) { s.in.Peers = append(s.in.Peers, peer("p3", "192.0.2.3")) }}, outcome{
				Routes: map[string][]string{"p1": host, "p2": host, "p3": host}, Held: map[string]announce.Reason{four: announce.NotOwner}, Remembers: true,
			}},
			{"none", []func(*scene){func(s *scene) { s.in.Peers = nil }}, interrupted(announce.NotOwner)},
			{"one", []func(*scene){func(s *scene) { s.in.Peers = []v1beta2.BGPPeer{peer("p1", "192.0.2.1")} }}, outcome{
				Routes: map[string][]string{"p1": host}, Held: map[string]announce.Reason{four: announce.NotOwner}, Remembers: true,
			}},
		},
		"and is interrupted by what interrupts others, no longer than these": {
			deleted,
			{"no endpoints", []func(*scene){func(s *scene) { s.endpoints = announce.Endpoints{} }}, interrupted(announce.NoEndpoints)},
			{"endpoints elsewhere", []func(*scene){func(s *scene) { s.endpoints = readyElsewhere() }}, held(announce.NotOwner)},
			{"Local", []func(*scene){func(s *scene) { s.service.Local = true }}, interrupted(announce.NoLocalEndpoints)},
			{"endpoints here", []func(*scene){func(s *scene) { s.endpoints = readyHere() }}, held(announce.NotOwner)},
			{"no network", []func(*scene){func(s *scene) { s.in.Node.NetworkUnavailable = true }}, interrupted(announce.NodeNetworkUnavailable)},
			{"excluded", []func(*scene){func(s *scene) {
				s.in.Node.NetworkUnavailable = false
				s.in.Node.Labels = map[string]string{"rack": "a", "node.kubernetes.io/exclude-from-external-load-balancers": ""}
			}}, interrupted(announce.NodeExcluded)},
			{"all is well", []func(*scene){func(s *scene) { s.in.Node.Labels = map[string]string{"rack": "a"} }}, held(announce.NotOwner)},
		},
		"while it has no endpoints": {
			{"no endpoints", []func(*scene){func(s *scene) { s.endpoints = announce.Endpoints{} }}, interrupted(announce.NoEndpoints)},
			{"no advertisement", []func(*scene){advertise()}, interrupted(announce.NoEndpoints)},
			{"endpoints", []func(*scene){func(s *scene) { s.endpoints = readyElsewhere() }}, held(announce.NotOwner)},
		},
		"and others are advertised elsewhere": {
			{"for other services", []func(*scene){func(s *scene) {
				a := elsewhere(3)
				a.Spec.ServiceSelectors = selector("color", "red")
				advertise(a)(s)
			}}, held(announce.NotOwner)},
			{"nobody knows of how many nodes", []func(*scene){func(s *scene) {
				a := elsewhere(3)
				a.Generation = 7
				advertise(a)(s)
			}}, held(announce.NotOwner)},
			{"it is of none", []func(*scene){advertise(elsewhere(0))}, held(announce.NotOwner)},
		},
	})
}

func TestAnAddressIsWithdrawnThatNeedNotBeHeld(t *testing.T) {
	t.Parallel()
	forBlue := advertise(adv("all", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}, ServiceSelectors: selector("color", "blue")}))
	recolor := func(color string) func(*scene) {
		return func(s *scene) { s.service.Labels = map[string]string{"color": color} }
	}
	relabel := func(rack string) func(*scene) {
		return func(s *scene) { s.in.Node.Labels = map[string]string{"rack": rack} }
	}
	forRack := advertise(adv("all", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}, NodeSelectors: selector("rack", "a")}))
	allow := func(s *scene) {
		s.in.Pools[0].Annotations = map[string]string{v1beta1.AnnotationAllowDisruption: "true"}
	}
	run(t, map[string][]step{
		"another node announces it, as soon as that is known": {
			{"narrowed", []func(*scene){func(s *scene) { a := elsewhere(3); a.Generation = 2; advertise(a)(s) }}, held(announce.NotOwner)},
			{"counted", []func(*scene){advertise(elsewhere(3))}, refused(announce.NotOwner)},
			{"no node any more", []func(*scene){advertise(elsewhere(0))}, refused(announce.NotOwner)},
		},
		"the advertisement was deleted by somebody who means it": {
			{"meant", []func(*scene){advertise(), waive(policy.KindBGPAdvertisement, "all")}, refused(announce.NotOwner)},
			{"nothing", nil, refused(announce.NotOwner)},
		},
		"somebody means it later": {
			deleted,
			{"meant", []func(*scene){waive(policy.KindBGPAdvertisement, "all")}, refused(announce.NotOwner)},
		},
		"one of two advertisements was deleted by somebody who means it": {
			{"two", []func(*scene){advertise(
				adv("all", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}}), adv("b", v1beta1.BGPAdvertisementSpec{Communities: []string{"2:2"}}),
			)}, outcome{Routes: map[string][]string{"p1": {four + "/32 1:1 2:2"}, "p2": {four + "/32 1:1 2:2"}}, Remembers: true}},
			{"none", []func(*scene){advertise(), waive(policy.KindBGPAdvertisement, "b")}, held(announce.NotOwner)},
		},
		"its pool was changed by somebody who means it": {
			{"meant", []func(*scene){advertise(), waive(policy.KindIPAddressPool, "pool")}, refused(announce.NotOwner)},
		},
		"its pool allows disruption": {
			{"allowed", []func(*scene){allow}, covered},
			{"no advertisement", []func(*scene){advertise()}, refused(announce.NotOwner)},
		},
		"its pool allows disruption later": {
			deleted,
			{"allowed", []func(*scene){allow}, refused(announce.NotOwner)},
		},
		"the service's labels change": {
			{"blue", []func(*scene){forBlue}, covered},
			{"red", []func(*scene){recolor("red")}, refused(announce.NoMatchingAdvertisement)},
			{"blue again", []func(*scene){recolor("blue")}, covered},
		},
		"the service's labels change while it is held": {
			{"blue", []func(*scene){forBlue}, covered},
			deleted,
			{"red", []func(*scene){recolor("red")}, refused(announce.NotOwner)},
			{"blue again, which was forgotten", []func(*scene){recolor("blue")}, refused(announce.NotOwner)},
		},
		"the node's labels change": {
			{"by rack", []func(*scene){forRack}, covered},
			{"another rack", []func(*scene){relabel("b")}, refused(announce.NotOwner)},
			{"its rack", []func(*scene){relabel("a")}, covered},
		},
		"the node's labels change while it is held": {
			{"by rack", []func(*scene){forRack}, covered},
			deleted,
			{"another rack", []func(*scene){relabel("b")}, refused(announce.NotOwner)},
		},
		"the peers are deleted": {
			{"no peers", []func(*scene){func(s *scene) { s.in.Peers = nil }}, interrupted(announce.NoPeer)},
		},
		"the service gets another address": {
			deleted,
			{"another", []func(*scene){func(s *scene) { s.service.Addresses = []netip.Addr{netip.MustParseAddr("198.51.100.9")} }},
				outcome{Refused: map[string]announce.Reason{"198.51.100.9": announce.NotOwner}}},
			{"the old one again", []func(*scene){func(s *scene) { s.service.Addresses = []netip.Addr{netip.MustParseAddr(four)} }}, refused(announce.NotOwner)},
		},
		"an advertisement still selects it, for another peer": {
			{"to p1", []func(*scene){advertise(adv("all", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}, Peers: []string{"p1"}}))},
				outcome{Routes: map[string][]string{"p1": host}, Remembers: true}},
			{"to p2", []func(*scene){advertise(adv("all", v1beta1.BGPAdvertisementSpec{Communities: []string{"1:1"}, Peers: []string{"p2"}}))},
				outcome{Routes: map[string][]string{"p2": host}, Remembers: true}},
		},
		"another advertisement is there for it, with other attributes": {
			deleted,
			{"another", []func(*scene){advertise(adv("another", v1beta1.BGPAdvertisementSpec{Peers: []string{"p2"}}))},
				outcome{Routes: map[string][]string{"p2": {four + "/32"}}, Remembers: true}},
		},
	})
}

// run takes every sequence of steps from a service that is announced.
func run(t *testing.T, tests map[string][]step) {
	t.Helper()
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene()
			for i, step := range slices.Concat([]step{{"the start", nil, covered}}, steps) {
				for _, change := range step.change {
					change(s)
				}
				if diff := cmp.Diff(step.want, s.decide(), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("step %d, %s (-want +got):\n%s", i, step.name, diff)
				}
			}
		})
	}
}

func TestWhatWasNeverAnnouncedIsNotHeld(t *testing.T) {
	t.Parallel()
	for _, local := range []bool{false, true} {
		t.Run(fmt.Sprint("local ", local), func(t *testing.T) {
			t.Parallel()
			s := newScene()
			s.service.Local, s.endpoints = local, announce.Endpoints{}
			if local {
				s.endpoints = readyElsewhere()
			}
			if o := s.decide(); o.Remembers || len(o.Routes) > 0 {
				t.Fatalf("before: %+v", o)
			}
			advertise()(s)
			s.decide()
			s.endpoints = readyHere()
			if diff := cmp.Diff(refused(announce.NotOwner), s.decide(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("with endpoints (-want +got):\n%s", diff)
			}
		})
	}
}
