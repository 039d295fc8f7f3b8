// SPDX-License-Identifier: Apache-2.0

package configuration

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/internal/message"
	"metallb.io/metallb/test/builder"
)

func TestErrorsOfAnyLengthFitIntoACondition(t *testing.T) {
	t.Parallel()
	f := config.Finding{
		Object: builder.MakePool("a").Obj(), Reason: v1beta1.ReasonInvalidConfig,
		Errors: field.ErrorList{field.Invalid(field.NewPath("spec"), strings.Repeat("ä", 40000), "is too long")},
	}
	if n := len(ConditionOf(&f).Message); n > message.MaxLength {
		t.Errorf("the condition has %d bytes, more than %d", n, message.MaxLength)
	}
}

func TestAnEventIsDueOnceForEachGenerationAndReason(t *testing.T) {
	t.Parallel()
	of := func(status metav1.ConditionStatus, reason string, generation int64, text string) *metav1.Condition {
		return &metav1.Condition{Status: status, Reason: reason, ObservedGeneration: generation, Message: text}
	}
	invalid := of(metav1.ConditionFalse, v1beta1.ReasonInvalidConfig, 1, "a")
	for name, tc := range map[string]struct {
		was, is *metav1.Condition
		want    bool
	}{
		"it is invalid at first":   {nil, invalid, true},
		"it is still invalid":      {invalid, of(metav1.ConditionFalse, v1beta1.ReasonInvalidConfig, 1, "b"), false},
		"a newer one is invalid":   {invalid, of(metav1.ConditionFalse, v1beta1.ReasonInvalidConfig, 2, "a"), true},
		"it is held back":          {invalid, of(metav1.ConditionFalse, v1beta1.ReasonNotCompatibleWithAssignedIPs, 1, "a"), true},
		"it is used":               {invalid, of(metav1.ConditionTrue, v1beta1.ReasonAccepted, 1, ""), false},
		"it is invalid once again": {of(metav1.ConditionTrue, v1beta1.ReasonAccepted, 1, ""), invalid, true},
	} {
		if got := IsNews(tc.was, tc.is); got != tc.want {
			t.Errorf("%s: an event is due: %v", name, got)
		}
	}
}

var errRefused = errors.New("refused")

func TestAnObjectThatCannotBeWrittenKeepsNoOtherFromBeingToldSoon(t *testing.T) {
	t.Parallel()
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "communities"}, "x", nil)
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "communities"}, "x")
	for name, tc := range map[string]struct {
		// answers to the writing of an object; the others' are written.
		answers map[string]error
		// wantWritten are the others.
		wantWritten []string
		wantSoon    bool
		wantErr     error
	}{
		"all is well":                   {wantWritten: []string{"a", "b", "c"}},
		"one is refused":                {answers: map[string]error{"a": errRefused}, wantWritten: []string{"b", "c"}, wantErr: errRefused},
		"of one there is a newer":       {answers: map[string]error{"a": conflict}, wantWritten: []string{"b", "c"}, wantSoon: true},
		"one is gone":                   {answers: map[string]error{"a": gone}, wantWritten: []string{"b", "c"}},
		"one is refused, another newer": {answers: map[string]error{"a": errRefused, "b": conflict}, wantWritten: []string{"c"}, wantSoon: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, written := makeReconciler(t, tc.answers)
			result, err := r.Reconcile(t.Context(), ctrl.Request{})
			if diff := cmp.Diff(tc.wantWritten, *written); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			// What is tried again because of an error waits ever longer for it.
			if soon := err == nil && result.RequeueAfter > 0; soon != tc.wantSoon || !errors.Is(err, tc.wantErr) {
				t.Errorf("soon %v, %v", soon, err)
			}
		})
	}
}

func TestAnActiveConfigurationThatCannotBeWrittenKeepsServicesFromNothing(t *testing.T) {
	t.Parallel()
	r, written := makeReconciler(t, nil)
	r.Client = interceptor.NewClient(r.Client.(client.WithWatch), interceptor.Funcs{ //nolint:forcetypeassert // it is the fake client
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			return errRefused
		},
	})
	if _, err := r.Reconcile(t.Context(), ctrl.Request{}); !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
	if r.Tracker.Snapshot() == nil || len(*written) != 3 {
		t.Errorf("there is no snapshot, or not every status is written: %v", *written)
	}
}

// nothing is held.
type nothing struct{}

func (nothing) In(ipam.Range) iter.Seq[config.Holding] { return func(func(config.Holding) bool) {} }
func (nothing) From(string) iter.Seq[config.Holding]   { return func(func(config.Holding) bool) {} }
func (nothing) All() iter.Seq[config.Holding]          { return func(func(config.Holding) bool) {} }
func (nothing) Name() string                           { return "nothing" }
func (nothing) Done() <-chan struct{} {
	known := make(chan struct{})
	close(known)
	return known
}

// opened holds nobody back.
type opened struct{}

func (opened) Wait(context.Context) error { return nil }

// makeReconciler returns one of three communities that have not been looked at, and the names of those written.
func makeReconciler(t *testing.T, answers map[string]error) (*Reconciler, *[]string) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1beta1.AddToScheme, v1beta2.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	objects := []client.Object{
		builder.MakeCommunity("a").Alias("a", "1:1").Obj(), builder.MakeCommunity("b").Alias("b", "1:2").Obj(),
		builder.MakeCommunity("c").Alias("c", "1:3").Obj(),
	}
	var written []string
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(objects...).
		WithInterceptorFuncs(interceptor.Funcs{SubResourcePatch: func(
			ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption,
		) error {
			if err := answers[o.GetName()]; err != nil {
				return err
			}
			written = append(written, o.GetName())
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		}}).Build()
	namespace := objects[0].GetNamespace()
	return &Reconciler{
		Client: c, Tracker: NewTracker(c, c, namespace, nothing{}, allocator.New(), config.NewParser()), Gate: opened{},
		Recorder: events.NewFakeRecorder(10), Namespace: namespace, Services: &trigger.Queue{}, Pools: &trigger.Queue{},
	}, &written
}
