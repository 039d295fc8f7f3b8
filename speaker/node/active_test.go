// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/internal/active"
)

// rack selects objects by their label.
func rack(name string) []metav1.LabelSelector {
	return []metav1.LabelSelector{{MatchLabels: map[string]string{"rack": name}}}
}

// activate creates the ActiveConfigurations of the objects, as the controller does, and returns them.
func (w *world) activate(objects ...client.Object) []*v1beta1.ActiveConfiguration {
	w.t.Helper()
	made := make([]*v1beta1.ActiveConfiguration, 0, len(objects))
	for _, o := range objects {
		o, _ := o.DeepCopyObject().(client.Object)
		w.Expect(w.client.Get(w.t.Context(), client.ObjectKeyFromObject(o), o)).To(Succeed())
		a, err := active.Make(o)
		w.Expect(err).NotTo(HaveOccurred())
		w.create(a)
		made = append(made, a)
	}
	return made
}

// announced returns a world in which a service is announced to a router, by an advertisement that selects its pool by label.
// All configuration is active.
func announced(t *testing.T) *world {
	t.Helper()
	byLabel, gold, router := advertisement("everything"), pool("my-ip-space", "198.51.100.0/24"), peer("router", "192.0.2.1")
	byLabel.Spec.IPAddressPoolSelectors = rack("gold")
	gold.Labels = map[string]string{"rack": "gold"}
	nginx := service("nginx", "198.51.100.0")
	nginx.Annotations = map[string]string{v1beta1.AnnotationIPAllocatedFromPool: "my-ip-space"}
	w := newWorld(t, router, gold, byLabel, nginx, slice("nginx", "node-1"))
	w.activate(router, gold, byLabel)
	another := advertisement("marker")
	another.Spec.IPAddressPools = []string{"marker"}
	w.create(another)
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")
	return w
}

func activeEverything() *v1beta1.ActiveConfiguration {
	return &v1beta1.ActiveConfiguration{ObjectMeta: inNamespace("bgpadvertisement.everything")}
}

// changes of the configuration that would take the route of the service that is announced.
var takingTheRoute = map[string]struct {
	take func(*world)
	// object is what the change is of.
	object *v1beta1.ActiveConfiguration
}{
	"the advertisement is deleted": {
		take:   func(w *world) { w.delete(advertisement("everything")) },
		object: activeEverything(),
	},
	"the advertisement is narrowed": {
		take: func(w *world) {
			change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) { a.Spec.IPAddressPoolSelectors = rack("tin") })
		},
		object: activeEverything(),
	},
	"the advertisement is invalid": {
		take: func(w *world) {
			change(w, advertisement("everything"), func(a *v1beta1.BGPAdvertisement) { a.Spec.Communities = []string{"undefined"} })
		},
		object: activeEverything(),
	},
	"the pool is relabelled": {
		take: func(w *world) {
			change(w, pool("my-ip-space"), func(p *v1beta1.IPAddressPool) { p.Labels = map[string]string{"rack": "tin"} })
		},
		object: &v1beta1.ActiveConfiguration{ObjectMeta: inNamespace("ipaddresspool.my-ip-space")},
	},
	"the pool is deleted": {
		take:   func(w *world) { w.delete(pool("my-ip-space")) },
		object: &v1beta1.ActiveConfiguration{ObjectMeta: inNamespace("ipaddresspool.my-ip-space")},
	},
}

func TestAChangeHasNoEffectWhileTheActiveConfigurationHasTheEarlierVersion(t *testing.T) {
	for name, tc := range takingTheRoute {
		t.Run(name, func(t *testing.T) {
			w := announced(t)
			tc.take(w)
			w.settle()
			w.expectRoutes("router", "198.51.100.0/32", "192.0.2.255/32")
			router, _ := w.sessions.session("router")
			w.Expect(router.starts+router.withdrawn).To(Equal(1), "sessions and withdrawals")
			w.Expect(w.reported()).To(ConsistOf(ContainSubstring("nodeAssigned")), "of the marker alone")
			w.Expect(w.metric("metallb_k8s_client_config_stale_bool")).To(Equal(map[string]float64{"": 0}))

			t.Log("a speaker starts")
			w.stop()
			w.start()
			w.expectRoutes("router", "198.51.100.0/32", "192.0.2.255/32")

			t.Log("the ActiveConfiguration is deleted")
			w.delete(tc.object)
			w.expectRoutes("router", "192.0.2.255/32")
			w.Eventually(w.reported).Should(ContainElement(ContainSubstring("nodeUnassigned")))
			router, _ = w.sessions.session("router")
			w.Expect(router.starts).To(Equal(1), "sessions")
		})
	}
}

func TestAPeerThatComesIsToldWhatADeletedAdvertisementThatIsActiveSelects(t *testing.T) {
	w := announced(t)
	w.delete(advertisement("everything"))
	w.create(peer("second", "192.0.2.2"))
	w.expectRoutes("second", "198.51.100.0/32")
}

