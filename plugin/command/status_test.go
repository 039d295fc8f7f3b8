// SPDX-License-Identifier: Apache-2.0

//go:build unix

package command_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"metallb.io/metallb/plugin/command"
	"metallb.io/metallb/plugin/overview"
	"metallb.io/metallb/test/builder"
	"metallb.io/metallb/test/envtest"
)

// withPeer makes a namespace of the server a load balancer's that has a peer without sessions and a pool, and returns the flags for it.
func withPeer(t *testing.T, s *envtest.Server, namespace string) []string {
	t.Helper()
	create(t, s, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	peer, pool := builder.MakePeer("router", "192.0.2.1").Obj(), builder.MakePool("public", "198.51.100.0/30").Obj()
	peer.Namespace, pool.Namespace = namespace, namespace
	create(t, s, peer, pool)
	return []string{"--kubeconfig", s.Kubeconfig(t), "--system-namespace", namespace}
}

const troubled = `MetalLB in namespace status
  !   controller and webhook   not found
  !   speakers                 not found

Peers
  ✗   router   192.0.2.1   0/0 established

Pools
  ·   public         198.51.100.0/30

Services of type LoadBalancer
  none

What is wrong
  ✗ peer router: 0 of 0 sessions established: not reported yet
`

func TestTheStatusIsWrittenAsItIsAskedFor(t *testing.T) {
	t.Parallel()
	flags := withPeer(t, server.Get(t), "status")
	for name, tc := range map[string]struct {
		args []string
		want result
	}{
		"for people":           {nil, result{1, troubled, ""}},
		"with all that is":     {[]string{"-o", "wide"}, result{1, troubled, ""}},
		"in an unknown format": {[]string{"-o", "name"}, result{1, "", "error: --output=name: must be one of wide, json, yaml\n"}},
		"in unknown colours":   {[]string{"--color=red"}, result{1, "", "error: --color=red: must be auto, always or never\n"}},
		"of something":         {[]string{"everything"}, result{1, "", "error: unknown command \"everything\" for \"kubectl metallb status\"\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, run(t, "", append(append([]string{"status"}, flags...), tc.args...)...), cmp.AllowUnexported(result{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("in colours", func(t *testing.T) {
		t.Parallel()
		got := run(t, "", append([]string{"status", "--color=always"}, flags...)...)
		if !strings.Contains(got.stdout, "\x1b[31m✗\x1b[0m peer router") {
			t.Errorf("got %q", got.stdout)
		}
	})
	t.Run("for programs", func(t *testing.T) {
		t.Parallel()
		var fromJSON, fromYAML overview.Overview
		inJSON, inYAML := run(t, "", append([]string{"status", "-o", "json"}, flags...)...), run(t, "", append([]string{"status", "-o", "yaml"}, flags...)...)
		if err := json.Unmarshal([]byte(inJSON.stdout), &fromJSON); err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict([]byte(inYAML.stdout), &fromYAML); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
			t.Errorf("(-JSON +YAML):\n%s", diff)
		}
		if inJSON.status != 1 || inYAML.status != 1 || len(fromJSON.Problems) != 1 || fromJSON.Peers[0].Address != "192.0.2.1" {
			t.Errorf("exit statuses %d and %d, %+v", inJSON.status, inYAML.status, fromJSON)
		}
	})
}

func TestNothingIsWrongWithANamespaceThatHasNothing(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	create(t, s, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "nothing"}})
	got := run(t, "", "status", "--kubeconfig", s.Kubeconfig(t), "--system-namespace", "nothing")
	if got.status != 0 || !strings.HasSuffix(got.stdout, "\nAll is well.\n") || got.stderr != "" {
		t.Errorf("got %+v", got)
	}
}

func TestWhatMayNotBeReadIsLeftOutAndSaid(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	flags := withPeer(t, s, "rights")
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "rights", Name: "reader"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{"metallb.io"}, Verbs: []string{"list"},
		Resources: []string{"ipaddresspools", "bgppeers", "bgpadvertisements", "communities", "bfdprofiles", "activeconfigurations"},
	}}}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: role.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "reader"}},
	}
	create(t, s, role, binding)
	got := run(t, "", append([]string{"status", "--as", "reader"}, flags...)...)
	if got.status != 1 || !strings.Contains(got.stdout, "  ✗   router   192.0.2.1   ") {
		t.Errorf("got %+v", got)
	}
	var parts []string
	for line := range strings.Lines(got.stderr) {
		part, _, found := strings.Cut(line, " left out: listing ")
		if !found {
			part, _, _ = strings.Cut(line, " left out: ")
		}
		parts = append(parts, part)
	}
	if diff := cmp.Diff([]string{"warning: services", "warning: bgpsessionstates", "warning: the load balancer's own pods"}, parts); diff != "" {
		t.Errorf("said (-want +got):\n%s\n%s", diff, got.stderr)
	}
	if got := run(t, "", append([]string{"status", "--as", "stranger"}, flags...)...); got.status != 1 || got.stdout != "" ||
		!strings.HasPrefix(got.stderr, "error: listing the configuration: ") || !strings.Contains(got.stderr, `User "stranger" cannot list`) {
		t.Errorf("without any right: got %+v", got)
	}
}

func TestAClusterWithoutTheKindsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer := map[string]string{
			"/api": `{"kind":"APIVersions","versions":["v1"]}`, "/apis": `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`,
			"/api/v1": `{"kind":"APIResourceList","groupVersion":"v1","resources":[]}`,
		}[r.URL.Path]
		if answer == "" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(api.Close)
	got := run(t, "", "status", "--server", api.URL)
	const want = "error: MetalLB is not installed in this cluster, or this is another cluster than you mean (see kubectl config current-context): "
	if got.status != 1 || got.stdout != "" || !strings.HasPrefix(got.stderr, want) {
		t.Errorf("got %+v, want %s", got, want)
	}
}

// screens is where a status is shown that is watched.
type screens chan string

func (s screens) Write(p []byte) (int, error) {
	s <- string(p)
	return len(p), nil
}

func TestAWatchedStatusIsShownWhenItChanges(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	args := append([]string{"status", "--watch"}, withPeer(t, s, "watched")...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	shown, ended := make(screens), make(chan int)
	go func() {
		ended <- command.Main(ctx, args, func(string) string { return "" }, genericiooptions.IOStreams{Out: shown, ErrOut: shown})
	}()
	if first := <-shown; !strings.HasPrefix(first, "---\nMetalLB in namespace watched\n") || strings.Contains(first, "another") {
		t.Errorf("first it shows %q", first)
	}
	another := builder.MakePool("another", "203.0.113.0/30").Obj()
	another.Namespace = "watched"
	create(t, s, another)
	if second := <-shown; !strings.Contains(second, "  ·   another         203.0.113.0/30\n") {
		t.Errorf("then it shows %q", second)
	}
	cancel()
	if status := <-ended; status != 0 {
		t.Errorf("the exit status is %d", status)
	}
}
