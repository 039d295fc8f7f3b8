// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// TestAnEditPassesExactlyIfAFreshAllocatorCanAssignWhatIsHeld makes random edits of pools in worlds where every service
// holds what it may. What no fresh allocator with the new pools would assign to its holder is an impact, and nothing else is.
func TestAnEditPassesExactlyIfAFreshAllocatorCanAssignWhatIsHeld(t *testing.T) {
	t.Parallel()
	const seeds, rounds = 60, 60
	passed, refused := 0, 0
	for seed := range uint64(seeds) {
		w := newMarket(seed)
		for round := range rounds {
			change := w.edit()
			verdict := config.Check(namespace, w.objects, change, w.state())
			if change.New != nil && len(parseErrors(change.New)) > 0 {
				continue
			}
			want := w.refusedByAllocator(t, w.objects.Apply(change).Pools)
			if diff := cmp.Diff(lost(want), lost(verdict.Impacts)); diff != "" {
				t.Fatalf("seed %d, round %d: impacts (-allocator +verdict):\n%s\n%s", seed, round, diff, describe(w.scene, change))
			}
			object := change.New
			if object == nil {
				object = change.Old
			}
			inUse := slices.ContainsFunc(verdictOf(verdict).Errors, isInUse)
			if inUse != (len(want) > 0 && !v1beta1.AllowsDisruption(object)) {
				t.Fatalf("seed %d, round %d: %d impacts, but errors are %v\n%s", seed, round, len(want), verdict.Errors, describe(w.scene, change))
			}
			if len(want) > 0 {
				refused++
				continue
			}
			passed++
			// Overlaps are applied now and then, as if the webhook had been off.
			if len(verdict.Errors) == 0 || w.random.IntN(4) == 0 {
				w.objects = w.objects.Apply(change)
			}
			w.serve()
		}
	}
	if passed < 500 || refused < 500 {
		t.Errorf("%d edits pass and %d do not, which is too few of either to show anything", passed, refused)
	}
}

func isInUse(err string) bool {
	return strings.Contains(err, "new config not compatible with assigned IPs: ")
}

// describe writes out a scene and a change, for a failure to be understood.
func describe(s *scene, change config.Change) string {
	text, err := json.MarshalIndent(map[string]any{"objects": s.objects, "holdings": s.holdings, "nodes": s.nodes, "change": change}, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// market is a random world of pools and of services that hold addresses of them, all of which are announced.
type market struct {
	random *rand.Rand
	*scene
	pools int
}

func newMarket(seed uint64) *market {
	w := &market{random: rand.New(rand.NewPCG(seed, 7)), scene: &scene{namespaces: map[string]labels.Set{
		"default": nil, "shop": {"team": "red"}, "lab": {"team": "blue"},
	}}}
	w.objects.Advertisements = []v1beta1.BGPAdvertisement{{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "all"}}}
	for i, address := range []string{"172.30.0.254", "2001:db8:ffff::1"} {
		w.objects.Peers = append(w.objects.Peers, v1beta2.BGPPeer{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("router%d", i)},
			Spec:       v1beta2.BGPPeerSpec{MyASN: 64512, ASN: 64513, Address: address},
		})
	}
	for range 4 {
		p := w.newPool()
		if !w.overlaps(p) || w.random.IntN(5) == 0 {
			w.objects.Pools = append(w.objects.Pools, *p)
		}
	}
	for range 30 {
		w.serve()
	}
	return w
}

func (w *market) overlaps(p *v1beta1.IPAddressPool) bool {
	return len(ipam.Overlaps(usablePools(append(slices.Clone(w.objects.Pools), *p))...)) > 0
}

// usablePools returns the pools that parse, in order.
func usablePools(objects []v1beta1.IPAddressPool) ipam.Pools {
	var pools []ipam.Pool
	for i := range objects {
		if p, errs := ipam.ParsePool(&objects[i]); len(errs) == 0 {
			pools = append(pools, p)
		}
	}
	return ipam.NewPools(pools...)
}

