// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

// labelAll labels all nodes, of which something else is so too.
func labelAll(key string, and func(w *world, node string)) func(*world) {
	return func(w *world) {
		for i := range w.nodes {
			w.nodes[i].Labels = map[string]string{key: ""}
			and(w, w.nodes[i].Name)
		}
		w.configure()
	}
}

func TestANodeThatDrainsCountsAsLongAsItAnnounces(t *testing.T) {
	t.Parallel()
	web := func() *builder.Service { return builder.MakeService("web").Holds("a", "198.18.0.1") }
	local := func() *builder.Service { return web().Local() }
	const all = `True Announced: from 3 nodes to peers "tor-a", "tor-b"`
	for name, tc := range map[string]struct {
		service *builder.Service
		// but is what differs from three nodes that have all their sessions and serve.
		but  func(*world)
		want string
	}{
		"all nodes labeled, and drained": {web(), labelAll(corev1.LabelNodeExcludeBalancers, func(w *world, node string) { w.drain(node, v1beta1.ReasonDrained) }), "False NoNodes: all 3 nodes selected are labeled metallb.io/drain or node.kubernetes.io/exclude-from-external-load-balancers"},
		"all nodes labeled, which drain": {web(), labelAll(v1beta1.LabelDrain, func(w *world, node string) { w.drain(node, v1beta1.ReasonDraining) }), all},
		"all nodes labeled, and down":    {web(), labelAll(v1beta1.LabelDrain, (*world).down), "False NoNodes: all 3 nodes selected are labeled metallb.io/drain or node.kubernetes.io/exclude-from-external-load-balancers"},
		"one node labeled, and drained": {web(), func(w *world) {
			w.nodes[0].Labels = map[string]string{corev1.LabelNodeExcludeBalancers: ""}
			w.drain("node-0001", v1beta1.ReasonDrained)
			w.configure()
		}, `True Announced: from 2 nodes to peers "tor-a", "tor-b"`},
		"one node labeled, which drains and lacks a session": {web(), func(w *world) {
			w.nodes[0].Labels = map[string]string{v1beta1.LabelDrain: ""}
			w.report("node-0001", "tor-b", v1beta1.SessionIdle, "connection lost")
			w.configure()
		}, `True Announced: from 3 nodes to peers "tor-a", "tor-b"; not established: "tor-b" on 1 of 3 nodes`},
		"one node drained by what the controller does not see": {web(), func(w *world) { w.drain("node-0001", v1beta1.ReasonDrained) },
			`True Announced: from 2 of 3 nodes to peers "tor-a", "tor-b"; not established: "tor-a" on 1 of 3 nodes, "tor-b" on 1 of 3 nodes`},
		"all nodes drained so": {web(), func(w *world) {
			for _, n := range w.nodes {
				w.drain(n.Name, v1beta1.ReasonDrained)
			}
		}, `False SessionsNotEstablished: no session is established with peers "tor-a", "tor-b"; node-0001 with "tor-a": the node is drained`},
		"a node labeled no more, whose speaker has not taken it up": {web(), func(w *world) {
			w.nodes[0].Labels = map[string]string{v1beta1.LabelDrain: ""}
			w.drain("node-0001", v1beta1.ReasonDrained)
			w.configure()
			w.pass(time.Minute)
			w.nodes[0].Labels = nil
			w.configure()
		}, `True Announced: from 2 of 3 nodes to peers "tor-a", "tor-b"; not established: "tor-a" on 1 of 3 nodes, "tor-b" on 1 of 3 nodes`},
		"traffic policy Local, a labeled node drains": {local(), func(w *world) {
			w.serve("web", "node-0001", "node-0003")
			w.nodes[0].Labels = map[string]string{v1beta1.LabelDrain: ""}
			w.drain("node-0001", v1beta1.ReasonDraining)
			w.configure()
		}, `True Announced: from 2 nodes to peers "tor-a", "tor-b"`},
		"traffic policy Local, a labeled node is drained": {local(), func(w *world) {
			w.serve("web", "node-0001", "node-0003")
			w.nodes[0].Labels = map[string]string{v1beta1.LabelDrain: ""}
			w.configure()
			w.pass(time.Minute)
			w.drain("node-0001", v1beta1.ReasonDrained)
		}, `True Announced: from 1 node to peers "tor-a", "tor-b"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustSay(t, tc.service, tc.but, tc.want)
		})
	}
}
