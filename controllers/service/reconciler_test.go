// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/api/ipam"
	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/controllers/allocator"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/trigger"
	"metallb.io/metallb/test/builder"
)

var web = types.NamespacedName{Namespace: "default", Name: "web"}

// fixed are pools that do not change.
type fixed struct {
	pools     ipam.Pools
	allocator *allocator.Allocator
}

func (f fixed) Load(context.Context) (ipam.Pools, error) {
	f.allocator.SetPools(f.pools)
	return f.pools, nil
}

// makeClient returns a client for an API server, or for a cache, with the Services.
func makeClient(tb testing.TB, funcs interceptor.Funcs, services ...*corev1.Service) client.WithWatch {
	tb.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		tb.Fatal(err)
	}
	b := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(funcs).
		WithObjects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}).
		WithIndex(&corev1.Namespace{}, "metadata.name", func(o client.Object) []string { return []string{o.GetName()} }).
		WithIndex(&corev1.Service{}, "spec.type", func(o client.Object) []string { return []string{string(o.(*corev1.Service).Spec.Type)} })
	for _, svc := range services {
		b = b.WithObjects(svc).WithStatusSubresource(svc)
	}
	return b.Build()
}

// makeReconciler returns a reconciler that has replayed what is live, and its queue.
func makeReconciler(tb testing.TB, cached client.Client, live client.Reader) (*Reconciler, workqueue.TypedRateLimitingInterface[ctrl.Request]) {
	tb.Helper()
	pool, errs := ipam.ParsePool(builder.MakePool("a", "192.0.2.0/24").Obj())
	if len(errs) > 0 {
		tb.Fatal(errs)
	}
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		tb.Fatal(err)
	}
	a, services := allocator.New(), &trigger.Queue{}
	hydration := NewHydration(live, a, fixed{ipam.NewPools(pool), a}, "", services)
	if err := hydration.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]())
	tb.Cleanup(queue.ShutDown)
	if err := services.Source().Start(tb.Context(), queue); err != nil {
		tb.Fatal(err)
	}
	for queue.Len() > 0 {
		item, _ := queue.Get()
		queue.Done(item)
	}
	return &Reconciler{
		Client: cached, Live: live, Allocator: a, Hydration: hydration, Recorder: events.NewFakeRecorder(100),
		Metrics: metrics, Services: services, Pools: &trigger.Queue{},
	}, queue
}

func reconcile(tb testing.TB, r *Reconciler) {
	tb.Helper()
	if _, err := r.Reconcile(tb.Context(), ctrl.Request{NamespacedName: web}); err != nil {
		tb.Fatal(err)
	}
}

func version(b *builder.Service, v string) *corev1.Service {
	svc := b.Obj()
	svc.ResourceVersion = v
	svc.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	return svc
}

func TestACachedServiceThatIsOlderThanWhatWasReplayedChangesNothing(t *testing.T) {
	t.Parallel()
	old := version(builder.MakeService("web").LoadBalancerIP("192.0.2.1").Holds("a", "192.0.2.1"), "9")
	now := version(builder.MakeService("web").Holds("a", "192.0.2.7"), "10")
	r, _ := makeReconciler(t, makeClient(t, interceptor.Funcs{}, old), makeClient(t, interceptor.Funcs{}, now))
	reconcile(t, r)
	if diff := cmp.Diff([]string{"192.0.2.7"}, texts(r.Allocator.Withdraw(web).Addresses())); diff != "" {
		t.Errorf("addresses held (-want +got):\n%s", diff)
	}
	r.Client = makeClient(t, interceptor.Funcs{}, now)
	reconcile(t, r)
	svc := &corev1.Service{}
	if err := r.Client.Get(t.Context(), web, svc); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"192.0.2.7"}, assignment.IngressTexts(svc)); diff != "" {
		t.Errorf("addresses in the status (-want +got):\n%s", diff)
	}
}

