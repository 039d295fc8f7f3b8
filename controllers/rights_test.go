// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

var _ = Describe("A controller with no rights but its role's", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("does all of its work", func(ctx SpecContext) {
		out, err := server.Kubectl(GinkgoTB(), "", "apply", "--namespace", "metallb-system", "--kustomize", "../config/rbac")
		Expect(err).NotTo(HaveOccurred(), out)
		startControllerWith(impersonating("system:serviceaccount:metallb-system:controller"), "--leader-elect=true")

		p, web := tutorialPool(), builder.MakeService("web").Obj()
		create(ctx, p, web, &v1beta1.Community{
			ObjectMeta: builder.MakePool("aliases").ObjectMeta,
			Spec:       v1beta1.CommunitySpec{Communities: []v1beta1.CommunityAlias{{Name: "blue", Value: "64512:1"}}},
		}, builder.MakeBFDProfile("fast").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		Eventually(counts(ctx, "my-ip-space")).Should(Equal([]int64{1, 255, 0, 0}))
		Eventually(events(ctx, "Service", "web")).Should(HaveLen(1))
		Eventually(events(ctx, "Lease", "metallb-controller")).ShouldNot(BeEmpty(), "it tells that it leads")
		change(ctx, p, func(p *v1beta1.IPAddressPool) { p.Spec.AvoidBuggyIPs = true })
		Eventually(events(ctx, "IPAddressPool", "my-ip-space")).Should(HaveLen(1))
		change(ctx, web, func(svc *corev1.Service) { svc.Spec.Type = corev1.ServiceTypeClusterIP })
		Eventually(func() map[string]string { return read(ctx, "default", "web").Annotations }).Should(BeEmpty())
		Eventually(communityValid(ctx, "aliases")).Should(Equal("True Accepted: in use as written"))
		profile := builder.MakeBFDProfile("fast").Obj()
		Eventually(func() (string, error) {
			err := server.Client.Get(ctx, client.ObjectKeyFromObject(profile), profile)
			return summary(profile.Status.Conditions, v1beta1.ConditionValid), err
		}).Should(Equal("True Accepted: in use as written"))
	})
})

// impersonating returns a kubeconfig of the user.
func impersonating(user string) string {
	GinkgoHelper()
	config, err := clientcmd.LoadFromFile(server.Kubeconfig(GinkgoTB()))
	Expect(err).NotTo(HaveOccurred())
	for _, info := range config.AuthInfos {
		info.Impersonate = user
	}
	path := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(clientcmd.WriteToFile(*config, path)).To(Succeed())
	return path
}
