// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"metallb.io/metallb/plugin/command"
	"metallb.io/metallb/test/envtest"
)

// There is no kubelet here: the test does what the pod would, as the pod's ServiceAccount.
func TestHelmTestChecksTheClusterWithNoRightsButItsOwn(t *testing.T) {
	t.Parallel()
	s := server.Get(t)
	// Names of its own, since other tests have what the server makes of the usual ones.
	rendered, err := template(t, "--show-only", "templates/tests/installation.yaml", "--set", "fullnameOverride=hook")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(rendered, func(a, b *unstructured.Unstructured) int { return weight(t, a) - weight(t, b) })
	if last := rendered[len(rendered)-1].GetKind(); last != "Pod" {
		t.Fatalf("the last is a %s", last)
	}
	var pod *corev1.Pod
	content := map[string]string{}
	for _, object := range rendered {
		if policy := object.GetAnnotations()["helm.sh/hook-delete-policy"]; policy != "before-hook-creation,hook-succeeded,hook-failed" {
			t.Errorf("%s is deleted %q: it would be left behind", object.GetKind(), policy)
		}
		if err := s.Client.Create(t.Context(), object.DeepCopy()); err != nil {
			t.Fatal(err)
		}
		switch object.GetKind() {
		case "Pod":
			pod = &corev1.Pod{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, pod); err != nil {
				t.Fatal(err)
			}
		case "ConfigMap":
			content, _, _ = unstructured.NestedStringMap(object.Object, "data")
		}
	}
	arguments := argumentsOf(t, pod)
	for i, argument := range arguments {
		if text, ok := content[strings.TrimPrefix(argument, "/etc/metallb/test/")]; ok {
			arguments[i] = file(t, "community.yaml", text)
		}
	}
	account := "system:serviceaccount:" + envtest.Namespace + ":" + pod.Spec.ServiceAccountName
	if out, err := call(t, s, account, arguments); err != nil || out != "" {
		t.Errorf("%v: %s, %v", arguments, out, err)
	}
	deleteEach(t, s, rendered, "Role")
	if out, err := call(t, s, account, arguments); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("without a Role: %s, %v", out, err)
	}
}

// argumentsOf returns those of the plugin, which the pod runs.
func argumentsOf(t *testing.T, pod *corev1.Pod) []string {
	t.Helper()
	container := &pod.Spec.Containers[0]
	if !slices.Equal(container.Command, []string{"/kubectl-metallb"}) {
		t.Fatalf("the pod runs %v", container.Command)
	}
	return container.Args
}

func weight(t *testing.T, object *unstructured.Unstructured) int {
	t.Helper()
	var weight int
	if err := json.Unmarshal([]byte(object.GetAnnotations()["helm.sh/hook-weight"]), &weight); err != nil {
		t.Fatalf("the weight of %s: %v", object.GetKind(), err)
	}
	return weight
}

func deleteEach(t *testing.T, s *envtest.Server, objects []*unstructured.Unstructured, kind string) {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() == kind {
			if err := s.Client.Delete(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// call runs the plugin as the user.
func call(t *testing.T, s *envtest.Server, user string, arguments []string) (string, error) {
	t.Helper()
	var out, said bytes.Buffer
	arguments = append(slices.Clone(arguments), "--kubeconfig", s.Kubeconfig(t), "--as", user)
	streams := genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &said}
	switch status := command.Main(context.WithoutCancel(t.Context()), arguments, os.Getenv, streams); status {
	case 0:
		return out.String(), nil
	case 1:
		t.Errorf("%v finds something", arguments)
	}
	return out.String(), errors.New(said.String())
}
