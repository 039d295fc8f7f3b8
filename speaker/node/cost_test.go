// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/speaker/node"
)

// readings count what was read of services: lists of all, and of the endpoints of one.
type readings struct {
	services, endpoints int
	// err is all that a list of services has if set.
	err error
}

func (r *readings) list(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
	switch list.(type) {
	case *corev1.ServiceList:
		if r.services++; r.err != nil {
			return r.err
		}
	case *discoveryv1.EndpointSliceList:
		r.endpoints++
	}
	return c.List(ctx, list, options...)
}

// A node has two services of one pool and one of another.
func TestAConfigurationEventCostsOnePassOverTheServicesAtMost(t *testing.T) {
	t.Parallel()
	objects := func() []client.Object {
		return []client.Object{
			thisNode(), peer("router", "192.0.2.1"), pool("two", "198.51.100.0/24"), pool("one", "203.0.113.0/24"), advertisement("everything"),
			service("a", "198.51.100.1"), slice("a", "node-1"), service("b", "198.51.100.2"), slice("b", "node-1"), service("c", "203.0.113.1"), slice("c", "node-1"),
		}
	}
	selecting := func(name, pool string, localPref uint32) *v1beta1.BGPAdvertisement {
		a := advertisement(name)
		a.Spec.IPAddressPools, a.Spec.LocalPref = []string{pool}, localPref
		return a
	}
	tests := map[string]struct {
		event func(context.Context, client.Client) error
		want  readings
	}{
		"nothing": {event: func(context.Context, client.Client) error { return nil }},
		"an unrelated label of the node": {event: func(ctx context.Context, c client.Client) error {
			return c.Patch(ctx, thisNode(), client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"team":"x"}}}`)))
		}},
		"a Secret that no peer names": {event: func(ctx context.Context, c client.Client) error {
			return c.Create(ctx, &corev1.Secret{ObjectMeta: inNamespace("other"), Type: corev1.SecretTypeBasicAuth})
		}},
		"aliases that no advertisement names": {event: func(ctx context.Context, c client.Client) error {
			return c.Create(ctx, &v1beta1.Community{ObjectMeta: inNamespace("unused")})
		}},
		"a timer of a session": {event: func(ctx context.Context, c client.Client) error {
			return c.Patch(ctx, peer("router", ""), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"holdTime":"30s"}}`)))
		}},
		"an advertisement of one pool": {
			event: func(ctx context.Context, c client.Client) error { return c.Create(ctx, selecting("for-one", "one", 0)) },
			want:  readings{services: 1, endpoints: 1},
		},
		"an advertisement of the other": {
			event: func(ctx context.Context, c client.Client) error { return c.Create(ctx, selecting("for-two", "two", 0)) },
			want:  readings{services: 1, endpoints: 2},
		},
		"the label by which the node drains, until it is drained": {event: func(ctx context.Context, c client.Client) error {
			return c.Patch(ctx, thisNode(), client.RawPatch("application/merge-patch+json",
				[]byte(`{"metadata":{"labels":{"node.kubernetes.io/exclude-from-external-load-balancers":""}}}`)))
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var read readings
			cluster := fakeCluster(t, objects()...).WithInterceptorFuncs(interceptor.Funcs{List: read.list}).Build()
			metrics, err := node.NewMetrics(prometheus.NewRegistry())
			if err != nil {
				t.Fatal(err)
			}
			sessions := newFakeSessions()
			speaker := node.NewSpeaker(node.Options{
				Node: "node-1", Client: cluster, Table: sessions.table, Sessions: sessions, Recorder: events.NewFakeRecorder(10), Metrics: metrics,
			})
			r := &node.ConfigurationReconciler{Client: cluster, Speaker: speaker}
			if _, err := r.Reconcile(t.Context(), ctrl.Request{}); err != nil {
				t.Fatal(err)
			}
			if want := (readings{services: 1, endpoints: 3}); read != want {
				t.Errorf("at the start: read %+v, want %+v", read, want)
			}
			read = readings{}
			if err := tc.event(t.Context(), cluster); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Reconcile(t.Context(), ctrl.Request{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, read, cmp.AllowUnexported(readings{})); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

// What a speaker has no use for is not sent to it.
func TestOnlySecretsOfPasswordsAndSlicesOfLoadBalancersAreWatched(t *testing.T) {
	w := tutorial(t)
	secret := func(name string, kind corev1.SecretType) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: inNamespace(name), Type: kind, StringData: map[string]string{"username": "x", "password": "y"}}
	}
	headless := func(name string) *discoveryv1.EndpointSlice {
		s := slice(name, "node-1")
		s.Labels[corev1.IsHeadlessService] = ""
		return s
	}
	held := func() []string {
		var secrets corev1.SecretList
		var slices discoveryv1.EndpointSliceList
		w.Expect(w.cached.List(t.Context(), &secrets)).To(Succeed())
		w.Expect(w.cached.List(t.Context(), &slices)).To(Succeed())
		names := make([]string, 0, len(secrets.Items)+len(slices.Items))
		for i := range secrets.Items {
			names = append(names, "secret "+secrets.Items[i].Name)
		}
		for i := range slices.Items {
			names = append(names, "slice "+slices.Items[i].Name)
		}
		return names
	}
	w.create(secret("before", corev1.SecretTypeBasicAuth), secret("sh.helm.release.v1.lb.v1", "helm.sh/release.v1"), secret("metallb-webhook-cert", corev1.SecretTypeOpaque),
		service("nginx", "198.51.100.0"), slice("nginx", "node-1"), headless("database"))
	w.start()
	w.expectRoutes("router", "198.51.100.0/32")
	w.Expect(held()).To(ConsistOf("secret before", "slice nginx-1", "slice kubernetes"))

	t.Log("nor what comes later")
	w.create(secret("sh.helm.release.v1.lb.v2", "helm.sh/release.v1"), secret("opaque", corev1.SecretTypeOpaque), headless("queue"), secret("after", corev1.SecretTypeBasicAuth))
	w.settle()
	w.Eventually(held).Should(ConsistOf("secret before", "secret after", "slice nginx-1", "slice marker-1", "slice kubernetes"))
}

// Watched is one type of Secret, so that another is none.
func TestAPasswordOfAnotherTypeIsNotUsed(t *testing.T) {
	w := tutorial(t)
	secured := peer("secured", "192.0.2.9")
	secured.Spec.PasswordSecret = corev1.SecretReference{Name: "router-password"}
	w.create(&corev1.Secret{ObjectMeta: inNamespace("router-password"), StringData: map[string]string{"password": "secret"}}, secured)
	w.start()
	w.Eventually(w.reported).Should(ContainElement(ContainSubstring(
		"secret metallb-system/router-password not found among those of type kubernetes.io/basic-auth; create it in the namespace of the BGPPeer")))
	_, connected := w.sessions.session("secured")
	w.Expect(connected).To(BeFalse())
}
