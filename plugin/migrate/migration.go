// SPDX-License-Identifier: Apache-2.0

package migrate

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"metallb.io/metallb/api/bgp"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/config"
)

// Why something is left out.
const (
	noDiscovery = "peers are not discovered from annotations or labels of nodes; write a BGPPeer for each, with nodeSelectors"
	bgpOnly     = "addresses are announced over BGP only"
)

// migration is a configuration turned into custom resources.
type migration struct {
	remarks
	namespace string
	// objects that are carried over.
	objects config.Objects
	// names that are taken, by kind.
	names map[string]map[string]bool
	// pools is how many pools are carried over, and announcements are theirs.
	pools         int
	announcements []announcement
	// carried are the pools that are carried over, by their old names.
	carried map[string]bool
	// profiles are the names of the BFDProfiles that are carried over, by their old names.
	profiles map[string]string
	// aliases that are carried over, and values of those that cannot be.
	aliases map[string]bool
	values  map[string]string
	// protocol of the pools that have none.
	protocol string
}

func newMigration(namespace string) *migration {
	return &migration{
		namespace: namespace,
		names:     map[string]map[string]bool{"pool": {}, "peer": {}, "profile": {}, "advertisement": {}, "community": {}},
		carried:   map[string]bool{},
		profiles:  map[string]string{},
		aliases:   map[string]bool{},
		values:    map[string]string{},
	}
}

// configuration carries over a whole configuration.
func (m *migration) configuration(root *yaml.Node) {
	var communities, profiles, peers, pools []entry
	later := func(to *[]entry) reader { return func(e entry) { *to = append(*to, e) } }
	m.each(root, "", map[string]reader{
		"peers":           later(&peers),
		"bgp-communities": later(&communities),
		// As it was called before release 0.2.
		"communities":        later(&communities),
		"address-pools":      later(&pools),
		"bfd-profiles":       later(&profiles),
		"peer-autodiscovery": m.noCounterpart(noDiscovery),
		// The protocol of all pools, before release 0.2.
		"protocol": func(e entry) { m.protocol = e.value.Value },
	})
	for _, e := range communities {
		m.community(e)
	}
	items := func(lists []entry) []entry {
		all := make([]entry, 0, len(lists))
		for _, e := range lists {
			all = append(all, m.items(e)...)
		}
		return all
	}
	for _, profile := range items(profiles) {
		m.profile(profile)
	}
	for _, peer := range items(peers) {
		m.peer(peer)
	}
	list := items(pools)
	for _, pool := range list {
		// Names that are valid are kept.
		if name := child(pool.value, "name"); name != nil && nameFor(name.Value, "") == name.Value {
			m.names["pool"][name.Value] = true
		}
	}
	for _, pool := range list {
		m.pool(pool)
	}
	m.advertise()
}

// add adds an object, unless it cannot be made, its parser finds something wrong with it, or it contradicts others.
func (m *migration) add(d *draft, o config.Object, errs field.ErrorList) bool {
	if !d.broken && len(errs) == 0 {
		errs = config.Contradictions(o, m.objects, nil)
	}
	if d.broken {
		return false
	}
	for _, err := range errs {
		d.spoil(d.lineOf(err.Field), "%s: %v", d.path, err)
	}
	if !d.broken {
		m.objects = m.objects.Apply(config.Change{New: o})
	}
	return !d.broken
}

// community carries over aliases.
func (m *migration) community(e entry) {
	var aliases []entry
	for _, alias := range m.entries(e.value, e.path) {
		switch _, err := bgp.ParseCommunity(alias.value.Value); {
		case alias.value.Kind != yaml.ScalarNode:
			m.leaveOut(alias.line, "%s: must be a community such as 64512:100; left out", alias.path)
		case err != nil:
			m.leaveOut(alias.line, "%s: %v; left out", alias.path, err)
		case alias.key == "" || strings.Contains(alias.key, ":") || len(alias.key) > validation.DNS1123SubdomainMaxLength:
			m.aliases[alias.key], m.values[alias.key] = true, alias.value.Value
			m.note(alias.line, "%s: this name is not possible for an alias; advertisements that use it get its value", alias.path)
		default:
			m.aliases[alias.key] = true
			aliases = append(aliases, alias)
		}
	}
	for some := range slices.Chunk(aliases, maxAliases) {
		d := newDraft(&m.remarks, e)
		c := &v1beta1.Community{}
		c.Name, c.Namespace = m.unique("community", "bgp-communities"), m.namespace
		for i, alias := range some {
			d.lines[fmt.Sprintf("spec.communities[%d]", i)] = alias.line
			c.Spec.Communities = append(c.Spec.Communities, v1beta1.CommunityAlias{Name: alias.key, Value: alias.value.Value})
		}
		_, errs := bgp.ParseCommunities(c)
		m.add(d, c, errs)
	}
}

// maxAliases is how many a Community may have.
const maxAliases = 256

// notInName is what cannot be in the name of an object, which is a DNS subdomain (RFC 1123).
var notInName = regexp.MustCompile(`[^a-z0-9.-]+`)

// maxName leaves room for what makes a name unique.
const maxName = validation.DNS1123SubdomainMaxLength - 20

// nameFor returns a name for an object that is as the text, as far as possible.
func nameFor(text, otherwise string) string {
	if len(validation.IsDNS1123Subdomain(text)) == 0 && len(text) <= maxName {
		return text
	}
	trim := func(s string) string { return strings.Trim(s[:min(len(s), maxName)], "-.") }
	name := trim(notInName.ReplaceAllString(strings.ToLower(text), "-"))
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		name = trim(strings.ReplaceAll(name, ".", "-"))
	}
	return cmp.Or(name, otherwise)
}

// unique returns the name, or, if an object of the kind has it, the name and a number.
func (m *migration) unique(kind, name string) string {
	taken := m.names[kind]
	candidate := name
	for n := 2; taken[candidate]; n++ {
		candidate = fmt.Sprintf("%s-%d", name, n)
	}
	taken[candidate] = true
	return candidate
}
