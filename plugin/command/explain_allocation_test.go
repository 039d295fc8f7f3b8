// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// refusal is a Service "web" that is refused what it requests.
type refusal struct {
	// objects are there before it; Services among them hold an address.
	objects []client.Object
	web     *builder.Service
	// change is made when it holds an address, nil if it is refused from the beginning.
	change func(web *corev1.Service)
	// reason is the one that is told, and command the one that mends it.
	reason, command string
	// pool is put in place of RANGE.
	pool string
	// remedy is the number of the one that is tried.
	remedy int
}

func refusals() map[string]refusal {
	web := func() *builder.Service { return builder.MakeService("web") }
	other := func() *builder.Service { return builder.MakeService("other") }
	pool := builder.MakePool("pool", "192.0.2.0/28")
	taken := func(s *builder.Service) []client.Object {
		return []client.Object{pool.Obj(), s.Addresses("192.0.2.1").Obj()}
	}
	const without = "kubectl annotate service web -n default metallb.io/loadBalancerIPs- --overwrite"
	share := func(key string) string {
		return "kubectl annotate service web -n default metallb.io/allow-shared-ip=" + key + " --overwrite"
	}
	return map[string]refusal{
		"there is no pool": {web: web(), reason: "NoPools", pool: "192.0.2.0/28",
			command: `echo '{"apiVersion":"metallb.io/v1beta1","kind":"IPAddressPool","metadata":{"name":"default","namespace":"metallb-system"},"spec":{"addresses":["RANGE"]}}' | kubectl apply -f -`},
		"no pool is auto-assigned": {objects: []client.Object{builder.MakePool("pool", "192.0.2.0/28").NoAutoAssign().Obj()}, web: web(), reason: "NotAutoAssigned",
			command: "kubectl annotate service web -n default metallb.io/address-pool=pool --overwrite"},
		"the pool selects other services": {objects: []client.Object{builder.MakePool("pool", "192.0.2.0/28").ServicesWithLabel("tier", "gold").Obj()}, web: web().Label("tier", "lead"), reason: "NotSelected",
			command: "kubectl label service web -n default tier=gold --overwrite"},
		"the pool selects other namespaces": {objects: []client.Object{builder.MakePool("pool", "192.0.2.0/28").NamespacesWithLabel("team", "blue").Obj()}, web: web(), reason: "NotSelected",
			command: "kubectl label namespace default team=blue --overwrite"},
		"the pool names other namespaces": {objects: []client.Object{builder.MakePool("pool", "192.0.2.0/28").Namespaces("shop").Obj()}, web: web(), reason: "NotSelected",
			command: `kubectl patch ipaddresspool pool -n metallb-system --type=json -p '[{"op":"add","path":"/spec/serviceAllocation/namespaces/-","value":"default"}]'`},
		"no pool has the family": {objects: []client.Object{pool.Obj()}, web: web().Families(corev1.IPFamilyPolicySingleStack, corev1.IPv6Protocol), reason: "FamilyMissing", pool: "2001:db8::/124",
			command: `kubectl patch ipaddresspool pool -n metallb-system --type=json -p '[{"op":"add","path":"/spec/addresses/-","value":"RANGE"}]'`},
		"the pool avoids all that it has": {objects: []client.Object{builder.MakePool("pool", "192.0.2.0-192.0.2.0").AvoidBuggyIPs().Obj()}, web: web(), reason: "FamilyAvoided",
			command: `kubectl patch ipaddresspool pool -n metallb-system --type=merge -p '{"spec":{"avoidBuggyIPs":false}}'`},
		"the pool is exhausted": {objects: []client.Object{builder.MakePool("pool", "192.0.2.1-192.0.2.1").Obj(), other().Obj()}, web: web(), reason: "PoolExhausted", pool: "192.0.2.2-192.0.2.2",
			command: `kubectl patch ipaddresspool pool -n metallb-system --type=json -p '[{"op":"add","path":"/spec/addresses/-","value":"RANGE"}]'`},
		"the pool requested is exhausted, and another is not": {objects: []client.Object{builder.MakePool("a", "192.0.2.1-192.0.2.1").Obj(), other().Obj(), builder.MakePool("b", "192.0.2.2-192.0.2.2").Obj()},
			web: web().Pool("a"), reason: "PoolExhausted", command: "kubectl annotate service web -n default metallb.io/address-pool- --overwrite"},
		"the pool requested is not there": {objects: []client.Object{pool.Obj()}, web: web().Pool("gone"), reason: "PoolNotFound",
			command: "kubectl annotate service web -n default metallb.io/address-pool- --overwrite"},
		"the pool requested by an annotation of the first releases is not there": {objects: []client.Object{pool.Obj()}, web: web().Annotation("metallb.universe.tf/address-pool", "gone"), reason: "PoolNotFound",
			command: "kubectl annotate service web -n default metallb.universe.tf/address-pool- --overwrite"},
		"no pool has the address": {objects: []client.Object{pool.Obj()}, web: web().Addresses("203.0.113.1"), reason: "NotInAnyPool", command: without},
		"no pool has the address of spec": {objects: []client.Object{pool.Obj()}, web: web().LoadBalancerIP("203.0.113.1"), reason: "NotInAnyPool",
			command: `kubectl patch service web -n default --type=merge -p '{"spec":{"loadBalancerIP":""}}'`},
		"the pool avoids the address": {objects: []client.Object{builder.MakePool("pool", "192.0.2.0/28").AvoidBuggyIPs().Obj()}, web: web().Addresses("192.0.2.0"), reason: "AddressAvoided", command: without},
		"the address is of another pool than requested": {objects: []client.Object{builder.MakePool("a", "192.0.2.0/28").Obj(), builder.MakePool("b", "192.0.2.16/28").Obj()},
			web: web().Pool("a").Addresses("192.0.2.17"), reason: "NotInRequestedPool", command: "kubectl annotate service web -n default metallb.io/address-pool=b --overwrite"},
		"the pool of the address does not select the service": {objects: []client.Object{builder.MakePool("pool", "192.0.2.0/28").ServicesWithLabel("tier", "gold").Obj()}, web: web().Addresses("192.0.2.1"),
			reason: "NotSelected", command: "kubectl label service web -n default tier=gold --overwrite"},
		"the address is in use":            {objects: taken(other()), web: web().Addresses("192.0.2.1"), reason: "AddressInUse", command: without},
		"the service has no sharing key":   {objects: taken(other().SharingKey("k").Ports(81)), web: web().Addresses("192.0.2.1"), reason: "SharingKeyMissing", command: share("k"), remedy: 1},
		"the other one has no sharing key": {objects: taken(other().Ports(81)), web: web().SharingKey("k").Addresses("192.0.2.1"), reason: "SharingKeyMissing", remedy: 1, command: "kubectl annotate service other -n default metallb.io/allow-shared-ip=k --overwrite"},
		"sharing keys differ":              {objects: taken(other().SharingKey("k").Ports(81)), web: web().SharingKey("j").Addresses("192.0.2.1"), reason: "SharingKeyDiffers", command: share("k"), remedy: 1},
		"traffic policies differ": {objects: taken(other().SharingKey("k").Local().Ports(81)), web: web().Selector("app", "other").SharingKey("k").Addresses("192.0.2.1"), reason: "TrafficPolicyDiffers", remedy: 1,
			command: `kubectl patch service web -n default --type=merge -p '{"spec":{"externalTrafficPolicy":"Local"}}'`},
		"endpoints differ":   {objects: taken(other().SharingKey("k").Local().Ports(81)), web: web().Local().SharingKey("k").Addresses("192.0.2.1"), reason: "EndpointsDiffer", command: without},
		"the port is in use": {objects: taken(other().SharingKey("k")), web: web().SharingKey("k").Addresses("192.0.2.1"), reason: "PortInUse", command: without},
		"an address that is shared cannot be any more": {objects: taken(other().SharingKey("k").Ports(81)), web: web().SharingKey("k").Addresses("192.0.2.1"), reason: "SharingKeyDiffers",
			change: func(web *corev1.Service) { web.Annotations[v1beta1.AnnotationAllowSharedIP] = "j" }, command: share("k"), remedy: 1},
		"an address that is shared cannot be any more, and another one is free": {objects: taken(other().SharingKey("k").Ports(81)), web: web().SharingKey("k").Addresses("192.0.2.1"), reason: "SharingKeyMissing",
			change:  func(web *corev1.Service) { delete(web.Annotations, v1beta1.AnnotationAllowSharedIP) },
			command: "kubectl annotate service web -n default metallb.io/loadBalancerIPs=192.0.2.0 --overwrite"},
		"the address is requested twice": {objects: []client.Object{pool.Obj()}, web: web().LoadBalancerIP("192.0.2.1").Addresses("192.0.2.1"), reason: "InvalidRequest",
			command: `kubectl patch service web -n default --type=merge -p '{"spec":{"loadBalancerIP":""}}'`},
		"what is requested is no address": {objects: []client.Object{pool.Obj()}, web: web().Addresses("192.0.2.1/32"), reason: "InvalidRequest", command: without},
		"only one of two families is there": {objects: []client.Object{pool.Obj()}, web: web().Families(corev1.IPFamilyPolicyRequireDualStack, corev1.IPv4Protocol, corev1.IPv6Protocol), reason: "FamilyMissing", pool: "2001:db8::/124",
			command: `kubectl patch ipaddresspool pool -n metallb-system --type=json -p '[{"op":"add","path":"/spec/addresses/-","value":"RANGE"}]'`},
	}
}

