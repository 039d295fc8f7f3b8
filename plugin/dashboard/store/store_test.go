// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package store_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/dashboard/store"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

var shared envtest.Shared

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(shared.Main(m))
}

// told are the states that a store has told.
type told struct{ states chan store.State }

func (t told) Changed(s store.State)   { t.states <- s }
func (told) Answered(time.Time, error) {}

// follow runs a store until the test ends, and expects that nothing of it is left then.
func follow(t *testing.T, server *envtest.Server, config *rest.Config) told {
	t.Helper()
	before := goleak.IgnoreCurrent()
	receiver := told{make(chan store.State)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- store.New(config, server.Scheme, envtest.Namespace, time.Now).Run(ctx, receiver) }()
	t.Cleanup(func() {
		cancel()
		for {
			select {
			case <-receiver.states:
				continue
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("the store ends with %v", err)
				}
			}
			break
		}
		goleak.VerifyNone(t, before)
	})
	return receiver
}

// until returns the first state that holds.
func (t told) until(tb testing.TB, what string, holds func(*cluster.Cluster) bool) *cluster.Cluster {
	tb.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case s := <-t.states:
			if holds(s.Cluster) {
				return s.Cluster
			}
		case <-late:
			tb.Fatalf("never told: %s", what)
		}
	}
}

func names(c *cluster.Cluster) []string {
	all := make([]string, 0, len(c.Services))
	for i := range c.Services {
		all = append(all, c.Services[i].Name)
	}
	return all
}

func TestTheStoreFollowsTheCluster(t *testing.T) {
	server := shared.Get(t)
	server.Clean(t)
	apply := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	apply(server.Client.Create(t.Context(), builder.MakePool("production", "198.51.100.0/24").Obj()))
	first := builder.MakeService("first").Annotation(corev1.LastAppliedConfigAnnotation, "{}").Obj()
	apply(server.Client.Create(t.Context(), first))

	receiver := follow(t, server, server.Config)
	c := receiver.until(t, "what there is", func(c *cluster.Cluster) bool { return len(c.Written.Pools) == 1 && len(c.Services) == 1 })
	if s := &c.Services[0]; len(s.ManagedFields) > 0 || len(s.Annotations) > 0 {
		t.Errorf("kept although nobody looks at it: %v %v", s.ManagedFields, s.Annotations)
	}

	internal := builder.MakeService("internal").Obj()
	internal.Spec.Type = corev1.ServiceTypeClusterIP
	apply(server.Client.Create(t.Context(), internal))
	apply(server.Client.Create(t.Context(), builder.MakeService("second").Obj()))
	c = receiver.until(t, "a new service", func(c *cluster.Cluster) bool { return len(c.Services) > 1 })
	if got := names(c); len(got) != 2 || got[0] != "first" || got[1] != "second" {
		t.Errorf("services %v", got)
	}
	apply(server.Client.Delete(t.Context(), first))
	receiver.until(t, "that a service is gone", func(c *cluster.Cluster) bool { return len(c.Services) == 1 })
}

// as returns the configuration of a user with these rights.
func as(t *testing.T, server *envtest.Server, user string, rules ...rbacv1.PolicyRule) *rest.Config {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: user}, Rules: rules}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: user},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}
	for _, o := range []client.Object{role, binding} {
		if err := server.Client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	config := rest.CopyConfig(server.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	asked, err := client.New(config, client.Options{Scheme: server.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 20*time.Second, true, func(ctx context.Context) (bool, error) {
		return asked.List(ctx, &corev1.ServiceList{}) == nil, nil // The API server gets to know the role a moment later.
	}); err != nil {
		t.Fatal(err)
	}
	return config
}

func TestWhatTheUserMayNotReadIsLeftOut(t *testing.T) {
	server := shared.Get(t)
	server.Clean(t)
	reads := []string{"list", "watch"}
	config := as(t, server, "onlooker",
		rbacv1.PolicyRule{APIGroups: []string{"metallb.io"}, Resources: []string{"*"}, Verbs: reads},
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"services"}, Verbs: reads})
	if err := server.Client.Create(t.Context(), builder.MakeService("web").Obj()); err != nil {
		t.Fatal(err)
	}
	c := follow(t, server, config).until(t, "the service", func(c *cluster.Cluster) bool { return len(c.Services) == 1 })
	got := map[cluster.Part]bool{}
	for _, u := range c.Unread {
		got[u.Part] = true
	}
	want := map[cluster.Part]bool{cluster.Nodes: true, cluster.Namespaces: true, cluster.Endpoints: true, cluster.Workloads: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
}

func TestWhatTheUserMayListAndNotWatchIsReadNowAndThen(t *testing.T) {
	server := shared.Get(t)
	server.Clean(t)
	config := as(t, server, "lister",
		rbacv1.PolicyRule{APIGroups: []string{"metallb.io"}, Resources: []string{"*"}, Verbs: []string{"list", "watch"}},
		rbacv1.PolicyRule{APIGroups: []string{"", "apps"}, Resources: []string{"services", "pods", "deployments", "daemonsets", "events"}, Verbs: []string{"list"}})
	receiver := follow(t, server, config)
	receiver.until(t, "what is not followed", func(c *cluster.Cluster) bool {
		return cmp.Equal(c.Unwatched, []cluster.Part{cluster.Services, cluster.Workloads})
	})
	if err := server.Client.Create(t.Context(), builder.MakeService("web").Obj()); err != nil {
		t.Fatal(err)
	}
	receiver.until(t, "the service", func(c *cluster.Cluster) bool { return len(c.Services) == 1 })
}
