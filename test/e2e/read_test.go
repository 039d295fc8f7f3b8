// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/internal/scheme"
	"metallb.io/metallb/test/playground"
)

// What tests wait for they read by the API: a kubectl takes a third of a second to begin with. What they do, they do by kubectl as a person does.

// clusterClient returns a client of the cluster that does not hold itself back.
func clusterClient(t *testing.T, p *playground.Playground) client.WithWatch {
	t.Helper()
	if theWorld.client != nil && theWorld.clientOf == p.Cluster {
		return theWorld.client
	}
	log.SetLogger(logr.Discard()) // without one it says so
	types, err := scheme.New()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewWithWatch(clusterConfig(t, p), client.Options{Scheme: types})
	if err != nil {
		t.Fatal(err)
	}
	theWorld.client, theWorld.clientOf = c, p.Cluster
	return c
}

// clusterConfig is how to reach the cluster.
func clusterConfig(t *testing.T, p *playground.Playground) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", p.Cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{} // that a kind is deprecated is no news each time that all are listed
	return config
}

// read reads an object.
func read(t *testing.T, p *playground.Playground, namespace, name string, object client.Object) {
	t.Helper()
	if err := clusterClient(t, p).Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		t.Fatalf("reading %T %s: %v", object, name, err)
	}
}

// list lists the objects of a kind in a namespace.
func list(t *testing.T, p *playground.Playground, namespace string, objects client.ObjectList, options ...client.ListOption) {
	t.Helper()
	if err := clusterClient(t, p).List(t.Context(), objects, append(options, client.InNamespace(namespace))...); err != nil {
		t.Fatalf("listing %T: %v", objects, err)
	}
}

// address returns the addresses of a Service.
func address(t *testing.T, p *playground.Playground, service string) string {
	t.Helper()
	var s corev1.Service
	read(t, p, corev1.NamespaceDefault, service, &s)
	all := make([]string, 0, len(s.Status.LoadBalancer.Ingress))
	for _, ingress := range s.Status.LoadBalancer.Ingress {
		all = append(all, ingress.IP)
	}
	return strings.Join(all, " ")
}

// sessionStates returns the states of all sessions.
func sessionStates(t *testing.T, p *playground.Playground, options ...client.ListOption) []v1beta1.BGPSessionState {
	t.Helper()
	var states v1beta1.BGPSessionStateList
	list(t, p, playground.Namespace, &states, options...)
	return states.Items
}

// table returns what kubectl get prints of the objects of a path, without its header and with one space between columns: as a wide list or not.
func table(t *testing.T, p *playground.Playground, path, fields string, wide bool) string {
	t.Helper()
	c, err := kubernetes.NewForConfig(clusterConfig(t, p))
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.RESTClient().Get().AbsPath(path).Param("fieldSelector", fields).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
	if err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
	var content metav1.Table
	if err := json.Unmarshal(text, &content); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	var lines strings.Builder
	for _, row := range content.Rows {
		for i, cell := range row.Cells {
			if cell != nil && (wide || content.ColumnDefinitions[i].Priority == 0) {
				fmt.Fprint(&lines, cell, " ")
			}
		}
		lines.WriteString("\n")
	}
	return lines.String()
}
