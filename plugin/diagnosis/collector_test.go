// SPDX-License-Identifier: Apache-2.0

package diagnosis_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"metallb.io/metallb/internal/active"
	"metallb.io/metallb/internal/scheme"
	"metallb.io/metallb/plugin/diagnosis"
	"metallb.io/metallb/test/builder"
)

const (
	namespace = "metallb-system"
	// password is in all places where one can be; earlier is one that was changed, and is left where it was once.
	password, earlier = "hunter22", "hunter11"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// pods are what a test has in place of a kubelet.
type pods struct{ log, page string }

func (p pods) Log(_ context.Context, _ *corev1.Pod, _ string, previous bool, _ time.Duration) (io.ReadCloser, error) {
	if previous {
		return nil, errors.New("previous terminated container not found")
	}
	return io.NopCloser(strings.NewReader(p.log)), nil
}

func (p pods) Pages(_ context.Context, pod *corev1.Pod, port int) (diagnosis.Pages, error) {
	if pod.Name == "speaker-2" {
		return nil, errors.New("connection refused")
	}
	return page{fmt.Sprintf("%s at %d", p.page, port)}, nil
}

type page struct{ text string }

func (p page) Close() {}

func (p page) Page(_ context.Context, path string) ([]byte, error) {
	if path == "/debug/" {
		return []byte(`{"/debug/policy?peer=": "what the configuration means", "/debug/pprof/": "profiles"}`), nil
	}
	return fmt.Appendf(nil, `{"path": %q, "text": %q, "password": %q}`, path, p.text, password), nil
}

// full returns the objects of a cluster with passwords wherever one can be.
func full(t *testing.T) []client.Object {
	t.Helper()
	in := metav1.ObjectMeta{Namespace: namespace, Labels: map[string]string{"app": "metallb"}}
	named := func(name, component string) metav1.ObjectMeta {
		m := *in.DeepCopy()
		m.Name, m.Labels["component"] = name, component
		return m
	}
	peer := builder.MakePeer("router", "192.0.2.1").Obj()
	peer.Spec.Password = password
	peer.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: fmt.Sprintf(`{"spec":{"password":%q}}`, earlier), "note": "it is " + password}
	peer.ManagedFields = []metav1.ManagedFieldsEntry{{
		Manager: password, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "metallb.io/v1beta2", FieldsType: "FieldsV1",
		FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:password":{}}}`),
	}}
	written, err := active.Make(peer)
	if err != nil {
		t.Fatal(err)
	}
	spec := corev1.PodSpec{Containers: []corev1.Container{{
		Name: "main", Image: "example/speaker:v1", Args: []string{"--router-password=" + password, "--token", password},
		Env: []corev1.EnvVar{{Name: "ROUTER_PASSWORD", Value: "hunter33"}, {Name: "METALLB_NAMESPACE", Value: namespace}},
	}}}
	status := corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{Name: "main", RestartCount: 1}}}
	silent := *spec.DeepCopy()
	silent.Containers[0].Args = []string{"--debug-bind-address=0"}
	service := builder.MakeService("web").Holds("pool", "198.51.100.1").Obj()
	service.Annotations["example.com/api-token"] = "hunter44"
	other := builder.MakeService("internal").Obj()
	other.Spec.Type = corev1.ServiceTypeClusterIP
	event := func(name, kind, of string, at time.Time) *corev1.Event {
		return &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: "default", Name: name},
			InvolvedObject: corev1.ObjectReference{Kind: kind, Namespace: "default", Name: of}, LastTimestamp: metav1.NewTime(at), Message: "connecting with " + password,
		}
	}
	slice := func(service string) *discoveryv1.EndpointSlice {
		return &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: service + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: service}}}
	}
	webhook := func(name string) *admissionv1.ValidatingWebhookConfiguration {
		return &admissionv1.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: strings.ReplaceAll(name, ".", "-")},
			Webhooks:   []admissionv1.ValidatingWebhook{{Name: name, ClientConfig: admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: namespace, Name: "webhook"}}}},
		}
	}
	return []client.Object{
		peer, written, builder.MakePool("pool", "198.51.100.0/24").Obj(), service, other, slice("web"), slice("internal"),
		&appsv1.Deployment{ObjectMeta: named("controller", "controller"), Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: spec}}},
		&appsv1.DaemonSet{ObjectMeta: named("speaker", "speaker"), Spec: appsv1.DaemonSetSpec{Template: corev1.PodTemplateSpec{Spec: spec}}},
		&corev1.Pod{ObjectMeta: named("controller-1", "controller"), Spec: silent, Status: status},
		&corev1.Pod{ObjectMeta: named("speaker-1", "speaker"), Spec: spec, Status: status},
		&corev1.Pod{ObjectMeta: named("speaker-2", "speaker"), Spec: spec, Status: status},
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", Annotations: map[string]string{"example.com/router-password": "hunter55"}}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default", Labels: map[string]string{"team": "blue"}, Annotations: map[string]string{"a": password}}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "router"}, Data: map[string][]byte{"password": []byte("hunter66")}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "config"}, Data: map[string]string{"config": "password: hunter77"}},
		event("recent", "Service", "web", now.Add(-time.Minute)), event("old", "Service", "web", now.Add(-2*time.Hour)),
		event("internal", "Service", "internal", now), event("node", "Node", "node-1", now),
		webhook("peer.metallb.io"), webhook("other.example.com"),
	}
}

