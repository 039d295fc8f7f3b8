// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// universe is a world at random, and what is known of it without the Tracker.
type universe struct {
	*world

	random   *rand.Rand
	serving  map[string][]string
	sessions map[[2]string]v1beta1.BGPSessionStateStatus
	offline  map[string]bool
}

func newUniverse(t *testing.T, seed uint64) *universe {
	t.Helper()
	w := newWorld(t)
	w.clock = clocktesting.NewFakeClock(time.Unix(1e9, 0))
	w.step = time.Second
	w.track()
	return &universe{
		world: w, random: rand.New(rand.NewPCG(seed, 7)), serving: map[string][]string{},
		sessions: map[[2]string]v1beta1.BGPSessionStateStatus{}, offline: map[string]bool{},
	}
}

func (u *universe) chance(percent int) bool { return u.random.IntN(100) < percent }

func (u *universe) one(of ...string) string { return of[u.random.IntN(len(of))] }

func (u *universe) some(of ...string) []string {
	return slices.DeleteFunc(slices.Clone(of), func(string) bool { return u.chance(50) })
}

// reconfigure makes another configuration and other nodes.
func (u *universe) reconfigure() {
	o := config.Objects{}
	for _, p := range []*builder.Pool{
		builder.MakePool("a", "192.0.2.0/25"), builder.MakePool("b", "192.0.2.128/28"), builder.MakePool("six", "2001:db8::/64"),
	} {
		if u.chance(85) {
			o.Pools = append(o.Pools, *p.Label("tier", u.one("1", "2")).Obj())
		}
	}
	for i, address := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "fd00::2"} {
		if u.chance(70) {
			p := builder.MakePeer(fmt.Sprintf("p%d", i), address)
			if u.chance(50) {
				p.NodesWithLabel("rack", u.one("1", "2"))
			}
			o.Peers = append(o.Peers, *p.Obj())
		}
	}
	for i := range u.random.IntN(4) {
		a := builder.MakeAdvertisement(fmt.Sprintf("adv%d", i))
		if u.chance(40) {
			a.Spec.IPAddressPools = u.some("a", "b", "six", "gone")
		}
		if u.chance(30) {
			a.PoolsWithLabel("tier", u.one("1", "2"))
		}
		if u.chance(40) {
			a.NodesWithLabel("rack", u.one("1", "2"))
		}
		if u.chance(40) {
			a.Peers(u.some("p0", "p1", "p2", "p3", "p4", "none")...)
		}
		if u.chance(30) {
			a.ServicesWithLabel("app", u.one("web", "db"))
		} else if u.chance(20) {
			a.Aggregation(26)
		}
		o.Advertisements = append(o.Advertisements, *a.Obj())
	}
	u.objects, u.nodes = o, nil
	for i := range u.random.IntN(7) {
		l := labels.Set{"rack": u.one("1", "2", "3")}
		if u.chance(15) {
			l[u.one(corev1.LabelNodeExcludeBalancers, v1beta1.LabelDrain)] = ""
		}
		u.nodes = append(u.nodes, config.Node{Name: fmt.Sprintf("n%d", i), Labels: l})
	}
	u.random.Shuffle(len(u.nodes), func(i, j int) { u.nodes[i], u.nodes[j] = u.nodes[j], u.nodes[i] })
}

// tweak makes other objects of one kind, or other nodes.
func (u *universe) tweak() {
	objects, nodes := u.objects, u.nodes
	u.reconfigure()
	another, others := u.objects, u.nodes
	u.objects, u.nodes = objects, nodes
	switch u.random.IntN(5) {
	case 0:
		u.objects.Pools = another.Pools
	case 1:
		u.objects.Peers = another.Peers
	case 2:
		u.objects.Advertisements = another.Advertisements
	case 3:
		u.nodes = others
	default: // One pool is gone.
		if len(objects.Pools) > 0 {
			u.objects.Pools = objects.Pools[1:]
		}
	}
}

