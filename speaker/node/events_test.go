// SPDX-License-Identifier: Apache-2.0

package node

import (
	"strings"
	"testing"

	"k8s.io/client-go/tools/events"

	"metallb.io/metallb/api/notice"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/policy"
)

func TestALongReasonOfARejectionFitsIntoAnEvent(t *testing.T) {
	t.Parallel()
	recorder := events.NewFakeRecorder(1)
	w := eventWriter{recorder: recorder, node: "node-1"}
	w.rejected(&v1beta1.IPAddressPool{}, policy.Rejection{Reason: strings.Repeat("100% wrong; ", notice.MaxLength)})
	const head = "Warning InvalidConfig "
	note, found := strings.CutPrefix(<-recorder.Events, head)
	if !found || !strings.HasPrefix(note, `not in force on node "node-1": 100% wrong; `) || !strings.HasSuffix(note, "…") || len(note) > notice.MaxLength {
		t.Errorf("%d bytes: %.80s", len(note), note)
	}
}