func TestTheCommandThatIsToldMendsWhatKeepsAServiceFromItsAddress(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	for name, tc := range refusals() {
		t.Run(name, func(t *testing.T) {
			s.clean(t)
			s.shell(t, "kubectl label namespace default team-")
			for _, o := range tc.objects {
				s.create(t, o)
				if _, isService := o.(*corev1.Service); isService {
					s.awaitCondition(t, o.GetName(), v1beta1.ConditionAllocated, metav1.ConditionTrue)
				}
			}
			web := tc.web.Obj()
			s.create(t, web)
			s.awaitCondition(t, "web", v1beta1.ConditionAllocated)
			if tc.change != nil {
				s.awaitCondition(t, "web", v1beta1.ConditionAllocated, metav1.ConditionTrue)
				if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(web), web); err != nil {
					t.Fatal(err)
				}
				tc.change(web)
				if err := s.Client.Update(t.Context(), web); err != nil {
					t.Fatal(err)
				}
			}
			s.mend(t, tc)
		})
	}
}

// mend asks why, does what is said, and waits until the Service has what it requests.
func (s *system) mend(t *testing.T, tc refusal) {
	t.Helper()
	var line string
	eventually(t, "the reason "+tc.reason, func() string {
		chain, wrong := s.explain(t, "web")
		for _, l := range chain.Links {
			if l.Subject == "allocation" && l.Reason == tc.reason && wrong {
				line = l.Remedies[tc.remedy].Command
				return ""
			}
		}
		return fmt.Sprintf("%+v", chain.Links)
	})
	if line != tc.command {
		t.Fatalf("the command is\n%s\nwant\n%s", line, tc.command)
	}
	s.shell(t, strings.ReplaceAll(line, "RANGE", tc.pool))
	eventually(t, "the Service to have what it requests", func() string {
		chain, _ := s.explain(t, "web")
		has := false
		for _, l := range chain.Links {
			has = has || l.Subject == "address"
			if l.Subject == "allocation" {
				return l.Text
			}
		}
		if !has {
			return "it has no address"
		}
		return ""
	})
}
