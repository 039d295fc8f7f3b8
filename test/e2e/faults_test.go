// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/plugin/explain"
	"metallb.io/metallb/test/playground"
)

// The routers of the rack, and what is to befall each.
const (
	refusing      = "172.30.0.201"
	unreachable   = "172.30.0.202"
	otherASN      = "172.30.0.203"
	otherPassword = "172.30.0.204"
	expectsOther  = "172.30.0.205"
	missingSecret = "172.30.0.206"
	nowhere       = "172.30.0.207"
)

// troubled are the BGPPeers of these routers, which are well for now.
var troubled = template.Must(template.New("").Parse(`
{{- define "peer"}}
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: {{.Name}}, namespace: metallb-system}
spec: {myASN: 64512, peerASN: 64513, peerAddress: {{.Address}}, holdTime: 3s{{.More}}}
---
{{- end}}
{{- range .}}{{template "peer" .}}{{end}}`))

type troubledPeer struct{ Name, Address, More string }

var troubledPeers = []troubledPeer{
	{"refusing", refusing, ""},
	{"unreachable", unreachable, ""},
	{"other-asn", otherASN, ""},
	{"other-asn-ipv6", address6(otherASN), ""},
	{"other-password", otherPassword, ", password: s3cret"},
	{"expects-other", expectsOther, ""},
}

var troubledLater = []troubledPeer{
	{"missing-secret", missingSecret, ", passwordSecret: {name: router-password}"},
	{"nowhere", nowhere, ", nodeSelectors: [{matchLabels: {rack: somewhere}}]"},
}

// cut is how packets to two routers are dealt with that are no more to be reached, one by one node and one by another.
const cut = `table inet cut {
  chain input {
    type filter hook input priority 0;
    ip saddr %s ip daddr ` + refusing + ` tcp dport 179 reject with tcp reset
    ip saddr %s ip daddr ` + unreachable + ` drop
  }
}
`

// screen is what a person sees.
type screen struct{ peers, reasons, states, events string }

// look shows a person the screen.
func look(t *testing.T, p *playground.Playground) screen {
	t.Helper()
	const ready = `.status.conditions[?(@.type=="Ready")]`
	return screen{
		peers:   kubectl(t, p, "get", "bgppeers", "-n", "metallb-system", "-o", "wide"),
		reasons: kubectl(t, p, "get", "bgppeers", "-n", "metallb-system", "-o", "custom-columns=NAME:.metadata.name,REASON:"+ready+".reason,MESSAGE:"+ready+".message"),
		states:  kubectl(t, p, "get", "bgpsessionstates", "-n", "metallb-system"),
		events:  kubectl(t, p, "get", "events", "-n", "metallb-system", "--field-selector", "involvedObject.kind=BGPPeer"),
	}
}

// glance is look without kubectl, and therefore fast.
func glance(t *testing.T, p *playground.Playground) screen {
	t.Helper()
	const objects = "/namespaces/" + playground.Namespace + "/"
	var peers v1beta2.BGPPeerList
	list(t, p, playground.Namespace, &peers)
	var reasons strings.Builder
	for i := range peers.Items {
		ready := ptr.Deref(meta.FindStatusCondition(peers.Items[i].Status.Conditions, v1beta1.ConditionReady), metav1.Condition{})
		fmt.Fprintln(&reasons, peers.Items[i].Name, ready.Reason, ready.Message)
	}
	return screen{
		peers:   table(t, p, "/apis/metallb.io/v1beta2"+objects+"bgppeers", "", true),
		reasons: reasons.String(),
		states:  table(t, p, "/apis/metallb.io/v1beta1"+objects+"bgpsessionstates", "", false),
		events:  table(t, p, "/api/v1"+objects+"events", "involvedObject.kind=BGPPeer", false),
	}
}

func (s screen) String() string {
	return strings.Join([]string{s.peers, s.reasons, s.states, s.events}, "\n\n")
}

// sight is what is to be seen: in each of the lists a line that matches.
type sight struct {
	peers, reasons, states, events []string
}