func TestANewObjectIsUsedAtOnceAndABadOneIsNotUsed(t *testing.T) {
	w := announced(t)
	bad, good := advertisement("bad"), advertisement("good")
	bad.Spec.Communities, good.Spec.Communities = []string{"undefined"}, []string{"64512:7"}
	w.create(bad, good)
	w.Eventually(func() []string {
		p, _ := w.sessions.path("198.51.100.0/32")
		all := make([]string, 0, len(p.Communities))
		for _, c := range p.Communities {
			all = append(all, c.String())
		}
		return all
	}).Should(Equal([]string{"64512:7"}))
	w.Eventually(w.reported).Should(ConsistOf(And(
		ContainSubstring(`Warning InvalidConfig not in use on node "node-1"`), ContainSubstring(`alias "undefined"`))))
	w.Expect(w.metric("metallb_k8s_client_config_stale_bool")).To(Equal(map[string]float64{"": 1}))
}

// Which of two is used must not depend on when a speaker started.
func TestOfTwoThatContradictEachOtherTheActiveOneIsUsedWheneverASpeakerStarts(t *testing.T) {
	w := announced(t)
	newcomer := advertisement("a-newcomer")
	newcomer.Spec.LocalPref = 200
	w.create(newcomer)
	localPref := func() uint32 { p, _ := w.sessions.path("198.51.100.0/32"); return p.LocalPref }
	for range 2 {
		w.Eventually(func() map[string]float64 { return w.metric("metallb_k8s_client_config_stale_bool") }).Should(Equal(map[string]float64{"": 1}))
		w.Expect(localPref()).To(BeEquivalentTo(100))
		w.stop()
		w.start()
	}
	w.delete(advertisement("everything"))
	w.delete(activeEverything())
	w.Eventually(localPref).Should(BeEquivalentTo(200))
}

func TestAnActiveConfigurationThatCannotBeReadIsReportedAndOthersAreUsed(t *testing.T) {
	w := announced(t)
	change(w, activeEverything(), func(a *v1beta1.ActiveConfiguration) {
		a.Spec.Object.Raw = []byte(`{"communities": 7}`)
	})
	w.Eventually(func() map[string]float64 { return w.metric("metallb_k8s_client_config_stale_bool") }).Should(Equal(map[string]float64{"": 1}))
	now, err := w.speaker.Inspect()
	w.Expect(err).NotTo(HaveOccurred())
	w.Expect(now.Rejections).To(ConsistOf(And(HaveField("Name", "bgpadvertisement.everything"), HaveField("Reason", ContainSubstring("spec.object")))))
	w.settle()
	w.expectRoutes("router", "198.51.100.0/32", "192.0.2.255/32")
}

func TestAStatusOfAnActiveConfigurationCausesNoWork(t *testing.T) {
	w := announced(t)
	configured, _, _ := w.sessions.counts()
	change(w, activeEverything(), func(a *v1beta1.ActiveConfiguration) {
		a.Spec.Generation = 7
		a.Status = v1beta1.ActiveConfigurationStatus{Held: true, Reason: "InUse", Message: "it would take the last route"}
	})
	w.create(peer("second", "192.0.2.2"))
	w.expectRoutes("second", "198.51.100.0/32")
	now, _, _ := w.sessions.counts()
	w.Expect(now-configured).To(Equal(1), "times that sessions were configured")
}

// The password is in no ActiveConfiguration: what a session has lasts as long as the speaker.
func TestASessionKeepsThePasswordItHasUntilTheSpeakerRestarts(t *testing.T) {
	w := tutorial(t)
	w.create(service("nginx", "198.51.100.0"), slice("nginx", "node-1"))
	secret := &corev1.Secret{
		ObjectMeta: inNamespace("router-password"), Type: corev1.SecretTypeBasicAuth, StringData: map[string]string{"password": "secret"},
	}
	w.create(secret)
	change(w, peer("router", ""), func(p *v1beta2.BGPPeer) { p.Spec.PasswordSecret.Name = secret.Name })
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")
	w.delete(secret)
	w.Eventually(w.reported).Should(ContainElement(And(
		ContainSubstring("secret metallb-system/router-password not found"), ContainSubstring("keeps the password"))))
	w.Expect(w.metric("metallb_k8s_client_config_stale_bool")).To(Equal(map[string]float64{"": 1}))
	s, _ := w.sessions.session("router")
	w.Expect(s.starts).To(Equal(1))
	w.Expect(s.config.Password).To(Equal("secret"))

	w.stop()
	w.start()
	_, connected := w.sessions.session("router")
	w.Expect(connected).To(BeFalse(), "a peer must not be connected to without its password")
}

func TestASecretWhosePasswordIsEmptyMeansNoPassword(t *testing.T) {
	w := tutorial(t)
	w.create(service("nginx", "198.51.100.0"), slice("nginx", "node-1"), &corev1.Secret{
		ObjectMeta: inNamespace("empty"), Type: corev1.SecretTypeBasicAuth, Data: map[string][]byte{"password": {}},
	})
	change(w, peer("router", ""), func(p *v1beta2.BGPPeer) { p.Spec.PasswordSecret.Name = "empty" })
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")
	w.Eventually(w.reported).Should(ContainElement(And(
		HavePrefix("Warning InvalidConfig"), ContainSubstring(`secret metallb-system/empty has an empty password`))))
	w.Expect(w.metric("metallb_k8s_client_config_stale_bool")).To(Equal(map[string]float64{"": 0}))
}
