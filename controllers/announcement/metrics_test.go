// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/announcement"
	"metallb.io/metallb/test/builder"
)

func TestServicesAreCountedByHowFarTheyHaveComeOnceAllAreKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conditions := func(types ...string) (all []metav1.Condition) {
		for _, name := range types {
			all = append(all, metav1.Condition{Type: name, Status: metav1.ConditionTrue})
		}
		return all
	}
	for name, has := range map[string][]metav1.Condition{
		"new": nil, "allocated": conditions(v1beta1.ConditionAllocated),
		"web": conditions(v1beta1.ConditionAllocated, v1beta1.ConditionAnnounced),
		"api": conditions(v1beta1.ConditionAllocated, v1beta1.ConditionAnnounced),
	} {
		svc := builder.MakeService(name).Obj()
		svc.Status.Conditions = has
		w.setService(svc)
	}
	metrics := announcement.NewMetrics(w.Tracker)
	if n := testutil.CollectAndCount(metrics); n != 0 {
		t.Errorf("%d values before all services are known", n)
	}
	w.start()
	want := `
		# HELP metallb_services Number of services by state: pending (an address is missing), not_announced, partly_announced or announced.
		# TYPE metallb_services gauge
		metallb_services{state="announced"} 2
		metallb_services{state="not_announced"} 1
		metallb_services{state="partly_announced"} 0
		metallb_services{state="pending"} 1
	`
	if err := testutil.CollectAndCompare(metrics, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