// missing returns what is not to be seen yet.
func (w sight) missing(s screen) string {
	var all []string
	for _, list := range []struct {
		text  string
		lines []string
	}{{s.peers, w.peers}, {s.reasons, w.reasons}, {s.states, w.states}, {s.events, w.events}} {
		for _, line := range list.lines {
			// In a pattern, a space is what is between two columns.
			pattern := "(?m)^" + strings.ReplaceAll(line, " ", " +")
			if !regexp.MustCompile(pattern).MatchString(list.text) {
				all = append(all, line)
			}
		}
	}
	return strings.Join(all, "\n")
}

// awaitSight waits until all that is wanted is to be seen, while what is given is done over and over, and says how long that took.
func awaitSight(t *testing.T, p *playground.Playground, what string, want sight, meanwhile ...func()) {
	t.Helper()
	began := time.Now()
	var s screen
	eventually(t, what, func() string {
		for _, do := range meanwhile {
			do()
		}
		if s = glance(t, p); want.missing(s) == "" {
			s = look(t, p)
		}
		if lines := want.missing(s); lines != "" {
			return fmt.Sprintf("no line like\n%s\nin\n%s", lines, s)
		}
		return ""
	})
	t.Logf("%s: seen after %s\n%s", what, time.Since(began).Round(100*time.Millisecond), s)
}

// applyTroubled makes the peers.
func applyTroubled(t *testing.T, p *playground.Playground, peers []troubledPeer) {
	t.Helper()
	var text strings.Builder
	if err := troubled.Execute(&text, peers); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "peers.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, p, "apply", "-f", file)
}

func TestStatusTellsWhatKeepsNodesFromTheirSessions(t *testing.T) {
	withTutorial(t, func(p *playground.Playground) {
		forgetEvents(t, p)
		t.Run("routers fail each in its way and come back", func(t *testing.T) { routersFail(t, p) })
		t.Run("a node is not ready and is removed and comes back", func(t *testing.T) { nodesFail(t, p) })
	})
}

func routersFail(t *testing.T, p *playground.Playground) {
	t.Helper()
	nodes := p.Cluster.Nodes()
	routers := map[string]*rackedRouter{}
	for _, address := range []string{refusing, unreachable, otherASN, otherPassword, expectsOther, missingSecret, nowhere} {
		r := &rackedRouter{Address: address, LocalASN: 64513, PeerASN: 64512, Nodes: nodes}
		if address == otherPassword || address == missingSecret {
			r.Password = "s3cret"
		}
		r.start(t)
		routers[address] = r
	}
	applyTroubled(t, p, troubledPeers)
	well := sight{}
	for _, peer := range []string{"test-bgp-router-bird", "test-bgp-router-frr", "rack-router", "refusing", "unreachable", "other-asn", "other-asn-ipv6", "other-password", "expects-other"} {
		well.peers = append(well.peers, peer+` \S+ 6451[23] 3/3 True 64512`)
		well.reasons = append(well.reasons, peer+` SessionsEstablished all sessions are established`)
		told := `[0-9.]+ Established \S+ 1 0\s*$`
		if strings.HasSuffix(peer, "-ipv6") { // nginx has no IPv6 address
			told = `fd00:[0-9:]+ Established \S+ 0 0\s*$`
		}
		for _, n := range nodes {
			well.states = append(well.states, n.Name+"-"+peer+` `+n.Name+` `+peer+` `+told)
		}
	}
	awaitSight(t, p, "all sessions", well)

	kubectl(t, p, "-n", "metallb-system", "scale", "deployment/test-bgp-router", "--replicas=0")
	rack(t, fmt.Sprintf(cut, nodes[1].Addr, nodes[2].Addr), "nft", "-f", "-")
	routers[otherASN].LocalASN = 64999
	routers[otherPassword].Password = "another"
	routers[expectsOther].PeerASN = 64500
	for _, address := range []string{otherASN, otherPassword, expectsOther} {
		routers[address].configure(t)
	}
	applyTroubled(t, p, troubledLater)
	seeTheFaults(t, p)
	a := buildPlugin(t, p)
	a.explainTheFaults(t)
	t.Log(kubectl(t, p, "-n", "metallb-system", "describe", "bgppeer", "refusing"))
	t.Log(announced(t, p))

	kubectl(t, p, "-n", "metallb-system", "scale", "deployment/test-bgp-router", "--replicas=1")
	rack(t, "", "nft", "delete", "table", "inet", "cut")
	routers[otherASN].LocalASN = 64513
	routers[otherPassword].Password = "s3cret"
	routers[expectsOther].PeerASN = 64512
	for _, address := range []string{otherASN, otherPassword, expectsOther} {
		routers[address].configure(t)
	}
	a.run(t, strings.Replace(a.remedyOfPeer(t, "missing-secret", explain.NoSecret), "PASSWORD", "s3cret", 1))
	a.run(t, a.remedyOfPeer(t, "nowhere", explain.NoNodes)) // It is for one node.
	kubectl(t, p, "label", "nodes", "--all", "--overwrite", "rack=somewhere")
	for _, peer := range []string{"missing-secret", "nowhere"} {
		well.peers = append(well.peers, peer+` \S+ 64513 3/3 True`)
	}
	for _, peer := range []string{"test-bgp-router-bird", "test-bgp-router-frr", "refusing", "unreachable", "other-asn", "other-asn-ipv6", "other-password", "expects-other", "missing-secret", "nowhere"} {
		well.events = append(well.events, `\S+ Normal SessionsEstablished bgppeer/`+peer+` all sessions are established`)
	}
	awaitSight(t, p, "all sessions again", well)
	t.Log(kubectl(t, p, "-n", "metallb-system", "describe", "bgppeer", "refusing"))

	troubled := slices.Concat(troubledPeers, troubledLater)
	args := slices.Grow([]string{"-n", "metallb-system", "delete", "bgppeers"}, len(troubled))
	for _, peer := range troubled {
		args = append(args, peer.Name)
	}
	kubectl(t, p, args...)
	kubectl(t, p, "-n", "metallb-system", "delete", "secret", "router-password")
	kubectl(t, p, "label", "nodes", "--all", "rack-")
}