func TestAServiceOfAnotherClassKeepsWhatItsLoadBalancerGaveIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ has, want []string }{
		"and loses what was ours":       {has: []string{"192.0.2.7"}, want: []string{}},
		"whatever was ours before":      {has: []string{"203.0.113.1"}, want: []string{"203.0.113.1"}},
		"though ours is still among it": {has: []string{"192.0.2.7", "203.0.113.1"}, want: []string{"203.0.113.1"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := version(builder.MakeService("web").Holds("a", "192.0.2.7"), "9")
			now := version(builder.MakeService("web").Class("example.com/other").Holds("a", tc.has...), "10")
			c := makeClient(t, interceptor.Funcs{}, now)
			r, _ := makeReconciler(t, c, makeClient(t, interceptor.Funcs{}, before))
			reconcile(t, r)
			svc := &corev1.Service{}
			if err := c.Get(t.Context(), web, svc); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, assignment.IngressTexts(svc)); diff != "" {
				t.Errorf("addresses in the status (-want +got):\n%s", diff)
			}
			if held := r.Allocator.Withdraw(web).Addresses(); len(held) > 0 {
				t.Errorf("it still holds %v", held)
			}
			const cleared = `Normal ClearAssignment Cleared IP "192.0.2.7": the service is not of this load balancer's class any more`
			if diff := cmp.Diff([]string{cleared}, toldBefore(t, r)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTracesOnAServiceOfAnotherTypeAreRemovedThoughItChangesMeanwhile(t *testing.T) {
	t.Parallel()
	before := version(builder.MakeService("web").Holds("a", "192.0.2.7"), "9")
	r, queue := makeReconciler(t, makeClient(t, interceptor.Funcs{}), makeClient(t, interceptor.Funcs{}, before))
	now := version(builder.MakeService("web").Holds("a"), "10")
	now.Spec.Type = corev1.ServiceTypeClusterIP
	r.Live = makeClient(t, interceptor.Funcs{}, now)
	r.Client = makeClient(t, interceptor.Funcs{SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
		return apierrors.NewConflict(schema.GroupResource{Resource: "services"}, "web", nil)
	}})
	reconcile(t, r)
	if n := queue.Len(); n != 1 {
		t.Errorf("%d are looked at again, want the one", n)
	}
	reconcile(t, r)
	const cleared = `Normal ClearAssignment Cleared IP "192.0.2.7": the service is not of type LoadBalancer any more`
	if diff := cmp.Diff([]string{cleared}, toldBefore(t, r)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// toldBefore returns the events that the reconciler has emitted.
func toldBefore(t *testing.T, r *Reconciler) []string {
	t.Helper()
	recorder, ok := r.Recorder.(*events.FakeRecorder)
	if !ok {
		t.Fatal("no fake recorder")
	}
	var all []string
	for len(recorder.Events) > 0 {
		all = append(all, <-recorder.Events)
	}
	return all
}

func TestAServiceThatTakesTheNameOfAnotherDoesNotInheritItsShareOfAnAddress(t *testing.T) {
	t.Parallel()
	other := version(builder.MakeService("other").SharingKey("k").Ports(80).Holds("a", "192.0.2.7"), "8")
	before := version(builder.MakeService("web").SharingKey("k").Ports(443).Holds("a", "192.0.2.7"), "9")
	// It has no key, and what it asks for cannot be had.
	now := version(builder.MakeService("web").LoadBalancerIP("203.0.113.1"), "10")
	c := makeClient(t, interceptor.Funcs{}, now)
	r, _ := makeReconciler(t, c, makeClient(t, interceptor.Funcs{}, other, before))
	reconcile(t, r)
	svc := &corev1.Service{}
	if err := c.Get(t.Context(), web, svc); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, assignment.IngressTexts(svc)); diff != "" {
		t.Errorf("addresses in the status (-want +got):\n%s", diff)
	}
}

func TestWhatAServiceWasToldIsNotFreeThoughItIsToMoveAgainBeforeTheCacheKnows(t *testing.T) {
	t.Parallel()
	holds := version(builder.MakeService("web").Holds("a", "192.0.2.0"), "9")
	first := outcome{result: allocator.Result{Assignments: []allocator.Assignment{assign("a", "192.0.2.0")}}}
	first.apply(holds)
	tests := map[string]struct {
		svc    *corev1.Service
		answer error
		// The pool has told, and then only the other.
		told, other string
	}{
		"to what it had, after a write that succeeds": {svc: holds, told: "192.0.2.1", other: "192.0.2.0"},
		"after a write whose answer is lost": {
			svc: version(builder.MakeService("web"), "9"), answer: errLost, told: "192.0.2.0", other: "192.0.2.1",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := makeClient(t, interceptor.Funcs{}, tc.svc)
			cached := makeClient(t, interceptor.Funcs{SubResourcePatch: func(ctx context.Context, _ client.Client, _ string, o client.Object, p client.Patch, _ ...client.SubResourcePatchOption) error {
				if err := live.Status().Patch(ctx, o, p); err != nil {
					return err
				}
				return tc.answer
			}}, tc.svc)
			r, _ := makeReconciler(t, cached, live)
			use := func(ranges string) {
				pool, _ := ipam.ParsePool(builder.MakePool("a", ranges).AllowDisruption().Obj())
				r.Allocator.SetPools(ipam.NewPools(pool))
				_, _ = r.Reconcile(t.Context(), ctrl.Request{NamespacedName: web}) // The error is the answer.
			}
			use(tc.told + "/32")
			told := &corev1.Service{}
			if err := live.Get(t.Context(), web, told); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tc.told}, assignment.IngressTexts(told)); diff != "" {
				t.Fatalf("addresses in the status (-want +got):\n%s", diff)
			}
			use(tc.other + "/32")
			use("192.0.2.0/31")
			other, err := assignment.RequestOf(version(builder.MakeService("other").LoadBalancerIP(tc.told), "11"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if result, _ := r.Allocator.Allocate(other); len(result.Addresses()) > 0 {
				t.Errorf("another gets %v, which web is told that it has", result.Addresses())
			}
		})
	}
}

func TestAWriteUnderWayIsWaitedForAndNoneIsBegunAfterTheStop(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	writes := 0
	c := makeClient(t, interceptor.Funcs{SubResourcePatch: func(
		ctx context.Context, c client.Client, resource string, o client.Object, p client.Patch, options ...client.SubResourcePatchOption,
	) error {
		writes++
		stop()
		if _, bounded := ctx.Deadline(); ctx.Err() != nil || !bounded {
			t.Errorf("the write has error %v, a bound: %t", ctx.Err(), bounded)
		}
		return c.SubResource(resource).Patch(ctx, o, p, options...)
	}}, version(builder.MakeService("web"), "9"))
	r, _ := makeReconciler(t, c, c)
	if _, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: web}); err != nil || writes != 1 {
		t.Errorf("%d writes, error %v", writes, err)
	}
	svc := &corev1.Service{}
	if err := c.Get(t.Context(), web, svc); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"192.0.2.0"}, assignment.IngressTexts(svc)); diff != "" {
		t.Errorf("addresses in the status (-want +got):\n%s", diff)
	}
	desired := svc.DeepCopy()
	desired.Status.LoadBalancer.Ingress = nil
	if _, err := r.patch(ctx, desired, svc); err == nil || writes != 1 {
		t.Errorf("%d writes, error %v", writes, err)
	}
}

