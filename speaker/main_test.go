// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/vishvananda/netlink"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	bgptest "metallb.io/metallb/test/bgp"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
	"metallb.io/metallb/test/freeport"
	"metallb.io/metallb/test/monitoring"
)

// asSpeaker in the environment makes the test program be the speaker.
const asSpeaker = "TEST_AS_SPEAKER"

var (
	apiServer envtest.Shared
	lab       bgptest.Lab
)

func TestMain(m *testing.M) {
	if os.Getenv(asSpeaker) != "" {
		main()
		os.Exit(0)
	}
	bgptest.Isolate()
	os.Exit(apiServer.Main(m))
}

// tutorial are the objects of a node that announces a service to one router. Of the other two, one is not there and one
// must not be connected to.
const tutorial = `
apiVersion: v1
kind: Node
metadata: {name: node-1}
---
apiVersion: v1
kind: Secret
metadata: {name: router-password, namespace: metallb-system}
type: kubernetes.io/basic-auth
stringData: {password: s3cret}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: router, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: %s, routerID: 10.0.0.1, passwordSecret: {name: router-password}, bfdProfile: fast}
---
apiVersion: metallb.io/v1beta1
kind: BFDProfile
metadata: {name: fast, namespace: metallb-system}
spec: {transmitInterval: 100, receiveInterval: 100}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: nobody, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.77, routerID: 10.0.0.1}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: without-password, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 127.0.0.78, passwordSecret: {name: missing}}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: my-ip-space, namespace: metallb-system}
spec: {addresses: [198.51.100.0/24]}
---
apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: {name: everything, namespace: metallb-system}
spec: {communities: ["64500:7"]}
` + nginx

// nginx is a Service with an endpoint, and nginxIPv6 an endpoint of the other family.
const (
	nginx = `---
apiVersion: v1
kind: Service
metadata: {name: nginx, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: nginx-1, namespace: default, labels: {kubernetes.io/service-name: nginx}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{addresses: [10.244.0.9], nodeName: node-1}]
`
	nginxIPv6 = `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: nginx-2, namespace: default, labels: {kubernetes.io/service-name: nginx}}
addressType: IPv6
ports: [{port: 80}]
endpoints: [{addresses: ["fd00:10:244::9"], nodeName: node-1}]
`
)

// startTutorial starts the router on a node of its own and makes the objects.
func startTutorial(t *testing.T) (kubectl, *bgptest.Node, bgptest.Router) {
	t.Helper()
	node := lab.NewNode(t)
	kube := newKubectl(t, node)
	kube.grant(t)
	bird := bgptest.NewBIRD(t, node, bgptest.Neighbor{
		Address: node.Test4, Local: node.Addr4, LocalASN: 64501, PeerASN: 64500, Password: "s3cret",
	})
	bird.Start(t)
	kube.Apply(t, fmt.Sprintf(tutorial, node.Addr4))
	return kube, node, bird
}

func TestTheSpeakerAnnouncesAServiceToARealRouterAndWithdrawsItWhenItStops(t *testing.T) {
	bgptest.Require(t)
	g := newGomega(t)
	kube, node, bird := startTutorial(t)

	var forwards atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !forwards.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(proxy.Close)
	s := startSpeaker(t, kube, "--node-healthz-url", proxy.URL)
	g.Eventually(func() error { return s.get("/readyz", nil) }).Should(Succeed())
	g.Expect(s.get("/healthz", nil)).To(Succeed())
	g.Eventually(func() bool { return bird.Session(t).Up }).Should(BeTrue(), s.log)
	g.Expect(bird.Routes(t)).To(BeEmpty())

	kube.assign(t, "198.51.100.0")
	g.Eventually(func() string {
		var rib strings.Builder
		_ = s.get("/debug/rib", &rib)
		return rib.String()
	}).Should(ContainSubstring(`"reason": "nodeProxyNotReady"`))
	g.Expect(bird.Routes(t)).To(BeEmpty(), "nothing is announced before connections are forwarded")
	forwards.Store(true)
	g.Eventually(func() map[netip.Prefix]bgptest.Route { return bird.Routes(t) }).Should(HaveLen(1), s.log)
	g.Expect(bird.Routes(t)[netip.MustParsePrefix("198.51.100.0/32")]).To(And(
		HaveField("NextHop", node.Test4), HaveField("ASPath", []uint32{64500}), HaveField("Communities", []string{"64500:7"})))
	g.Eventually(kube.notes(t)).Should(ContainElements(ContainSubstring(`announcing from node "node-1" with protocol "bgp" to "router"`),
		ContainSubstring(`not in use on node "node-1": spec.passwordSecret: secret metallb-system/missing not found`)), s.log)
	var metrics strings.Builder
	g.Expect(s.get("/metrics", &metrics)).To(Succeed())
	g.Expect(metrics.String()).To(And(MatchRegexp(`metallb_build_info{goversion="go.*",revision=".+",version="dev"} 1`),
		ContainSubstring(`metallb_speaker_announced{ip="198.51.100.0",node="node-1",protocol="bgp",service="default/nginx"} 1`),
		ContainSubstring(`metallb_bgp_session_up`), ContainSubstring(`metallb_k8s_client_config_stale_bool 1`)))
	g.Expect(monitoring.Difference(t, "Speaker", metrics.String())).To(BeEmpty())

	g.Expect(s.kill(t, syscall.SIGKILL)).To(MatchError(ContainSubstring("killed")))
	s = startSpeaker(t, kube)
	g.Eventually(func() bool { session := bird.Session(t); return session.Up && session.Routes == 1 }).Should(BeTrue(), s.log)

	g.Expect(s.kill(t, syscall.SIGTERM)).To(Succeed(), s.log)
	g.Eventually(func() map[netip.Prefix]bgptest.Route { return bird.Routes(t) }).Should(BeEmpty())
	g.Expect(s.log()).To(ContainSubstring("withdrawing all routes"))
	g.Expect(s.log()).To(HaveSuffix(`"msg":"stopped"}`+"\n"), "told by the process itself")
	g.Expect(s.log()).NotTo(Or(ContainSubstring("Starting"), ContainSubstring("starting server")), "what libraries tell of themselves")
	g.Expect(s.log()).NotTo(ContainSubstring("forbidden"), "what the roles do not allow")
	g.Expect(s.log()).NotTo(ContainSubstring("s3cret"))
}

