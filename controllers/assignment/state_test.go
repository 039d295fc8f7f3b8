// SPDX-License-Identifier: Apache-2.0

package assignment

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
)

func TestAServiceIsInOneState(t *testing.T) {
	t.Parallel()
	yes, no := &metav1.Condition{Status: metav1.ConditionTrue}, &metav1.Condition{Status: metav1.ConditionFalse}
	partly := &metav1.Condition{Status: metav1.ConditionTrue, Reason: v1beta1.ReasonPartlyAnnounced}
	tests := map[string]struct {
		allocated, announced *metav1.Condition
		want                 string
	}{
		"new":                                 {nil, nil, "pending"},
		"without an address":                  {no, nil, "pending"},
		"with one of two, which is announced": {no, yes, "pending"},
		"not looked at":                       {yes, nil, "not_announced"},
		"not announced":                       {yes, no, "not_announced"},
		"partly announced":                    {yes, partly, "partly_announced"},
		"announced":                           {yes, yes, "announced"},
	}
	for name, tc := range tests {
		if got := StateOf(tc.allocated, tc.announced).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
