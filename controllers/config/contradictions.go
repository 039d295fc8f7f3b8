// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/message"
)

// contradiction is what is wrong with an object beside another.
type contradiction struct {
	cause
	// common are the addresses that overlapping pools have in common.
	common ipam.Range
	// excess is by how many bits an aggregate is larger than the range.
	excess int
	// with are the other objects.
	with []active.Key
	err  *field.Error
}

// cause is what makes a contradiction the same as one of before, whatever its text is.
type cause struct {
	fault fault
	// other is the name of the other object; about names what it is about beside the two objects, if anything: a pool,
	// another advertisement, an alias.
	other, about string
}

// fault is a kind of contradiction.
type fault int

const (
	overlap fault = iota
	noRoomIPv4
	noRoomIPv6
	localPref
	asPathPrepend
	med
	weightByEndpoints
	samePeer
	sameAlias
	undefinedAlias
	missingProfile
)

// Contradictions returns what is wrong with the object, which parses, beside the others.
func Contradictions(o Object, others Objects, nodes []Node) field.ErrorList {
	if o = present(o); o == nil {
		return nil
	}
	all := parseAll(others)
	m, errs := all.with(Change{New: o})
	if len(errs) > 0 {
		return nil
	}
	return firstErrors(contradictions(o, &m, newNodes(nodes)))
}

// firstErrors returns as many errors as are reported of one object.
func firstErrors(found []contradiction) field.ErrorList {
	found = found[:min(len(found), maxErrors)]
	errs := make(field.ErrorList, 0, len(found))
	for _, c := range found {
		errs = append(errs, c.err)
	}
	return errs
}

// contradictions returns what is wrong with the object beside the others in the configuration; nothing if it does not
// parse.
func contradictions(o Object, m *parsedObjects, nodes *nodes) []contradiction {
	switch x := o.(type) {
	case *v1beta1.IPAddressPool:
		if pool, parses := m.pools[x.Name]; parses {
			return ofPool(x, &pool, m, nodes)
		}
	case *v1beta1.BGPAdvertisement:
		if adv, parses := m.advertisements[x.Name]; parses {
			return ofAdvertisement(&adv, m, nodes)
		}
	case *v1beta2.BGPPeer:
		if peer, parses := m.peers[x.Name]; parses {
			return ofPeer(&peer, m, nodes)
		}
	case *v1beta1.Community:
		if _, parses := m.communities[x.Name]; parses {
			return ofCommunity(x, m)
		}
	}
	return nil
}

func ofPool(object *v1beta1.IPAddressPool, pool *ipam.Pool, m *parsedObjects, nodes *nodes) []contradiction {
	found := overlapping(object, pool, m)
	selecting := m.selecting(pool.Name, pool.Labels)
	found = append(found, tooSmall(object, pool, selecting)...)
	for i := range selecting {
		for j := range selecting[:i] {
			a, other := &selecting[i], &selecting[j]
			for _, c := range unequal(a, other, pool, nodes.common(a, other)) {
				path, value := field.NewPath("spec", "addresses"), message.First(object.Spec.Addresses, maxWarnings)
				if byLabels(pool, a) || byLabels(pool, other) {
					path, value = field.NewPath("metadata", "labels"), pool.Labels.String()
				}
				found = append(found, contradiction{
					cause: cause{faultOf[c.Field], a.Name, other.Name}, with: []active.Key{a.key(), other.key()},
					err: field.Invalid(path, value, fmt.Sprintf("BGPAdvertisement %q: %v", a.Name, c.Err)),
				})
			}
		}
	}
	return found
}

func keyOfPool(name string) active.Key { return active.Key{Kind: active.KindIPAddressPool, Name: name} }

func (a *advertisement) key() active.Key {
	return active.Key{Kind: active.KindBGPAdvertisement, Name: a.Name}
}

// undefinedIn reports the first alias that the advertisement uses and no Community defines.
func undefinedIn(o Object, m *parsedObjects) []contradiction {
	adv, parses := m.advertisements[o.GetName()]
	if _, ok := o.(*v1beta1.BGPAdvertisement); !ok || !parses {
		return nil
	}
	_, err := bgp.ResolveCommunities(adv.Communities, m.aliasesIn(adv.Communities))
	if err == nil {
		return nil
	}
	return []contradiction{{
		cause: cause{fault: undefinedAlias, about: err.Error()}, err: field.Invalid(field.NewPath("spec", "communities"), field.OmitValueType{}, err.Error()),
	}}
}

// unwatched reports that the peer names a BFDProfile that does not exist or does not parse.
func unwatched(o Object, m *parsedObjects) []contradiction {
	peer, parses := m.peers[o.GetName()]
	if _, ok := o.(*v1beta2.BGPPeer); !ok || !parses {
		return nil
	}
	fault := m.faultOfProfile(peer.BFDProfileName)
	if fault == "" {
		return nil
	}
	return []contradiction{{
		cause: cause{fault: missingProfile, other: peer.BFDProfileName},
		err:   field.Invalid(field.NewPath("spec", "bfdProfile"), peer.BFDProfileName, fmt.Sprintf("the BFDProfile %s: until then, %s", fault, withoutProfile)),
	}}
}

