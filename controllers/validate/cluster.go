// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/configuration"
	"metallb.io/metallb/internal/process"
)

// requestTimeout is how long the API server may take for an answer.
const requestTimeout = 30 * time.Second

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
	scheme, err := process.NewScheme()
	if err != nil {
		return nil, err
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
	err = configuration.Pages(ctx, c, "nodes", &corev1.NodeList{}, func(list *corev1.NodeList) {
		for i := range list.Items {
			at.state.Nodes = append(at.state.Nodes, configuration.NodeOf(&list.Items[i]))
		}
	})
	if err != nil {
		return cluster{}, err
	}
	err = configuration.Pages(ctx, c, "namespaces", &corev1.NamespaceList{}, func(list *corev1.NamespaceList) {
		for i := range list.Items {
			namespaces[list.Items[i].Name] = list.Items[i].Labels
		}
	})
	if err != nil {
		return cluster{}, err
	}
	return at, configuration.Pages(ctx, c, "services", &corev1.ServiceList{}, func(list *corev1.ServiceList) {
		for i := range list.Items {
			holdings.Set(&list.Items[i])
		}
	})
}
