// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/terminal"
	"metallb.io/metallb/test/builder"
)

// silence is a Service that has an address and is not announced. All that is its own has its name.
type silence struct {
	// advertisement is nil if there is none.
	advertisement *builder.Advertisement
	// peer is its own one; nil if it has none.
	peer *builder.Peer
	// web is one of IPv4 unless it is given.
	web *builder.Service
	// endpoints are on these nodes; on node-1 if none is given.
	nodes []string
	// subject and reason are those of the link that is broken first.
	subject, reason string
	// command mends it, or if it is not known what does, shows it, and then text is told. remedy is its number.
	command, text string
	remedy        int
	// speaker is a node whose speaker establishes its session thereupon.
	speaker string
}

const patchAdvertisement = "kubectl patch bgpadvertisement "

func silences() map[string]silence {
	adv := func(pools ...string) *builder.Advertisement {
		return builder.MakeAdvertisement("", pools...).Peers("tor")
	}
	zoned := func(name string) *builder.Peer {
		p := builder.MakePeer(name, fmt.Sprintf("10.96.1.%d", len(name)))
		p.Spec.NodeSelectors = []metav1.LabelSelector{{MatchExpressions: []metav1.LabelSelectorRequirement{
			{Key: name, Operator: metav1.LabelSelectorOpIn, Values: []string{"b", "a"}}, {Key: "rack", Operator: metav1.LabelSelectorOpExists},
		}}}
		return p
	}
	six := builder.MakeService("").Families(corev1.IPFamilyPolicySingleStack, corev1.IPv6Protocol)
	return map[string]silence{
		"none": {subject: "advertisement", reason: v1beta1.ReasonNoAdvertisement, remedy: 1,
			command: `echo '{"apiVersion":"metallb.io/v1beta1","kind":"BGPAdvertisement","metadata":{"name":"none","namespace":"metallb-system"},"spec":{"ipAddressPools":["none"]}}' | kubectl apply -f -`},
		"pools": {advertisement: adv("another").ServicesWithLabel("case", "pools"), subject: "advertisement", reason: v1beta1.ReasonNoAdvertisement,
			command: patchAdvertisement + `pools -n metallb-system --type=json -p '[{"op":"add","path":"/spec/ipAddressPools/-","value":"pools"}]'`},
		"pool-labels": {advertisement: adv().PoolsWithLabel("use", "web").ServicesWithLabel("case", "pool-labels"), subject: "advertisement", reason: v1beta1.ReasonNoAdvertisement,
			command: "kubectl label ipaddresspool pool-labels -n metallb-system use=web --overwrite"},
		"service-labels": {advertisement: adv("service-labels").ServicesWithLabel("tier", "gold"), subject: "advertisement", reason: v1beta1.ReasonNoAdvertisement,
			command: "kubectl label service service-labels -n default tier=gold --overwrite"},
		"a-field-each": {advertisement: adv("another").ServicesWithLabel("tier", "gold"), subject: "advertisement", reason: v1beta1.ReasonNoAdvertisement,
			command: patchAdvertisement + `a-field-each -n metallb-system --type=json -p '[{"op":"add","path":"/spec/ipAddressPools/-","value":"a-field-each"}]'` +
				" && kubectl label service a-field-each -n default tier=gold --overwrite"},
		"aggregation": {advertisement: adv("aggregation").Aggregation(20), subject: "advertisement", reason: v1beta1.ReasonNoAdvertisement,
			command: patchAdvertisement + `aggregation -n metallb-system --type=merge -p '{"spec":{"aggregationLength":null,"aggregationLengthV6":null}}'`},
		"community": {advertisement: adv("community").Communities("vip"), subject: "advertisement", reason: v1beta1.ReasonNoAdvertisement,
			command: "kubectl edit bgpadvertisement community -n metallb-system", text: `no Community object defines the alias "vip"`},
		"no-node": {advertisement: adv("no-node").NodesWithLabel("role", "edge"), subject: "nodes", reason: v1beta1.ReasonNoNodes,
			command: "kubectl label node node-1 role=edge --overwrite"},
		"drained": {advertisement: adv("drained").NodesWithLabel("is", "drained"), subject: "nodes", reason: "Drained",
			command: "kubectl label node drained metallb.io/drain-", speaker: "drained"},
		"without-network": {advertisement: adv("without-network").NodesWithLabel("is", "cut"), subject: "nodes", reason: "NetworkUnavailable",
			command: "kubectl describe node cut", text: "cut: without network"},
		"endpoints": {advertisement: adv("endpoints"), nodes: []string{}, subject: "endpoints", reason: v1beta1.ReasonNoEndpoints,
			command: "kubectl get pods -n default -l app=endpoints", text: "no pod that has an address of the family matches the selector app=endpoints"},
		"local": {advertisement: adv("local"), web: builder.MakeService("").Local(), nodes: []string{"elsewhere"}, subject: "endpoints", reason: v1beta1.ReasonNoEndpoints,
			command: `kubectl patch service local -n default --type=merge -p '{"spec":{"externalTrafficPolicy":"Cluster"}}'`},
		"no-such-peer": {advertisement: builder.MakeAdvertisement("", "no-such-peer").Peers("gone"), subject: "peers", reason: v1beta1.ReasonNoPeers,
			command: patchAdvertisement + `no-such-peer -n metallb-system --type=merge -p '{"spec":{"peers":["tor"]}}'`},
		"zoned": {advertisement: builder.MakeAdvertisement("", "zoned").Peers("zoned"), peer: zoned("zoned"), subject: "peers", reason: v1beta1.ReasonNoPeers,
			command: "kubectl label node node-1 zoned=a --overwrite"},
		"family": {advertisement: adv("family"), web: six, subject: "peers", reason: v1beta1.ReasonNoPeers,
			command: `kubectl patch bgppeer.metallb.io tor -n metallb-system --type=merge -p '{"spec":{"dualStackAddressFamily":true}}'`},
		"session": {advertisement: builder.MakeAdvertisement("", "session").Peers("session"), peer: builder.MakePeer("session", "10.96.1.100"),
			subject: "peer session", reason: v1beta1.ReasonSessionsNotEstablished,
			command: "kubectl metallb explain peer session", text: "session established on 0 of 2 nodes; node-1, node-2: connection refused"},
	}
}

