// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/api/v1beta1"
	"metallb.io/metallb/api/v1beta2"
	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/configuration"
	"metallb.io/metallb/internal/process"
)

const (
	// pageSize is how many objects are read at once.
	pageSize = 500
	// requestTimeout is how long the API server may take for an answer.
	requestTimeout = 30 * time.Second
)

// cluster is what files are checked against. The zero value is no cluster.
type cluster struct {
	objects config.Objects
	state   config.ClusterState
}

// readCluster reads the configuration in the namespace and what it is used for. Of services, those of the loadBalancerClass
// count, as the controller's.
func readCluster(ctx context.Context, path, namespace, class string) (cluster, error) {
	config, err := process.ReadKubeconfig(path)
	if err != nil {
		return cluster{}, err
	}
	config.Timeout = requestTimeout
	config.WarningHandlerWithContext = rest.NoWarnings{}
	c, err := newClient(config)
	if err != nil {
		return cluster{}, fmt.Errorf("%s=%s: %w", kubeconfig, path, err)
	}
	at, err := readWith(ctx, c, namespace, class)
	if err != nil {
		return cluster{}, fmt.Errorf("%s=%s: reading the cluster: %w", kubeconfig, path, err)
	}
	return at, nil
}

func newClient(config *rest.Config) (client.Client, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientscheme.AddToScheme, v1beta1.AddToScheme, v1beta2.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering types: %w", err)
		}
	}
	return client.New(config, client.Options{Scheme: scheme})
}

func readWith(ctx context.Context, c client.Reader, namespace, class string) (cluster, error) {
	objects, err := configuration.Read(ctx, c, namespace)
	if meta.IsNoMatchError(err) {
		return cluster{}, fmt.Errorf("the CustomResourceDefinitions are not installed: %w", err)
	} else if err != nil {
		return cluster{}, err
	}
	holdings, namespaces := assignment.NewIndex(class), map[string]labels.Set{}
	at := cluster{objects, config.ClusterState{
		Holdings:        holdings,
		NamespaceLabels: func(name string) labels.Set { return namespaces[name] },
	}}
	err = pages(ctx, c, "nodes", &corev1.NodeList{}, func(list *corev1.NodeList) {
		for i := range list.Items {
			at.state.Nodes = append(at.state.Nodes, configuration.NodeOf(&list.Items[i]))
		}
	})
	if err != nil {
		return cluster{}, err
	}
	err = pages(ctx, c, "namespaces", &corev1.NamespaceList{}, func(list *corev1.NamespaceList) {
		for i := range list.Items {
			namespaces[list.Items[i].Name] = list.Items[i].Labels
		}
	})
	if err != nil {
		return cluster{}, err
	}
	return at, pages(ctx, c, "services", &corev1.ServiceList{}, func(list *corev1.ServiceList) {
		for i := range list.Items {
			holdings.Set(&list.Items[i])
		}
	})
}

// pages lists all objects, a page at a time.
func pages[L client.ObjectList](ctx context.Context, c client.Reader, what string, list L, each func(L)) error {
	next := ""
	for {
		page, ok := list.DeepCopyObject().(L)
		if !ok {
			return fmt.Errorf("a copy of %T is of another type", list)
		}
		if err := c.List(ctx, page, client.Limit(pageSize), client.Continue(next)); err != nil {
			return fmt.Errorf("listing %s: %w", what, err)
		}
		each(page)
		if next = page.GetContinue(); next == "" {
			return nil
		}
	}
}
