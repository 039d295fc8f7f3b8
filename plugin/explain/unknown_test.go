// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/cluster/clustertest"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/test/builder"
)

func TestNobodyIsToldToDeleteAServiceWhoseClassMayBeServed(t *testing.T) {
	t.Parallel()
	web := builder.MakeService("web").Class("example.com/lb").Holds("pool", "198.51.100.7").Obj()
	c := clustertest.Of(t, network(web)...)
	c.Unread = append(c.Unread, cluster.Unread{Part: cluster.Workloads})
	got := explain.Service(c, web)
	if got.Broken() || !strings.Contains(strings.Join(told(got), "\n"), `spec.loadBalancerClass is "example.com/lb"; whether this load balancer serves that is not known`) {
		t.Errorf("told %q", told(got))
	}
	if text := strings.Join(told(explain.Address(c, netip.MustParseAddr("198.51.100.7"))), "\n"); strings.Contains(text, "no Service holds it") {
		t.Errorf("told %q", text)
	}
}

func TestCommandsAskAboutTheSameLoadBalancer(t *testing.T) {
	t.Parallel()
	web := builder.MakeService("web").Holds("pool", "198.51.100.7")
	down := established("node-1", "tor")
	down.Status.State, down.Status.LastError = v1beta1.SessionActive, "connection refused"
	objects := network(builder.MakeEndpoints(web, discoveryv1.AddressTypeIPv4).Ready("node-1").Obj(),
		served(web, metav1.ConditionTrue, v1beta1.ReasonAnnounced, ""))
	for i, o := range objects {
		if o.GetName() == down.Name {
			objects[i] = down
		}
	}
	c := clustertest.Of(t, objects...)
	c.Namespace = "lb"
	svc, _ := c.Service(types.NamespacedName{Namespace: "default", Name: "web"})
	if text := strings.Join(told(explain.Service(c, svc)), "\n"); !strings.Contains(text, "kubectl metallb explain peer tor --system-namespace lb") {
		t.Errorf("told %q", text)
	}
}

func TestACountThatIsSaturatedIsNoExactNumber(t *testing.T) {
	t.Parallel()
	web := builder.MakeService("web").Holds("six", "2001:db8::7").Obj()
	web.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv6Protocol}
	six := builder.MakePool("six", "2001:db8::/64").Obj()
	six.Status.ObservedGeneration, six.Status.AvailableIPv6 = 1, 1<<63-1
	text := strings.Join(told(explain.Service(clustertest.Of(t, network(six, web)...), web)), "\n")
	if !strings.Contains(text, `2001:db8::7 of pool "six", over 9e18 free`) {
		t.Errorf("told %q", text)
	}
}
