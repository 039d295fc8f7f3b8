// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"strings"
	"testing"

	"k8s.io/client-go/tools/events"

	"metallb.io/metallb/api/notice"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/test/builder"
)

func TestARejectionOfAnyLengthCanBeTold(t *testing.T) {
	t.Parallel()
	condition := valid(1, Verdict{Rejection: strings.Repeat("ä", 40000)}, nil)
	if n := len(condition.Message); n > notice.MaxLength {
		t.Errorf("the condition says %d bytes, more than %d", n, notice.MaxLength)
	}
	before, after := builder.MakePool("a").Obj(), builder.MakePool("a").Obj()
	after.Status.Conditions = append(after.Status.Conditions, condition)
	recorder := events.NewFakeRecorder(1)
	record(recorder, before, after)
	if got, want := <-recorder.Events, "Warning "+v1beta1.ReasonInvalidConfig+" "+condition.Message; got != want {
		t.Errorf("the event says %s, want %s", got, want)
	}
}
