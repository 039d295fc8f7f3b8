// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/freeport"
)

// webhookSecret is where the webhook's certificate is.
const webhookSecret = "metallb-webhook-cert"

// webhookProcess is a controller whose webhook the API server asks.
type webhookProcess struct {
	*controllerProcess
	authority *envtest.Authority
	port      int
	// probes is the address of its health probes.
	probes string
}

// startWebhook runs a controller whose certificate this test makes, and returns when the API server asks it.
func startWebhook(ctx context.Context, flags ...string) *webhookProcess {
	GinkgoHelper()
	return startWebhookIn(ctx, envtest.Namespace, flags...)
}

// startWebhookIn does so for the configuration in that namespace.
func startWebhookIn(ctx context.Context, namespace string, flags ...string) *webhookProcess {
	GinkgoHelper()
	p := &webhookProcess{authority: envtest.NewAuthority(GinkgoTB()), port: freeport.Get(GinkgoTB()), probes: freeport.Address(GinkgoTB())}
	create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: webhookSecret}, Data: p.authority.Certificate(GinkgoTB()),
	})
	p.controllerProcess = startControllerIn(namespace, server.Kubeconfig(GinkgoTB()), append([]string{
		"--webhook-mode=enabled", "--disable-cert-rotation", fmt.Sprintf("--webhook-port=%d", p.port),
		"--health-probe-bind-address=" + p.probes,
	}, flags...)...)
	Eventually(get(ctx, "http://"+p.probes+"/readyz/webhook")).Should(ContainSubstring("there is no ValidatingWebhookConfiguration"))
	server.InstallWebhook(GinkgoTB(), p.port, p.authority)
	Eventually(get(ctx, "http://"+p.probes+"/readyz")).Should(Equal("ok"))
	return p
}

// kubectl runs it and returns all that it prints, refused or not.
func kubectl(stdin string, args ...string) string {
	GinkgoHelper()
	out, _ := server.Kubectl(GinkgoTB(), stdin, args...)
	return out
}

const (
	tutorial1 = "../config/tutorial/tutorial-1.yaml"
	tutorial3 = "../config/tutorial/tutorial-3.yaml"
	inUse     = `new config not compatible with assigned IPs: service "default/nginx" cannot own "198.51.100.0" under new config`
)

// applyTutorial1 gives the service nginx the first address of the tutorial's pool.
func applyTutorial1(ctx context.Context) {
	GinkgoHelper()
	Expect(kubectl("", "apply", "-f", tutorial1)).To(ContainSubstring("ipaddresspool.metallb.io/my-ip-space created"))
	create(ctx, builder.MakeService("nginx").Obj())
	Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
}