// address returns one of a few addresses, among them some that end in .0 and .255.
func (w *market) address() netip.Addr {
	i := w.random.IntN(24)
	if w.random.IntN(3) == 0 {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(i)})
	}
	i += 0xf4
	return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
}

// ranges returns one to three ranges that do not overlap.
func (w *market) ranges() []string {
	var found []ipam.Range
	for range 1 + w.random.IntN(3) {
		r := ipam.Range{From: w.address()}
		r.To = r.From
		for range w.random.IntN(9) {
			r.To = r.To.Next()
		}
		if !slices.ContainsFunc(found, r.Overlaps) {
			found = append(found, r)
		}
	}
	return written(found)
}

func written(ranges []ipam.Range) []string {
	list := make([]string, 0, len(ranges))
	for _, r := range ranges {
		list = append(list, r.From.String()+"-"+r.To.String())
	}
	return list
}

func (w *market) newPool() *v1beta1.IPAddressPool {
	w.pools++
	p := builder.MakePool(fmt.Sprintf("%c%d", 'a'+w.random.IntN(6), w.pools), w.ranges()...).Obj()
	if w.random.IntN(3) == 0 {
		p.Spec.AllocateTo = w.allocation()
	}
	p.Spec.AvoidBuggyIPs = w.random.IntN(4) == 0
	return p
}

func (w *market) allocation() *v1beta1.ServiceAllocation {
	a := &v1beta1.ServiceAllocation{Priority: w.random.IntN(3)}
	selectors := func(key string, values ...string) []metav1.LabelSelector {
		switch w.random.IntN(6) {
		case 0:
			return []metav1.LabelSelector{{MatchLabels: map[string]string{key: values[w.random.IntN(len(values))]}}}
		case 1:
			return []metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{{
				Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: values[:1],
			}}}}
		case 2:
			return []metav1.LabelSelector{{}}
		}
		return nil
	}
	if w.random.IntN(3) == 0 {
		a.Namespaces = []string{"default", "shop", "lab"}[w.random.IntN(3):]
	}
	a.NamespaceSelectors = selectors("team", "red", "blue")
	a.ServiceSelectors = selectors("app", "web", "db")
	return a
}

// serve lets some service hold something else, of what pools would give it.
func (w *market) serve() {
	name := types.NamespacedName{Namespace: []string{"default", "shop", "lab", "unknown"}[w.random.IntN(4)], Name: fmt.Sprintf("s%d", w.random.IntN(6))}
	service := labels.Set{"app": []string{"web", "db"}[w.random.IntN(2)]}
	w.holdings = slices.DeleteFunc(w.holdings, func(h config.Holding) bool { return h.Service == name })
	pools := usablePools(w.objects.Pools)
	requested := ""
	var held []config.Holding
	for range 1 + w.random.IntN(2) {
		a := w.address()
		p, found := pools.Find(a)
		if !found || !p.Admits(name.Namespace, w.namespaces[name.Namespace], service) || requested != "" && requested != p.Name ||
			slices.ContainsFunc(held, func(h config.Holding) bool { return h.Address.Is4() == a.Is4() }) {
			continue
		}
		if len(held) == 0 && w.random.IntN(4) == 0 {
			requested = p.Name
		}
		held = append(held, config.Holding{Service: name, Labels: service, Address: a, RequestedPool: requested, Recorded: w.record(p.Name)})
	}
	w.holdings = append(w.holdings, held...)
}

// record is what a service's annotation may say of an address of the pool: after some changes past the webhook, nothing or
// something else.
func (w *market) record(pool string) []string {
	switch w.random.IntN(8) {
	case 0:
		return nil
	case 1:
		return []string{"gone"}
	case 2:
		return []string{w.objects.Pools[w.random.IntN(len(w.objects.Pools))].Name, pool}
	default:
		return []string{pool}
	}
}