// withoutProfile is what comes of a profile that is missing.
const withoutProfile = "sessions with the peer keep the BFD profile that they have, or have no BFD"

// faultOfProfile says what is wrong with the BFDProfile that a peer names, and what to do; empty if nothing is, or if it names none.
func (m *parsedObjects) faultOfProfile(name string) string {
	_, parses := m.profiles[name]
	switch {
	case name == "" || parses:
		return ""
	case m.profileNames[name]:
		return "is invalid; correct it"
	default:
		return "does not exist; create it"
	}
}

// byLabels reports whether the advertisement, which selects the pool, does so by its labels only.
func byLabels(pool *ipam.Pool, a *advertisement) bool {
	return len(a.PoolSelectors) > 0 && !slices.Contains(a.Pools, pool.Name)
}

// tooSmall reports of each family the smallest range of the pool, if it has no room for an advertisement's prefixes.
func tooSmall(object *v1beta1.IPAddressPool, pool *ipam.Pool, selecting []advertisement) []contradiction {
	var found []contradiction
	// Of many advertisements, few differ in their lengths.
	known := map[[2]int][]shortage{}
	for i := range selecting {
		a := &selecting[i]
		lengths := [2]int{a.AggregationLength, a.AggregationLengthV6}
		small, isKnown := known[lengths]
		if !isKnown {
			small = smallest(a, pool)
			known[lengths] = small
		}
		for _, s := range small { // Ranges are in the order of the addresses.
			r := pool.Ranges[s.index]
			err := bgp.CheckAggregation(a.Advertisement, ipam.Pool{Ranges: []ipam.Range{r}})
			found = append(found, contradiction{
				cause: cause{fault: noRoom(r), other: a.Name}, excess: s.excess, with: []active.Key{a.key()},
				err: field.Invalid(field.NewPath("spec", "addresses").Index(s.index), object.Spec.Addresses[s.index], fmt.Sprintf(
					"BGPAdvertisement %q: %v; list a larger range, or let the advertisement select other pools or announce longer prefixes", a.Name, err)),
			})
		}
	}
	return found
}

// smallest returns the index of the smallest range of each family that has no room for the advertisement's prefixes, and by
// how many bits.
func smallest(a *advertisement, pool *ipam.Pool) []shortage {
	var families [2]shortage
	for i, r := range pool.Ranges {
		length, family := a.AggregationLength, &families[0]
		if r.From.Is6() {
			length, family = a.AggregationLengthV6, &families[1]
		}
		if length == r.From.BitLen() {
			continue
		}
		if excess := r.LargestPrefix().Bits() - length; excess > family.excess {
			*family = shortage{i, excess}
		}
	}
	return slices.DeleteFunc(families[:], func(s shortage) bool { return s.excess == 0 })
}

// shortage is how much too small a range of a pool is.
type shortage struct{ index, excess int }

func noRoom(r ipam.Range) fault {
	if r.From.Is4() {
		return noRoomIPv4
	}
	return noRoomIPv6
}

// overlapping reports every range that has an address in common with one of another pool, in the order of the ranges.
func overlapping(object *v1beta1.IPAddressPool, pool *ipam.Pool, m *parsedObjects) []contradiction {
	type pair struct {
		index   int
		overlap ipam.Overlap
	}
	// Those of one pool have no address in common.
	order := make([]int, len(pool.Ranges))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return byAddress(pool.Ranges[i], pool.Ranges[j]) })
	var pairs []pair
	for name := range m.pools {
		if name == pool.Name {
			continue
		}
		for _, r := range m.pools[name].Ranges {
			last := lastFrom(r.To, len(order), func(i int) netip.Addr { return pool.Ranges[order[i]].From })
			for ; last >= 0 && pool.Ranges[order[last]].Overlaps(r); last-- {
				own := pool.Ranges[order[last]]
				pairs = append(pairs, pair{order[last], ipam.Overlap{Pool: pool.Name, Range: own, OtherPool: name, OtherRange: r}})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(a.index-b.index, strings.Compare(a.overlap.OtherPool, b.overlap.OtherPool), byAddress(a.overlap.OtherRange, b.overlap.OtherRange))
	})
	found := make([]contradiction, 0, len(pairs))
	for _, p := range pairs {
		found = append(found, contradiction{
			cause: cause{fault: overlap, other: p.overlap.OtherPool}, common: intersection(p.overlap.Range, p.overlap.OtherRange),
			with: []active.Key{keyOfPool(p.overlap.OtherPool)},
			err: field.Invalid(field.NewPath("spec", "addresses").Index(p.index), object.Spec.Addresses[p.index],
				p.overlap.String()+"; list each address in one pool only"),
		})
	}
	return found
}

