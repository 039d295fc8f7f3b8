// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/drain"
	"metallb.io/metallb/speaker/policy"
)

// miss is why an advertisement does not announce an address: what is wrong with a field of it.
type miss struct {
	field, text string
	remedies    []Remedy
}

// nearly is an advertisement that does not announce the address, and why.
type nearly struct {
	name   string
	misses []miss
}

// maxNearly is how many advertisements are told of that do not announce an address.
const maxNearly = 3

// advertisements says which advertisements announce the address, and which nearly do. It reports whether one does.
func (t *trail) advertisements(s *config.Selection, f family) bool {
	subject := f.subject("advertisement")
	if s.Pool == "" {
		t.chain.Bad(subject, v1beta1.ReasonNoPool, "the address is in no IPAddressPool, so that no BGPAdvertisement selects it", t.adopt(f))
		return false
	}
	names := s.Advertisements()
	others := t.nearly(s.Pool, names)
	if len(names) > 0 {
		t.chain.Good(subject, "%s", t.matchingText(names, s.Pool))
	} else {
		text := fmt.Sprintf("no BGPAdvertisement selects pool %q", s.Pool)
		if s.Advertised {
			text += " and the Service"
		}
		var remedies []Remedy
		if len(others) > 0 {
			text += fmt.Sprintf("; the nearest is %q: %s", others[0].name, others[0].text())
			remedies, others = others[0].remedies(), others[1:]
		}
		remedies = append(remedies, t.advertise(s.Pool))
		t.chain.Bad(subject, v1beta1.ReasonNoAdvertisement, text, remedies...)
	}
	for i, o := range others {
		if i == maxNearly {
			t.chain.Note(subject, "and %d more that do not announce it", len(others)-maxNearly)
			break
		}
		t.chain.Note(subject, "%q does not announce it: %s", o.name, o.text())
	}
	return len(names) > 0
}

// advertise returns how to have an advertisement of the pool.
func (t *trail) advertise(pool string) Remedy {
	name := pool
	if exists(t.Written.Advertisements, name) {
		name += "-all"
	}
	name = unused(t.Written.Advertisements, name)
	return Run("create one", target{"BGPAdvertisement", name, t.Namespace}.create(map[string]any{"ipAddressPools": []string{pool}}))
}

// matchingText names the advertisements, and says of which an earlier version is in use.
func (t *trail) matchingText(names []string, pool string) string {
	verb := "select"
	if len(names) == 1 {
		verb += "s"
	}
	parts := []string{fmt.Sprintf("%s %s pool %q and the Service", advertisementsText(names), verb, pool)}
	for _, name := range names {
		if a := t.activeOf(active.KindBGPAdvertisement, name); a != nil && a.Status.Held {
			parts = append(parts, fmt.Sprintf("of %q an earlier version is in use (%s)", name, a.Status.Reason))
		}
	}
	return strings.Join(parts, "; ")
}

// adopt returns how to have a pool for an address that is in none.
func (t *trail) adopt(f family) Remedy {
	const name = "adopted"
	addresses := f.address.String() + "-" + f.address.String()
	if exists(t.Written.Pools, name) {
		// Applied again, the pool would lose the addresses that it has been created for.
		return Run("add it to the pool of such addresses", t.poolTarget(name).add("/spec/addresses", addresses))
	}
	return Run("create a pool that has it", target{"IPAddressPool", name, t.Namespace}.create(map[string]any{"addresses": []string{addresses}}))
}

// nearly returns the advertisements that do not announce addresses of the pool for the Service, those first that come nearest.
func (t *trail) nearly(pool string, announcing []string) []nearly {
	var found []nearly
	for i := range t.inUse.Advertisements {
		a := &t.inUse.Advertisements[i]
		if !slices.Contains(announcing, a.Name) {
			found = append(found, nearly{a.Name, t.misses(a, pool)})
		}
	}
	slices.SortFunc(found, func(a, b nearly) int {
		return cmp.Or(cmp.Compare(len(a.misses), len(b.misses)), cmp.Compare(a.missesPool(), b.missesPool()), strings.Compare(a.name, b.name))
	})
	return found
}

// misses returns which fields keep the advertisement from announcing the Service's addresses of the pool.
func (t *trail) misses(a *v1beta1.BGPAdvertisement, pool string) []miss {
	object := t.configuration("bgpadvertisement", a.Name)
	adv, errs := bgp.ParseAdvertisement(a)
	if len(errs) > 0 {
		return []miss{{"spec", "it is invalid: " + errs.ToAggregate().Error(), []Remedy{Run("correct it", object.edit())}}}
	}
	var found []miss
	poolLabels, definition := t.pool(pool)
	if !adv.SelectsPool(pool, poolLabels) {
		found = append(found, t.missesPool(a, pool, poolLabels))
	}
	if definition != nil {
		if err := bgp.CheckAggregation(adv, *definition); err != nil {
			found = append(found, miss{"aggregationLength", err.Error(), []Remedy{Run("announce single addresses", object.command("patch", "--type=merge", "-p",
				jsonText(map[string]any{"spec": map[string]any{"aggregationLength": nil, "aggregationLengthV6": nil}})))}})
		}
	}
	if _, err := bgp.ResolveCommunities(adv.Communities, t.aliases()); err != nil {
		found = append(found, miss{"communities", err.Error(), []Remedy{Run("write the value of the community", object.edit())}})
	}
	if !adv.SelectsService(t.svc.Labels) {
		m := miss{"serviceSelectors", "serviceSelectors " + selectorText(a.Spec.ServiceSelectors) + " do not match the labels of the Service", []Remedy{Run("change them", object.edit())}}
		if changes := relabeled(a.Spec.ServiceSelectors, t.svc.Labels); changes != nil {
			m.remedies = []Remedy{Run("label the Service", serviceTarget(t.svc).label(changes...))}
		}
		found = append(found, m)
	}
	if len(t.Nodes) > 0 && !slices.ContainsFunc(t.routes.Nodes(), t.selectedBy(&adv)) {
		found = append(found, t.missesNodes(a))
	}
	if len(adv.Peers) > 0 && !slices.ContainsFunc(t.inUse.Peers, t.isPeer(&adv)) {
		found = append(found, t.missesPeers(a.Name, a.Spec.Peers))
	}
	return found
}

