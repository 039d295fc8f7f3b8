// SPDX-License-Identifier: Apache-2.0

package overview

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/plugin/cluster"
	"metallb.io/metallb/plugin/terminal"
	"metallb.io/metallb/test/builder"
)

func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

// service returns a Service with the conditions; it is announced if there are none.
func service(name string, conditions ...metav1.Condition) corev1.Service {
	s := builder.MakeService(name).Obj()
	if s.Status.Conditions = conditions; conditions == nil {
		s.Status.Conditions = []metav1.Condition{
			condition(v1beta1.ConditionAllocated, metav1.ConditionTrue, v1beta1.ReasonIPAllocated, ""),
			condition(v1beta1.ConditionAnnounced, metav1.ConditionTrue, v1beta1.ReasonAnnounced, ""),
		}
	}
	return *s
}

func pod(name, component, image string) corev1.Pod {
	p := corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Image: image}}}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	p.Namespace, p.Name, p.Labels = "metallb-system", name, map[string]string{"component": component}
	return p
}

// well returns a cluster in which all is well.
func well() *cluster.Cluster {
	c := &cluster.Cluster{
		Namespace:  "metallb-system",
		Controller: &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: new(int32(2))}, Status: appsv1.DeploymentStatus{ReadyReplicas: 2}},
		Speakers:   &appsv1.DaemonSet{Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 1, NumberReady: 1}},
		Pods: []corev1.Pod{
			pod("controller-1", "controller", "example.com:5000/controller:v1.2.3"), pod("controller-2", "controller", "example.com:5000/controller:v1.2.3"),
			pod("speaker-1", "speaker", "example.com:5000/speaker@sha256:1a2b"),
		},
		Written: config.Objects{
			Pools: []v1beta1.IPAddressPool{*builder.MakePool("public", "198.51.100.0/30").Obj()},
			Peers: []v1beta2.BGPPeer{*builder.MakePeer("router", "192.0.2.1").Obj()},
		},
		Services: []corev1.Service{service("web")},
	}
	c.Written.Pools[0].Status.AssignedIPv4, c.Written.Pools[0].Status.AvailableIPv4 = 1, 3
	c.Written.Peers[0].Status.EstablishedSessions, c.Written.Peers[0].Status.DesiredSessions = 1, 1
	return c
}

func TestAllIsToldOfAClusterInWhichAllIsWell(t *testing.T) {
	t.Parallel()
	want := Overview{
		Namespace:  "metallb-system",
		Controller: &Workload{Versions: []Version{{"v1.2.3", 2}}, Desired: 2, Ready: 2, NotReady: []Object{}},
		Speakers:   &Workload{Versions: []Version{{"sha256:1a2b", 1}}, Desired: 1, Ready: 1, NotReady: []Object{}},
		Peers:      []Peer{{Name: "router", Address: "192.0.2.1", Established: 1, Desired: 1}},
		Pools:      []Pool{{Name: "public", Addresses: []string{"198.51.100.0/30"}, IPv4: &Usage{1, 3}}},
		Services:   Services{Total: 1, Announced: 1, Troubled: []Object{}},
		Draining:   []DrainingNode{}, Invalid: []Object{}, Held: []Object{}, Problems: []string{},
	}
	if diff := cmp.Diff(want, Of(well())); diff != "" {
		t.Errorf("overview (-want +got):\n%s", diff)
	}
}

