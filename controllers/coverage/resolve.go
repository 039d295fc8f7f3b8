// SPDX-License-Identifier: Apache-2.0

package coverage

import (
	"slices"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
)

// resolve returns the objects that are in force: of those that are bad the versions that were before, if these were good.
func resolve(now, before config.Objects) config.Objects {
	return config.Objects{
		Pools:          lastGood(now.Pools, before.Pools, parsesPool, parsesPool, nil),
		Peers:          lastGood(now.Peers, before.Peers, parsesPeer, parsesPeer, nil),
		Advertisements: lastGood(now.Advertisements, before.Advertisements, resolves(now.Aliases()), resolves(before.Aliases()), forgetAliases),
		Communities:    now.Communities,
	}
}

func parsesPool(p *v1beta1.IPAddressPool) bool {
	_, errs := ipam.ParsePool(p)
	return len(errs) == 0
}

func parsesPeer(p *v1beta2.BGPPeer) bool {
	_, errs := bgp.ParsePeer(p)
	return len(errs) == 0
}

// resolves returns whether an advertisement is in force with the aliases that there are.
func resolves(aliases bgp.Aliases) func(*v1beta1.BGPAdvertisement) bool {
	return func(a *v1beta1.BGPAdvertisement) bool {
		parsed, errs := bgp.ParseAdvertisement(a)
		_, err := bgp.ResolveCommunities(parsed.Communities, aliases)
		return len(errs) == 0 && err == nil
	}
}

// forgetAliases keeps in force an advertisement that was, though nobody defines its aliases any more. Which communities a
// route has makes no difference here.
func forgetAliases(a *v1beta1.BGPAdvertisement) { a.Spec.Communities = nil }

// lastGood returns the objects, in place of each bad one its version of before, kept in force, if that was good.
func lastGood[O any, P interface {
	object[O]
	DeepCopy() *O
}](now, before []O, isGood, wasGood func(P) bool, keep func(P),
) []O {
	inForce := slices.Clone(now)
	for i := range now {
		is := P(&now[i])
		was := byName[O, P](before, is.GetName())
		if isGood(is) || was == nil || !wasGood(was) {
			continue
		}
		kept := P(was.DeepCopy())
		kept.SetAnnotations(is.GetAnnotations()) // The override holds whatever else the object says.
		if keep != nil {
			keep(kept)
		}
		inForce[i] = *kept
	}
	return inForce
}
