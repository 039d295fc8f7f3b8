// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/plugin/command"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

// reader may read what routes are computed from, and no Secrets and Pods.
const reader = "reader"

// toldAndUntold is a service that a node announces to a router, and would announce to another, for which the Secret is missing.
func toldAndUntold() []client.Object {
	web := builder.MakeService("web").Holds("pool", "198.51.100.7")
	up := builder.MakeSession("node-1", "rack-1").Established(corev1.IPv4Protocol)
	up.Status.AdvertisedIPv4 = 1
	down := builder.MakeSession("node-1", "rack-2").Error("there is no Secret")
	down.Status.LocalRouterID = ""
	second := builder.MakePeer("rack-2", "192.0.2.2")
	second.Spec.PasswordSecret.Name = "rack-bgp"
	can := func(group string, resources ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: []string{"list"}}
	}
	name := metav1.ObjectMeta{Name: reader}
	return []client.Object{
		builder.MakeNode("node-1", "10.0.0.1").Obj(), builder.MakePool("pool", "198.51.100.0/24").Obj(),
		builder.MakeAdvertisement("everything").LocalPref(200).Communities("65000:1").Obj(),
		builder.MakePeer("rack-1", "192.0.2.1").Obj(), second.Obj(), up.Obj(), down.Obj(), web.Obj(),
		builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv4).Ready("node-1").Obj(),
		&rbacv1.ClusterRole{ObjectMeta: name, Rules: []rbacv1.PolicyRule{can("", "nodes", "services"), can("discovery.k8s.io", "endpointslices"), can("metallb.io", "*")}},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: reader},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: reader}},
		},
	}
}

