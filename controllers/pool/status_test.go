// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/tools/events"
	testclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/test/builder"
)

func TestARejectionOfAnyLengthCanBeTold(t *testing.T) {
	t.Parallel()
	condition := valid(config.Finding{
		Object: builder.MakePool("a").Obj(), Reason: v1beta1.ReasonInvalidConfig,
		Errors: field.ErrorList{field.Invalid(field.NewPath("spec"), "", strings.Repeat("ä", 40000))},
	}, nil)
	if n := len(condition.Message); n > message.MaxLength {
		t.Errorf("the condition says %d bytes, more than %d", n, message.MaxLength)
	}
	before, after := builder.MakePool("a").Obj(), builder.MakePool("a").Obj()
	after.Status.Conditions = append(after.Status.Conditions, condition)
	recorder := events.NewFakeRecorder(1)
	(&StatusReconciler{Recorder: recorder}).record(before, after)
	if got, want := <-recorder.Events, "Warning "+v1beta1.ReasonInvalidConfig+" "+condition.Message; got != want {
		t.Errorf("the event says %s, want %s", got, want)
	}
}

func TestAPoolSaysInOneSentenceWhatServicesLose(t *testing.T) {
	t.Parallel()
	of := func(service, address string, loss config.Loss) config.Impact {
		return config.Impact{Service: types.NamespacedName{Namespace: "default", Name: service}, Address: netip.MustParseAddr(address), Loss: loss}
	}
	got := together(config.Impacts{
		of("b", "198.51.100.2", config.Ownership), of("a", "198.51.100.1", config.Route), of("b", "198.51.100.2", config.Route),
		of("b", "198.51.100.3", config.Route), of("a", "198.51.100.1", config.Route),
	})
	want := config.Impacts{
		of("a", "198.51.100.1", config.Route), of("b", "198.51.100.2", config.Ownership), of("b", "198.51.100.3", config.Route),
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("impacts (-want +got):\n%s", diff)
	}
}

func TestAnEventTellsOfAFaultOnce(t *testing.T) {
	t.Parallel()
	valid := metav1.Condition{Type: v1beta1.ConditionValid, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonAccepted, ObservedGeneration: 1}
	rejected := func(why string) metav1.Condition {
		return metav1.Condition{
			Type: v1beta1.ConditionValid, Status: metav1.ConditionFalse, Reason: v1beta1.ReasonInvalidConfig, Message: why, ObservedGeneration: 2,
		}
	}
	held := func(generation int64, what string) metav1.Condition {
		return metav1.Condition{
			Type: v1beta1.ConditionValid, Status: metav1.ConditionFalse, Reason: v1beta1.ReasonNotCompatibleWithAssignedIPs, Message: what,
			ObservedGeneration: generation,
		}
	}
	for name, tc := range map[string]struct {
		was  []metav1.Condition
		is   metav1.Condition
		want string
	}{
		"a new pool is valid":                  {is: valid},
		"a new pool is rejected":               {is: rejected("overlap"), want: "Warning InvalidConfig overlap"},
		"a pool becomes invalid":               {was: []metav1.Condition{valid}, is: rejected("overlap"), want: "Warning InvalidConfig overlap"},
		"it is rejected for the same reason":   {was: []metav1.Condition{rejected("overlap")}, is: rejected("overlap")},
		"another is in its way":                {was: []metav1.Condition{rejected("overlap")}, is: rejected("another overlap")},
		"it is in use, but services hold":      {was: []metav1.Condition{rejected("overlap")}, is: held(2, "a, b"), want: "Warning InvalidConfig a, b"},
		"one of the services has gone":         {was: []metav1.Condition{held(2, "a, b")}, is: held(2, "a")},
		"another version takes more from them": {was: []metav1.Condition{held(2, "a")}, is: held(3, "a, b"), want: "Warning InvalidConfig a, b"},
		"another version takes the same":       {was: []metav1.Condition{held(2, "a")}, is: held(3, "a"), want: "Warning InvalidConfig a"},
		"it is valid again":                    {was: []metav1.Condition{held(2, "a")}, is: valid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, after := builder.MakePool("a").Obj(), builder.MakePool("a").Obj()
			before.Status.Conditions, after.Status.Conditions = tc.was, []metav1.Condition{tc.is}
			recorder := events.NewFakeRecorder(1)
			(&StatusReconciler{Recorder: recorder}).record(before, after)
			close(recorder.Events)
			if got := <-recorder.Events; got != tc.want {
				t.Errorf("got the event %q, want %q", got, tc.want)
			}
		})
	}
}

// counted is a configuration of one pool that counts the questions.
type counted struct {
	snapshot  *config.Snapshot
	questions int
}

func (c *counted) Snapshot() *config.Snapshot {
	c.questions++
	return c.snapshot
}

// opened holds nobody back.
type opened struct{}

func (opened) Wait(context.Context) error { return nil }

// What is said of a pool costs more the more services hold against it, so that it must not be put together for each of them.
func TestWhatServicesDoToAPoolIsPutTogetherOnceASecond(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := v1beta1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	p := builder.MakePool("a", "192.0.2.0/24").Obj()
	snapshot := config.Next(config.Inputs{Written: config.Objects{Pools: []v1beta1.IPAddressPool{*p}}}, nil)
	a, configured, clock := allocator.New(), &counted{snapshot: snapshot}, testclock.NewFakePassiveClock(time.Unix(0, 0))
	a.SetPools(snapshot.Pools)
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(p).WithStatusSubresource(p).Build()
	r := &StatusReconciler{
		Client: c, Configuration: configured, Allocator: a, Gate: opened{}, Clock: clock, Recorder: events.NewFakeRecorder(1),
	}
	reconcile := func(wantAssigned int64, wantQuestions int) {
		t.Helper()
		result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(p)})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(p), p); err != nil {
			t.Fatal(err)
		}
		if p.Status.AssignedIPv4 != wantAssigned || configured.questions != wantQuestions {
			t.Errorf("%d assigned after %d questions, want %d after %d", p.Status.AssignedIPv4, configured.questions, wantAssigned, wantQuestions)
		}
		if p.Status.AssignedIPv4 != a.PoolCounts("a").AssignedIPv4 && result.RequeueAfter == 0 {
			t.Error("nobody looks again")
		}
	}
	allocate := func(name string) {
		a.Allocate(allocator.Request{Service: types.NamespacedName{Name: name}, Families: []corev1.IPFamily{corev1.IPv4Protocol}})
	}
	allocate("one")
	reconcile(1, 1)
	for _, name := range []string{"two", "three"} {
		allocate(name)
		reconcile(1, 1)
	}
	clock.SetTime(clock.Now().Add(time.Second))
	reconcile(3, 2)
}