// What is told of each of the faults.
const (
	toldTimedOut = `connect timed out \(wrong password, or peer unreachable\)`
	toldSilent   = `(hold timer expired: nothing heard from the peer for 3s|connect timed out \(peer unreachable)`
	toldASN      = `peer ASN 64999, expected 64513 \(sent OPEN Message Error/Bad Peer AS\)`
	toldRefused  = `peer sent OPEN Message Error/Bad Peer AS: does it expect ASN 64512, router ID 172.30.0.1\d, from this address\?`
	toldSecret   = `spec.passwordSecret: secret metallb-system/router-password not found`
)

// seeTheFaults waits until each is told in the right words.
func seeTheFaults(t *testing.T, p *playground.Playground) {
	t.Helper()
	down := `(Idle|Connect|Active|OpenSent|OpenConfirm) \S+ 0 0 `
	awaitSight(t, p, "the faults", sight{
		peers: []string{
			`test-bgp-router-bird 10.96.0.100 64512 0/3 False .*node-1: connection refused`,
			`test-bgp-router-frr 10.96.0.101 64512 0/3 False .*node-1: connection refused`,
			`rack-router 172.30.0.254 64513 3/3 True`,
			`refusing ` + refusing + ` 64513 2/3 False .*node-2: connection refused`,
			`unreachable ` + unreachable + ` 64513 2/3 False .*node-3: ` + toldSilent,
			`other-asn ` + otherASN + ` 64513 0/3 False .*node-1: ` + toldASN,
			`other-asn-ipv6 ` + address6(otherASN) + ` 64513 0/3 False .*node-1: ` + toldASN,
			`other-password ` + otherPassword + ` 64513 0/3 False .*node-1: ` + toldTimedOut,
			`expects-other ` + expectsOther + ` 64513 0/3 False .*node-1: ` + toldRefused,
			`missing-secret ` + missingSecret + ` 64513 0/3 False .*node-1: ` + toldSecret,
			`nowhere ` + nowhere + ` 64513 0/0 False .*no node matches nodeSelectors`,
		},
		reasons: []string{
			`test-bgp-router-bird SessionsNotEstablished node-1: connection refused; node-2: connection refused; node-3: connection refused`,
			`refusing SessionsNotEstablished node-2: connection refused`,
			`unreachable SessionsNotEstablished node-3: ` + toldSilent,
			`other-asn SessionsNotEstablished node-1: ` + toldASN + `; node-2: ` + toldASN,
			`missing-secret SessionsNotEstablished node-1: ` + toldSecret,
			`nowhere NoNodes no node matches nodeSelectors`,
		},
		states: []string{
			`node-1-test-bgp-router-frr node-1 test-bgp-router-frr 10.96.0.101 ` + down + `connection refused \d+\S*\s*$`,
			`node-2-refusing node-2 refusing ` + refusing + ` ` + down + `connection refused`,
			`node-1-refusing node-1 refusing ` + refusing + ` Established \S+ 1 0\s*$`,
			`node-3-unreachable node-3 unreachable ` + unreachable + ` ` + down + toldSilent,
			`node-2-other-asn node-2 other-asn ` + otherASN + ` ` + down + toldASN,
			`node-2-other-asn-ipv6 node-2 other-asn-ipv6 ` + address6(otherASN) + ` ` + down + toldASN,
			`node-3-other-password node-3 other-password ` + otherPassword + ` ` + down + toldTimedOut,
			`node-3-expects-other node-3 expects-other ` + expectsOther + ` ` + down + toldRefused,
			`node-2-missing-secret node-2 missing-secret ` + missingSecret + ` Idle \S+ 0 0 ` + toldSecret + `.* \d+\S*\s*$`,
		},
		// One tells of the nodes that had noticed by then; on a busy machine that may be the last.
		events: []string{
			`\S+ Warning SessionsNotEstablished bgppeer/test-bgp-router-bird node-[123]: `,
			`\S+ Warning SessionsNotEstablished bgppeer/refusing node-2: connection `,
			`\S+ Warning SessionsNotEstablished bgppeer/unreachable node-3: ` + toldSilent,
			`\S+ Warning SessionsNotEstablished bgppeer/other-asn node-[123]: `,
			`\S+ Warning SessionsNotEstablished bgppeer/other-asn-ipv6 node-[123]: `,
			`\S+ Warning SessionsNotEstablished bgppeer/other-password node-[123]: `,
			`\S+ Warning SessionsNotEstablished bgppeer/missing-secret node-[123]: ` + toldSecret,
			`\S+ Warning NoNodes bgppeer/nowhere no node matches nodeSelectors`,
		},
	})
}