func TestEveryTroubleIsTold(t *testing.T) {
	t.Parallel()
	allocated := condition(v1beta1.ConditionAllocated, metav1.ConditionTrue, v1beta1.ReasonIPAllocated, "")
	tests := map[string]struct {
		edit func(*cluster.Cluster)
		// problem is what is wrong, seen what is on the screen besides.
		problem, seen string
	}{
		"a controller that is not ready": {
			func(c *cluster.Cluster) {
				c.Controller.Status.ReadyReplicas = 1
				c.Pods[1].Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such image"}}}}
			},
			"controller: 1 of 2 pods ready", "ImagePullBackOff   no such image",
		},
		"a speaker that has ended": {
			func(c *cluster.Cluster) {
				c.Speakers.Status.NumberReady = 0
				c.Pods[2].Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled"}}}}
			},
			"speakers: 0 of 1 pods ready", "OOMKilled",
		},
		"a speaker that no node takes": {
			func(c *cluster.Cluster) {
				c.Speakers.Status.NumberReady = 0
				c.Pods[2].Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "too many pods"}}}
			},
			"speakers: 0 of 1 pods ready", "Unschedulable   too many pods",
		},
		"a speaker that is not ready yet": {
			func(c *cluster.Cluster) {
				c.Speakers.Status.NumberReady = 0
				c.Pods[2].Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}}
			},
			"speakers: 0 of 1 pods ready", "NotReady",
		},
		"a session that is down": {
			func(c *cluster.Cluster) {
				c.Written.Peers[0].Status.EstablishedSessions, c.Written.Peers[0].Status.LastError = 0, "connection refused"
			},
			"peer router: 0 of 1 sessions established: connection refused", "✗   router",
		},
		"a peer without sessions": {
			func(c *cluster.Cluster) { c.Written.Peers[0].Status = v1beta2.BGPPeerStatus{} },
			"peer router: 0 of 0 sessions established: not reported yet", "✗   router",
		},
		"a service without an address": {
			func(c *cluster.Cluster) {
				c.Services[0] = service("web", condition(v1beta1.ConditionAllocated, metav1.ConditionFalse, v1beta1.ReasonAllocationFailed, "no addresses are left"))
			},
			"1 service without the addresses requested", "default/web   AllocationFailed   no addresses are left",
		},
		"services that nobody has looked at": {
			func(c *cluster.Cluster) {
				c.Services = []corev1.Service{service("a"), service("b", allocated)}
				c.Services[0].Status.Conditions = nil
			},
			"1 service without the addresses requested",
			"default/a   Pending   the controller has not looked at it yet\n  ✗   default/b   Pending   whether it is announced is not known yet",
		},
		"a service that is not announced": {
			func(c *cluster.Cluster) {
				c.Services[0] = service("web", allocated, condition(v1beta1.ConditionAnnounced, metav1.ConditionFalse, v1beta1.ReasonNoEndpoints, "no endpoints"))
			},
			"1 service not announced", "default/web   NoEndpoints   no endpoints",
		},
		"a service that is announced in part": {
			func(c *cluster.Cluster) {
				c.Services[0] = service("web", allocated, condition(v1beta1.ConditionAnnounced, metav1.ConditionTrue, v1beta1.ReasonPartlyAnnounced, "not to router"))
			},
			"1 service announced in part", "default/web   PartlyAnnounced   not to router",
		},
		"an object that is not in use": {
			func(c *cluster.Cluster) {
				c.Written.Communities = []v1beta1.Community{*builder.MakeCommunity("names").Obj()}
				c.Written.Communities[0].Status.Conditions = []metav1.Condition{condition(v1beta1.ConditionValid, metav1.ConditionFalse, "Invalid", "twice")}
			},
			"1 configuration object not in use as written", "Community names   Invalid   twice",
		},
		"objects that are held": {
			func(c *cluster.Cluster) {
				held := v1beta1.ActiveConfiguration{Spec: v1beta1.ActiveConfigurationSpec{Kind: "BGPPeer", Name: "old"}}
				held.Status.Held, held.Status.Reason, held.Status.Message = true, "RouteLost", "the last route"
				c.Active = []v1beta1.ActiveConfiguration{held, held}
			},
			"2 configuration objects held in an earlier version", "BGPPeer old   RouteLost   the last route",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := well()
			tc.edit(c)
			now := Of(c)
			if len(now.Problems) == 0 || now.Problems[0] != tc.problem {
				t.Errorf("problems %q, want %q", now.Problems, tc.problem)
			}
			screen := printed(t, now, false)
			for _, want := range []string{tc.seen, "What is wrong\n  ✗ " + tc.problem} {
				if !strings.Contains(screen, want) {
					t.Errorf("there is no %q on the screen:\n%s", want, screen)
				}
			}
		})
	}
}

func TestWhatIsNoTroubleIsToldAllTheSame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(*cluster.Cluster)
		seen string
	}{
		"a node that drains": {func(c *cluster.Cluster) {
			state := v1beta1.BGPSessionState{Status: v1beta1.BGPSessionStateStatus{Node: "node-1", Peer: "router", Conditions: []metav1.Condition{condition(v1beta1.ConditionDrained, metav1.ConditionTrue, "Cordoned", "nothing is announced")}}}
			c.Sessions = []v1beta1.BGPSessionState{state, state}
		}, "Nodes that drain\n  ✓   node-1   Cordoned   nothing is announced\n"},
		"services of another class": {func(c *cluster.Cluster) {
			c.Services = append(c.Services, *builder.MakeService("other").Class("example.com/lb").Obj())
		}, "1 of another class are not MetalLB's"},
		"a pool that is full": {func(c *cluster.Cluster) { c.Written.Pools[0].Status.AvailableIPv4 = 0 }, "!   public   IPv4   ████████████████████   1 used, 0 free"},
		"a pool without end": {func(c *cluster.Cluster) {
			c.Written.Pools[0].Status = v1beta1.IPAddressPoolStatus{AvailableIPv6: 1 << 60}
		}, "public   IPv6   ░░░░░░░░░░░░░░░░░░░░   0 used, over a million free"},
		"a pool that is not counted yet": {func(c *cluster.Cluster) { c.Written.Pools[0].Status = v1beta1.IPAddressPoolStatus{} }, "·   public         198.51.100.0/30"},
		"two versions":                   {func(c *cluster.Cluster) { c.Pods[1].Spec.Containers[0].Image = "controller:v1.3.0" }, "v1.3.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := well()
			tc.edit(c)
			now := Of(c)
			if screen := printed(t, now, false); len(now.Problems) > 0 || !strings.Contains(screen, tc.seen) || !strings.HasSuffix(screen, "\nAll is well.\n") {
				t.Errorf("problems %q, and there is no %q on the screen:\n%s", now.Problems, tc.seen, screen)
			}
		})
	}
}

func TestALongListIsCutUnlessAllIsAskedFor(t *testing.T) {
	t.Parallel()
	c := well()
	for range 3 * shown {
		c.Services = append(c.Services, service("pending", condition(v1beta1.ConditionAllocated, metav1.ConditionFalse, "AllocationFailed", "")))
	}
	now := Of(c)
	if n := strings.Count(printed(t, now, false), "default/pending"); n != shown {
		t.Errorf("%d services are listed, want %d", n, shown)
	}
	if n := strings.Count(printed(t, now, true), "default/pending"); n != 3*shown {
		t.Errorf("%d services are listed, want all", n)
	}
}

func printed(t *testing.T, o Overview, wide bool) string {
	t.Helper()
	var out strings.Builder
	if err := o.Print(&out, terminal.Palette{}, wide); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