// edit returns a change of one pool.
func (w *market) edit() config.Change {
	if len(w.objects.Pools) == 0 || w.random.IntN(8) == 0 {
		return config.Change{New: w.newPool()}
	}
	p := &w.objects.Pools[w.random.IntN(len(w.objects.Pools))]
	if w.random.IntN(8) == 0 {
		return config.Change{Old: p.DeepCopy()}
	}
	n := p.DeepCopy()
	for range 1 + w.random.IntN(2) {
		w.editSpec(&n.Spec)
	}
	switch w.random.IntN(12) {
	case 0:
		n.Labels = map[string]string{"tier": fmt.Sprint(w.random.IntN(3))}
	case 1:
		n.Annotations = map[string]string{v1beta1.AnnotationAllowDisruption: "true"}
	case 2:
		n.Annotations = nil
	}
	return config.Change{Old: p.DeepCopy(), New: n}
}

func (w *market) editSpec(s *v1beta1.IPAddressPoolSpec) {
	if len(s.Addresses) == 0 {
		s.Addresses = w.ranges()
	}
	i := w.random.IntN(len(s.Addresses))
	switch w.random.IntN(10) {
	case 0:
		s.AvoidBuggyIPs = !s.AvoidBuggyIPs
	case 1:
		s.AllocateTo = w.allocation()
	case 2:
		s.AllocateTo = nil
	case 3:
		s.AutoAssign = new(w.random.IntN(2) == 0)
	case 4:
		s.Addresses = append(s.Addresses, w.ranges()[0])
	case 5:
		s.Addresses = slices.Delete(s.Addresses, i, i+1)
	case 6:
		w.random.Shuffle(len(s.Addresses), func(i, j int) { s.Addresses[i], s.Addresses[j] = s.Addresses[j], s.Addresses[i] })
	default:
		if r, err := ipam.ParseRange(s.Addresses[i]); err == nil {
			s.Addresses = slices.Replace(s.Addresses, i, i+1, w.resized(r)...)
		}
	}
}

// resized returns the range longer or shorter by one at either end, or in two parts.
func (w *market) resized(r ipam.Range) []string {
	switch w.random.IntN(5) {
	case 0:
		r.From = r.From.Next()
	case 1:
		r.To = r.To.Prev()
	case 2:
		r.From = r.From.Prev()
	case 3:
		r.To = r.To.Next()
	case 4:
		return written([]ipam.Range{{From: r.From, To: r.From}, {From: r.From.Next(), To: r.To}})
	}
	return written([]ipam.Range{r})
}

// refusedByAllocator returns what a fresh allocator with the pools would not assign to those who hold it. The services
// share whatever they hold, so that they are not in each other's way.
func (w *market) refusedByAllocator(t *testing.T, objects []v1beta1.IPAddressPool) config.Impacts {
	t.Helper()
	a := allocator.New()
	a.SetPools(usablePools(objects))
	requests := map[types.NamespacedName]*allocator.Request{}
	var order []types.NamespacedName
	for _, h := range w.holdings {
		r := requests[h.Service]
		if r == nil {
			r = &allocator.Request{
				Service: h.Service, Labels: h.Labels, NamespaceLabels: w.namespaces[h.Service.Namespace], Pool: h.RequestedPool,
				Sharing: allocator.Sharing{Key: "all", Ports: []allocator.Port{{Protocol: corev1.ProtocolTCP, Number: int32(len(order))}}},
			}
			requests[h.Service] = r
			order = append(order, h.Service)
		}
		r.Addresses = append(r.Addresses, h.Address)
		r.Families = append(r.Families, allocator.FamilyOf(h.Address))
		r.Pool = h.RequestedPool
	}
	var impacts config.Impacts
	for _, name := range order {
		result, refusal := a.Allocate(*requests[name])
		if refusal == nil {
			if !slices.Equal(result.Addresses(), requests[name].Addresses) {
				t.Fatalf("the allocator assigns %v in place of %v", result.Addresses(), requests[name].Addresses)
			}
			continue
		}
		for _, reason := range refusal.Reasons {
			impacts = append(impacts, config.Impact{Service: name, Address: reason.Address, Loss: config.Ownership})
		}
	}
	impacts.Sort()
	return impacts
}