var _ = Describe("The webhook", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("refuses what takes an address from a service, and admits it once the service has another", func(ctx SpecContext) {
		p := startWebhook(ctx)
		applyTutorial1(ctx)
		const refusal = `The IPAddressPool "my-ip-space" is invalid: spec.avoidBuggyIPs: Forbidden: ` + inUse + "\n"
		Expect(kubectl("", "apply", "-f", tutorial3)).To(Equal(refusal))
		Expect(kubectl("", "apply", "--dry-run=server", "-f", tutorial3)).To(Equal(refusal))
		Expect(kubectl("", "diff", "-f", tutorial3)).To(ContainSubstring(inUse))
		pool := tutorialPool()
		Expect(server.Client.Get(ctx, client.ObjectKeyFromObject(pool), pool)).To(Succeed())
		Expect(pool.Spec.AvoidBuggyIPs).To(BeFalse())
		Expect(strings.Count(string(p.log.Contents()), `"msg":"refusing a change","kind":"IPAddressPool"`)).To(Equal(3), "a line for each")

		By("moving the service")
		change(ctx, builder.MakeService("nginx").Obj(), func(svc *corev1.Service) { svc.Spec.LoadBalancerIP = "198.51.100.1" })
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.1"))
		Eventually(func() string { return kubectl("", "apply", "-f", tutorial3) }).Should(
			Equal("ipaddresspool.metallb.io/my-ip-space configured\n"))
	})

	It("refuses to delete what is in use, and deletes the rest", func(ctx SpecContext) {
		startWebhook(ctx)
		applyTutorial1(ctx)
		Expect(kubectl("", "delete", "-n", "metallb-system", "ipaddresspool/my-ip-space")).To(Equal(
			`Error from server (Forbidden): admission webhook "ipaddresspooldeletionwebhook.metallb.io" denied the request: ` +
				`ipaddresspools.metallb.io "my-ip-space" is forbidden: ` + inUse + "\n"))
		Expect(kubectl("", "delete", "-n", "metallb-system", "bgpadvertisement/everything")).To(Equal(
			`Error from server (Forbidden): admission webhook "bgpadvertisementdeletionwebhook.metallb.io" denied the request: ` +
				`bgpadvertisements.metallb.io "everything" is forbidden: new config not compatible with assigned IPs: ` +
				`service "default/nginx" would not be announced at "198.51.100.0" under new config` + "\n"))
		Expect(server.Client.DeleteAllOf(ctx, &v1beta1.IPAddressPool{}, client.InNamespace(envtest.Namespace))).To(
			MatchError(ContainSubstring(`ipaddresspools.metallb.io "my-ip-space" is forbidden: ` + inUse)))
		remove(ctx, builder.MakeService("nginx").Obj())
		Expect(kubectl("", "delete", "-f", tutorial1)).To(And(
			ContainSubstring(`bgppeer.metallb.io "test-bgp-router-frr" deleted`), ContainSubstring(`ipaddresspool.metallb.io "my-ip-space" deleted`),
			ContainSubstring(`bgpadvertisement.metallb.io "everything" deleted`), Not(ContainSubstring("Forbidden"))))
	})

	It("refuses to delete a BFD profile that peers name, in whatever order they come", func(ctx SpecContext) {
		startWebhook(ctx)
		const (
			peer    = `{"apiVersion":"metallb.io/v1beta2","kind":"BGPPeer","metadata":{"name":"tor","namespace":"metallb-system"},"spec":{"myASN":64512,"peerASN":64513,"peerAddress":"192.0.2.1","bfdProfile":"fast"}}`
			profile = `{"apiVersion":"metallb.io/v1beta1","kind":"BFDProfile","metadata":{"name":"fast","namespace":"metallb-system"},"spec":{"transmitInterval":50}}`
		)
		Expect(kubectl(peer, "apply", "-f", "-")).To(Equal(
			`Warning: BGPPeer "tor" names BFDProfile "fast" in spec.bfdProfile, which does not exist; create it: until then, ` +
				"sessions with the peer keep the BFD profile that they have, or have no BFD\nbgppeer.metallb.io/tor created\n"))
		Expect(kubectl(profile, "apply", "-f", "-")).To(Equal("bfdprofile.metallb.io/fast created\n"))
		Expect(kubectl("", "delete", "-n", "metallb-system", "bfdprofile/fast")).To(Equal(
			`Error from server (Forbidden): admission webhook "bfdprofiledeletionwebhook.metallb.io" denied the request: bfdprofiles.metallb.io "fast" ` +
				`is forbidden: failed to delete BFDProfile "fast", used by BGPPeer "tor"; change or remove spec.bfdProfile there first` + "\n"))
		Expect(kubectl("", "delete", "-n", "metallb-system", "bgppeer/tor", "bfdprofile/fast")).To(
			And(ContainSubstring(`bgppeer.metallb.io "tor" deleted`), ContainSubstring(`bfdprofile.metallb.io "fast" deleted`)))
	})

	It("warns of what is suspicious, and of what the operator disrupts on purpose", func(ctx SpecContext) {
		startWebhook(ctx)
		const pool = `{"apiVersion":"metallb.io/v1beta1","kind":"IPAddressPool","metadata":{"name":"my-ip-space","namespace":"metallb-system"},` +
			`"spec":{"addresses":["198.51.100.0/24"]}}`
		Expect(kubectl(pool, "apply", "-f", "-")).To(Equal(
			`Warning: IPAddressPool "my-ip-space" is selected by no BGPAdvertisement, so its addresses are not announced; create one that selects it` + "\n" +
				"ipaddresspool.metallb.io/my-ip-space created\n"))
		create(ctx, builder.MakeService("nginx").Obj())
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		Expect(kubectl("", "annotate", "-n", "metallb-system", "ipaddresspool/my-ip-space", v1beta1.AnnotationAllowDisruption+"=true")).To(HaveSuffix(
			"ipaddresspool.metallb.io/my-ip-space annotated\n"))
		Expect(kubectl("", "apply", "-f", tutorial3)).To(And(
			ContainSubstring(`Warning: service "default/nginx" cannot own "198.51.100.0" under new config`),
			ContainSubstring("ipaddresspool.metallb.io/my-ip-space configured\n")))
	})

	It("says where configuration must be, and leaves alone what is elsewhere already", func(ctx SpecContext) {
		elsewhere := tutorialPool()
		elsewhere.Namespace = metav1.NamespaceDefault
		create(ctx, elsewhere)
		startWebhook(ctx)
		const refusal = `metadata.namespace: Invalid value: "default": resource must be created in metallb-system namespace`
		Expect(kubectl(`{"apiVersion":"metallb.io/v1beta1","kind":"Community","metadata":{"name":"web","namespace":"default"},"spec":{}}`,
			"create", "-f", "-")).To(ContainSubstring(refusal))
		Expect(kubectl("", "patch", "ipaddresspool/my-ip-space", "--type=merge", "--patch", `{"spec":{"avoidBuggyIPs":true}}`)).To(
			ContainSubstring(refusal))
		Expect(kubectl("", "annotate", "ipaddresspool/my-ip-space", "note=1")).To(Equal("ipaddresspool.metallb.io/my-ip-space annotated\n"))
		Expect(kubectl("", "delete", "ipaddresspool/my-ip-space")).To(ContainSubstring("deleted"))
	})

	It("is missed where it guards, and not where it would be in the way", func(ctx SpecContext) {
		p := startWebhook(ctx)
		applyTutorial1(ctx)
		p.stop(syscall.SIGKILL)
		err := server.Client.Create(ctx, builder.MakePool("other", "192.0.2.0/24").Obj())
		Expect(err).To(MatchError(ContainSubstring(`failed calling webhook "ipaddresspoolvalidationwebhook.metallb.io"`)))
		remove(ctx, tutorialPool())
		Expect(apierrors.IsNotFound(server.Client.Get(ctx, client.ObjectKeyFromObject(tutorialPool()), &v1beta1.IPAddressPool{}))).To(BeTrue())
	})

	It("stands aside while the namespace goes", func(ctx SpecContext) {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "leaving-"}}
		create(ctx, namespace)
		startWebhookIn(ctx, namespace.Name)
		p := tutorialPool()
		p.Namespace = namespace.Name
		create(ctx, p, builder.MakeService("nginx").Obj())
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		Expect(server.Client.Delete(ctx, p)).To(MatchError(ContainSubstring(inUse)))
		remove(ctx, namespace)
		remove(ctx, p)
	})

	It("is served alone if that is wanted, whoever leads", func(ctx SpecContext) {
		p := startWebhook(ctx, "--webhook-mode=onlywebhook", "--leader-elect=true")
		create(ctx, tutorialPool(), builder.MakeService("nginx").Obj())
		Expect(server.Client.Create(ctx, builder.MakePool("other", "198.51.100.128/25").Obj())).To(
			MatchError(ContainSubstring("overlaps with already defined CIDR")))
		startController()
		Eventually(addresses(ctx, "nginx")).Should(holds("198.51.100.0"))
		Expect(p.log.Contents()).NotTo(ContainSubstring("became the active controller"))
		Eventually(func() error { return server.Client.Delete(ctx, tutorialPool(), client.DryRunAll) }).Should(
			MatchError(ContainSubstring(inUse)))
	})
})