// change changes something but the configuration.
func (u *universe) change() {
	node := fmt.Sprintf("n%d", u.random.IntN(7))
	switch u.random.IntN(7) {
	case 0:
		u.changeService()
	case 1:
		name := fmt.Sprintf("s%d", u.random.IntN(6))
		u.serving[name] = u.some("n0", "n1", "n2", "n3", "n4", "n5", "n6", "")
		u.serve(name, u.serving[name]...)
	case 2:
		u.offline[node] = u.chance(40)
		u.SetNode(node, u.offline[node])
	default:
		peer := fmt.Sprintf("p%d", u.random.IntN(5))
		key := [2]string{node, peer}
		if u.chance(10) {
			delete(u.sessions, key)
			u.SetSession(node+"-"+peer, nil)
			return
		}
		s := v1beta1.BGPSessionStateStatus{Node: node, Peer: peer, State: v1beta1.SessionEstablished, LastError: u.one("", "refused", "reset")}
		if u.chance(30) {
			s.State = v1beta1.SessionActive
		} else if u.chance(20) {
			s.Families = []corev1.IPFamily{corev1.IPFamily(u.one("IPv4", "IPv6"))}
		}
		u.sessions[key] = s
		u.SetSession(node+"-"+peer, &s)
	}
}

func (u *universe) changeService() {
	name := fmt.Sprintf("s%d", u.random.IntN(6))
	svc := builder.MakeService(name).Label("app", u.one("web", "db", "other"))
	four := fmt.Sprintf("192.0.2.%d", u.random.IntN(160))
	switch u.random.IntN(5) {
	case 0:
		svc.Holds(u.one("a", "b", "gone"), four)
	case 1:
		svc.Holds("six", fmt.Sprintf("2001:db8::%d", 1+u.random.IntN(9)))
	case 2:
		svc.Holds("a,six", four, fmt.Sprintf("2001:db8::%d", 1+u.random.IntN(9)))
	case 3:
		svc.Holds(u.one("gone", "a", ""), "203.0.113.1")
	}
	if u.chance(50) {
		svc.Local()
	}
	u.set(svc.Obj())
}

// expected says what a service is to be told, by asking of each of its addresses each node and peer.
func (u *universe) expected(svc *corev1.Service) string {
	texts, reasons := make([]string, 0, 2), make([]string, 0, 2)
	announced := 0
	for _, in := range svc.Status.LoadBalancer.Ingress {
		reason, text := u.judge(svc, netip.MustParseAddr(in.IP))
		if reason == "" {
			announced++
		}
		texts, reasons = append(texts, text), append(reasons, reason)
	}
	if len(texts) == 0 {
		return ""
	}
	verdict := "False " + reasons[0]
	if announced == len(texts) {
		verdict = "True Announced"
	} else if announced > 0 {
		verdict = "True PartlyAnnounced"
	}
	if len(texts) == 1 || texts[0] == texts[1] {
		return verdict + ": " + texts[0]
	}
	for i := range texts {
		not := " not: "
		if reasons[i] == "" {
			not = " "
		}
		texts[i] = svc.Status.LoadBalancer.Ingress[i].IP + not + texts[i]
	}
	return verdict + ": " + strings.Join(texts, "; ")
}

// home returns the pool that decides about the address, and whether that is there.
func (u *universe) home(svc *corev1.Service, addr netip.Addr) (ipam.Pool, string) {
	recorded := strings.FieldsFunc(svc.Annotations[v1beta1.AnnotationIPAllocatedFromPool], func(r rune) bool { return r == ',' })
	pools := map[string]ipam.Pool{}
	for i := range u.objects.Pools {
		p, _ := ipam.ParsePool(&u.objects.Pools[i])
		pools[p.Name] = p
		if p.Contains(addr) {
			return p, p.Name
		}
	}
	best, name := -1, ""
	for _, r := range recorded {
		rank := 1 // Nobody knows it.
		if p, there := pools[r]; there {
			rank = 0
			if p.Ranges[0].From.Is4() == addr.Is4() {
				rank = 2
			}
		}
		if rank > best {
			best, name = rank, r
		}
	}
	return pools[name], name
}

func (u *universe) judge(svc *corev1.Service, addr netip.Addr) (reason, text string) {
	pool, name := u.home(svc, addr)
	if name == "" {
		return "NoPool", "the address is in no IPAddressPool"
	}
	var ofPool, by []bgp.Advertisement
	for i := range u.objects.Advertisements {
		a, _ := bgp.ParseAdvertisement(&u.objects.Advertisements[i])
		selects := a.SelectsPool(name, pool.Labels) && bgp.CheckAggregation(a, pool) == nil
		if pool.Name == "" { // Its labels are not known.
			selects = len(a.Pools) == 0 && len(a.PoolSelectors) == 0 || slices.Contains(a.Pools, name)
		}
		if selects {
			ofPool = append(ofPool, a)
		}
		if selects && a.SelectsService(svc.Labels) {
			by = append(by, a)
		}
	}
	if len(ofPool) == 0 {
		return "NoAdvertisement", fmt.Sprintf("no BGPAdvertisement selects IPAddressPool %q", name)
	}
	if len(by) == 0 {
		return "NoAdvertisement", fmt.Sprintf("no BGPAdvertisement that selects IPAddressPool %q selects the service", name)
	}
	return u.reach(svc, addr, by)
}