func TestRoutesNodesAndPeersAreToldOnTheCommandLine(t *testing.T) {
	t.Parallel()
	server := envtest.Start(t)
	create(t, server, toldAndUntold()...)
	kubeconfig := server.Kubeconfig(t)
	withoutPods := []string{
		`warning: the load balancer's own pods left out: deployments.apps is forbidden: User "reader" cannot list resource "deployments" in API group "apps" in the namespace "metallb-system"`,
	}
	for name, tc := range map[string]struct {
		args   string
		status int
		out    []string
		err    []string
	}{
		"routes": {args: "routes", out: []string{
			"NODE     PEER     PREFIX            SERVICES      ATTRIBUTES                          TOLD",
			"node-1   rack-1   198.51.100.7/32   default/web   localPref=200 communities=65000:1   yes",
			"node-1   rack-2   198.51.100.7/32   default/web   localPref=200 communities=65000:1   no: there is no Secret",
		}},
		"routes, wide": {args: "routes -o wide --peer rack-1", out: []string{
			"NODE     PEER     PREFIX            NEXT HOP   SERVICES      ATTRIBUTES                          TOLD",
			"node-1   rack-1   198.51.100.7/32   -          default/web   localPref=200 communities=65000:1   yes",
		}},
		"routes, by name": {args: "routes -o name", out: []string{
			"198.51.100.7/32",
		}},
		"routes without headers": {args: "routes --no-headers --node node-1 --peer rack-1 --service web", out: []string{
			"node-1   rack-1   198.51.100.7/32   default/web   localPref=200 communities=65000:1   yes",
		}},
		"routes of a service elsewhere": {args: "routes --service default/web -n shop --peer rack-1 --no-headers", out: []string{
			"node-1   rack-1   198.51.100.7/32   default/web   localPref=200 communities=65000:1   yes",
		}},
		"routes as JSON": {args: "routes --peer rack-2 -o json", out: []string{
			"{",
			`    "routes": [`,
			"        {",
			`            "node": "node-1",`,
			`            "peer": "rack-2",`,
			`            "prefix": "198.51.100.7/32",`,
			`            "services": [`,
			`                "default/web"`,
			"            ],",
			`            "attributes": {`,
			`                "localPref": 200,`,
			`                "communities": [`,
			`                    "65000:1"`,
			"                ]",
			"            },",
			`            "told": false,`,
			`            "untold": "NotEstablished",`,
			`            "error": "there is no Secret"`,
			"        }",
			"    ]",
			"}",
		}},
		"a node that is not there": {args: "routes --node none", status: 1, err: []string{
			"error: --node=none: there is no node of this name; see kubectl get nodes",
		}},
		"a peer that is not there": {args: "routes --peer none", status: 1, err: []string{
			"error: --peer=none: there is no BGPPeer of this name; see kubectl get bgppeers.metallb.io -n metallb-system",
		}},
		"a service that is not there": {args: "routes --service shop/web", status: 1, err: []string{
			"error: --service=shop/web: there is no service of type LoadBalancer of this name; see kubectl get services -n shop",
		}},
		"no name of a service": {args: "routes --service a/b/c", status: 1, err: []string{
			`error: "a/b/c" is not the name of a service: give NAME or NAMESPACE/NAME`,
		}},
		"no format": {args: "routes -o table", status: 1, err: []string{
			"error: --output=table: must be one of wide, json, yaml, name",
		}},
		"routes for a reader": {args: "routes --as reader --no-headers --peer rack-1", out: []string{
			"node-1   rack-1   198.51.100.7/32   default/web   localPref=200 communities=65000:1   yes",
		}, err: withoutPods},
		"routes for nobody": {args: "routes --as nobody", status: 1, err: []string{
			`error: listing the configuration: ipaddresspools.metallb.io is forbidden: User "nobody" cannot list resource "ipaddresspools" in API group "metallb.io" in the namespace "metallb-system"`,
		}},
		"a node": {args: "explain node node-1", status: 1, out: []string{
			"Node node-1",
			"  ✓ node: is ready",
			"  ✗ speaker: there is no DaemonSet of speakers in namespace metallb-system",
			"      → install MetalLB there, or give its namespace with --system-namespace",
			"  ✓ in service: nothing takes the node out of service",
			"  ✓ network: is available, and the service proxy forwards connections",
			"  ✓ session with rack-1: established, 1 prefix advertised over IPv4",
			"  ✗ session with rack-2: there is no Secret",
			"      → see more: kubectl metallb explain peer rack-2",
			"  ✓ advertisements: select the node: everything",
			"  ✓ services: announces 1 of 1",
			"",
			"What is wrong: speaker: there is no DaemonSet of speakers in namespace metallb-system → install MetalLB there, or give its namespace with --system-namespace",
		}},
		"a peer as YAML": {args: "explain peer rack-1 -o yaml", out: []string{
			"kind: BGPPeer",
			"links:",
			"- mark: good",
			"  subject: configuration",
			"  text: is in use as written",
			"- mark: none",
			"  subject: router",
			"  text: 192.0.2.1, port 179, is to have ASN 64512 and gets sessions for IPv4 routes",
			"- mark: good",
			"  subject: nodes",
			"  text: 1 of 1 are to have a session",
			"- mark: good",
			"  subject: sessions",
			"  text: 1 of 1 are established",
			"- mark: good",
			"  subject: families",
			"  text: the sessions carry IPv4, 1 prefix in all",
			"- mark: good",
			"  subject: advertisements",
			"  text: 'are for the peer: everything'",
			"name: rack-1",
		}},
		"a peer that is well": {args: "explain peer rack-1 --as reader", out: []string{
			"BGPPeer rack-1",
			"  ✓ configuration: is in use as written",
			"  · router: 192.0.2.1, port 179, is to have ASN 64512 and gets sessions for IPv4 routes",
			"  ✓ nodes: 1 of 1 are to have a session",
			"  ✓ sessions: 1 of 1 are established",
			"  ✓ families: the sessions carry IPv4, 1 prefix in all",
			"  ✓ advertisements: are for the peer: everything",
			"",
			"All is well.",
		}, err: withoutPods},
		"a peer without its Secret": {args: "explain peer rack-2", status: 1, out: []string{
			"BGPPeer rack-2",
			"  ✓ configuration: is in use as written",
			"  · router: 192.0.2.2, port 179, is to have ASN 64512 and gets sessions for IPv4 routes",
			"  ✓ nodes: 1 of 1 are to have a session",
			"  ✗ password: the Secret rack-bgp is not there, and without it no node connects",
			"      → create it, with the password that the router has: kubectl create secret generic rack-bgp -n metallb-system --type=kubernetes.io/basic-auth --from-literal=password=PASSWORD",
			"  ✗ sessions: 0 of 1 are established",
			"  ✗ no session on node-1: there is no Secret",
			"      → see more: kubectl metallb explain node node-1",
			"  ✓ advertisements: are for the peer: everything",
			"",
			"What is wrong: password: the Secret rack-bgp is not there, and without it no node connects → create it, with the password that the router has: kubectl create secret generic rack-bgp -n metallb-system --type=kubernetes.io/basic-auth --from-literal=password=PASSWORD",
		}},
		"a peer for one who may not ask for Secrets": {args: "explain peer rack-2 --as reader", status: 1, out: []string{
			"BGPPeer rack-2",
			"  ✓ configuration: is in use as written",
			"  · router: 192.0.2.2, port 179, is to have ASN 64512 and gets sessions for IPv4 routes",
			"  ✓ nodes: 1 of 1 are to have a session",
			"  · password: it is to be in the Secret rack-bgp; whether that is there is not known, since you may not get secrets in namespace metallb-system",
			"  ✗ sessions: 0 of 1 are established",
			"  ✗ no session on node-1: there is no Secret",
			"      → see more: kubectl metallb explain node node-1",
			"  ✓ advertisements: are for the peer: everything",
			"",
			"What is wrong: no session on node-1: there is no Secret → see more: kubectl metallb explain node node-1",
		}, err: withoutPods},
		"the explanation of a node that is not there": {args: "explain node none", status: 1, err: []string{
			`error: there is no node "none"; see kubectl get nodes`,
		}},
		"the explanation of a peer that is not there": {args: "explain peer none", status: 1, err: []string{
			`error: there is no BGPPeer "none"; see kubectl get bgppeers.metallb.io -n metallb-system`,
		}},
		"completion of services": {args: "__complete routes --service ", out: []string{
			"kubernetes",
			"web",
			":4",
		}, err: []string{
			"Completion ended with directive: ShellCompDirectiveNoFileComp",
		}},
		"completion of peers": {args: "__complete explain peer ", out: []string{
			"rack-1",
			"rack-2",
			":4",
		}, err: []string{
			"Completion ended with directive: ShellCompDirectiveNoFileComp",
		}},
		"completion of nodes": {args: "__complete explain node ", out: []string{
			"node-1",
			":4",
		}, err: []string{
			"Completion ended with directive: ShellCompDirectiveNoFileComp",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			status := command.Main(t.Context(), append([]string{"--kubeconfig", kubeconfig}, strings.Split(tc.args, " ")...), func(string) string { return "" },
				genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr})
			if status != tc.status {
				t.Errorf("exit status %d, want %d", status, tc.status)
			}
			if diff := cmp.Diff(tc.out, printed(&stdout)); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.err, printed(&stderr)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

// printed are the lines.
func printed(b *bytes.Buffer) []string {
	if b.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}