// rendered returns the objects of a kustomization, each as YAML, by "kind/name".
func rendered(directory string) map[string]string {
	GinkgoHelper()
	out, err := server.Kubectl(GinkgoTB(), "", "kustomize", directory)
	Expect(err).NotTo(HaveOccurred(), out)
	found := map[string]string{}
	for object := range strings.SplitSeq(out, "\n---\n") {
		var kind, name string
		for line := range strings.Lines(object) {
			if rest, ok := strings.CutPrefix(line, "kind: "); ok {
				kind = strings.TrimSpace(rest)
			}
			if rest, ok := strings.CutPrefix(line, "  name: "); ok && name == "" {
				name = strings.TrimSpace(rest)
			}
		}
		found[kind+"/"+name] = object
	}
	return found
}

var _ = Describe("The manifests of the webhook", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	const (
		configuration = "ValidatingWebhookConfiguration/metallb-webhook-configuration"
		secret        = "Secret/" + webhookSecret
		service       = "Service/metallb-webhook-service"
	)

	It("leave certificates alone when they are applied again", func(ctx SpecContext) {
		objects := rendered("../config/default")
		mine := strings.Join([]string{objects[service], objects[secret], objects[configuration]}, "\n---\n")
		Expect(kubectl(mine, "apply", "-f", "-")).To(ContainSubstring("validatingwebhookconfiguration.admissionregistration.k8s.io/metallb-webhook-configuration created"))
		installed := envtest.WebhookConfiguration(GinkgoTB())
		DeferCleanup(func(ctx SpecContext) { remove(ctx, installed.DeepCopy()) })
		bundle := envtest.NewAuthority(GinkgoTB()).Bundle
		change(ctx, installed, func(c *admissionregistrationv1.ValidatingWebhookConfiguration) {
			for i := range c.Webhooks {
				c.Webhooks[i].ClientConfig.CABundle = bundle
			}
		})
		change(ctx, emptySecret(), func(s *corev1.Secret) { s.Data = map[string][]byte{"tls.crt": []byte("kept")} })
		for range 2 {
			Expect(kubectl(mine, "apply", "-f", "-")).NotTo(ContainSubstring("rror"))
		}
		Expect(bundles(ctx)).To(Equal([]string{string(bundle)}))
		kept := emptySecret()
		Expect(server.Client.Get(ctx, client.ObjectKeyFromObject(kept), kept)).To(Succeed())
		Expect(kept.Data).To(HaveKeyWithValue("tls.crt", []byte("kept")))
	})

	It("leave the certificate to cert-manager if it is there", func() {
		objects := rendered("../config/certmanager")
		Expect(objects).NotTo(HaveKey(secret))
		Expect(objects).To(And(HaveKey("Certificate/"+webhookSecret), HaveKey("Issuer/metallb-webhook"), HaveKey(service)))
		Expect(objects[configuration]).To(ContainSubstring("cert-manager.io/inject-ca-from: metallb-system/" + webhookSecret))
		Expect(objects["Deployment/controller"]).To(ContainSubstring("- --disable-cert-rotation\n"))
		Expect(objects["Certificate/"+webhookSecret]).To(And(
			ContainSubstring("- "+webhookHost+"\n"), ContainSubstring("secretName: "+webhookSecret)))
	})
})