// TestRoutesAndLossesAreThoseThatASearchOfEverythingFinds compares with a plain reading of the rules: every advertisement,
// node and peer is looked at for every address, before and after some changes of any objects.
func TestRoutesAndLossesAreThoseThatASearchOfEverythingFinds(t *testing.T) {
	t.Parallel()
	const seeds = 300
	announced, losses := 0, map[config.Loss]int{}
	for seed := range uint64(seeds) {
		n := newNetwork(seed)
		first := n.objects
		before, change := first, config.Change{}
		for range 1 + n.random.IntN(2) {
			change = n.change()
			before, n.objects = n.objects, n.objects.Apply(change)
		}
		announced += n.compareRoutes(t)
		for _, c := range append(n.compareLosses(t, first), n.compareLosses(t, before)...) {
			losses[c.Loss]++
		}
		// What does not parse is refused for that, whatever else it would do.
		if change.New == nil || len(parseErrors(change.New)) == 0 {
			got := config.Check(namespace, before, change, n.state()).Impacts
			if diff := cmp.Diff(lost(n.losses(before, n.objects)), lost(got)); diff != "" {
				t.Fatalf("seed %d: impacts (-search +verdict):\n%s\n%s", seed, diff, describe(n.scene, change))
			}
		}
	}
	if announced < 200 || losses[config.Ownership] < 40 || losses[config.Route] < 40 {
		t.Errorf("%d announced, %v lost, which is too little of something to show anything", announced, losses)
	}
}

// compareRoutes compares the routes of the present configuration, and returns how many addresses are announced.
func (n *network) compareRoutes(t *testing.T) (announced int) {
	t.Helper()
	routes := config.NewRoutes(n.objects, n.nodes)
	for _, h := range n.holdings {
		want := n.announces(n.objects, h)
		if got := routes.Announces(h); got != want {
			t.Fatalf("seed %d: %s at %s: announced is %t, want %t\n%s", n.seed, h.Service, h.Address, got, want, describe(n.scene, config.Change{}))
		}
		if want {
			announced++
		}
	}
	for i := range n.objects.Advertisements {
		adv := &n.objects.Advertisements[i]
		covered := routes.Coverage(adv.Name)
		ipv4, ipv6 := covered.NodesIPv4, covered.NodesIPv6
		if want4, want6 := n.announcers(n.objects, adv, true), n.announcers(n.objects, adv, false); ipv4 != want4 || ipv6 != want6 {
			t.Fatalf("seed %d: %d and %d nodes announce by %s, want %d and %d\n%s",
				n.seed, ipv4, ipv6, adv.Name, want4, want6, describe(n.scene, config.Change{}))
		}
	}
	return announced
}

// compareLosses compares and returns what services lose on the way to the present configuration.
func (n *network) compareLosses(t *testing.T, before config.Objects) config.Impacts {
	t.Helper()
	want := n.losses(before, n.objects)
	if diff := cmp.Diff(lost(want), lost(config.Lost(before, n.objects, n.state()))); diff != "" {
		t.Fatalf("seed %d: lost (-search +got):\n%s\nbefore %s\nafter %s",
			n.seed, diff, describe(&scene{objects: before}, config.Change{}), describe(n.scene, config.Change{}))
	}
	return want
}

// network is a random world of everything.
type network struct {
	seed   uint64
	random *rand.Rand
	*scene
}

func newNetwork(seed uint64) *network {
	n := &network{seed: seed, random: rand.New(rand.NewPCG(seed, 11)), scene: &scene{namespaces: map[string]labels.Set{"shop": {"team": "red"}}}}
	for i := range n.random.IntN(4) {
		node := config.Node{Name: fmt.Sprintf("n%d", i), Labels: labels.Set{"rack": n.pick("a", "b", "c")}}
		if n.random.IntN(4) == 0 {
			node.Labels[n.pick(corev1.LabelNodeExcludeBalancers, v1beta1.LabelDrain)] = n.pick("", "false")
		}
		n.nodes = append(n.nodes, node)
	}
	for i := range 3 {
		n.objects.Pools = append(n.objects.Pools, n.pool(i))
		n.objects.Peers = append(n.objects.Peers, n.peer(i))
		n.objects.Advertisements = append(n.objects.Advertisements, n.advertisement(i))
	}
	n.objects.Communities = append(n.objects.Communities, n.community())
	for i := range 8 {
		n.holdings = append(n.holdings, n.holding(i))
	}
	return n
}

