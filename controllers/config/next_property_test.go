// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/test/builder"
)

// past is a random history of everything: objects that change past the webhook, services that come and go, permissions, and
// ActiveConfigurations that are deleted. Nothing is remembered from one step to the next but what the API server has.
type past struct {
	*network
	active []v1beta1.ActiveConfiguration
	parser *config.Parser
	// versions counts generations.
	versions int64
	log      []string
}

func newPast(seed uint64) *past {
	p := &past{network: newNetwork(seed), parser: config.NewParser()}
	p.objects, p.holdings = config.Objects{}, nil
	for range 6 {
		p.edit()
	}
	return p
}

// edit changes an object past the webhook.
func (p *past) edit() {
	c := p.change()
	if c.New == nil {
		p.log = append(p.log, fmt.Sprintf("delete %s", active.KeyOf(c.Old)))
		p.objects = p.objects.Apply(c)
		return
	}
	p.contradict(&c)
	p.versions++
	c.New.SetGeneration(p.versions)
	c.New.SetUID("one")
	c.New.SetCreationTimestamp(metaTime(p.versions))
	if c.Old != nil {
		c.New.SetCreationTimestamp(c.Old.GetCreationTimestamp())
	}
	if p.random.IntN(12) == 0 {
		c.New.SetAnnotations(map[string]string{v1beta1.AnnotationAllowDisruption: "true"})
	}
	p.log = append(p.log, "write "+textOf(c.New))
	p.objects = p.objects.Apply(c)
}

// contradict makes it likelier that the object contradicts another.
func (p *past) contradict(c *config.Change) {
	if p.random.IntN(4) > 0 {
		return
	}
	switch o := c.New.(type) {
	case *v1beta1.BGPAdvertisement:
		o.Spec.LocalPref = uint32(p.random.IntN(3))
	case *v1beta2.BGPPeer:
		o.Spec.Address = fmt.Sprintf("172.30.0.%d", p.random.IntN(4))
	case *v1beta1.IPAddressPool:
		o.Spec.Addresses = []string{fmt.Sprintf("10.0.%d.128/25", p.random.IntN(4))}
	case *v1beta1.Community:
		o.Name, c.Old = "more", nil
	}
}

// hold lets a service hold another address, or none.
func (p *past) hold() {
	h := p.holding(p.random.IntN(8))
	p.holdings = slices.DeleteFunc(p.holdings, func(o config.Holding) bool { return o.Service.Name == h.Service.Name })
	if p.random.IntN(5) > 0 {
		p.holdings = append(p.holdings, h)
	}
	p.log = append(p.log, fmt.Sprintf("hold %+v", h))
}

func (p *past) inputs() config.Inputs {
	return config.Inputs{Written: p.objects, Active: slices.Clone(p.active), State: config.ClusterState{
		Holdings: p.holdings, Nodes: p.nodes, NamespaceLabels: p.state().NamespaceLabels,
	}}
}

func (p *past) apply(s *config.Snapshot) {
	for _, c := range s.Changes {
		if c.Old != nil {
			p.active = slices.DeleteFunc(p.active, func(a v1beta1.ActiveConfiguration) bool { return a.Name == c.Old.Name })
		}
		if c.New != nil {
			n := c.New.DeepCopy()
			if c.Old == nil {
				p.versions++
				n.CreationTimestamp = metaTime(p.versions)
			}
			p.active = append(p.active, *n)
		}
	}
}

// shuffled returns the inputs in another order.
func (p *past) shuffled(in config.Inputs) config.Inputs {
	in.Written.Pools, in.Written.Peers = shuffle(p, in.Written.Pools), shuffle(p, in.Written.Peers)
	in.Written.Advertisements, in.Written.Communities = shuffle(p, in.Written.Advertisements), shuffle(p, in.Written.Communities)
	in.Active, in.State.Nodes = shuffle(p, in.Active), shuffle(p, in.State.Nodes)
	return in
}

