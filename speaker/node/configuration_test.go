// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
)

func TestTheFirstSessionStartsWithEverythingThatIsToBeAnnounced(t *testing.T) {
	w := tutorial(t)
	for _, ip := range []string{"198.51.100.1", "198.51.100.2", "198.51.100.3"} {
		name := "svc-" + ip[len(ip)-1:]
		w.create(service(name, ip), slice(name, "node-2"))
	}
	w.start()
	s, found := w.sessions.session("router")
	w.Expect(found).To(BeTrue())
	w.Expect(s.initial).To(Equal([]netip.Prefix{
		netip.MustParsePrefix("198.51.100.1/32"), netip.MustParsePrefix("198.51.100.2/32"), netip.MustParsePrefix("198.51.100.3/32"),
	}))
	w.Expect(s.starts).To(Equal(1))
	w.Expect(s.config.RouterID).To(Equal(netip.MustParseAddr("10.0.0.1")))
	w.Expect(w.reported()).To(BeEmpty(), "what a speaker finds when it starts is no transition")
	w.Expect(w.metric("metallb_k8s_client_config_loaded_bool")).To(Equal(map[string]float64{"": 1}))
	w.Expect(w.metric("metallb_k8s_client_config_stale_bool")).To(Equal(map[string]float64{"": 0}))
	w.Expect(w.metric("metallb_speaker_announced")).To(HaveLen(3))
}

func TestAPeerThatIsAddedStartsWithEverythingAndDisturbsNoOther(t *testing.T) {
	w := tutorial(t)
	w.create(service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")

	second := peer("second", "192.0.2.2")
	w.create(second)
	w.expectRoutes("second", "198.51.100.0/32")
	s, _ := w.sessions.session("second")
	w.Expect(s.initial).To(HaveLen(1))

	t.Log("a changed peer starts anew with everything")
	change(w, second, func(p *v1beta2.BGPPeer) { p.Spec.ASN = 64999 })
	w.Eventually(func() int { s, _ := w.sessions.session("second"); return s.starts }).Should(Equal(2))
	w.expectRoutes("second", "198.51.100.0/32")

	t.Log("a peer that selects other nodes ends")
	change(w, second, func(p *v1beta2.BGPPeer) {
		p.Spec.NodeSelectors = []metav1.LabelSelector{{MatchLabels: map[string]string{"rack": "b"}}}
	})
	w.Eventually(func() bool { _, found := w.sessions.session("second"); return found }).Should(BeFalse())

	first, _ := w.sessions.session("router")
	w.Expect(first.starts).To(Equal(1))
	w.expectRoutes("router", "198.51.100.0/32")
}

func TestABadObjectIsRejectedAlone(t *testing.T) {
	w := tutorial(t)
	w.create(service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")

	t.Log("an advertisement uses an alias that nobody defines, and a peer a secret that is not there")
	tagging := advertisement("tagging")
	tagging.Spec.Communities = []string{"no-export-to-eu"}
	w.create(tagging)
	secured := peer("secured", "192.0.2.9")
	secured.Spec.PasswordSecret = corev1.SecretReference{Name: "router-password"}
	w.create(secured)
	w.Eventually(w.reported).Should(ContainElement(ContainSubstring(
		`Warning InvalidConfig not in use on node "node-1": spec.passwordSecret: secret metallb-system/router-password not found`)))
	w.Expect(w.metric("metallb_k8s_client_config_stale_bool")).To(Equal(map[string]float64{"": 1}))
	_, connected := w.sessions.session("secured")
	w.Expect(connected).To(BeFalse(), "a peer must not be connected to without its password")

	t.Log("good objects go on to work")
	w.create(service("second", "198.51.100.1"), slice("second", "node-1"))
	w.expectRoutes("router", "198.51.100.0/32", "198.51.100.1/32")

	t.Log("what was missing comes")
	w.create(&corev1.Secret{
		ObjectMeta: inNamespace("router-password"), Type: corev1.SecretTypeBasicAuth,
		StringData: map[string]string{"username": "x", "password": "secret"},
	}, &v1beta1.Community{ObjectMeta: inNamespace("aliases"), Spec: v1beta1.CommunitySpec{
		Communities: []v1beta1.CommunityAlias{{Name: "no-export-to-eu", Value: "64512:77"}},
	}})
	w.expectRoutes("secured", "198.51.100.0/32", "198.51.100.1/32")
	s, _ := w.sessions.session("secured")
	w.Expect(s.config.Password).To(Equal("secret"))
	w.Eventually(func() string {
		p, _ := w.sessions.path("198.51.100.0/32")
		if len(p.Communities) != 1 {
			return ""
		}
		return p.Communities[0].String()
	}).Should(Equal("64512:77"))
	w.Eventually(func() map[string]float64 { return w.metric("metallb_k8s_client_config_stale_bool") }).Should(Equal(map[string]float64{"": 0}))

	t.Log("the secret goes: the session stays")
	w.delete(&corev1.Secret{ObjectMeta: inNamespace("router-password")})
	w.Eventually(func() map[string]float64 { return w.metric("metallb_k8s_client_config_stale_bool") }).Should(Equal(map[string]float64{"": 1}))
	s, connected = w.sessions.session("secured")
	w.Expect(connected).To(BeTrue())
	w.Expect(s.starts).To(Equal(1))
}

func TestANodeThatIsToServeNoLoadBalancersWithdrawsAll(t *testing.T) {
	w := tutorial(t)
	w.create(service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")
	n := thisNode()

	change(w, n, func(n *corev1.Node) { n.Labels[corev1.LabelNodeExcludeBalancers] = "" })
	w.expectRoutes("router")
	change(w, n, func(n *corev1.Node) { delete(n.Labels, corev1.LabelNodeExcludeBalancers) })
	w.expectRoutes("router", "198.51.100.0/32")
	changeStatus(w, n, func(n *corev1.Node) {
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeNetworkUnavailable, Status: corev1.ConditionTrue}}
	})
	w.expectRoutes("router")
	s, _ := w.sessions.session("router")
	w.Expect(s.starts).To(Equal(1), "the session is not disturbed")
}

func TestAnAdvertisementThatChangesChangesThePathsInPlace(t *testing.T) {
	w := tutorial(t)
	w.create(service("a", "198.51.100.1"), slice("a", "node-1"), service("b", "198.51.100.2"), slice("b", "node-1"))
	w.start()
	w.expectRoutes("router", "198.51.100.1/32", "198.51.100.2/32")
	length := int32(24)
	change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) {
		a.Spec.AggregationLength, a.Spec.LocalPref, a.Spec.ASPathPrepend = &length, 100, 2
	})
	w.expectRoutes("router", "198.51.100.0/24")
	p, _ := w.sessions.path("198.51.100.0/24")
	w.Expect(p.LocalPref).To(Equal(uint32(100)))
	w.Expect(p.ASPathPrepend).To(Equal(uint8(2)))
	session, _ := w.sessions.session("router")
	w.Expect(session.starts).To(Equal(1), "the session is not disturbed")

	t.Log("the aggregate stays until the last of its services goes")
	_, _, before := w.sessions.counts()
	w.delete(service("a"))
	w.settle()
	w.expectRoutes("router", "198.51.100.0/24", "192.0.2.0/24")
	_, _, after := w.sessions.counts()
	w.Expect(after-before).To(Equal(1), "prefixes told: the marker's")
	w.delete(service("b"))
	w.expectRoutes("router", "192.0.2.0/24")
}