func (n *network) pick(list ...string) string { return list[n.random.IntN(len(list))] }

// maybe returns the list half of the time.
func maybe[T any](n *network, list ...T) []T {
	if n.random.IntN(2) == 0 {
		return nil
	}
	return list
}

func (n *network) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func (n *network) selectors(key string, values ...string) []metav1.LabelSelector {
	if n.random.IntN(10) == 0 {
		return []metav1.LabelSelector{{}}
	}
	return maybe(n, metav1.LabelSelector{MatchLabels: map[string]string{key: n.pick(values...)}})
}

// pool returns one of the pools p0, p1 and so on, which have blocks of their own.
func (n *network) pool(i int) v1beta1.IPAddressPool {
	p := v1beta1.IPAddressPool{ObjectMeta: n.meta(fmt.Sprintf("p%d", i))}
	p.Labels = map[string]string{"tier": n.pick("gold", "silver")}
	p.Spec.Addresses = append(maybe(n, fmt.Sprintf("10.0.%d.0/%s", i, n.pick("24", "25"))), maybe(n, fmt.Sprintf("2001:db8::%d:0/%s", i, n.pick("112", "120")))...)
	p.Spec.AvoidBuggyIPs = n.random.IntN(4) == 0
	switch n.random.IntN(6) {
	case 0:
		p.Spec.AllocateTo = &v1beta1.ServiceAllocation{Namespaces: []string{"default"}}
	case 1:
		p.Spec.AllocateTo = &v1beta1.ServiceAllocation{ServiceSelectors: n.selectors("app", "web", "db"), NamespaceSelectors: n.selectors("team", "red")}
	}
	return p
}

func (n *network) peer(i int) v1beta2.BGPPeer {
	p := v1beta2.BGPPeer{ObjectMeta: n.meta(fmt.Sprintf("r%d", i)), Spec: v1beta2.BGPPeerSpec{
		MyASN: 64512, ASN: 64513, Address: n.pick(fmt.Sprintf("172.30.0.%d", i), fmt.Sprintf("2001:db8:ffff::%d", i)),
		NodeSelectors: n.selectors("rack", "a", "b", "c"),
	}}
	if n.random.IntN(8) == 0 {
		p.Spec.MyASN = 0
	}
	return p
}

func (n *network) advertisement(i int) v1beta1.BGPAdvertisement {
	a := v1beta1.BGPAdvertisement{ObjectMeta: n.meta(fmt.Sprintf("a%d", i)), Spec: v1beta1.BGPAdvertisementSpec{
		IPAddressPools: maybe(n, n.pick("p0", "p1", "p2", "gone")), Peers: maybe(n, n.pick("r0", "r1", "r2", "r3")),
		IPAddressPoolSelectors: n.selectors("tier", "gold", "silver"), NodeSelectors: n.selectors("rack", "a", "b", "c"),
		Communities: maybe(n, n.pick("64512:1", "blue", "red")),
	}}
	switch n.random.IntN(4) {
	case 0:
		a.Spec.AggregationLength, a.Spec.AggregationLengthV6 = new(int32(24)), new(int32(n.random.IntN(120)+1))
	case 1:
		a.Spec.ServiceSelectors = n.selectors("app", "web", "db")
	case 2:
		a.Spec.AggregationLength = new(int32(n.random.IntN(40)))
	}
	return a
}

func (n *network) community() v1beta1.Community {
	c := v1beta1.Community{ObjectMeta: n.meta("colours")}
	for _, alias := range maybe(n, "blue", "red") {
		c.Spec.Communities = append(c.Spec.Communities, v1beta1.CommunityAlias{Name: alias, Value: n.pick("1:1", "1:1", "1:1", "nonsense")})
	}
	return c
}