func ofAdvertisement(adv *advertisement, m *parsedObjects, nodes *nodes) []contradiction {
	spec := field.NewPath("spec")
	selected := m.selectedBy(adv)
	var found []contradiction
	for i := range selected {
		found = append(found, aggregatesTooMuch(adv, &selected[i])...)
	}
	for _, other := range m.sortedAdvertisements(func(other *advertisement) bool {
		return other.Name != adv.Name && other.Attributes != adv.Attributes
	}) {
		common := nodes.common(adv, &other)
		if len(common) == 0 {
			continue
		}
		for i := range selected {
			for _, c := range unequal(adv, &other, &selected[i], common) {
				found = append(found, contradiction{
					cause: cause{faultOf[c.Field], other.Name, selected[i].Name}, with: []active.Key{other.key(), keyOfPool(selected[i].Name)},
					err: field.Invalid(spec.Child(c.Field), c.Value, c.Err.Error()),
				})
			}
		}
	}
	return found
}

// faultOf is the fault of advertisements that have different values of the field.
var faultOf = map[string]fault{"localPref": localPref, "asPathPrepend": asPathPrepend, "med": med, "weightByEndpoints": weightByEndpoints}

// unequal returns the attributes in which the advertisements contradict each other about the pool on one of the nodes.
func unequal(adv, other *advertisement, pool *ipam.Pool, nodes []labels.Set) []bgp.Disagreement {
	if len(nodes) == 0 {
		return nil
	}
	return bgp.Disagreements(adv.Advertisement, other.Advertisement, *pool, nodes)
}

// aggregatesTooMuch reports of each family the smallest range of the pool, if it has no room for the advertisement's prefixes.
func aggregatesTooMuch(adv *advertisement, pool *ipam.Pool) []contradiction {
	small := smallest(adv, pool)
	found := make([]contradiction, 0, len(small))
	for _, s := range small {
		r := pool.Ranges[s.index]
		name, length := "aggregationLength", adv.AggregationLength
		if r.From.Is6() {
			name, length = "aggregationLengthV6", adv.AggregationLengthV6
		}
		err := bgp.CheckAggregation(adv.Advertisement, ipam.Pool{Ranges: []ipam.Range{r}})
		found = append(found, contradiction{
			cause: cause{fault: noRoom(r), other: pool.Name}, excess: s.excess, with: []active.Key{keyOfPool(pool.Name)},
			err: field.Invalid(field.NewPath("spec", name), int64(length), fmt.Sprintf(
				"IPAddressPool %q: %v; announce longer prefixes or select other pools", pool.Name, err)),
		})
	}
	return found
}

func ofPeer(peer *bgp.Peer, m *parsedObjects, nodes *nodes) []contradiction {
	var found []contradiction
	for name := range m.peers {
		if name == peer.Name {
			continue
		}
		if err := bgp.CheckPeers(*peer, m.peers[name], nodes.labels); err != nil {
			found = append(found, contradiction{
				cause: cause{fault: samePeer, other: name}, with: []active.Key{{Kind: active.KindBGPPeer, Name: name}},
				err: invalidEndpoint(peer, err),
			})
		}
	}
	slices.SortFunc(found, func(a, b contradiction) int { return strings.Compare(a.other, b.other) })
	return found
}

// invalidEndpoint returns the error about the field that says where the peer is.
func invalidEndpoint(peer *bgp.Peer, err error) *field.Error {
	spec := field.NewPath("spec")
	switch {
	case peer.Interface != "":
		return field.Invalid(spec.Child("interface"), peer.Interface, err.Error())
	case peer.Gateway != "":
		return field.Invalid(spec.Child("defaultGateway"), string(peer.Gateway), err.Error())
	default:
		return field.Invalid(spec.Child("peerAddress"), peer.Address.String(), err.Error())
	}
}

func ofCommunity(object *v1beta1.Community, m *parsedObjects) []contradiction {
	own := make(map[string]int, len(object.Spec.Communities))
	for i, alias := range object.Spec.Communities {
		own[alias.Name] = i
	}
	var causes []cause
	for other, aliases := range m.communities {
		for alias := range aliases {
			if _, both := own[alias]; both && other != object.Name {
				causes = append(causes, cause{sameAlias, other, alias})
			}
		}
	}
	slices.SortFunc(causes, func(a, b cause) int { return cmp.Or(strings.Compare(a.other, b.other), own[a.about]-own[b.about]) })
	found := make([]contradiction, 0, len(causes))
	for _, c := range causes {
		err := field.Duplicate(field.NewPath("spec", "communities").Index(own[c.about]).Child("name"), c.about)
		err.Detail = fmt.Sprintf("duplicate definition of community %q, which Community %q defines too; define it in one of them only", c.about, c.other)
		found = append(found, contradiction{cause: c, with: []active.Key{{Kind: active.KindCommunity, Name: c.other}}, err: err})
	}
	return found
}
