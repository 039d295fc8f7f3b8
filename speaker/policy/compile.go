// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/speaker/session"
)

// accepted are the objects that are in force, by name, each in the last version that was good.
type accepted struct {
	pools map[string]ipam.Pool
	// retired are pools that exist no more but are in use, or exist without ever having been good.
	retired        map[string]ipam.Pool
	aliases        map[string]bgp.Aliases
	advertisements map[string]advertisement
	// peers that select the node, with their passwords.
	peers map[string]bgp.Peer
}

// advertisement is a parsed BGPAdvertisement and the communities it names.
type advertisement struct {
	bgp.Advertisement
	namespace   string
	communities []bgp.Community
}

// compiler gathers what is accepted and rejected on the way from an Input to a Policy.
type compiler struct {
	in         Input
	last       *Policy
	accepted   accepted
	rejections []Rejection
	// announcers are the advertisements in force as written of which the status counts nodes that announce by them.
	announcers map[string]families
	// missing are the addresses of peers that select the node but are not in force.
	missing map[string]netip.Addr
	// circumstances of the policy, once peers are accepted.
	circumstances *circumstances
}

// Compile returns the policy for the input and why some objects are not in force as written, sorted by kind and name.
// The previous policy, nil if there is none, has the versions that stay in force in their stead.
func Compile(in Input, previous *Policy) (*Policy, []Rejection) {
	if previous == nil {
		previous = &Policy{}
	}
	c := &compiler{in: in, last: previous}
	c.acceptPools()
	c.acceptCommunities()
	c.acceptAdvertisements()
	c.acceptPeers()
	p := c.policy()
	slices.SortStableFunc(c.rejections, func(a, b Rejection) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return p, c.rejections
}

func (c *compiler) acceptPools() {
	parsed := parse(c, KindIPAddressPool, c.in.Pools, c.last.accepted.pools,
		func(p *v1beta1.IPAddressPool) (ipam.Pool, error) { return checked(ipam.ParsePool(p)) })
	// Overlapping pools are the allocator's to sort out: which pool an address came from is on record with the service.
	c.accepted.pools = values(parsed)

	c.accepted.retired = map[string]ipam.Pool{}
	for i := range c.in.Pools {
		if p := &c.in.Pools[i]; !has(c.accepted.pools, p.Name) {
			c.accepted.retired[p.Name] = ipam.Pool{Name: p.Name, Labels: p.Labels}
		}
	}
	for _, gone := range []map[string]ipam.Pool{c.last.accepted.retired, c.last.accepted.pools} {
		for name, pool := range gone {
			known := has(c.accepted.pools, name) || has(c.accepted.retired, name)
			if !known && c.in.PoolInUse != nil && c.in.PoolInUse(name) {
				c.accepted.retired[name] = pool
			}
		}
	}
}

func (c *compiler) acceptCommunities() {
	parsed := parse(c, "Community", c.in.Communities, c.last.accepted.aliases,
		func(o *v1beta1.Community) (bgp.Aliases, error) { return checked(bgp.ParseCommunities(o)) })
	c.accepted.aliases = admit(c, "Community", parsed, c.last.accepted.aliases,
		bgp.CheckAliases)
}

func (c *compiler) acceptAdvertisements() {
	aliases := bgp.Aliases{}
	for _, a := range c.accepted.aliases {
		maps.Copy(aliases, a)
	}
	c.announcers = map[string]families{}
	parsed := parse(c, KindBGPAdvertisement, c.in.Advertisements, c.last.accepted.advertisements,
		func(o *v1beta1.BGPAdvertisement) (advertisement, error) {
			adv, err := checked(bgp.ParseAdvertisement(o))
			if err != nil {
				return advertisement{}, err
			}
			communities, err := bgp.ResolveCommunities(adv.Communities, aliases)
			if err == nil {
				c.announcers[o.Name] = announcersOf(o)
			}
			return advertisement{adv, o.Namespace, communities}, err
		})
	// Whether they contradict each other depends on the pool; see pool.
	c.accepted.advertisements = values(parsed)
}

func (c *compiler) acceptPeers() {
	secrets := newSecrets(c.in.Secrets)
	c.missing = map[string]netip.Addr{}
	parsed := parse(c, "BGPPeer", c.in.Peers, c.last.accepted.peers,
		func(o *v1beta2.BGPPeer) (bgp.Peer, error) {
			peer, err := checked(bgp.ParsePeer(o))
			if err != nil || !peer.SelectsNode(c.in.Node.Labels) {
				return peer, err
			}
			c.missing[peer.Name] = peer.Address
			return secrets.resolve(peer)
		})
	maps.DeleteFunc(parsed, func(_ string, candidate candidate[bgp.Peer]) bool {
		return !candidate.value.SelectsNode(c.in.Node.Labels)
	})
	node := []labels.Set{c.in.Node.Labels}
	c.accepted.peers = admit(c, "BGPPeer", parsed, c.last.accepted.peers,
		func(a, b bgp.Peer) error { return bgp.CheckPeers(a, b, node) })
	maps.DeleteFunc(c.missing, func(name string, _ netip.Addr) bool { return has(c.accepted.peers, name) })
}

func (c *compiler) sessions(defaultRouterID netip.Addr) []session.Config {
	sessions := make([]session.Config, 0, len(c.accepted.peers))
	for _, name := range slices.Sorted(maps.Keys(c.accepted.peers)) {
		p := c.accepted.peers[name]
		routerID := p.RouterID
		if !routerID.IsValid() {
			routerID = defaultRouterID
		}
		sessions = append(sessions, session.Config{
			Peer: p.Name, LocalASN: p.MyASN, PeerASN: p.PeerASN,
			Address: p.Address, Port: p.Port, Source: p.Source, RouterID: routerID,
			HoldTime: p.HoldTime, KeepaliveTime: p.KeepaliveTime, ConnectTime: p.ConnectTime,
			Password: p.Password, MultiHop: p.MultiHop,
		})
	}
	return sessions
}

// candidate is an object that parsed, or the last good version of one that did not.
type candidate[T any] struct {
	namespace string
	value     T
}

// object is a pointer to an API object of type O.
type object[O any] interface {
	*O
	metav1.Object
}

// parse returns what the objects mean, by name. What does not parse is rejected and its last good version returned, if any.
func parse[O, T any, P object[O]](c *compiler, kind string, objects []O, last map[string]T, parseOne func(P) (T, error)) map[string]candidate[T] {
	parsed := make(map[string]candidate[T], len(objects))
	for i := range objects {
		o := P(&objects[i])
		value, err := parseOne(o)
		if err != nil {
			good, found := last[o.GetName()]
			c.reject(kind, types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}, err, found)
			if !found {
				continue
			}
			value = good
		}
		parsed[o.GetName()] = candidate[T]{o.GetNamespace(), value}
	}
	return parsed
}