func (n *network) holding(i int) config.Holding {
	block := n.random.IntN(4)
	h := config.Holding{
		Service:  types.NamespacedName{Namespace: n.pick("default", "shop"), Name: fmt.Sprintf("s%d", i)},
		Labels:   labels.Set{"app": n.pick("web", "db")},
		Address:  netip.MustParseAddr(fmt.Sprintf("10.0.%d.%s", block, n.pick("0", "1", "200"))),
		Recorded: maybe(n, fmt.Sprintf("p%d", block)),
	}
	if n.random.IntN(3) == 0 {
		h.Address = netip.MustParseAddr(fmt.Sprintf("2001:db8::%d:%s", block, n.pick("1", "ffff")))
	}
	if n.random.IntN(4) == 0 {
		h.Recorded = []string{n.pick("p0", "p1", "p2", "gone"), n.pick("p0", "p1", "p2", "gone", "lost")}[n.random.IntN(2):]
	}
	if n.random.IntN(6) == 0 {
		h.RequestedPool = n.pick("p0", "p1", "p2")
	}
	return h
}

// change returns the creation, update or deletion of some object.
func (n *network) change() config.Change {
	i := n.random.IntN(4)
	var c config.Change
	switch n.random.IntN(5) {
	case 0:
		c = changeOf(n, n.objects.Pools, n.pool(i))
	case 1:
		c = changeOf(n, n.objects.Peers, n.peer(i))
	case 2:
		c = changeOf(n, n.objects.Communities, n.community())
	default:
		c = changeOf(n, n.objects.Advertisements, n.advertisement(i))
	}
	return c
}

func changeOf[T any, P interface {
	*T
	config.Object
}](n *network, list []T, o T) config.Change {
	c := config.Change{New: P(&o)}
	for i := range list {
		if P(&list[i]).GetName() == P(&o).GetName() {
			c.Old = P(&list[i]).DeepCopyObject().(config.Object)
		}
	}
	if c.Old != nil && n.random.IntN(3) == 0 {
		c.New = nil
	}
	return c
}

// matches is what label selectors mean, of which one with nothing in it selects everything.
func matches(selectors []metav1.LabelSelector, l map[string]string) bool {
	if len(selectors) == 0 {
		return true
	}
	for _, s := range selectors {
		all := true
		for k, v := range s.MatchLabels {
			all = all && l[k] == v
		}
		if all {
			return true
		}
	}
	return false
}

// owningPool returns the pool that the address is announced with.
func (n *network) owningPool(o config.Objects, h config.Holding) (name string, found bool) {
	pools := usablePools(o.Pools)
	if p, contained := pools.Find(h.Address); contained {
		return p.Name, true
	}
	best := -1
	for _, r := range h.Recorded {
		rank := 1
		if p, parses := pools.ByName(r); parses {
			rank = 0
			for _, span := range p.Ranges {
				if span.From.Is4() == h.Address.Is4() {
					rank = max(rank, 2)
				}
				if span.Contains(h.Address) {
					rank = 3
				}
			}
		}
		if rank > best {
			name, best = r, rank
		}
	}
	return name, best >= 0
}

func (n *network) announces(o config.Objects, h config.Holding) bool {
	owner, found := n.owningPool(o, h)
	for i := range o.Advertisements {
		a := &o.Advertisements[i]
		if found && n.selects(o, a, owner) && matches(a.Spec.ServiceSelectors, h.Labels) && n.announcers(o, a, h.Address.Is4()) > 0 {
			return true
		}
	}
	return false
}

// selects reports whether the advertisement announces the pool's addresses, if it is in use.
func (n *network) selects(o config.Objects, a *v1beta1.BGPAdvertisement, pool string) bool {
	if len(parseErrors(a)) > 0 {
		return false
	}
	everything, named := len(a.Spec.IPAddressPools)+len(a.Spec.IPAddressPoolSelectors) == 0, slices.Contains(a.Spec.IPAddressPools, pool)
	for i := range o.Pools {
		p := &o.Pools[i]
		if p.Name != pool {
			continue
		}
		labelled := len(a.Spec.IPAddressPoolSelectors) > 0 && matches(a.Spec.IPAddressPoolSelectors, p.Labels)
		return (everything || named || labelled) && (len(parseErrors(p)) > 0 || hasRoom(a, p))
	}
	return everything || named
}