// tally is what was found on the way from nodes to peers.
type tally struct {
	selected, eligible, available, serving int
	// up and all count sessions by peer, announcing and able nodes.
	up, all          map[string]int
	announcing, able map[string]bool
	// faults by peer and node.
	faults map[string]map[string]string
}

func (u *universe) reach(svc *corev1.Service, addr netip.Addr, by []bgp.Advertisement) (reason, text string) {
	f := &tally{
		up: map[string]int{}, all: map[string]int{}, announcing: map[string]bool{}, able: map[string]bool{}, faults: map[string]map[string]string{},
	}
	for _, n := range u.nodes {
		advs := slices.DeleteFunc(slices.Clone(by), func(a bgp.Advertisement) bool { return !a.SelectsNode(n.Labels) })
		if len(advs) > 0 && u.admits(svc, n, addr, advs, f) {
			u.visit(n, addr, advs, f)
		}
	}
	names := make([]string, 0, len(by))
	for _, a := range by {
		names = append(names, a.Name)
	}
	return f.verdict(len(u.nodes), names, len(u.serving[svc.Name]), addr)
}

// admits counts the node, and reports whether it may announce.
func (u *universe) admits(svc *corev1.Service, n config.Node, addr netip.Addr, advs []bgp.Advertisement, f *tally) bool {
	f.selected++
	isLabeled := n.Labels.Has(corev1.LabelNodeExcludeBalancers) || n.Labels.Has(v1beta1.LabelDrain)
	if isLabeled && !slices.ContainsFunc(u.peersOf(n, addr, advs), func(p bgp.Peer) bool { return u.fault(n.Name, p.Name, addr) == "" }) {
		return false
	}
	f.eligible++
	if u.offline[n.Name] {
		return false
	}
	f.available++
	local := svc.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
	if local && !slices.Contains(u.serving[svc.Name], n.Name) {
		return false
	}
	f.serving++
	return true
}

// peersOf returns the peers that the node announces the address to, or should.
func (u *universe) peersOf(n config.Node, addr netip.Addr, advs []bgp.Advertisement) (found []bgp.Peer) {
	for i := range u.objects.Peers {
		p, _ := bgp.ParsePeer(&u.objects.Peers[i])
		if p.Address.Is4() == addr.Is4() && p.SelectsNode(n.Labels) &&
			slices.ContainsFunc(advs, func(a bgp.Advertisement) bool { return a.SelectsPeer(p.Name) }) {
			found = append(found, p)
		}
	}
	return found
}

// visit visits the peers of the node.
func (u *universe) visit(n config.Node, addr netip.Addr, advs []bgp.Advertisement, f *tally) {
	for _, p := range u.peersOf(n, addr, advs) {
		f.able[n.Name] = true
		f.all[p.Name]++
		if fault := u.fault(n.Name, p.Name, addr); fault == "" {
			f.up[p.Name]++
			f.announcing[n.Name] = true
		} else {
			if f.faults[p.Name] == nil {
				f.faults[p.Name] = map[string]string{}
			}
			f.faults[p.Name][n.Name] = fault
		}
	}
}

func (f *tally) verdict(all int, advertisements []string, endpoints int, addr netip.Addr) (reason, text string) {
	family := "IPv6"
	if addr.Is4() {
		family = "IPv4"
	}
	switch {
	case all == 0:
		return "NoNodes", "there are no nodes"
	case f.selected == 0:
		return "NoNodes", "no node matches nodeSelectors of " + plural("BGPAdvertisement", advertisements)
	case f.eligible == 0:
		return "NoNodes", only(f.selected) + " labeled metallb.io/drain or node.kubernetes.io/exclude-from-external-load-balancers"
	case f.available == 0:
		return "NoNodes", only(f.eligible) + " without network: condition NetworkUnavailable is True"
	case endpoints == 0:
		return "NoEndpoints", "no endpoint is ready"
	case f.serving == 0:
		return "NoEndpoints", "externalTrafficPolicy is Local and no endpoint is ready on a node that could announce"
	case len(f.all) == 0:
		return "NoPeers", "no BGPPeer with an " + family + " address connects nodes for " + plural("BGPAdvertisement", advertisements)
	}
	peers := slices.Sorted(maps.Keys(f.all))
	if len(f.announcing) == 0 {
		first := slices.Sorted(maps.Keys(f.faults[peers[0]]))[0]
		return "SessionsNotEstablished", fmt.Sprintf("no session is established with %s; %s with %q: %s",
			plural("peer", peers), first, peers[0], f.faults[peers[0]][first])
	}
	return "", route(len(f.announcing), len(f.able), peers, f.up, f.all)
}

