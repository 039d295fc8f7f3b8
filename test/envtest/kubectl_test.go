// SPDX-License-Identifier: Apache-2.0

package envtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/envtest"
)

func TestKubectlListsEveryKindInTheCategory(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	out, err := s.Kubectl(t, "", "api-resources", "--categories=metallb", "--output=name")
	if err != nil {
		t.Fatalf("kubectl: %v\n%s", err, out)
	}
	want := "bfdprofiles.metallb.io\nbgpadvertisements.metallb.io\nbgppeers.metallb.io\nbgpsessionstates.metallb.io\ncommunities.metallb.io\nipaddresspools.metallb.io\n" +
		"servicebgpstatuses.metallb.io\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

func TestKubectlShowsWhatMatters(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	tests := map[string]struct {
		kind kind
		spec string
		args []string
		want []string // header and row, without the age that ends it
	}{
		"a pool, with counters and validity": {
			poolKind(), `{spec: {addresses: [198.51.100.0/24, "2001:db8::/112"]}, status: {assigned: "3 IPv4, 0 IPv6", available: "253 IPv4, 65536 IPv6", assignedIPv4: 3, availableIPv4: 253, assignedIPv6: 0, availableIPv6: 65536,
				conditions: [{type: Valid, status: "True", reason: Accepted, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}]}}`,
			[]string{"ipaddresspools", "-o", "wide"},
			[]string{
				`NAME ASSIGNED AVAILABLE AUTO ASSIGN ADDRESSES VALID ASSIGNED IPV4 AVAILABLE IPV4 ASSIGNED IPV6 AVAILABLE IPV6 AVOID BUGGY IPS AGE`,
				`columns 3 IPv4, 0 IPv6 253 IPv4, 65536 IPv6 true ["198.51.100.0/24","2001:db8::/112"] True 3 253 0 65536 false`,
			},
		},
		"a peer": {
			peerKind(), `{spec: {myASN: 64500, peerASN: 4200000000, peerAddress: 10.96.0.100, holdTime: 9s}, status: {desiredSessions: 3,
				establishedSessions: 2, sessions: 2/3, lastError: "node-2: connection refused", conditions: [
				{type: Valid, status: "True", reason: Accepted, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"},
				{type: Ready, status: "False", reason: SessionsNotEstablished, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}]}}`,
			[]string{"bgppeers", "-o", "wide"},
			[]string{
				`NAME ADDRESS ASN SESSIONS READY INTERFACE DEFAULT GATEWAY LOCAL ASN PORT HOLD TIME BFD PROFILE MULTIHOP VALID LAST ERROR AGE`,
				`columns 10.96.0.100 4200000000 2/3 False 64500 179 9s True node-2: connection refused`,
			},
		},
		"a session, but for its uptime": {
			kind{"metallb.io/v1beta1", "BGPSessionState", nil}, `status: {node: node-1, peer: router, address: 10.96.0.100, state: Established, bfdStatus: Up,
				advertisedIPv4: 3, advertisedIPv6: 0, lastError: "connection refused", holdTime: 9s, families: [IPv4], localRouterID: 10.0.0.1,
				peerRouterID: 10.96.0.100, peerASN: 4200000000, receivedPrefixes: 1000, capabilities: [four-octet-asn, route-refresh],
				conditions: [{type: Drained, status: "False", reason: Draining, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}]}`,
			[]string{"bgpsessionstates", "-o", "wide"},
			[]string{
				`NAME NODE PEER ADDRESS STATE BFD UPTIME V4 V6 LAST ERROR` + ` ERROR AGE DRAIN HOLD TIME FAMILIES RECEIVED CAPABILITIES PEER ASN LOCAL ROUTER ID PEER ROUTER ID`,
				`columns node-1 router 10.96.0.100 Established Up 3 0 connection refused Draining 9s ["IPv4"] 1000 ["four-octet-asn","route-refresh"] 4200000000 10.0.0.1 10.96.0.100`,
			},
		},
		"an advertisement": {
			advertisementKind(), `{spec: {ipAddressPools: [my-ip-space], peers: [rack]}, status: {nodesIPv4: 3, nodesIPv6: 0, poolCount: 1, pools: [my-ip-space],
				peerCount: 2, peers: [rack, spine], services: 7}}`, []string{"bgpadvertisements", "-o", "wide"},
			[]string{
				`NAME IPADDRESSPOOLS IPADDRESSPOOL SELECTORS PEERS NODE SELECTORS SERVICE SELECTORS COVERED POOLS COVERED PEERS NODES V4 NODES V6 SERVICES VALID AGE`,
				`columns ["my-ip-space"] ["rack"] ["my-ip-space"] ["rack","spine"] 3 0 7`,
			},
		},
		"a community": {
			communityKind(), `{spec: {communities: [{name: far, value: "large:1:2:3"}, {name: near, value: "1:2"}]}, status: {advertisements: 2}}`,
			[]string{"communities"},
			[]string{`NAME COMMUNITIES USED BY VALID AGE`, `columns [{"name":"far","value":"large:1:2:3"},{"name":"near","value":"1:2"}] 2`},
		},
		"a BFD profile, with defaults": {
			profileKind(), `{spec: {transmitInterval: 100}, status: {peers: 2, conditions: [
				{type: Valid, status: "True", reason: Accepted, message: "", lastTransitionTime: "2026-01-01T00:00:00Z"}]}}`,
			[]string{"bfdprofiles", "-o", "wide"},
			[]string{
				`NAME PASSIVE MODE TRANSMIT INTERVAL RECEIVE INTERVAL MULTIPLIER USED BY ECHO MODE ECHO INTERVAL MINIMUM TTL VALID AGE`,
				`columns false 100 300 3 2 false 50 254 True`,
			},
		},
		"to whom a service is announced": {
			kind{"metallb.io/v1beta1", "ServiceBGPStatus", nil}, `status: {node: node-1, serviceName: nginx, serviceNamespace: default, peers: [rack, router]}`,
			[]string{"servicebgpstatuses", "-o", "wide"},
			[]string{`NAME NODE SERVICE NAME SERVICE NAMESPACE PEERS`, `columns node-1 nginx default ["rack","router"]`},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := tc.kind.object(t, tc.spec)
			object.SetName("columns")
			status := object.Object["status"]
			if err := s.Client.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
			if status != nil {
				object.Object["status"] = status
				if err := s.Client.Status().Update(t.Context(), object); err != nil {
					t.Fatal(err)
				}
			}
			out, err := s.Kubectl(t, "", append([]string{"--namespace", object.GetNamespace(), "get"}, tc.args...)...)
			if err != nil {
				t.Fatalf("kubectl: %v\n%s", err, out)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			if len(lines) != 2 {
				t.Fatalf("got %d lines, want a header and a row:\n%s", len(lines), out)
			}
			header, row := strings.Join(strings.Fields(lines[0]), " "), strings.Fields(lines[1])
			if strings.HasSuffix(header, " AGE") {
				row = row[:len(row)-1]
			}
			if diff := cmp.Diff(tc.want, []string{header, strings.Join(row, " ")}); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryExampleIsAccepted(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	kinds := map[string]kind{}
	for _, k := range []kind{poolKind(), advertisementKind(), communityKind(), profileKind(), peerKind()} {
		kinds[k.name] = k
	}
	count := 0
	for _, pattern := range []string{"samples", "tutorial"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "config", pattern, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for _, object := range documents(t, file) {
				k, found := kinds[object.GetKind()]
				if !found {
					continue
				}
				count++
				if object.GetNamespace() == "" {
					object.SetNamespace(metav1.NamespaceDefault)
				}
				if err := s.Client.Create(t.Context(), object, client.DryRunAll, client.FieldValidation("Strict")); err != nil {
					t.Errorf("%s: %v", file, err)
					continue
				}
				if errs, err := k.parse(object.Object); err != nil || len(errs) > 0 {
					t.Errorf("%s: parsing %s %q: %v, %v", file, object.GetKind(), object.GetName(), errs, err)
				}
			}
		}
	}
	if count == 0 {
		t.Error("found no example")
	}
}

func documents(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return envtest.Decode(t, string(text))
}

func TestCleanLeavesAnEmptyCluster(t *testing.T) {
	s := envtest.Start(t)
	pool := &v1beta1.IPAddressPool{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "p"},
		Spec:       v1beta1.IPAddressPoolSpec{Addresses: []string{"10.0.0.0/24"}},
	}
	if err := s.Client.Create(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	s.Clean(t)
	var pools v1beta1.IPAddressPoolList
	if err := s.Client.List(t.Context(), &pools); err != nil {
		t.Fatal(err)
	}
	if len(pools.Items) > 0 {
		t.Errorf("got %d pools, want none", len(pools.Items))
	}
	s.Clean(t)
}