// hasRoom reports whether every prefix of the pool is as large as those that the advertisement announces.
func hasRoom(a *v1beta1.BGPAdvertisement, p *v1beta1.IPAddressPool) bool {
	for _, written := range p.Spec.Addresses {
		prefix := netip.MustParsePrefix(written)
		length := a.Spec.AggregationLengthV6
		if prefix.Addr().Is4() {
			length = a.Spec.AggregationLength
		}
		if length != nil && int(*length) < prefix.Bits() {
			return false
		}
	}
	return true
}

// isUsable reports whether the advertisement parses and has only aliases that are defined.
func isUsable(o config.Objects, a *v1beta1.BGPAdvertisement) bool {
	aliases := map[string]bool{}
	for i := range o.Communities {
		if len(parseErrors(&o.Communities[i])) == 0 {
			for _, alias := range o.Communities[i].Spec.Communities {
				aliases[alias.Name] = true
			}
		}
	}
	undefined := func(c string) bool { return !strings.Contains(c, ":") && !aliases[c] }
	return len(parseErrors(a)) == 0 && !slices.ContainsFunc(a.Spec.Communities, undefined)
}

// announcers counts the nodes that have a peer of the family to announce to by the advertisement.
func (n *network) announcers(o config.Objects, a *v1beta1.BGPAdvertisement, ipv4 bool) int {
	if !isUsable(o, a) {
		return 0
	}
	nodes := n.nodes
	if len(nodes) == 0 {
		nodes = []config.Node{{}}
	}
	count := 0
	for _, node := range nodes {
		_, excluded := node.Labels[corev1.LabelNodeExcludeBalancers]
		if _, drained := node.Labels[v1beta1.LabelDrain]; excluded || drained || !matches(a.Spec.NodeSelectors, node.Labels) {
			continue
		}
		if slices.ContainsFunc(o.Peers, func(p v1beta2.BGPPeer) bool {
			return len(parseErrors(&p)) == 0 && netip.MustParseAddr(p.Spec.Address).Is4() == ipv4 &&
				matches(p.Spec.NodeSelectors, node.Labels) && (len(a.Spec.Peers) == 0 || slices.Contains(a.Spec.Peers, p.Name))
		}) {
			count++
		}
	}
	return count
}

func (n *network) owns(o config.Objects, h config.Holding) bool {
	p, found := usablePools(o.Pools).Find(h.Address)
	return found && (h.RequestedPool == "" || h.RequestedPool == p.Name) && p.Admits(h.Service.Namespace, n.namespaces[h.Service.Namespace], h.Labels)
}

// losses returns what the services lose.
func (n *network) losses(before, after config.Objects) config.Impacts {
	var impacts config.Impacts
	for _, h := range n.holdings {
		c := config.Impact{Service: h.Service, Address: h.Address}
		owned := n.owns(before, h)
		switch {
		case (owned || n.excuse(before, after, h)) && !n.owns(after, h):
			impacts = append(impacts, c)
		case !owned && len(h.Recorded) == 0:
			// Another load balancer's.
		case n.announces(before, h) && !n.announces(after, h):
			c.Loss = config.Route
			impacts = append(impacts, c)
		}
	}
	impacts.Sort()
	return impacts
}

// excuse reports whether nobody knows if a pool owned the address before, since it did not parse; now it does, or is gone.
func (n *network) excuse(before, after config.Objects, h config.Holding) bool {
	owner, found := n.owningPool(before, h)
	find := func(o config.Objects) (exists, parses bool) {
		i := slices.IndexFunc(o.Pools, func(p v1beta1.IPAddressPool) bool { return p.Name == owner })
		return i >= 0, i >= 0 && len(parseErrors(&o.Pools[i])) == 0
	}
	existed, parsed := find(before)
	exists, parses := find(after)
	return found && existed && !parsed && (parses || !exists)
}
