// SPDX-License-Identifier: Apache-2.0

package validity

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/test/builder"
)

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

// makeReconciler returns one of three communities of which none has been judged, and the names of those written.
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
	return &Reconciler{Client: c, Recorder: events.NewFakeRecorder(10), Namespace: objects[0].GetNamespace()}, &written
}
