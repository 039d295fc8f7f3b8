// SPDX-License-Identifier: Apache-2.0

package validate

import (
	"io"

	"k8s.io/apimachinery/pkg/labels"

	"metallb.io/metallb/controllers/assignment"
	"metallb.io/metallb/controllers/config"
	"metallb.io/metallb/controllers/listing"
	"metallb.io/metallb/plugin/cluster"
)

// World is what files are checked beside. The zero value is no cluster.
type World struct {
	objects config.Objects
	state   config.ClusterState
}

// Beside returns a cluster, of which Configuration, Nodes, Namespaces and Services are read, as the world. Of services, those of the
// loadBalancerClass count, as the controller's.
func Beside(c *cluster.Cluster, class string) World {
	holdings := assignment.NewIndex(class)
	for i := range c.Services {
		holdings.Set(&c.Services[i])
	}
	w := World{c.Written, config.ClusterState{
		Holdings:        holdings,
		NamespaceLabels: func(name string) labels.Set { return c.Namespaces[name] },
	}}
	for i := range c.Nodes {
		w.state.Nodes = append(w.state.Nodes, listing.NodeOf(&c.Nodes[i]))
	}
	return w
}

// Files returns what is found in the files, in their order, as if they were applied in this order. "-" stands for standard input. The namespace
// is that of the configuration. The error is for what cannot be read.
func Files(files []string, stdin io.Reader, namespace string, w World) ([]Finding, error) {
	documents, err := read(files, stdin)
	if err != nil {
		return nil, err
	}
	return check(namespace, documents, w)
}