// admit returns the candidates that do not contradict one admitted before, by name. Those in force already come first, then
// those that changed, then newcomers, and among these the names decide. In place of a changed one that is rejected its last
// good version is admitted, unless that too contradicts another.
func admit[T any](c *compiler, kind string, candidates map[string]candidate[T], last map[string]T,
	contradict func(a, b T) error,
) map[string]T {
	rank := func(name string) int {
		good, found := last[name]
		switch {
		case !found:
			return 2
		case reflect.DeepEqual(good, candidates[name].value):
			return 0
		default:
			return 1
		}
	}
	order := slices.Sorted(maps.Keys(candidates))
	slices.SortStableFunc(order, func(a, b string) int { return rank(a) - rank(b) })

	admitted := make(map[string]T, len(candidates))
	check := func(value T) error {
		for _, other := range slices.Sorted(maps.Keys(admitted)) {
			if err := contradict(value, admitted[other]); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range order {
		value := candidates[name].value
		err := check(value)
		if err == nil {
			admitted[name] = value
			continue
		}
		good, found := last[name]
		if found = found && check(good) == nil; found {
			admitted[name] = good
		}
		c.reject(kind, types.NamespacedName{Namespace: candidates[name].namespace, Name: name}, err, found)
	}
	return admitted
}

func (c *compiler) reject(kind string, name types.NamespacedName, reason error, lastGood bool) {
	c.rejections = append(c.rejections, Rejection{
		Kind: kind, Namespace: name.Namespace, Name: name.Name, Reason: reason.Error(), LastGood: lastGood,
	})
}

// checked turns a parser's result into a value or an error.
func checked[T any](value T, errs field.ErrorList) (T, error) {
	if err := errs.ToAggregate(); err != nil {
		return value, fmt.Errorf("%w", err)
	}
	return value, nil
}

func values[T any](candidates map[string]candidate[T]) map[string]T {
	v := make(map[string]T, len(candidates))
	for name, c := range candidates {
		v[name] = c.value
	}
	return v
}

func has[T any](m map[string]T, name string) bool {
	_, found := m[name]
	return found
}