func TestAServiceOnItsWayIntoTheCacheIsAskedForAgain(t *testing.T) {
	t.Parallel()
	r, _ := makeReconciler(t, makeClient(t, interceptor.Funcs{}), makeClient(t, interceptor.Funcs{}, version(builder.MakeService("web"), "9")))
	result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: web})
	if err != nil || result.RequeueAfter == 0 {
		t.Errorf("got %+v, error %v: if it goes before the cache has it, nobody hears of it", result, err)
	}
}

func TestAServiceOfAnotherClassFreesWhatItHasGivenUp(t *testing.T) {
	t.Parallel()
	r, _ := makeReconciler(t, nil, makeClient(t, interceptor.Funcs{}, version(builder.MakeService("web"), "9")))
	conflict := interceptor.Funcs{SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
		return apierrors.NewConflict(schema.GroupResource{Resource: "services"}, "web", nil)
	}}
	r.Client = makeClient(t, conflict, version(builder.MakeService("web").LoadBalancerIP("nonsense"), "10"))
	reconcile(t, r)
	r.Client = makeClient(t, interceptor.Funcs{}, version(builder.MakeService("web").Class("example.com/other"), "11"))
	reconcile(t, r)
	if n := r.Allocator.PoolCounts("a").AssignedIPv4; n != 0 {
		t.Errorf("%d addresses are in use, though nobody has any", n)
	}
}