func TestNothingIsWithdrawnForWhatDoesNotConcernIt(t *testing.T) {
	w := tutorial(t)
	nginx := service("nginx", "198.51.100.0")
	w.create(nginx, slice("nginx", "node-2"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")

	t.Log("endpoints move to other slices")
	second := slice("nginx", "node-1")
	second.Name = "nginx-2"
	w.create(second)
	w.delete(slice("nginx"))

	t.Log("an advertisement is replaced by an equal one, by another name")
	w.create(advertisement("anything"))
	w.Eventually(func() bool {
		return len(w.speaker.Policy().Pool(netip.MustParseAddr("198.51.100.0"), nil).Advertisements) == 2
	}).Should(BeTrue())
	w.delete(advertisement("everything"))

	t.Log("objects get labels and annotations")
	mark := func(o metav1.Object) {
		o.SetLabels(map[string]string{"color": "blue", "rack": "a"})
		o.SetAnnotations(map[string]string{"note": "changed"})
	}
	change(w, peer("router", ""), func(p *v1beta2.BGPPeer) { mark(p) })
	change(w, pool("my-ip-space"), func(p *v1beta1.IPAddressPool) { mark(p) })
	change(w, nginx, func(s *corev1.Service) { mark(s) })
	change(w, thisNode(), func(n *corev1.Node) { mark(n) })

	t.Log("bad and unrelated objects come and go")
	bad, unrelated := peer("bad", "192.0.2.66"), peer("unrelated", "192.0.2.77")
	bad.Spec.PasswordSecret = corev1.SecretReference{Name: "missing"}
	aliases := &v1beta1.Community{ObjectMeta: inNamespace("aliases"), Spec: v1beta1.CommunitySpec{
		Communities: []v1beta1.CommunityAlias{{Name: "nobody-uses-it", Value: "64512:1"}},
	}}
	secret := &corev1.Secret{ObjectMeta: inNamespace("unrelated"), StringData: map[string]string{"key": "value"}}
	w.create(bad, unrelated, aliases, secret)
	w.expectRoutes("unrelated", "198.51.100.0/32")
	w.delete(bad)
	w.delete(unrelated)
	w.delete(aliases)
	w.delete(secret)
	w.Eventually(func() bool { _, found := w.sessions.session("unrelated"); return found }).Should(BeFalse())

	t.Log("the node's addresses are unknown for a while")
	changeStatus(w, thisNode(), func(n *corev1.Node) { n.Status.Addresses = nil })

	w.settle()
	s, _ := w.sessions.session("router")
	w.Expect(s.withdrawn).To(BeZero(), "withdrawn prefixes")
	w.Expect(s.starts).To(Equal(1), "sessions")
	w.Expect(w.reported()).NotTo(ContainElement(ContainSubstring("nodeUnassigned")))
}

func TestAPolicyThatCannotBePutToUseIsNotReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLeaving(t, thisNode())
		withoutSecret := peer("other", "192.0.2.2")
		withoutSecret.Spec.PasswordSecret.Name = "gone"
		if err := errors.Join(l.client.Create(t.Context(), withoutSecret), l.client.Create(t.Context(), advertisement("another"))); err != nil {
			t.Fatal(err)
		}
		l.read.err = errors.New("the cache is not there")
		if _, err := l.reconciler.Reconcile(t.Context(), ctrl.Request{}); err == nil || len(l.situations.last.Refused) > 0 {
			t.Errorf("with the error %v, reported as refused: %+v", err, l.situations.last.Refused)
		}
		l.read.err = nil
		l.reconcile()
		if len(l.situations.last.Refused) != 1 {
			t.Errorf("reported as refused: %+v", l.situations.last.Refused)
		}
	})
}
