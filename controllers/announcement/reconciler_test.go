// SPDX-License-Identifier: Apache-2.0

package announcement_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/announcement"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

var shared envtest.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

// served is a service on a real API server, which the Tracker of a world knows.
type served struct {
	*world

	reconciler announcement.Reconciler
	t          *testing.T
	server     *envtest.Server
	key        client.ObjectKey
}

func newServed(t *testing.T, name string) *served {
	t.Helper()
	s := &served{world: newWorld(t), t: t, server: shared.Get(t), key: client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: name}}
	s.reconciler = announcement.Reconciler{Client: s.server.Client, Tracker: s.Tracker}
	s.node(1)
	s.up("node-0001")
	s.serve(name, "node-0001")
	s.setService(s.create())
	s.start()
	return s
}

// create makes the service, with an address and the condition Allocated.
func (s *served) create() *corev1.Service {
	s.t.Helper()
	svc := builder.MakeService(s.key.Name).Annotation(v1beta1.AnnotationIPAllocatedFromPool, "a").Obj()
	if err := s.server.Client.Create(s.t.Context(), svc); err != nil {
		s.t.Fatal(err)
	}
	svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "198.18.0.1"}}
	meta.SetStatusCondition(&svc.Status.Conditions, metav1.Condition{
		Type: v1beta1.ConditionAllocated, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonIPAllocated, Message: "first",
	})
	if err := s.server.Client.Status().Update(s.t.Context(), svc); err != nil {
		s.t.Fatal(err)
	}
	return svc
}