func (t *trail) missesPool(a *v1beta1.BGPAdvertisement, pool string, has labels.Set) miss {
	object := t.configuration("bgpadvertisement", a.Name)
	if len(a.Spec.IPAddressPools) > 0 {
		return miss{poolField + "s", fmt.Sprintf("ipAddressPools has %s and not %q", named(a.Spec.IPAddressPools), pool),
			[]Remedy{Run("add the pool", object.add("/spec/ipAddressPools", pool))}}
	}
	m := miss{poolField + "Selectors", fmt.Sprintf("ipAddressPoolSelectors %s do not match the labels of pool %q", selectorText(a.Spec.IPAddressPoolSelectors), pool),
		[]Remedy{Run("change them", object.edit())}}
	if changes := relabeled(a.Spec.IPAddressPoolSelectors, has); changes != nil {
		m.remedies = []Remedy{Run("label the pool", t.poolTarget(pool).label(changes...))}
	}
	return m
}

// missesNodes is that nodeSelectors match no node.
func (t *trail) missesNodes(a *v1beta1.BGPAdvertisement) miss {
	m := miss{"nodeSelectors", "nodeSelectors " + selectorText(a.Spec.NodeSelectors) + " match no node",
		[]Remedy{Run("change them", t.configuration("bgpadvertisement", a.Name).edit())}}
	if node, changes := t.relabel(a.Spec.NodeSelectors, t.routes.Nodes()); changes != nil {
		m.remedies = []Remedy{Run("label the nodes that should announce, such as "+node, target{kind: "node", name: node}.label(changes...))}
	}
	return m
}

// relabel returns the node among these, in service, that one of the selectors selects after the fewest changes of its labels; no changes if there is none.
func (t *trail) relabel(selectors []metav1.LabelSelector, among []string) (node string, changes []string) {
	for _, name := range among {
		n, found := t.Node(name)
		if !found || drain.IsLabeled(n.Labels) || policy.NodeOf(n).NetworkUnavailable {
			continue
		}
		if own := relabeled(selectors, n.Labels); own != nil && (changes == nil || len(own) < len(changes)) {
			node, changes = name, own
		}
	}
	return node, changes
}

// missesPeers is that there is no BGPPeer among the peers of the advertisement.
func (t *trail) missesPeers(advertisement string, peers []string) miss {
	object := t.configuration("bgpadvertisement", advertisement)
	m := miss{"peers", "there is no BGPPeer named " + named(peers) + ", as peers has it", []Remedy{Run("change them", object.edit())}}
	for i := range t.Sessions {
		if s := &t.Sessions[i].Status; s.Fault() == "" {
			m.remedies = []Remedy{Run(fmt.Sprintf("announce to peer %q", s.Peer), object.patch("peers", []string{s.Peer}))}
			break
		}
	}
	return m
}

// pool returns the labels of a pool, and what it means if that is known.
func (t *trail) pool(name string) (labels.Set, *ipam.Pool) {
	for i := range t.inUse.Pools {
		if p := &t.inUse.Pools[i]; p.Name == name {
			if pool, errs := ipam.ParsePool(p); len(errs) == 0 {
				return p.Labels, &pool
			}
			return p.Labels, nil
		}
	}
	return nil, nil
}

// aliases returns all that Communities define.
func (t *trail) aliases() bgp.Aliases {
	all := bgp.Aliases{}
	for i := range t.inUse.Communities {
		defined, _ := bgp.ParseCommunities(&t.inUse.Communities[i])
		maps.Copy(all, defined)
	}
	return all
}

// missesPool returns 1 if the advertisement does not select the pool, else 0: what does is nearer.
func (n nearly) missesPool() int {
	if strings.HasPrefix(n.misses[0].field, poolField) {
		return 1
	}
	return 0
}

// poolField is what the fields that select pools begin with.
const poolField = "ipAddressPool"

func (n nearly) text() string {
	texts := make([]string, 0, len(n.misses))
	for _, m := range n.misses {
		texts = append(texts, m.text)
	}
	return strings.Join(texts, "; ")
}

// remedies mend all that keeps it from announcing: one command for each, in a line if there are several.
func (n nearly) remedies() []Remedy {
	texts, commands := make([]string, 0, len(n.misses)), make([]string, 0, len(n.misses))
	for _, m := range n.misses {
		texts, commands = append(texts, m.remedies[0].Text), append(commands, m.remedies[0].Command)
	}
	return []Remedy{Run("by "+strconv.Quote(n.name)+": "+strings.Join(texts, ", and "), both(commands...))}
}