// explainTheFaults has the plugin say what is wrong with each peer. Of most, only the router can be mended, so it names what to compare there.
func (a asked) explainTheFaults(t *testing.T) {
	t.Helper()
	for peer, want := range map[string]string{
		"test-bgp-router-bird": "connection refused", "refusing": "connection refused", "unreachable": toldSilent, "other-asn": toldASN, "other-asn-ipv6": toldASN,
		"other-password": toldTimedOut, "expects-other": toldRefused, "missing-secret": "the Secret router-password is not there, and without it no node connects",
		"nowhere": `no node matches spec\.nodeSelectors`,
	} {
		out, wrong := a.shell(t, "kubectl metallb explain peer "+peer)
		t.Logf("$ kubectl metallb explain peer %s\n%s", peer, out)
		if !wrong || !regexp.MustCompile(`(?m)^  ✗ .*: `+want+`.*\n      → `).MatchString(out) {
			t.Errorf("what is wrong with %s is not told, or not what mends it: want %s", peer, want)
		}
	}
	if out, wrong := a.shell(t, "kubectl metallb explain peer rack-router"); wrong {
		t.Errorf("the rack router is well, but it is said that %s", out)
	}
}

// remedyOfPeer returns the command that mends what is wrong with a peer for this reason.
func (a asked) remedyOfPeer(t *testing.T, peer, reason string) string {
	t.Helper()
	out, _ := a.shell(t, "kubectl metallb explain peer "+peer+" -o json")
	var chain explain.Chain
	if err := json.Unmarshal([]byte(out), &chain); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	for _, l := range chain.Links {
		if l.Reason == reason && len(l.Remedies) > 0 {
			return l.Remedies[0].Command
		}
	}
	t.Fatalf("nothing mends %s of %s: %s", reason, peer, out)
	return ""
}