func (s *served) reconcile() {
	s.t.Helper()
	if _, err := s.reconciler.Reconcile(s.t.Context(), ctrl.Request{NamespacedName: s.key}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *served) read() *corev1.Service {
	s.t.Helper()
	svc := &corev1.Service{}
	if err := s.server.Client.Get(s.t.Context(), s.key, svc); err != nil {
		s.t.Fatal(err)
	}
	return svc
}

func (s *served) delete() {
	s.t.Helper()
	if err := s.server.Client.Delete(s.t.Context(), s.read()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *served) want(conditions ...string) {
	s.t.Helper()
	is := s.read().Status.Conditions
	got := make([]string, 0, len(is))
	for _, c := range is {
		got = append(got, fmt.Sprintf("%s %s: %s", c.Type, c.Status, c.Message))
	}
	slices.Sort(got)
	if diff := cmp.Diff(conditions, got); diff != "" {
		s.t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

const (
	isAllocated  = "metallb.io/Allocated True: first"
	isAnnounced  = `metallb.io/Announced True: from 1 node to peers "tor-a", "tor-b"`
	isNotServing = "metallb.io/Announced False: no endpoint is ready"
)

func TestTheConditionIsWrittenNextToOthers(t *testing.T) {
	t.Parallel()
	s := newServed(t, "next-to-others")
	stale := s.read()
	s.reconcile()
	s.want(isAllocated, isAnnounced)
	version := s.read().ResourceVersion
	s.reconcile()
	if s.read().ResourceVersion != version {
		t.Error("it is written again though it is as told")
	}

	// Others change the status at the same time.
	current := s.read()
	meta.SetStatusCondition(&current.Status.Conditions, metav1.Condition{Type: "example.com/Other", Status: metav1.ConditionTrue, Reason: "Other"})
	meta.SetStatusCondition(&current.Status.Conditions, metav1.Condition{
		Type: v1beta1.ConditionAllocated, Status: metav1.ConditionFalse, Reason: v1beta1.ReasonAllocationFailed, Message: "second",
	})
	if err := s.server.Client.Status().Update(t.Context(), current); err != nil {
		t.Fatal(err)
	}
	s.setService(stale)
	s.serve(s.key.Name)
	s.reconcile()
	s.want("example.com/Other True: ", "metallb.io/Allocated False: second", isNotServing)
	if got := s.read(); got.Status.LoadBalancer.Ingress[0].IP != "198.18.0.1" || got.Annotations[v1beta1.AnnotationIPAllocatedFromPool] != "a" {
		t.Errorf("it has lost its address: %+v", got)
	}

	// What writes the other condition as the service's reconciler does leaves this one alone.
	before := s.read()
	after := before.DeepCopy()
	meta.SetStatusCondition(&after.Status.Conditions, metav1.Condition{
		Type: v1beta1.ConditionAllocated, Status: metav1.ConditionTrue, Reason: v1beta1.ReasonIPAllocated, Message: "first",
	})
	if err := s.server.Client.Status().Patch(t.Context(), after, client.StrategicMergeFrom(before, client.MergeFromWithOptimisticLock{})); err != nil {
		t.Fatal(err)
	}
	s.want("example.com/Other True: ", isAllocated, isNotServing)
}

func TestTheConditionIsNotCarriedOverToAServiceOfTheSameName(t *testing.T) {
	t.Parallel()
	s := newServed(t, "same-name")
	s.delete()
	s.create() // The cache does not know yet.
	s.reconcile()
	s.want(isAllocated)
	s.delete()
	s.reconcile()
	s.setService(s.create())
	s.reconcile()
	s.want(isAllocated, isAnnounced)
}

func TestTheConditionIsTakenBackFromAServiceThatIsServedNoMore(t *testing.T) {
	t.Parallel()
	s := newServed(t, "served-no-more")
	svc := s.read()
	svc.Spec.Type = corev1.ServiceTypeClusterIP
	if err := s.server.Client.Update(t.Context(), svc); err != nil {
		t.Fatal(err)
	}
	s.reconcile() // The cache does not know yet.
	s.want(isAllocated)
	s.index.Delete(s.key)
	s.reconcile()
	s.want(isAllocated)
}

func TestTheConditionIsTakenBackUntilThatSucceeds(t *testing.T) {
	t.Parallel()
	s := newServed(t, "taken-back-late")
	resource := schema.GroupResource{Resource: "services"}
	answers := []error{nil, apierrors.NewServiceUnavailable("busy"), apierrors.NewConflict(resource, s.key.Name, errors.New("it changes all the time"))}
	s.reconciler.Client = refusing{Client: s.server.Client, answers: &answers}
	svc := s.read()
	svc.Spec.Type = corev1.ServiceTypeClusterIP
	if err := s.server.Client.Update(t.Context(), svc); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: s.key}); err == nil {
			t.Error("it is not tried again")
		}
		s.index.Delete(s.key) // The cache knows now.
	}
	s.want(isAllocated, isAnnounced)
	s.reconcile()
	s.want(isAllocated)
	version := s.read().ResourceVersion
	answers = []error{apierrors.NewServiceUnavailable("nothing is left to write")}
	s.reconcile()
	if s.read().ResourceVersion != version {
		t.Error("it is written again")
	}
}

// refusing is a client of an API server that answers so to the next patches of a status, without doing what they ask; to nil it does.
type refusing struct {
	client.Client

	answers *[]error
}

func (r refusing) Status() client.SubResourceWriter {
	return refusingStatus{r.Client.Status(), r.answers}
}

type refusingStatus struct {
	client.SubResourceWriter

	answers *[]error
}

func (r refusingStatus) Patch(ctx context.Context, o client.Object, p client.Patch, options ...client.SubResourcePatchOption) error {
	if len(*r.answers) > 0 {
		answer := (*r.answers)[0]
		if *r.answers = (*r.answers)[1:]; answer != nil {
			return answer
		}
	}
	return r.SubResourceWriter.Patch(ctx, o, p, options...)
}

func TestTheConditionIsRemovedFromAServiceThatHasNoAddress(t *testing.T) {
	t.Parallel()
	s := newServed(t, "no-address")
	s.reconcile()
	s.want(isAllocated, isAnnounced)
	svc := s.read()
	svc.Status.LoadBalancer.Ingress = nil
	if err := s.server.Client.Status().Update(t.Context(), svc); err != nil {
		t.Fatal(err)
	}
	s.setService(svc)
	s.reconcile()
	s.want(isAllocated)
}

func TestTheNumberOfServicesIsWrittenOftenEnoughAndNotMore(t *testing.T) {
	t.Parallel()
	s := newServed(t, "counted")
	adv := builder.MakeAdvertisement("adv").Obj()
	if err := s.server.Client.Create(t.Context(), adv); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.server.Client.Delete(t.Context(), adv) })
	r := &announcement.AdvertisementReconciler{Client: s.server.Client, Tracker: s.Tracker, Clock: s.clock}
	reconcile := func(want int32) (again time.Duration) {
		t.Helper()
		result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(adv)})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.server.Client.Get(t.Context(), client.ObjectKeyFromObject(adv), adv); err != nil {
			t.Fatal(err)
		}
		if adv.Status.Services != want {
			t.Errorf("it says %d services, want %d", adv.Status.Services, want)
		}
		return result.RequeueAfter
	}
	if again := reconcile(1); again != 0 {
		t.Errorf("it is to be looked at again after %s", again)
	}
	s.set(builder.MakeService("another").Holds("a", "198.18.0.2").Obj())
	s.clock.Step(4 * time.Second)
	if again := reconcile(1); again != 6*time.Second {
		t.Errorf("it is to be looked at again after %s", again)
	}
	s.clock.Step(6 * time.Second)
	reconcile(2)
	if _, names := s.Turn(s.clock.Now()); !cmp.Equal(names, []string{"adv"}) {
		t.Errorf("to be looked at are %v", names)
	}
}