// collect returns the files of the archive, and the report.
func collect(t *testing.T, forbidden string) (map[string]string, diagnosis.Report) {
	t.Helper()
	kinds, err := scheme.New()
	if err != nil {
		t.Fatal(err)
	}
	reader := fake.NewClientBuilder().WithScheme(kinds).WithObjects(full(t)...).
		WithIndex(&corev1.Service{}, "spec.type", func(o client.Object) []string {
			svc, _ := o.(*unstructured.Unstructured)
			kind, _, _ := unstructured.NestedString(svc.Object, "spec", "type")
			return []string{kind}
		}).
		WithInterceptorFuncs(interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			switch kind := list.GetObjectKind().GroupVersionKind().Kind; kind {
			case forbidden:
				return errors.New("forbidden")
			case "SecretList", "ConfigMapList":
				t.Errorf("%s is read", kind)
			}
			return c.List(ctx, list, opts...)
		}}).Build()
	c := diagnosis.Collector{
		Reader: reader, Namespace: namespace, Since: time.Hour, Now: now, Versions: "v1\n", Status: "peer router: " + password + "\n",
		Explanations: "no session: " + password + "\n",
		Pods:         pods{log: `{"msg":"connecting","password":"hunter88"}` + "\nwith " + password + " and " + earlier + "\n", page: "session with " + password},
	}
	var archive bytes.Buffer
	report, err := c.Collect(t.Context(), &archive, "d")
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(&archive)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for content := tar.NewReader(zip); ; {
		header, err := content.Next()
		if errors.Is(err, io.EOF) {
			return files, report
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = string(text)
	}
}

func TestNoPasswordIsInTheArchive(t *testing.T) {
	t.Parallel()
	files, _ := collect(t, "")
	for name, text := range files {
		if strings.Contains(name+text, "hunter") {
			t.Errorf("%s has a password:\n%s", name, text)
		}
	}
	for name, want := range map[string]string{
		"d/objects/bgppeers.yaml": "password: (removed)", "d/objects/activeconfigurations.yaml": "password: (removed)",
		"d/objects/daemonsets.yaml": "value: metallb-system", "d/logs/speaker-1-main.log": "with (removed) and (removed)",
		"d/debug/speaker-1-policy.json": `"text": "session with (removed) at 7474"`, "d/status.txt": "peer router: (removed)", "d/explanations.txt": "no session: (removed)",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s is without %q:\n%s", name, want, files[name])
		}
	}
}

func TestTheArchiveHasWhatAReportNeeds(t *testing.T) {
	t.Parallel()
	files, report := collect(t, "NodeList")
	want := []string{
		"d/debug/speaker-1-policy.json", "d/errors.txt", "d/explanations.txt", "d/logs/controller-1-main.log", "d/logs/speaker-1-main.log", "d/logs/speaker-2-main.log",
		"d/objects/activeconfigurations.yaml", "d/objects/bgppeers.yaml", "d/objects/daemonsets.yaml", "d/objects/deployments.yaml",
		"d/objects/endpointslices.yaml", "d/objects/events.yaml", "d/objects/ipaddresspools.yaml", "d/objects/namespaces.yaml", "d/objects/pods.yaml",
		"d/objects/services.yaml", "d/objects/webhooks.yaml", "d/status.txt", "d/versions.txt",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(files))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	wantParts := []diagnosis.Part{
		{Name: "bgppeers", Count: 1}, {Name: "activeconfigurations", Count: 1}, {Name: "deployments", Count: 1}, {Name: "daemonsets", Count: 1},
		{Name: "pods", Count: 3}, {Name: "ipaddresspools", Count: 1}, {Name: "namespaces", Count: 1}, {Name: "services", Count: 1},
		{Name: "endpointslices", Count: 1}, {Name: "events", Count: 2}, {Name: "webhooks", Count: 1}, {Name: "logs", Count: 3}, {Name: "debug pages", Count: 1},
	}
	if diff := cmp.Diff(wantParts, report.Parts); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
	wantErrors := `listing nodes: forbidden
reading the log of container main of pod controller-1 (previous run: true): previous terminated container not found
reading the log of container main of pod speaker-1 (previous run: true): previous terminated container not found
reading the log of container main of pod speaker-2 (previous run: true): previous terminated container not found
pod controller-1 serves no debug pages (--debug-bind-address=0)
connecting to the debug endpoint of pod speaker-2: connection refused
`
	if diff := cmp.Diff(wantErrors, files["d/errors.txt"]); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}
