// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/freeport"
)

// reconciliations returns how often the reconciler has done its work without an error.
func reconciliations(ctx context.Context, metrics, name string) func() int {
	return func() int {
		n, prefix := 0, fmt.Sprintf(`controller_runtime_reconcile_total{controller=%q,result="success"} `, name)
		for line := range strings.Lines(page(ctx, "http://"+metrics+"/metrics")) {
			if text, found := strings.CutPrefix(line, prefix); found {
				_, _ = fmt.Sscan(text, &n)
			}
		}
		return n
	}
}

// page returns what is there.
func page(ctx context.Context, url string) string {
	GinkgoHelper()
	text, err := get(ctx, url)()
	Expect(err).NotTo(HaveOccurred())
	return text
}

// put puts the text there and returns the answer.
func put(ctx context.Context, url, text string) string {
	GinkgoHelper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(text))
	Expect(err).NotTo(HaveOccurred())
	response, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer response.Body.Close()
	return response.Status
}

var _ = Describe("What the controller tells of itself", func() {
	BeforeEach(func() { server.Clean(GinkgoTB()) })

	It("is one line for each address given and refused, and nothing while nothing happens", func(ctx SpecContext) {
		metrics := freeport.Address(GinkgoTB())
		p := startController("--metrics-bind-address="+metrics, "--metrics-secure=false")
		create(ctx, builder.MakePool("tiny", "198.51.100.0/32").Obj(), builder.MakeService("web").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		create(ctx, builder.MakeService("late").Obj())
		Eventually(allocated(ctx, "late")).Should(HavePrefix("False AllocationFailed"))
		Eventually(counts(ctx, "tiny")).Should(Equal([]int64{1, 0, 0, 0}))
		Consistently(func() string { return string(p.log.Contents()) }).Should(And(
			ContainSubstring(`"logger":"service","msg":"assigning addresses","service":"default/web","addresses":["198.51.100.0"],"pool":"tiny"}`+"\n"),
			ContainSubstring(`"logger":"service","msg":"refusing what the service requests","service":"default/late","addresses":[],"pool":"",`+
				`"reason":"no IPv4 address available: pool \"tiny\" is exhausted"}`+"\n")))
		before := string(p.log.Contents())
		service, pool := reconciliations(ctx, metrics, "service"), reconciliations(ctx, metrics, "pool-status")
		services, pools := service(), pool()
		for n := range 100 {
			mark := map[string]string{"n": fmt.Sprint(n)}
			change(ctx, builder.MakePool("tiny").Obj(), func(p *v1beta1.IPAddressPool) { p.Annotations = mark })
			change(ctx, builder.MakeService("late").Obj(), func(s *corev1.Service) { s.Labels = mark })
			Eventually(service).Should(BeNumerically(">", services+n))
			Eventually(pool).Should(BeNumerically(">", pools+n))
		}
		Expect(strings.TrimPrefix(string(p.log.Contents()), before)).To(BeEmpty())
	})

	It("is on the debug endpoint, where the level of the log is changed", func(ctx SpecContext) {
		debug := freeport.Address(GinkgoTB())
		p := startController("--debug-bind-address="+debug, "--log-format=console")
		create(ctx, builder.MakePool("tiny", "198.51.100.0/32").Obj(), builder.MakeService("web").Obj())
		Eventually(addresses(ctx, "web")).Should(holds("198.51.100.0"))
		create(ctx, builder.MakeService("late").Obj())
		Eventually(get(ctx, "http://"+debug+"/debug/allocator?service=default/late")).Should(
			ContainSubstring(`"reason": "no IPv4 address available: pool \"tiny\" is exhausted"`))
		Expect(page(ctx, "http://"+debug+"/debug/allocator")).To(And(
			ContainSubstring(`"service": "default/web"`), ContainSubstring(`"assignedIPv4": 1`)))
		Expect(string(p.log.Contents())).To(MatchRegexp(
			`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} INFO  service: assigning addresses +service=default/web addresses=\["198.51.100.0"\] pool=tiny$`))

		Expect(string(p.log.Contents())).NotTo(ContainSubstring("DEBUG"))
		Expect(put(ctx, "http://"+debug+"/debug/log-level", "all")).To(Equal("200 OK"))
		Expect(page(ctx, "http://"+debug+"/debug/log-level")).To(ContainSubstring(`"level": "all"`))
		remove(ctx, builder.MakeService("late").Obj())
		Eventually(func() string { return string(p.log.Contents()) }).Should(And(
			MatchRegexp(`INFO  changing the level of the log +from=info to=all\n`), MatchRegexp(` DEBUG service: Reconciling +service=default/late\n`)))
	})

	It("has no password in it", func(ctx SpecContext) {
		debug, metrics := freeport.Address(GinkgoTB()), freeport.Address(GinkgoTB())
		w := startWebhook(ctx, "--log-level=all", "--debug-bind-address="+debug, "--metrics-bind-address="+metrics, "--metrics-secure=false")
		Expect(server.Client.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: envtest.Namespace, Name: "router"}, Type: corev1.SecretTypeBasicAuth,
			StringData: map[string]string{"password": "s3cret-in-a-secret"},
		})).To(Succeed())
		peer := func(name, fields string) string {
			return fmt.Sprintf(`{"apiVersion":"metallb.io/v1beta2","kind":"BGPPeer","metadata":{"name":%q,"namespace":"metallb-system"},`+
				`"spec":{"myASN":64500,"peerASN":64501,"peerAddress":"192.0.2.1",%s}}`, name, fields)
		}
		Expect(kubectl(peer("written", `"password":"s3cret-one"`), "apply", "-f", "-")).To(ContainSubstring("created"))
		Expect(kubectl(peer("written", `"password":"s3cret-two"`), "apply", "-f", "-")).To(ContainSubstring("configured"))
		for name, fields := range map[string]string{
			"both":    `"password":"s3cret-three","passwordSecret":{"name":"router"}`,
			"long":    fmt.Sprintf(`"password":"s3cret-%s"`, strings.Repeat("x", 80)),
			"twice":   `"password":"s3cret-four"`, // the same address as that of another
			"numeric": `"password":["s3cret-five"]`,
		} {
			Expect(kubectl(peer(name, fields), "apply", "-f", "-")).NotTo(ContainSubstring("created"), name)
		}

		By("getting past the webhook what it refuses")
		Expect(kubectl("", "delete", "validatingwebhookconfigurations", "--all")).To(ContainSubstring("deleted"))
		Expect(kubectl(peer("twice", `"password":"s3cret-six"`), "apply", "-f", "-")).To(ContainSubstring("created"))
		Eventually(func() string {
			return kubectl("", "get", "bgppeer", "twice", "--namespace=metallb-system", "--output=jsonpath={.status}")
		}).
			Should(ContainSubstring("False"))

		reported := map[string]string{
			"events": kubectl("", "get", "events.events.k8s.io", "--all-namespaces", "--output=json"),
			"status": kubectl("", "get", "bgppeers.metallb.io", "--all-namespaces", "--output=jsonpath={.items[*].status}"),
		}
		for _, name := range []string{"", "allocator", "log-level", "pprof/cmdline", "pprof/goroutine?debug=2", "pprof/heap?debug=1"} {
			reported["/debug/"+name] = page(ctx, "http://"+debug+"/debug/"+name)
		}
		reported["metrics"] = page(ctx, "http://"+metrics+"/metrics")
		w.stop(syscall.SIGTERM)
		reported["log"] = string(w.log.Contents())
		for what, text := range reported {
			Expect(text).NotTo(BeEmpty(), what)
			i := strings.Index(text, "s3cret")
			Expect(i).To(Equal(-1), func() string { return what + " tells a password: …" + text[max(0, i-300):min(len(text), i+40)] })
		}
		Expect(reported["log"]).To(And(ContainSubstring(`"refusing a change"`), ContainSubstring("reflector"), ContainSubstring("controller-runtime.webhook")))
	})
})
