// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
)

// advertisement is a parsed BGPAdvertisement and the communities it names.
type advertisement struct {
	bgp.Advertisement
	communities []bgp.Community
}

// compiler gathers what is accepted and rejected on the way from an Input to a Policy.
type compiler struct {
	in         Input
	last       *Policy
	rejections []Rejection

	pools   []ipam.Pool
	aliases bgp.Aliases
	// profiles are those that parse, by name.
	profiles map[string]bgp.BFDProfile
	// advertisements are in the order of their precedence.
	advertisements []candidate[advertisement]
	// selecting are the peers that select the node, and peers those of them that it connects to, with their passwords, by name.
	selecting []candidate[bgp.Peer]
	peers     map[string]bgp.Peer
	// interfaces are those whose routers are peers, and awaitsRouter is whether some router is not known.
	interfaces   []string
	awaitsRouter bool
}

// Compile returns the policy for the input and what is wrong with some objects, sorted by kind and name. The previous policy,
// nil if there is none, decides about nothing but router ID, passwords and BFD profiles; see the package's description.
func Compile(in Input, previous *Policy) (*Policy, []Rejection) {
	if previous == nil {
		previous = &Policy{}
	}
	c := &compiler{in: in, last: previous}
	c.acceptPools()
	c.acceptCommunities()
	c.acceptAdvertisements()
	c.acceptProfiles()
	c.acceptPeers()
	p := c.policy()
	slices.SortStableFunc(c.rejections, func(a, b Rejection) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return p, c.rejections
}

func (c *compiler) acceptPools() {
	parsed := parse(c, active.KindIPAddressPool, c.in.Pools,
		func(p *v1beta1.IPAddressPool) (ipam.Pool, error) { return checked(ipam.ParsePool(p)) })
	// Overlapping pools are the allocator's to sort out: which pool an address came from is on record with the service.
	for _, pool := range parsed {
		c.pools = append(c.pools, pool.value)
	}
}

func (c *compiler) acceptCommunities() {
	parsed := parse(c, active.KindCommunity, c.in.Communities,
		func(o *v1beta1.Community) (bgp.Aliases, error) { return checked(bgp.ParseCommunities(o)) })
	c.aliases = bgp.Aliases{}
	for _, a := range admit(c, parsed, bgp.CheckAliases) {
		maps.Copy(c.aliases, a.value)
	}
}

func (c *compiler) acceptAdvertisements() {
	// Whether they contradict each other depends on the pool; see pool.
	c.advertisements = parse(c, active.KindBGPAdvertisement, c.in.Advertisements,
		func(o *v1beta1.BGPAdvertisement) (advertisement, error) {
			adv, err := checked(bgp.ParseAdvertisement(o))
			if err != nil {
				return advertisement{}, err
			}
			communities, err := bgp.ResolveCommunities(adv.Communities, c.aliases)
			return advertisement{adv, communities}, err
		})
}

func (c *compiler) acceptProfiles() {
	parsed := parse(c, active.KindBFDProfile, c.in.BFDProfiles,
		func(o *v1beta1.BFDProfile) (bgp.BFDProfile, error) { return checked(bgp.ParseBFDProfile(o)) })
	c.profiles = make(map[string]bgp.BFDProfile, len(parsed))
	for _, p := range parsed {
		c.profiles[p.Name] = p.value
	}
}

func (c *compiler) acceptPeers() {
	written := map[string]*v1beta2.BGPPeer{}
	parsed := parse(c, active.KindBGPPeer, c.in.Peers, func(o *v1beta2.BGPPeer) (bgp.Peer, error) {
		written[o.Name] = o
		return checked(bgp.ParsePeer(o))
	})
	secrets := newSecrets(c.in.Secrets)
	usable := make([]candidate[bgp.Peer], 0, len(parsed))
	for _, peer := range parsed {
		if !peer.value.SelectsNode(c.in.Node.Labels) {
			continue
		}
		if peer.value.Interface != "" {
			c.interfaces = append(c.interfaces, peer.value.Interface)
		}
		err := c.localize(&peer.value, written[peer.Name])
		c.selecting = append(c.selecting, peer)
		if err != nil {
			c.reject(peer.object, err, NoSession)
		} else if c.resolvePassword(&peer, secrets) {
			c.resolveProfile(&peer)
			usable = append(usable, peer)
		}
	}
	c.peers = map[string]bgp.Peer{}
	for _, peer := range admit(c, usable, c.checkPeers) {
		c.peers[peer.Name] = peer.value
	}
}

// localize makes the peer what it is on this node.
func (c *compiler) localize(peer *bgp.Peer, written *v1beta2.BGPPeer) error {
	node := &c.in.Node
	if peer.PerNode.Any() {
		own, err := checked(bgp.ParsePeerFor(written, bgp.Node{Labels: node.Labels, Annotations: node.Annotations}))
		if err != nil {
			return err
		}
		*peer = own
	}
	var err error
	switch {
	case peer.Interface != "" && node.Router != nil:
		peer.Address, err = node.Router(peer.Interface)
	case peer.Gateway != "" && node.Gateway != nil:
		peer.Address, err = node.Gateway(peer.Gateway)
	case !peer.Address.IsValid():
		err = errors.New("this speaker cannot find routers")
	}
	if err != nil {
		c.awaitsRouter = true
		return err
	}
	peer.Interface, peer.Gateway = "", ""
	if other := peer.Families.Without(bgp.FamilyOf(peer.Address)); other.Any() {
		peer.OwnAddresses = node.ownAddresses()
	}
	return nil
}

// checkPeers reports whether the peers are one and the same to this node. It connects to one without a source address from the address that
// the kernel chooses, which may be the other's. Where ASNs or passwords differ the router takes only one of them, and it alone knows which:
// then both are tried.
func (c *compiler) checkPeers(peer, other bgp.Peer) error {
	node := []labels.Set{c.in.Node.Labels}
	alike := peer.Address == other.Address && peer.VRF == other.VRF && peer.LocalASN == other.LocalASN && peer.PeerASN == other.PeerASN && peer.Password == other.Password
	if !alike || peer.Source.IsValid() == other.Source.IsValid() || c.in.Node.SourceTo == nil {
		return bgp.CheckPeers(peer, other, node)
	}
	chosen := c.in.Node.SourceTo(peer.Address, peer.VRF)
	peer.Source, other.Source = cmp.Or(peer.Source, chosen).WithZone(""), cmp.Or(other.Source, chosen).WithZone("")
	if err := bgp.CheckPeers(peer, other, node); err != nil {
		return fmt.Errorf("%w (without spec.sourceAddress, this node connects to it from %s)", err, chosen)
	}
	return nil
}

// resolvePassword gives the peer its password, and reports whether it may be connected to.
func (c *compiler) resolvePassword(peer *candidate[bgp.Peer], from secrets) bool {
	ref := peer.value.PasswordSecret
	if ref.Name == "" {
		return true
	}
	password, err := from.password(ref)
	if err != nil {
		kept, found := c.last.session(&peer.value)
		if !found {
			c.reject(peer.object, err, NotInUse)
			return false
		}
		c.reject(peer.object, err, KeepsPassword)
		password = kept.Password
	} else if password == "" {
		c.reject(peer.object, fmt.Errorf("spec.passwordSecret: secret %s has an empty password, so that there is none; "+
			"set the password, or remove spec.passwordSecret", ref), Warning)
	}
	peer.value.Password = password
	return true
}

// resolveProfile gives the peer the BFD profile that it names. Without that, the session stays up all the same.
func (c *compiler) resolveProfile(peer *candidate[bgp.Peer]) {
	name := peer.value.BFDProfileName
	if name == "" {
		return
	}
	profile, found := c.profiles[name]
	if found {
		peer.value.BFD = profile
		return
	}
	err := fmt.Errorf("spec.bfdProfile: there is no BFDProfile %q; create it or remove spec.bfdProfile", name)
	if slices.ContainsFunc(c.in.BFDProfiles, func(o v1beta1.BFDProfile) bool { return o.Name == name }) {
		err = fmt.Errorf("spec.bfdProfile: BFDProfile %q is invalid; correct it or remove spec.bfdProfile", name)
	}
	effect := NoBFD
	if last, found := c.last.session(&peer.value); found && last.BFD.IsSet() {
		peer.value.BFD, effect = last.BFD, KeepsBFDProfile
	}
	c.reject(peer.object, err, effect)
}

// session returns the session with the peer, if there is one at the same address.
func (p *Policy) session(peer *bgp.Peer) (bgp.Peer, bool) {
	i := slices.IndexFunc(p.Sessions, func(s bgp.Peer) bool {
		return s.Name == peer.Name && s.Address == peer.Address && s.Port == peer.Port
	})
	if i < 0 {
		return bgp.Peer{}, false
	}
	return p.Sessions[i], true
}

// sessions returns the peers as the node connects to them.
func (c *compiler) sessions(defaultRouterID netip.Addr) []bgp.Peer {
	sessions := make([]bgp.Peer, 0, len(c.peers))
	for _, name := range slices.Sorted(maps.Keys(c.peers)) {
		p := c.peers[name]
		if !p.RouterID.IsValid() {
			p.RouterID = defaultRouterID
		}
		p.NodeSelectors, p.PasswordSecret = nil, types.NamespacedName{}
		sessions = append(sessions, p)
	}
	return sessions
}

// refused returns the peers that select the node and that it does not connect to.
func (c *compiler) refused() []Refused {
	var all []Refused
	for _, peer := range c.selecting {
		if _, found := c.peers[peer.Name]; found {
			continue
		}
		i := slices.IndexFunc(c.rejections, func(r Rejection) bool {
			return r.Kind == active.KindBGPPeer && r.Name == peer.Name && r.Effect.excludes()
		})
		all = append(all, Refused{Peer: peer.Name, Address: peer.value.Address, Reason: c.rejections[i].Reason})
	}
	return all
}

func (c *compiler) reject(o object, reason error, effect Effect) {
	c.rejections = append(c.rejections, Rejection{Kind: o.Kind, Namespace: o.namespace, Name: o.Name, Reason: reason.Error(), Effect: effect})
}

// checked turns a parser's result into a value or an error.
func checked[T any](value T, errs field.ErrorList) (T, error) {
	if err := errs.ToAggregate(); err != nil {
		return value, fmt.Errorf("%w", err)
	}
	return value, nil
}