func TestTheCommandThatIsToldMendsWhatKeepsAServiceFromBeingAnnounced(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	rack := map[string]string{"rack": "1"}
	cut := node("cut", map[string]string{"is": "cut"})
	s.create(t, builder.MakePeer("tor", "10.96.0.100").Obj(), node("node-1", rack), node("node-2", rack),
		node("drained", map[string]string{"is": "drained", v1beta1.LabelDrain: ""}), cut)
	cut.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionTrue}}
	if err := s.Client.Status().Update(t.Context(), cut); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"node-1", "node-2"} {
		s.tell(t, name, "tor", v1beta1.SessionEstablished, "")
		s.tell(t, name, "zoned", v1beta1.SessionEstablished, "")
		s.tell(t, name, "session", v1beta1.SessionActive, "connection refused")
	}
	number := 0
	var later []client.Object
	for name, tc := range silences() {
		number++
		first, second := tc.objects(name, number)
		s.create(t, first...)
		later = append(later, second...)
	}
	for name := range silences() {
		s.awaitCondition(t, name, v1beta1.ConditionAllocated, metav1.ConditionTrue)
	}
	s.create(t, later...)              // What contradicts a pool that is in use is not used itself.
	for name, tc := range silences() { // Before anything is mended.
		s.awaitCondition(t, name, v1beta1.ConditionAnnounced)
		s.checkVerdict(t, name, tc)
	}
	for name, tc := range silences() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.announce(t, name, tc)
		})
	}
}

// objects are those of the Service, whose pool has the number: those by which it has an address, and the others.
func (tc silence) objects(name string, number int) (first, second []client.Object) {
	pool := builder.MakePool(name, fmt.Sprintf("192.0.2.%d/32", number), fmt.Sprintf("2001:db8::%x/128", number)).Obj()
	web := builder.MakeService("")
	if tc.web != nil {
		web = tc.web
	}
	svc := web.Pool(name).Selector("app", name).Label("case", name).Obj()
	svc.Name = name
	if tc.advertisement != nil {
		adv := tc.advertisement.Obj()
		adv.Name = name
		if adv.Spec.ServiceSelectors == nil && adv.Spec.AggregationLength == nil { // So it is nearest to its own Service.
			adv.Spec.ServiceSelectors = []metav1.LabelSelector{{MatchLabels: map[string]string{"case": name}}}
		}
		second = append(second, adv)
	}
	if tc.peer != nil {
		second = append(second, tc.peer.Obj())
	}
	nodes := tc.nodes
	if nodes == nil {
		nodes = []string{"node-1"}
	}
	kind := discoveryv1.AddressTypeIPv4
	if len(svc.Spec.IPFamilies) > 0 && svc.Spec.IPFamilies[0] == corev1.IPv6Protocol {
		kind = discoveryv1.AddressTypeIPv6
	}
	return []client.Object{pool, svc}, append(second, endpoints(name, kind, nodes...))
}

// checkVerdict checks what is said to be wrong first, and what to mend it.
func (s *system) checkVerdict(t *testing.T, name string, tc silence) {
	t.Helper()
	chain, wrong := s.explain(t, name)
	first, broken := chain.Verdict()
	switch {
	case !wrong || !broken || first.Subject != tc.subject || first.Reason != tc.reason || !strings.Contains(first.Text, tc.text):
		t.Errorf("%s: wrong first is %+v, want %s %s of\n%+v", name, first, tc.subject, tc.reason, chain.Links)
	case len(first.Remedies) <= tc.remedy || first.Remedies[tc.remedy].Command != tc.command:
		t.Errorf("%s: the remedies are\n%+v\nwant\n%s", name, first.Remedies, tc.command)
	}
}

// announce does what is said, and waits until the controller says that the Service is announced.
func (s *system) announce(t *testing.T, name string, tc silence) {
	t.Helper()
	if tc.text != "" {
		return // The command only shows more.
	}
	s.shell(t, tc.command)
	if tc.speaker != "" {
		s.tell(t, tc.speaker, "tor", v1beta1.SessionEstablished, "")
	}
	eventually(t, "the Service to be announced", func() string {
		chain, _ := s.explain(t, name)
		last := chain.Links[len(chain.Links)-1]
		if first, broken := chain.Verdict(); broken && first.Subject == tc.subject {
			return first.Text
		}
		if last.Subject != "announced" || last.Mark != terminal.Good {
			return last.Text
		}
		return ""
	})
}
