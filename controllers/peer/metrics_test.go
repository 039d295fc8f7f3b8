// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

func TestTheSessionsOfEachPeerAreCountedUntilItIsGone(t *testing.T) {
	t.Parallel()
	f := &feed{index: newIndex(clocktesting.NewFakeClock(time.Unix(0, 0)))}
	metrics := newCollector(f)
	for _, name := range []string{"node-1", "node-2"} {
		n := &corev1.Node{}
		n.Name = name
		f.index.setNode(n)
	}
	f.index.setPeer(builder.MakePeer("tor", "192.0.2.1").Obj())
	f.index.setPeer(builder.MakePeer("gone", "192.0.2.2").Obj())
	f.index.setSession("a", &v1beta1.BGPSessionStateStatus{Node: "node-1", Peer: "tor", State: v1beta1.SessionEstablished})
	f.index.setSession("b", &v1beta1.BGPSessionStateStatus{Node: "node-2", Peer: "gone", State: v1beta1.SessionEstablished})
	if n := testutil.CollectAndCount(metrics); n != 0 {
		t.Errorf("%d values before all sessions are known", n)
	}
	f.synced.Store(true)
	f.index.deletePeer("gone")
	want := `
		# HELP metallb_peer_sessions_desired Number of nodes that should have a session with the BGPPeer.
		# TYPE metallb_peer_sessions_desired gauge
		metallb_peer_sessions_desired{name="tor"} 2
		# HELP metallb_peer_sessions_established Number of nodes whose session with the BGPPeer is established.
		# TYPE metallb_peer_sessions_established gauge
		metallb_peer_sessions_established{name="tor"} 1
	`
	if err := testutil.CollectAndCompare(metrics, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