func shuffle[T any](p *past, list []T) []T {
	list = slices.Clone(list)
	p.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// said is what can be compared of a snapshot.
func said(s *config.Snapshot) []string {
	var list []string
	for _, key := range slices.SortedFunc(maps.Keys(s.Findings), active.Key.Compare) {
		f := s.Findings[key]
		list = append(list, fmt.Sprintf("%s %s %s", key, f.Reason, f.Message()))
	}
	for _, p := range s.Pools {
		list = append(list, fmt.Sprintf("pool %s %v", p.Name, p.Ranges))
	}
	for _, c := range s.Changes {
		if c.New == nil {
			list = append(list, "delete "+c.Old.Name)
		} else {
			list = append(list, fmt.Sprintf("write %s %v %s", c.New.Name, c.New.Status, c.New.Spec.Object.Raw))
		}
	}
	return list
}

func (p *past) announced(r *config.Routes) map[string]bool {
	found := map[string]bool{}
	for _, h := range p.holdings {
		found[h.Service.String()+" "+h.Address.String()] = r.Announces(h)
	}
	return found
}

// activeRoutes are those of ActiveConfigurations alone. What an advertisement announces that is not in use since it contradicts
// another is not protected.
func (p *past) activeRoutes(t *testing.T) *config.Routes {
	t.Helper()
	decoded, err := active.Decode(p.active)
	if err != nil {
		t.Fatal(err)
	}
	return config.NewRoutes(config.Objects(decoded), p.nodes)
}

// contradictions returns what is wrong with each object in use beside the others. A pool that is deleted may have addresses in common
// with another, since it gives none.
func (p *past) contradictions(t *testing.T) []string {
	t.Helper()
	decoded, err := active.Decode(p.active)
	if err != nil {
		t.Fatal(err)
	}
	deleted := func(o v1beta1.IPAddressPool) bool {
		return !slices.ContainsFunc(p.objects.Pools, func(w v1beta1.IPAddressPool) bool { return w.Name == o.Name })
	}
	var found []string
	for o := range decoded.All() {
		others := config.Objects(decoded)
		if pool, ok := o.(*v1beta1.IPAddressPool); ok {
			if deleted(*pool) {
				continue
			}
			others.Pools = slices.DeleteFunc(slices.Clone(others.Pools), deleted)
		}
		for _, err := range config.Contradictions(o, others, p.nodes) {
			found = append(found, fmt.Sprintf("%s: %v", active.KeyOf(o), err))
		}
	}
	return found
}

func (p *past) fatal(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Fatalf("seed %d: %s\nhistory:\n%s", p.seed, fmt.Sprintf(format, args...), strings.Join(p.log, "\n"))
}

func TestWhatFollowsIsTheSameWhateverWasRememberedAndNothingFollowsTwice(t *testing.T) {
	t.Parallel()
	const seeds, steps = 100, 12
	held, changes := 0, 0
	for seed := range uint64(seeds) {
		p := newPast(seed)
		for range steps {
			switch p.random.IntN(6) {
			case 0:
				p.hold()
			case 1:
				if len(p.active) > 0 {
					i := p.random.IntN(len(p.active))
					p.log = append(p.log, "end "+p.active[i].Name)
					p.active = slices.Delete(p.active, i, i+1)
				}
			default:
				for range 1 + p.random.IntN(3) {
					p.edit()
				}
			}
			in := p.inputs()
			s := config.Next(in, p.parser)
			if diff := cmp.Diff(said(s), said(config.Next(p.shuffled(in), nil))); diff != "" {
				p.fatal(t, "in another order, without a memory (-with +without):\n%s", diff)
			}
			held, changes = held+s.Held, changes+len(s.Changes)
			p.apply(s)
			if found := p.contradictions(t); len(found) > 0 {
				p.fatal(t, "what is in use contradicts itself:\n%s\n%s", strings.Join(found, "\n"), strings.Join(said(s), "\n"))
			}
			again := config.Next(p.inputs(), nil)
			if len(again.Changes) > 0 {
				p.fatal(t, "the same again makes more changes: %v", said(again))
			}
			if diff := cmp.Diff(p.announced(s.Routes), p.announced(again.Routes)); diff != "" {
				p.fatal(t, "the same again announces other addresses (-first +second):\n%s", diff)
			}
			p.log = append(p.log, "  "+strings.Join(said(s), "\n  "))
		}
	}
	if held < 100 || changes < 1000 {
		t.Errorf("%d held back and %d changes, which is too little to show anything", held, changes)
	}
}

func TestNoChangeOfObjectsTakesTheLastRouteFromAService(t *testing.T) {
	t.Parallel()
	const seeds, steps = 300, 12
	kept := 0
	for seed := range uint64(seeds) {
		p := newPast(seed)
		for range 4 {
			p.hold()
		}
		p.apply(config.Next(p.inputs(), nil))
		for range steps {
			for range 1 + p.random.IntN(3) {
				p.edit()
			}
			was := p.announced(p.activeRoutes(t))
			s := config.Next(p.inputs(), nil)
			is := p.announced(s.Routes)
			allowed := p.allowed()
			for address, announced := range was {
				if announced && !is[address] && !allowed && p.owned(s, address) {
					p.fatal(t, "%s is announced no more:\n%s", address, strings.Join(said(s), "\n"))
				}
				if announced && is[address] {
					kept++
				}
			}
			p.apply(s)
			p.log = append(p.log, "  "+strings.Join(said(s), "\n  "))
		}
	}
	if kept < 300 {
		t.Errorf("%d kept, which is too few to show anything", kept)
	}
}

// allowed reports whether anything allows disruption.
func (p *past) allowed() bool {
	allow := func(o config.Object) bool { return v1beta1.AllowsDisruption(o) }
	return slices.ContainsFunc(p.active, func(a v1beta1.ActiveConfiguration) bool { return a.Spec.AllowDisruption }) ||
		slices.ContainsFunc(p.objects.Pools, func(o v1beta1.IPAddressPool) bool { return allow(&o) }) ||
		slices.ContainsFunc(p.objects.Peers, func(o v1beta2.BGPPeer) bool { return allow(&o) }) ||
		slices.ContainsFunc(p.objects.Advertisements, func(o v1beta1.BGPAdvertisement) bool { return allow(&o) }) ||
		slices.ContainsFunc(p.objects.Communities, func(o v1beta1.Community) bool { return allow(&o) })
}

// owned reports whether a record says that the address is of pools in use. Any other may follow a new pool, and one that is recorded of
// a new pool that is not brought into use as well may follow that.
func (p *past) owned(s *config.Snapshot, address string) bool {
	inUse := func(name string) bool {
		return slices.ContainsFunc(p.active, func(a v1beta1.ActiveConfiguration) bool {
			return a.Spec.Kind == active.KindIPAddressPool && a.Spec.Name == name
		})
	}
	isNew := func(name string) bool {
		f, written := s.Findings[active.Key{Kind: active.KindIPAddressPool, Name: name}]
		return !inUse(name) && written && f.Reason != v1beta1.ReasonAccepted
	}
	return slices.ContainsFunc(p.holdings, func(h config.Holding) bool {
		return h.Service.String()+" "+h.Address.String() == address && slices.ContainsFunc(h.Recorded, inUse) && !slices.ContainsFunc(h.Recorded, isNew)
	})
}

// textOf returns the object in one line.
func textOf(o config.Object) string {
	m, err := active.Make(o)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %v %v %s", m.Name, m.Spec.Labels, m.Spec.AllowDisruption, m.Spec.Object.Raw)
}

func metaTime(n int64) metav1.Time { return metav1.Time{Time: time.Unix(n, 0)} }

func TestADeletedPoolStaysInUseForAnAddressInItsRangeThatIsRecordedOfAnotherPool(t *testing.T) {
	t.Parallel()
	h := &history{holdings: []config.Holding{held("web", "198.51.100.1", "renamed")}}
	zone := adv("zone", func(a *builder.Advertisement) { a.PoolsWithLabel("zone", "a") })
	h.step(t, pool(), rackPeer(), zone)
	h.step(t, rackPeer(), zone)
	h.want(t, []string{"ipaddresspool.one InUse"})
	h.announced(t, true)
}

func TestAPoolThatComesBackIsUsedAsWrittenByAllSinceSpeakersUseItAtOnce(t *testing.T) {
	t.Parallel()
	h := web()
	every := adv("every", func(a *builder.Advertisement) { a.Aggregation(24) })
	h.step(t, rackPeer(), every)
	h.announced(t, true)
	h.step(t, builder.MakePool("one", "198.51.100.0/25").Obj(), rackPeer(), every)
	h.want(t, nil, `IPAddressPool one InvalidConfig: spec.addresses[0]: Invalid value: "198.51.100.0/25": BGPAdvertisement "every": invalid aggregation length 24`)
	h.announced(t, false)
}

func TestAPartOfAChangeIsNotTakenForAllOfItThatWasParsedBefore(t *testing.T) {
	t.Parallel()
	h := web()
	version := func(p *builder.Pool, generation int64) *v1beta1.IPAddressPool {
		o := p.Obj()
		o.UID, o.Generation = "one", generation
		return o
	}
	h.step(t, version(builder.MakePool("one", "198.51.100.0/24"), 1), rackPeer(), adv("every"))
	h.step(t, version(builder.MakePool("one", "198.51.100.0/25").Namespaces("other"), 2), rackPeer(), adv("every"))
	if p := h.snapshot.Pools[0]; p.Ranges[0].String() != "198.51.100.0/25" || p.Allocation != nil {
		t.Errorf("the pool gives %v to %v", p.Ranges, p.Allocation)
	}
}
