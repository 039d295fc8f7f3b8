// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"testing"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
)

// settled is the cluster with many objects, all of which are in use, and what is to be looked at again.
func settled(tb testing.TB, pools int) (config.Inputs, *config.Parser) {
	tb.Helper()
	o, _, state := many()
	versioned := func(x config.Object) {
		x.SetUID("one")
		x.SetGeneration(1)
	}
	for i := len(o.Pools); i < pools; i++ {
		p, a := o.Pools[i%manyPools].DeepCopy(), o.Advertisements[i%manyPools].DeepCopy()
		p.Name, a.Name = fmt.Sprintf("pool-%d", i), fmt.Sprintf("pool-%d", i)
		p.Labels = map[string]string{"tier": p.Name}
		p.Spec.Addresses = []string{fmt.Sprintf("11.%d.0.0/16", i), fmt.Sprintf("2001:db9:%x::/64", i)}
		a.Spec.IPAddressPoolSelectors[0] = selecting("tier", p.Name)
		o.Pools, o.Advertisements = append(o.Pools, *p), append(o.Advertisements, *a)
	}
	for i := range o.Pools {
		versioned(&o.Pools[i])
	}
	for i := range o.Peers {
		versioned(&o.Peers[i])
	}
	for i := range o.Advertisements {
		versioned(&o.Advertisements[i])
	}
	in := config.Inputs{Written: o, State: state}
	parser := config.NewParser()
	for _, c := range config.Next(in, parser).Changes {
		in.Active = append(in.Active, *c.New)
	}
	if again := config.Next(in, parser); len(again.Changes) > 0 || again.Invalid() {
		tb.Fatalf("%d changes, invalid %v", len(again.Changes), again.Findings)
	}
	return in, parser
}

// BenchmarkNext makes the next snapshot of 200 pools and advertisements and 20 peers, of which 10,000 addresses are held.
func BenchmarkNext(b *testing.B) {
	in, parser := settled(b, 200)
	edited := func(edit func(o *config.Objects)) config.Inputs {
		changed := in
		changed.Written.Advertisements = append([]v1beta1.BGPAdvertisement(nil), in.Written.Advertisements...)
		changed.Written.Pools = append([]v1beta1.IPAddressPool(nil), in.Written.Pools...)
		edit(&changed.Written)
		return changed
	}
	fresh := in
	fresh.Active = nil
	for name, in := range map[string]config.Inputs{
		"nothing has changed": in,
		"an advertisement has other communities": edited(func(o *config.Objects) {
			a := o.Advertisements[7].DeepCopy()
			a.Generation, a.Spec.Communities = 2, []string{"64512:1"}
			o.Advertisements[7] = *a
		}),
		"an advertisement narrowed is held back": edited(func(o *config.Objects) {
			a := o.Advertisements[7].DeepCopy()
			a.Generation, a.Spec.ServiceSelectors = 2, a.Spec.ServiceSelectors[:1]
			o.Advertisements[7] = *a
		}),
		"twenty pools are relabelled, and held back": edited(func(o *config.Objects) {
			for i := range 20 {
				p := o.Pools[i].DeepCopy()
				p.Generation, p.Labels = 2, map[string]string{"tier": "none"}
				o.Pools[i] = *p
			}
		}),
		"a hundred pools have one range more, and another is held back": edited(func(o *config.Objects) {
			for i := range 101 {
				p := o.Pools[i].DeepCopy()
				p.Generation, p.Spec.Addresses = 2, append(p.Spec.Addresses, fmt.Sprintf("12.%d.0.0/16", i))
				if i == 5 {
					p.Labels = map[string]string{"tier": "none"}
				}
				o.Pools[i] = *p
			}
		}),
		"all is new": fresh,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				config.Next(in, parser)
			}
		})
	}
}