func (u *universe) fault(node, peer string, addr netip.Addr) string {
	s, reported := u.sessions[[2]string{node, peer}]
	family := corev1.IPv6Protocol
	if addr.Is4() {
		family = corev1.IPv4Protocol
	}
	switch {
	case !reported:
		return "no report from its speaker"
	case s.State != v1beta1.SessionEstablished && s.LastError != "":
		return s.LastError
	case s.State != v1beta1.SessionEstablished:
		return "session is " + string(s.State)
	case len(s.Families) > 0 && !slices.Contains(s.Families, family):
		return "the session does not carry " + string(family)
	}
	return ""
}

func route(announcing, able int, peers []string, up, all map[string]int) string {
	from := fmt.Sprintf("%d of %d nodes", announcing, able)
	if announcing == able {
		from = nodes(able)
	}
	var to, missing []string
	for _, p := range peers {
		if up[p] > 0 {
			to = append(to, p)
		}
		if up[p] < all[p] {
			missing = append(missing, fmt.Sprintf("%q on %d of %s", p, all[p]-up[p], nodes(all[p])))
		}
	}
	text := "from " + from + " to " + plural("peer", to)
	if len(missing) > 0 {
		text += "; not established: " + strings.Join(missing, ", ")
	}
	return text
}

func nodes(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}

func only(n int) string {
	if n == 1 {
		return "the only node selected is"
	}
	return fmt.Sprintf("all %d nodes selected are", n)
}

func plural(noun string, names []string) string {
	if len(names) > 1 {
		noun += "s"
	}
	return noun + " " + strings.ReplaceAll(strings.Trim(fmt.Sprintf("%q", names), "[]"), " ", ", ")
}

func TestServicesAreToldWhatAskingEachNodeAndPeerWouldSay(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for seed := range uint64(300) {
		u := newUniverse(t, seed)
		u.Complete()
		for step := range 60 {
			switch {
			case step%20 == 0:
				u.reconfigure()
				u.configure()
			case step%5 == 0:
				u.tweak()
				u.configure()
			}
			u.change()
			u.pass(40 * time.Second) // All that there is to write is written.
			for name, svc := range u.services {
				if c := meta.FindStatusCondition(svc.Status.Conditions, v1beta1.ConditionAnnounced); c != nil {
					seen[c.Reason]++
				}
				if got, want := u.reported(name.Name), u.expected(svc); got != want {
					t.Fatalf("seed %d, step %d: %s\nsays %s\nwant %s", seed, step, name, got, want)
				}
			}
			u.compareCoverage(t, seed)
		}
	}
	for _, reason := range []string{
		"Announced", "PartlyAnnounced", "NoPool", "NoAdvertisement", "NoNodes", "NoEndpoints", "NoPeers", "SessionsNotEstablished",
	} {
		if seen[reason] < 100 {
			t.Errorf("%s is said %d times only", reason, seen[reason])
		}
	}
}

// compareCoverage compares how many services each advertisement covers.
func (u *universe) compareCoverage(t *testing.T, seed uint64) {
	t.Helper()
	for i := range u.objects.Advertisements {
		a, _ := bgp.ParseAdvertisement(&u.objects.Advertisements[i])
		want := 0
		for _, svc := range u.services {
			if slices.ContainsFunc(svc.Status.LoadBalancer.Ingress, func(in corev1.LoadBalancerIngress) bool {
				pool, name := u.home(svc, netip.MustParseAddr(in.IP))
				selects := a.SelectsPool(name, pool.Labels) && bgp.CheckAggregation(a, pool) == nil
				if pool.Name == "" {
					selects = len(a.Pools) == 0 && len(a.PoolSelectors) == 0 || slices.Contains(a.Pools, name)
				}
				return name != "" && selects && a.SelectsService(svc.Labels)
			}) {
				want++
			}
		}
		if got, _, _ := u.Covered(a.Name); got != want {
			t.Fatalf("seed %d: %s covers %d services, want %d", seed, a.Name, got, want)
		}
	}
}
