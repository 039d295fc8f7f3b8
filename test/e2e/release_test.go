// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"metallb.io/metallb/test/e2e/console"
	"metallb.io/metallb/test/image"
	"metallb.io/metallb/test/playground"
)

// From an empty cluster to an empty cluster by Helm: each part starts where the one before it ended.
func TestTheProductByHelm(t *testing.T) {
	p := withNothing(t)
	inOrder(t, p, []part{
		{"the tutorial works as written", tutorialByHelm},
		{"nothing is left of it", has(theWorld.empty)},
	})
	deployNginx(t, p)
	unserved := objects(t, p)
	inOrder(t, p, []part{
		{"kinds and configuration stay, and serve once more", keptConfiguration},
		{"the chart's own test passes", helmTest},
		{"an upgrade restarts all and moves nothing", upgrade},
		{"a rollback restarts all and moves nothing", rollback},
		{"a speaker is killed", speakerKilled},
		{"the active controller is killed", controllerKilled},
		{"a kubelet is stopped", kubeletStopped},
		{"an uninstallation finishes by itself with a service alive", uninstall},
		{"nothing is left of the product", has(unserved)},
	})
	clearOut(t, p)
}

// part is one part of a story.
type part struct {
	name string
	test func(*testing.T, *playground.Playground)
}

// inOrder runs the parts until one fails.
func inOrder(t *testing.T, p *playground.Playground, parts []part) {
	t.Helper()
	for _, part := range parts {
		began := time.Now()
		if !t.Run(part.name, func(t *testing.T) { part.test(t, p) }) {
			t.FailNow()
		}
		t.Logf("%.0f s: %s", time.Since(began).Seconds(), part.name)
	}
}

// tutorialByHelm follows the tutorial but for the playground, which is there already and is used further.
func tutorialByHelm(t *testing.T, _ *playground.Playground) {
	t.Helper()
	follow(t, slices.DeleteFunc(tutorial(t, "helm"), func(step console.Step) bool { return strings.HasPrefix(step.Command, "make playground") }))
}

// install installs the product by Helm and tells how long its pods took to be ready.
func install(t *testing.T, p *playground.Playground, values ...string) {
	t.Helper()
	if err := p.Install(t.Context(), playground.Helm, values...); err != nil {
		t.Fatal(err)
	}
	rolled(t, p, "dev")
	tellStarts(t, p)
}

// tellStarts tells how long after its container was started each of the product's pods was ready. The API server counts in
// whole seconds.
func tellStarts(t *testing.T, p *playground.Playground) {
	t.Helper()
	for _, pod := range slices.Concat(pods(t, p, "controller"), pods(t, p, "speaker")) {
		since, took := readySince(&pod)
		if since.IsZero() {
			t.Errorf("%s is not ready", pod.Name)
			continue
		}
		t.Logf("%s was ready %s after its start", pod.Name, took)
	}
}

// readySince returns since when a pod is ready, and how long after the start of its container that was; zero if it is not.
func readySince(pod *corev1.Pod) (since time.Time, took time.Duration) {
	i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue })
	if i < 0 || len(pod.Status.ContainerStatuses) == 0 || pod.Status.ContainerStatuses[0].State.Running == nil {
		return time.Time{}, 0
	}
	since = pod.Status.Conditions[i].LastTransitionTime.Time
	return since, since.Sub(pod.Status.ContainerStatuses[0].State.Running.StartedAt.Time)
}

// keptConfiguration uninstalls a product that is configured, and installs it again.
func keptConfiguration(t *testing.T, p *playground.Playground) {
	t.Helper()
	install(t, p)
	configure(t, p)
	awaitRoutes(t, p)
	uninstall(t, p)
	if got := kubectl(t, p, "-n", playground.Namespace, "get", "bgppeers,bgpadvertisements,ipaddresspools", "-o", "name"); len(strings.Fields(got)) != 5 {
		t.Errorf("left of the configuration: %s", got)
	}
	eventually(t, "the routes to go", func() string {
		if left := paths(t, nginxPrefix); len(left) > 0 {
			return fmt.Sprint(left)
		}
		return ""
	})
	install(t, p, "crds.keep=false")
	awaitRoutes(t, p)
	served, err := fetch(t.Context())
	if err != nil || !strings.Contains(served, "Welcome to nginx") {
		t.Errorf("the page is %q, %v", served, err)
	}
	if got := address(t, p, "nginx"); got != nginxAddress {
		t.Errorf("nginx has %q", got)
	}
}

func helmTest(t *testing.T, p *playground.Playground) {
	t.Helper()
	if err := p.Helm(t.Context(), "test", playground.Release, "--timeout=1m"); err != nil {
		t.Fatal(err)
	}
}

// nextTag is the tag of the images that are upgraded to. They are those of the same programs.
const nextTag = "next"

// upgrade upgrades to other images, another log level and other resources.
func upgrade(t *testing.T, p *playground.Playground) {
	t.Helper()
	tars, err := image.All(t.Context(), image.Options{
		Out: t.TempDir(), Tag: nextTag, Version: image.DefaultTag, Local: true, Only: []string{image.ControllerImage, image.SpeakerImage}, Progress: os.Stdout,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Cluster.Load(t.Context(), tars...); err != nil {
		t.Fatal(err)
	}
	stop := undisturbed(t, p)
	if err := p.Upgrade(t.Context(), "controller.image.tag="+nextTag, "speaker.image.tag="+nextTag,
		"controller.logLevel=debug", "speaker.logLevel=debug", "speaker.resources.requests.memory=48Mi"); err != nil {
		t.Fatal(err)
	}
	rolled(t, p, nextTag)
	awaitRoutes(t, p)
	stop().onePass(t)
	tellStarts(t, p)
}

func rollback(t *testing.T, p *playground.Playground) {
	t.Helper()
	stop := undisturbed(t, p)
	if err := p.Helm(t.Context(), "rollback", playground.Release, "--wait", "--timeout=2m"); err != nil {
		t.Fatal(err)
	}
	rolled(t, p, "dev")
	awaitRoutes(t, p)
	stop().onePass(t)
	tellStarts(t, p)
}

// rolled waits until there are only ready pods of images with the tag, so many as there should be. Helm does not wait for the
// last speaker: as many as may be unavailable during the update may be so afterwards.
func rolled(t *testing.T, p *playground.Playground, tag string) {
	t.Helper()
	eventually(t, "all pods to be of tag "+tag, func() string {
		all := slices.Concat(pods(t, p, "controller"), pods(t, p, "speaker"))
		for _, pod := range all {
			if !strings.HasSuffix(pod.Spec.Containers[0].Image, ":"+tag) {
				return pod.Name + " has " + pod.Spec.Containers[0].Image
			}
			if since, _ := readySince(&pod); since.IsZero() {
				return pod.Name + " is not ready"
			}
		}
		if want := 2 + len(p.Cluster.Nodes()); len(all) != want {
			return fmt.Sprintf("there are %d pods of %d", len(all), want)
		}
		return ""
	})
}

func uninstall(t *testing.T, p *playground.Playground) {
	t.Helper()
	if err := p.Helm(t.Context(), "uninstall", playground.Release, "--wait", "--timeout=1m"); err != nil {
		t.Fatal(err)
	}
	if got := address(t, p, "nginx"); got != nginxAddress {
		t.Errorf("nginx has %q now", got)
	}
}

// has returns the part that waits until the cluster has the objects that it had before and no others.
func has(before []string) func(*testing.T, *playground.Playground) {
	return func(t *testing.T, p *playground.Playground) {
		t.Helper()
		awaitObjects(t, p, before)
	}
}