func TestAServiceOfAnotherClassIsToldOnceThatNothingIsRefusedAnyMore(t *testing.T) {
	t.Parallel()
	theirs := metav1.Condition{Type: v1beta1.ConditionAllocated, Status: metav1.ConditionFalse, Reason: v1beta1.ReasonAllocationFailed, Message: "theirs"}
	const refused, contradicts = "203.0.113.1", "nonsense"
	for name, tc := range map[string]struct {
		requests string
		// others is what another load balancer does to the Service before this one looks at it.
		others func(*corev1.Service)
		want   []string
	}{
		"which its request was":     {requests: refused},
		"which contradicted itself": {requests: contradicts},
		"though it has another's address": {requests: refused, others: func(svc *corev1.Service) {
			svc.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.1"}}
		}},
		"unless another has told it meanwhile": {
			requests: refused, others: func(svc *corev1.Service) { meta.SetStatusCondition(&svc.Status.Conditions, theirs) }, want: []string{"theirs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			writes := 0
			c := makeClient(t, countPatches(&writes), version(builder.MakeService("web").LoadBalancerIP(tc.requests), "9"))
			r, _ := makeReconciler(t, c, c)
			reconcile(t, r)
			if got := messages(t, c); len(got) != 1 {
				t.Fatalf("the conditions are %q", got)
			}
			edit(t, c, func(svc *corev1.Service) { svc.Spec.LoadBalancerClass = new("example.com/other") })
			if tc.others != nil {
				editStatus(t, c, tc.others)
			}
			writes = 0
			reconcile(t, r)
			if diff := cmp.Diff(tc.want, messages(t, c), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if want := 1 - len(tc.want); writes != want {
				t.Errorf("%d writes, want %d", writes, want)
			}

			// What it is told now is another's.
			editStatus(t, c, func(svc *corev1.Service) { meta.SetStatusCondition(&svc.Status.Conditions, theirs) })
			writes = 0
			reconcile(t, r)
			if got := messages(t, c); writes > 0 || !cmp.Equal(got, []string{"theirs"}) {
				t.Errorf("the conditions are %q after %d writes", got, writes)
			}
		})
	}
}

func TestTracesAreRemovedFromAServiceThatTakesAnotherClassWhileThatIsDone(t *testing.T) {
	t.Parallel()
	writes := 0
	c := makeClient(t, countPatches(&writes), version(builder.MakeService("web").Holds("a", "192.0.2.7"), "9"))
	r, _ := makeReconciler(t, c, c)
	reconcile(t, r)
	edit(t, c, func(svc *corev1.Service) { svc.Spec.Type = corev1.ServiceTypeClusterIP })
	editStatus(t, c, func(svc *corev1.Service) { svc.Status.LoadBalancer.Ingress = nil }) // The API server does.
	r.Client = makeClient(t, interceptor.Funcs{SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
		return apierrors.NewConflict(schema.GroupResource{Resource: "services"}, "web", nil)
	}})
	reconcile(t, r)
	edit(t, c, func(svc *corev1.Service) {
		svc.Spec.Type, svc.Spec.LoadBalancerClass = corev1.ServiceTypeLoadBalancer, new("example.com/other")
	})
	r.Client = c
	reconcile(t, r)
	if got := messages(t, c); len(got) > 0 {
		t.Errorf("it is still told %q", got)
	}
}

// countPatches counts the patches of a status.
func countPatches(n *int) interceptor.Funcs {
	return interceptor.Funcs{SubResourcePatch: func(
		ctx context.Context, c client.Client, resource string, o client.Object, p client.Patch, options ...client.SubResourcePatchOption,
	) error {
		*n++
		return c.SubResource(resource).Patch(ctx, o, p, options...)
	}}
}

// edit has somebody change the Service, and editStatus its status.
func edit(t *testing.T, c client.Client, change func(*corev1.Service)) {
	t.Helper()
	svc := &corev1.Service{}
	if err := c.Get(t.Context(), web, svc); err != nil {
		t.Fatal(err)
	}
	change(svc)
	if err := c.Update(t.Context(), svc); err != nil {
		t.Fatal(err)
	}
}

func editStatus(t *testing.T, c client.Client, change func(*corev1.Service)) {
	t.Helper()
	svc := &corev1.Service{}
	if err := c.Get(t.Context(), web, svc); err != nil {
		t.Fatal(err)
	}
	change(svc)
	if err := c.Status().Update(t.Context(), svc); err != nil {
		t.Fatal(err)
	}
}

// messages are those of the Service's conditions.
func messages(t *testing.T, c client.Client) []string {
	t.Helper()
	svc := &corev1.Service{}
	if err := c.Get(t.Context(), web, svc); err != nil {
		t.Fatal(err)
	}
	found := make([]string, 0, len(svc.Status.Conditions))
	for _, condition := range svc.Status.Conditions {
		found = append(found, condition.Message)
	}
	return found
}

