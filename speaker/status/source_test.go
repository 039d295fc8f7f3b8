// SPDX-License-Identifier: Apache-2.0

package status

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/publisher"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	at := func(second int) *metav1.Time {
		return &metav1.Time{Time: time.Date(2026, 1, 1, 0, 0, second, 0, time.UTC)}
	}
	type status = v1beta1.BGPSessionStateStatus
	for name, tt := range map[string]struct {
		written, is status
		want        publisher.Change
	}{
		"nothing":              {status{State: "Established", Since: at(1)}, status{State: "Established", Since: at(1)}, publisher.None},
		"the first state":      {status{}, status{State: "Idle"}, publisher.Transition},
		"up":                   {status{State: "Idle"}, status{State: "Established"}, publisher.Transition},
		"down":                 {status{State: "Established"}, status{State: "Idle"}, publisher.Transition},
		"down and up again":    {status{State: "Established", Since: at(1)}, status{State: "Established", Since: at(2)}, publisher.Transition},
		"another error":        {status{State: "Idle", LastError: "a"}, status{State: "Idle", LastError: "b"}, publisher.Detail},
		"the same error again": {status{State: "Idle", LastError: "a", LastErrorTime: at(1)}, status{State: "Idle", LastError: "a", LastErrorTime: at(2)}, publisher.None},
		"another error later": {
			status{State: "Idle", LastError: "a", LastErrorTime: at(1)}, status{State: "Idle", LastError: "b", LastErrorTime: at(2)}, publisher.Detail,
		},
		"another state":          {status{State: "Idle"}, status{State: "Active"}, publisher.Detail},
		"the same state again":   {status{State: "Idle", Since: at(1)}, status{State: "Idle", Since: at(2)}, publisher.None},
		"more prefixes":          {status{State: "Established"}, status{State: "Established", AdvertisedIPv6: 1}, publisher.Counts},
		"prefixes and hold time": {status{State: "Established"}, status{State: "Established", AdvertisedIPv6: 1, HoldTime: &metav1.Duration{}}, publisher.Transition},
		"BFD goes down":          {status{State: "Established", BFDStatus: "Up"}, status{State: "Established", BFDStatus: "Down"}, publisher.Transition},
		"BFD of one down is up":  {status{State: "Idle", BFDStatus: "Init"}, status{State: "Idle", BFDStatus: "Up"}, publisher.Detail},
		"unknown to down":        {status{State: "Unknown"}, status{State: "Idle"}, publisher.Transition},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := compare(&tt.written, &tt.is); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestNamesAndLabelsFitAndTellSessionsApart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a.", 126) + "a"
	seen := map[string]string{}
	for _, s := range [][2]string{
		{"node-1", "router"}, {"a", "b-c"}, {"a-b", "c"}, {long, "router"}, {long, "router2"}, {long[:252] + "b", "router"},
		{strings.Repeat("a", 242) + ".b", "router"},
	} {
		all := Objects(s[0], s[1])
		for _, o := range all {
			if errs := validation.IsDNS1123Subdomain(o.Name); len(errs) > 0 {
				t.Errorf("name %q: %s", o.Name, errs)
			}
		}
		last := all[len(all)-1].Name
		if other := seen[last]; other != "" {
			t.Errorf("%s and %s have the name %q", s, other, last)
		}
		seen[last] = strings.Join(s[:], " and ")
		if errs := validation.IsValidLabelValue(publisher.Label(s[0])); len(errs) > 0 {
			t.Errorf("label %q: %s", publisher.Label(s[0]), errs)
		}
	}
	if got := Objects("node-1", "router"); got[0].Name != "node-1-router" || len(got) != 2 {
		t.Errorf("objects are %v", got)
	}
	if publisher.Label("node-1") != "node-1" || publisher.Label(long) == publisher.Label(long[:252]+"b") {
		t.Error("labels do not tell nodes apart")
	}
}