func nodesFail(t *testing.T, p *playground.Playground) {
	t.Helper()
	tutorial := []string{"test-bgp-router-bird", "test-bgp-router-frr", "rack-router"}
	each := func(line string) (lines []string) {
		for _, peer := range tutorial {
			lines = append(lines, fmt.Sprintf(line, peer))
		}
		return lines
	}
	kubelet := kubeletOf(t, p, "node-3")
	signalTo(t, kubelet, syscall.SIGSTOP)
	defer signalTo(t, kubelet, syscall.SIGCONT)
	// Meanwhile a speaker is replaced, as in a rolling update, and another crashes again and again.
	kubectl(t, p, "-n", "metallb-system", "delete", "pod", speakerOn(t, p, "node-1").Name)
	awaitSight(t, p, "the node whose kubelet is stopped, and the one whose speaker crashes", sight{
		peers:   each(`%s \S+ 6451[23] 1/3 False .*node-2: the pod of the node's speaker does not run`),
		reasons: each(`%s SessionsNotEstablished node-2: the pod of the node's speaker does not run; node-3: node is not ready`),
		states: slices.Concat(each(`node-1-%s node-1 \S+ \S+ Established \S+ 1 0\s*$`),
			each(`node-2-%s node-2 \S+ \S+ Unknown \S+ 0 0 the pod of the node's speaker does not run \d+\S*\s*$`),
			each(`node-3-%s node-3 \S+ \S+ Unknown \S+ 0 0 node is not ready \d+\S*\s*$`)),
		events: each(`\S+ Warning SessionsNotEstablished bgppeer/%s node-[23]: (node is not ready|the pod of the node's speaker does not run)`),
	}, func() { crash(t, p, "node-2") })
	t.Log(announced(t, p))
	signalTo(t, kubelet, syscall.SIGCONT)
	kubectl(t, p, "-n", "metallb-system", "delete", "pod", speakerOn(t, p, "node-2").Name) // One that is new is not kept waiting.
	awaitSight(t, p, "the node that is ready again", sight{
		peers:  each(`%s \S+ 6451[23] 3/3 True`),
		states: each(`node-3-%s node-3 \S+ \S+ Established \S+ 1 0\s*$`),
		events: each(`\S+ Normal SessionsEstablished bgppeer/%s all sessions are established`),
	})
	if events := look(t, p).events; strings.Contains(events, "speaker was stopped") {
		t.Errorf("there are events on the speaker that was replaced:\n%s", events)
	}

	// The kubelet makes its Node only when it starts.
	file := filepath.Join(t.TempDir(), "node.json")
	if err := os.WriteFile(file, []byte(kubectl(t, p, "get", "node", "node-3", "-o", "json")), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl(t, p, "delete", "node", "node-3")
	awaitSight(t, p, "the node that is gone", sight{peers: each(`%s \S+ 6451[23] 2/2 True`)})
	eventually(t, "the states of the node that is gone to go", func() string {
		if left := sessionStates(t, p, client.MatchingLabels{"metallb.io/node": "node-3"}); len(left) > 0 {
			return fmt.Sprintf("%d are there", len(left))
		}
		return ""
	})
	kubectl(t, p, "create", "-f", file)
	awaitSight(t, p, "the node that is there again", sight{
		peers:  each(`%s \S+ 6451[23] 3/3 True`),
		states: each(`node-3-%s node-3 \S+ \S+ Established \S+ 1 0\s*$`),
	})
}

// crash kills the speaker of a node if it runs.
func crash(t *testing.T, p *playground.Playground, node string) {
	t.Helper()
	pod := speakerOn(t, p, node)
	if pid, err := processOf(&pod); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL) // It may have ended just now.
	}
}

// announced returns what is told of nginx.
func announced(t *testing.T, p *playground.Playground) string {
	t.Helper()
	return kubectl(t, p, "get", "service", "nginx", "-o", `jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\n"}{end}`)
}

// kubeletOf returns the process of a node's kubelet.
func kubeletOf(t *testing.T, p *playground.Playground, node string) int {
	t.Helper()
	processes, err := p.Cluster.Processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes {
		if process.Name == node+"-kubelet" && process.Alive() {
			return process.PID
		}
	}
	t.Fatalf("%s has no kubelet", node)
	return 0
}

func signalTo(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}