func TestAServiceOfAnotherClassWithTracesIsLookedAtInCaseItsTypeChangesBeforeTheCacheHasIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		service *builder.Service
		want    int
	}{
		"with traces":    {service: builder.MakeService("web").Class("example.com/other").Holds("a"), want: 1},
		"without traces": {service: builder.MakeService("web").Class("example.com/other")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, services := allocator.New(), &trigger.Queue{}
			live := makeClient(t, interceptor.Funcs{}, version(tc.service, "9"))
			if err := NewHydration(live, a, fixed{nil, a}, "", services).Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]())
			t.Cleanup(queue.ShutDown)
			if err := services.Source().Start(t.Context(), queue); err != nil {
				t.Fatal(err)
			}
			if n := queue.Len(); n != tc.want {
				t.Errorf("%d are looked at, want %d", n, tc.want)
			}
		})
	}
}

func TestANewServiceIsWrittenOnce(t *testing.T) {
	t.Parallel()
	writes := 0
	c := makeClient(t, interceptor.Funcs{SubResourcePatch: func(
		ctx context.Context, c client.Client, resource string, o client.Object, p client.Patch, options ...client.SubResourcePatchOption,
	) error {
		writes++
		annotations := o.GetAnnotations()
		if err := c.SubResource(resource).Patch(ctx, o, p, options...); err != nil {
			return err
		}
		o.SetAnnotations(annotations) // The API server takes them from such a patch, the fake does not.
		return c.Update(ctx, o)
	}}, version(builder.MakeService("web"), "9"))
	r, queue := makeReconciler(t, c, c)
	for range 3 {
		reconcile(t, r)
	}
	if writes != 1 || queue.Len() > 0 {
		t.Errorf("%d writes, and %d are to be looked at again", writes, queue.Len())
	}
}

func TestTheLabelsOfANamespaceThatTheCacheHasNotYetAreReadLive(t *testing.T) {
	t.Parallel()
	team := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default", Labels: map[string]string{"team": "blue"}}}
	for name, tc := range map[string]struct {
		live *corev1.Namespace
		want []string
	}{
		"and pools select by them":                        {live: team, want: []string{"198.51.100.0"}},
		"and nothing is decided if there is no namespace": {want: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := version(builder.MakeService("web"), "9")
			live := makeClient(t, interceptor.Funcs{}, svc)
			if err := live.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}); err != nil {
				t.Fatal(err)
			}
			if tc.live != nil {
				if err := live.Create(t.Context(), tc.live.DeepCopy()); err != nil {
					t.Fatal(err)
				}
			}
			cached := makeClient(t, interceptor.Funcs{}, svc)
			if err := cached.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}); err != nil {
				t.Fatal(err)
			}
			r, _ := makeReconciler(t, cached, makeClient(t, interceptor.Funcs{}))
			r.Live = live
			pools := make([]ipam.Pool, 0, 2)
			for _, b := range []*builder.Pool{
				builder.MakePool("a", "192.0.2.0/24"), builder.MakePool("blue", "198.51.100.0/24").NamespacesWithLabel("team", "blue"),
			} {
				p, _ := ipam.ParsePool(b.Obj())
				pools = append(pools, p)
			}
			r.Allocator.SetPools(ipam.NewPools(pools...))
			reconcile(t, r)
			got := &corev1.Service{}
			if err := cached.Get(t.Context(), web, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, assignment.IngressTexts(got)); diff != "" {
				t.Errorf("addresses in the status (-want +got):\n%s", diff)
			}
			if n := len(got.Status.Conditions); n > 0 && tc.live == nil {
				t.Errorf("it has %d conditions", n)
			}
		})
	}
}

func TestAServiceWhoseNamespaceIsGoneIsReplayedAndGivenNothing(t *testing.T) {
	t.Parallel()
	orphan := version(builder.MakeService("web"), "9")
	orphan.Namespace = "gone"
	held := version(builder.MakeService("held").Holds("a", "192.0.2.0"), "10")
	held.Namespace = "gone"
	r, _ := makeReconciler(t, nil, makeClient(t, interceptor.Funcs{}, orphan, held))
	if n := r.Allocator.PoolCounts("a").AssignedIPv4; n != 1 {
		t.Errorf("%d addresses are in use, want that of the one that had it", n)
	}
}
