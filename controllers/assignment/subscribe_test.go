// SPDX-License-Identifier: Apache-2.0

package assignment_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/test/builder"
)

// key names a service in namespace default.
func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "default", Name: name}
}

// version is the Service as of a version.
func version(svc *corev1.Service, version string) *corev1.Service {
	svc.ResourceVersion = version
	return svc
}

func TestARecordSaysWhatTheServiceSays(t *testing.T) {
	t.Parallel()
	svc := version(builder.MakeService("web").Local().Holds("gold", "192.0.2.1", "192.0.2.1", "192.0.2.2").Obj(), "5")
	svc.UID, svc.Generation = "uid", 3
	for _, kind := range []string{v1beta1.ConditionAllocated, v1beta1.ConditionAnnounced, "example.com/Other"} {
		meta.SetStatusCondition(&svc.Status.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: "Reason"})
	}
	r := assignment.RecordOf(svc, "")
	addresses := make([]string, 0, len(r.Holdings))
	for _, h := range r.Holdings {
		addresses = append(addresses, h.Address.String())
	}
	got := fmt.Sprintf("%s %s %s %d %t %v %s %s", r.Name, r.UID, r.ResourceVersion, r.Generation, r.Local, addresses, r.Allocated.Type, r.Announced.Type)
	want := "default/web uid 5 3 true [192.0.2.1 192.0.2.2] metallb.io/Allocated metallb.io/Announced"
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if other := assignment.RecordOf(svc, "example.com/other"); other != nil {
		t.Errorf("of another class it says %+v", other)
	}
	x := assignment.NewIndex("")
	x.Set(svc)
	if x.Get(key("web")).ResourceVersion != "5" || x.Get(key("other")) != nil {
		t.Errorf("the index knows %+v", x.Get(key("web")))
	}
}

func TestWhoFollowsIsToldOfEveryVersionAndWhoSubscribesOfWhatServicesHold(t *testing.T) {
	t.Parallel()
	x := assignment.NewIndex("")
	x.Set(version(held("early", "gold", "192.0.2.1"), "1"))
	var followed, subscribed []string
	stopFollowing := x.Follow(func(name types.NamespacedName, is *assignment.Record) {
		if is == nil {
			followed = append(followed, name.Name+" gone")
			return
		}
		if x.Get(name) != is {
			t.Errorf("told of %s, the index has %+v", name, x.Get(name))
		}
		followed = append(followed, name.Name+" "+is.ResourceVersion)
	})
	text := func(holdings []config.Holding) string { return fmt.Sprint(names(slices.Values(holdings))) }
	stop := x.Subscribe(func(name types.NamespacedName, before, after []config.Holding) {
		subscribed = append(subscribed, fmt.Sprint(name.Name, " ", text(before), " ", text(after)))
	})
	expect := func(got *[]string, want ...string) {
		t.Helper()
		if diff := gocmp.Diff(want, *got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		*got = nil
	}
	expect(&followed, "early 1")
	expect(&subscribed, "early [] [early 192.0.2.1]")

	x.Set(version(held("early", "gold", "192.0.2.1"), "2"))
	x.Set(version(builder.MakeService("empty").Obj(), "3"))
	x.Set(version(builder.MakeService("other").Class("example.com/other").Holds("gold", "192.0.2.9").Obj(), "4"))
	expect(&followed, "early 2", "empty 3")
	expect(&subscribed)

	x.Set(version(held("early", "gold", "192.0.2.2"), "5"))
	x.Set(version(builder.MakeService("early").Class("example.com/other").Holds("gold", "192.0.2.2").Obj(), "6"))
	x.Delete(key("empty"))
	x.Delete(key("nobody"))
	expect(&followed, "early 5", "early gone", "empty gone")
	expect(&subscribed, "early [early 192.0.2.1] [early 192.0.2.2]", "early [early 192.0.2.2] []")

	stop()
	x.Set(version(held("early", "gold", "192.0.2.3"), "7"))
	stopFollowing()
	x.Set(version(held("early", "gold", "192.0.2.4"), "8"))
	expect(&followed, "early 7")
	expect(&subscribed)
}

// A subscriber that adds up what it is told of has, at any time, what the index has.
func TestSubscribersAreToldInOrder(t *testing.T) {
	t.Parallel()
	x := assignment.NewIndex("")
	has := map[types.NamespacedName]string{}
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range 500 {
				x.Set(version(held(fmt.Sprintf("web-%d", (w+i)%5), "gold", fmt.Sprintf("192.0.2.%d", i%7)), fmt.Sprint(w, i)))
			}
		})
	}
	x.Subscribe(func(name types.NamespacedName, before, after []config.Holding) {
		if len(before) > 0 && has[name] != before[0].Address.String() || len(before) == 0 && has[name] != "" {
			t.Errorf("%s held %v, not %q", name, before, has[name])
		}
		has[name] = after[0].Address.String()
		if got := x.Get(name).Holdings[0].Address; got != after[0].Address {
			t.Errorf("the index has %s, not %s", got, after[0].Address)
		}
	})
	writers.Wait()
	for h := range x.All() {
		if has[h.Service] != h.Address.String() {
			t.Errorf("%s has %s, was told %s", h.Service, h.Address, has[h.Service])
		}
	}
}