func newGomega(t *testing.T) *WithT {
	t.Helper()
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(time.Minute)
	g.SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	return g
}

type kubectl struct{ *envtest.Server }

// newKubectl returns an empty API server in the test's network, in which the node is the way to everywhere.
func newKubectl(t *testing.T, node *bgptest.Node) kubectl {
	t.Helper()
	// The API server wants to know an address by which others reach it, and asks for the default route's.
	if err := netlink.RouteReplace(&netlink.Route{Gw: node.Addr4.AsSlice()}); err != nil {
		t.Fatal(err)
	}
	kube := kubectl{apiServer.Get(t)}
	kube.Clean(t)
	return kube
}

// grant gives the speaker its rights.
func (k kubectl) grant(t *testing.T) {
	t.Helper()
	for _, name := range []string{"service_accounts", "speaker_role", "bindings"} {
		k.applyFile(t, "../config/rbac/"+name+".yaml")
	}
}

func (k kubectl) applyFile(t *testing.T, path string) {
	t.Helper()
	manifest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	k.Apply(t, string(manifest))
}

// assign gives the service nginx the addresses, as the controller does.
func (k kubectl) assign(t *testing.T, addresses ...string) {
	t.Helper()
	ingress := make([]string, len(addresses))
	for i, a := range addresses {
		ingress[i] = fmt.Sprintf(`{"ip":%q}`, a)
	}
	k.PatchStatus(t, builder.MakeService("nginx").Obj(), `{"status":{"loadBalancer":{"ingress":[`+strings.Join(ingress, ",")+`]}}}`)
}

// notes returns a function that reads what all events say.
func (k kubectl) notes(t *testing.T) func() []string {
	t.Helper()
	return func() []string {
		var list eventsv1.EventList
		if err := k.Client.List(t.Context(), &list); err != nil {
			t.Fatal(err)
		}
		notes := make([]string, len(list.Items))
		for i := range list.Items {
			notes[i] = list.Items[i].Note
		}
		return notes
	}
}

// sessions returns what is published of the sessions of a node.
func (k kubectl) sessions(t *testing.T, node string) []v1beta1.BGPSessionState {
	t.Helper()
	var list v1beta1.BGPSessionStateList
	if err := k.Client.List(t.Context(), &list, client.MatchingLabels{"metallb.io/node": node}); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func (k kubectl) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := k.Kubectl(t, "", args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// asServiceAccount returns a kubeconfig that has the rights of the speaker's service account.
func (k kubectl) asServiceAccount(t *testing.T) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(k.Kubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = "system:serviceaccount:" + envtest.Namespace + ":speaker"
		user.ImpersonateGroups = []string{"system:serviceaccounts", "system:authenticated"}
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// speakerProcess is a running speaker.
type speakerProcess struct {
	cmd                    *exec.Cmd
	logFile                string
	metrics, health, debug string
}

func startSpeaker(t *testing.T, kube kubectl, flags ...string) *speakerProcess {
	t.Helper()
	return startSpeakerOn(t, kube, "node-1", flags...)
}

func startSpeakerOn(t *testing.T, kube kubectl, node string, flags ...string) *speakerProcess {
	t.Helper()
	s := &speakerProcess{
		logFile: filepath.Join(t.TempDir(), "log"), metrics: freeport.Address(t), health: freeport.Address(t), debug: freeport.Address(t),
	}
	s.cmd = exec.CommandContext(context.Background(), os.Args[0], append([]string{
		"--metrics-bind-address", s.metrics, "--metrics-secure=false", "--health-probe-bind-address", s.health,
		"--debug-bind-address", s.debug, "--shutdown-delay", "100ms", "--node-healthz-url", "",
	}, flags...)...)
	s.cmd.Env = append(os.Environ(), asSpeaker+"=1", "METALLB_NODE_NAME="+node, "KUBECONFIG="+kube.asServiceAccount(t))
	logFile, err := os.Create(s.logFile)
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = logFile
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.kill(t, syscall.SIGKILL)
		}
		_ = logFile.Close()
		if t.Failed() {
			t.Log(s.log())
		}
	})
	return s
}

// kill sends the signal and waits for the process to end.
func (s *speakerProcess) kill(t *testing.T, signal os.Signal) error {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	return s.cmd.Wait()
}

func (s *speakerProcess) log() string {
	log, err := os.ReadFile(s.logFile)
	if err != nil {
		return err.Error()
	}
	return string(log)
}

// get fetches a page; it is an error if there is none.
func (s *speakerProcess) get(path string, body io.Writer) error {
	address := s.health
	switch {
	case path == "/metrics":
		address = s.metrics
	case strings.HasPrefix(path, "/debug/"):
		address = s.debug
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	if body != nil {
		_, err = io.Copy(body, response.Body)
	}
	return err
}
